"""What the panels share: the tab they are in, and how a job and an error look."""

from __future__ import annotations

import textwrap
from dataclasses import fields
from typing import Any

import bpy

from .. import jobs

LINE = 38
"""Characters that fit into a sidebar."""


class TabPanel:
    """A panel of the Headcast tab."""

    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Headcast"


class AdvancedPanel(TabPanel):
    """A closed sub-panel with every setting of its job."""

    bl_label = "Settings"
    bl_options = {"DEFAULT_CLOSED"}


def draw_settings(
    layout: bpy.types.UILayout, group: bpy.types.PropertyGroup, settings: type[Any], heading: str = ""
) -> None:
    """A row for every field of a settings class that stands under `heading`."""
    layout.use_property_split = True
    layout.use_property_decorate = False
    for item in fields(settings):
        if item.metadata["group"] == heading:
            layout.prop(group, item.name)


def draw_job(layout: bpy.types.UILayout) -> None:
    """The job in hand, or how the last one ended."""
    if jobs.current is not None:
        status = jobs.current.status
        left = status.seconds_left
        time_left = f", {left:.0f} s left" if left is not None else ""
        row = layout.row(align=True)
        row.progress(factor=status.part, text=f"{status.what} {status.done}/{status.total}{time_left}")
        row.operator("headcast.cancel", text="", icon="X")
    elif jobs.last.error is not None:
        box = layout.box()
        box.alert = True
        for i, text in enumerate((jobs.last.error.message, jobs.last.error.hint)):
            for j, line in enumerate(textwrap.wrap(text, LINE)):
                box.label(text=line, icon="ERROR" if i == j == 0 else "NONE")
