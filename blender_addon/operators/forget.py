# SPDX-License-Identifier: GPL-3.0-or-later
"""A person who takes their consent back is forgotten: first a list of what goes and what stays, then the question."""

# Blender wants annotations of properties as they are: no `from __future__ import annotations` here.

from pathlib import Path
from typing import Any

import bpy

from .. import jobs
from ..locale import said
from ..scene.files import absolute
from ..scene.likeness_state import likeness_at
from .modal import JobOperator
from .polls import allow, busy

MOST_TAKES = 12
"""Takes that the question names."""
WIDTH = 560


class ForgetJob(JobOperator):
    """Mixed into both operators."""

    list_only = True

    @classmethod
    def missing(cls, settings: bpy.types.PropertyGroup) -> str:
        return "" if likeness_at(bpy.path.abspath(settings.likeness)) else "Make or choose a likeness first"

    def begin_job(self, context: bpy.types.Context) -> jobs.Job:
        settings = context.scene.headcast
        likeness = Path(absolute(settings.likeness, "Likeness"))
        places = [likeness.parent, Path(absolute(settings.output, "Take")).parent] if settings.output else [likeness.parent]
        if bpy.data.filepath:
            places.append(Path(bpy.data.filepath).parent)
        folders = sorted({str(place) for place in places})
        return jobs.EngineJob("forget", {"likeness": str(likeness), "folders": folders}, {"list_only": self.list_only})


class HEADCAST_OT_forget(ForgetJob, bpy.types.Operator):
    """List all that would be deleted of this person, and the takes that show them, and ask whether to do it"""

    bl_idname = "headcast.forget"
    bl_label = "Forget..."

    def finish(self, context: bpy.types.Context, result: dict[str, Any]) -> str:
        HEADCAST_OT_forget_listed.listed = result
        if not bpy.app.background:
            bpy.app.timers.register(ask, first_interval=0.0)  # once this job has ended: the next cannot begin before
        return said("{} takes hold the person", len(result["takes"]))


class HEADCAST_OT_forget_listed(ForgetJob, bpy.types.Operator):
    """Delete the likeness and its small pictures for good. Takes that hold the person stay, and are named"""

    bl_idname = "headcast.forget_listed"
    bl_label = "Forget This Person"
    list_only = False
    listed: dict[str, Any] | None = None
    """The answer to `headcast.forget`."""

    confirmed: bpy.props.BoolProperty(options={"HIDDEN", "SKIP_SAVE"})

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        likeness = bpy.path.abspath(context.scene.headcast.likeness)
        missing = "" if cls.listed and cls.listed["likeness"] == likeness else "See what goes first: Forget..."
        return super().poll(context) and allow(cls, missing)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if self.confirmed or bpy.app.background:
            return super().invoke(context, event)
        return context.window_manager.invoke_props_dialog(self, width=WIDTH)

    def draw(self, context: bpy.types.Context) -> None:
        draw_list(self.layout, self.listed)

    def execute(self, context: bpy.types.Context) -> set[str]:
        if self.confirmed or bpy.app.background:
            return super().execute(context)
        bpy.ops.headcast.forget_listed("INVOKE_DEFAULT", confirmed=True)
        return {"FINISHED"}

    def finish(self, context: bpy.types.Context, result: dict[str, Any]) -> str:
        HEADCAST_OT_forget_listed.listed = None
        return said("{} is deleted; {} takes hold the person", result["likeness"], len(result["takes"]))


def ask() -> None:
    """Put the question in a window: a timer has none."""
    if not busy():
        with bpy.context.temp_override(window=bpy.context.window_manager.windows[0]):
            bpy.ops.headcast.forget_listed("INVOKE_DEFAULT")


def draw_list(layout: bpy.types.UILayout, listed: dict[str, Any]) -> None:
    """Rows of what goes and what stays."""
    column = layout.column(align=True)
    column.label(text=said("Deleted for good:"), icon="TRASH", translate=False)
    column.label(text=listed["likeness"], icon="BLANK1", translate=False)
    small = len(listed["deleted"]) - 1
    if small:
        column.label(text=said("{} small pictures in the temporary folder", small), icon="BLANK1", translate=False)
    column = layout.column(align=True)
    takes = listed["takes"]
    if not takes:
        column.label(text=said("No take beside it or in the scene's folders holds the person"), icon="INFO", translate=False)
        return
    column.label(text=said("{} takes hold the person, and stay:", len(takes)), icon="ERROR", translate=False)
    for take in takes[:MOST_TAKES]:
        column.label(text=f"{take['manifest']} ({take['frames']})", icon="BLANK1", translate=False)
    if len(takes) > MOST_TAKES:
        column.label(text=said("and {} more", len(takes) - MOST_TAKES), icon="BLANK1", translate=False)
