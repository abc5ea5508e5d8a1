# SPDX-License-Identifier: GPL-3.0-or-later
"""Shared by the panels: the tab they are in, and how text, a job and an error look."""

from __future__ import annotations

import textwrap
from dataclasses import fields
from typing import Any

import bpy

from .. import jobs
from ..core.errors import HeadcastError
from ..fixes import draw_fix
from ..locale import OURS, said

LETTER = 6.4
"""Mean width of one, in pixels of an interface of scale 1."""
ROW = 20
"""Height of one, in the same pixels."""
SIDEBAR = 280
"""Width of Blender's own, in the same pixels."""
FEWEST = 16
"""Letters of a line, however narrow the sidebar."""
MARGINS = 70
"""Width of a sidebar beside its text, an icon included."""
OTHER_EDITORS = {"CLIP_EDITOR": "_clip", "NODE_EDITOR": "_nodes"}
"""Where the tab is too, and how a panel's name ends there."""


class TabPanel:
    """A panel of the Headcast tab, written for the 3D view; `in_each_editor` puts it into the others."""

    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Headcast"
    bl_translation_context = OURS

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return getattr(context.space_data, "tree_type", "CompositorNodeTree") == "CompositorNodeTree"


class AdvancedPanel(TabPanel):
    """A closed sub-panel with every setting of its job."""

    bl_label = "Settings"
    bl_options = {"DEFAULT_CLOSED"}


class RowList:
    """A list whose rows are drawn by `draw_row(layout, item)`."""

    def draw_item(
        self,
        context: bpy.types.Context,
        layout: bpy.types.UILayout,
        data: bpy.types.PropertyGroup,
        item: bpy.types.PropertyGroup,
        icon: int,
        active_data: bpy.types.PropertyGroup,
        active_property: str,
        index: int,
    ) -> None:
        self.draw_row(layout, item)  # type: ignore[attr-defined]


def in_each_editor(*panels: type) -> tuple[type, ...]:
    """The panels, parents before children, and the same again for each of OTHER_EDITORS."""
    return (*panels, *(_moved(panel, editor) for editor in OTHER_EDITORS for panel in panels))


def _moved(panel: type, editor: str) -> type:
    """The panel as a class of its own, of another editor: Blender has no class in two."""
    ending = OTHER_EDITORS[editor]
    body = {**vars(panel), "bl_space_type": editor}
    if "bl_parent_id" in body:
        body["bl_parent_id"] += ending
    return type(panel.__name__ + ending, panel.__bases__, body)


def draw_text(layout: bpy.types.UILayout, text: str, icon: str = "NONE", beside: float = 0.0) -> None:
    """As many rows as the text needs at the sidebar's width, less what stands `beside` it, in heights of a row."""
    region = bpy.context.region
    width = region.width / bpy.context.preferences.system.ui_scale if region else SIDEBAR
    column = layout.column(align=True)
    for line in textwrap.wrap(said(text), max(int((width - MARGINS - beside * ROW) / LETTER), FEWEST)):
        column.label(text=line, icon=icon, translate=False)
        icon = "BLANK1" if icon != "NONE" else "NONE"


def draw_settings(
    layout: bpy.types.UILayout, group: bpy.types.PropertyGroup, settings: type[Any], heading: str = "", keyed: bool = False
) -> None:
    """A row for every field of a settings class that stands under `heading`; keyed: with a dot to key it."""
    layout.use_property_split = True
    layout.use_property_decorate = keyed
    for item in fields(settings):
        if item.metadata["group"] == heading:
            layout.prop(group, item.name)


def draw_action(layout: bpy.types.UILayout, operator: str, icon: str) -> None:
    """The button of a job; while it runs, its progress in the button's place, so that nothing moves."""
    if jobs.current is None or jobs.last.operator != operator:
        layout.operator(operator, icon=icon)
    draw_job(layout, operator)


def draw_job(layout: bpy.types.UILayout, *operators: str) -> None:
    """The job in hand, or how the last one failed, where it is that of one of the operators."""
    if jobs.last.operator not in operators:
        return
    if jobs.current is not None:
        status = jobs.current.status
        left = status.seconds_left
        done = f" {status.done}/{status.total}" if status.total else ""
        time_left = said(", {} left", duration(left)) if left is not None else ""
        row = layout.row(align=True)
        row.progress(factor=status.part, text=status.what.capitalize() + done + time_left)
        row.operator("headcast.cancel", text="", icon="X")
    elif jobs.last.error is not None:
        draw_fix(draw_error(layout, jobs.last.error), jobs.last.error, jobs.last.operator)


def draw_error(layout: bpy.types.UILayout, error: HeadcastError) -> bpy.types.UILayout:
    """The error and the way out; returns the box."""
    box = layout.box()
    column = box.column()
    column.alert = True
    draw_text(column, error.message, "ERROR")
    draw_text(column, error.hint, "BLANK1")
    return box


def duration(seconds: float) -> str:
    """40 s, 3 min, 2 h 5 min."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
