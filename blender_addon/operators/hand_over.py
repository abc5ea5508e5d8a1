# SPDX-License-Identifier: GPL-3.0-or-later
"""A take for others: a movie or a still to look at, or all of it in one folder."""

# Blender wants annotations of properties as they are: no `from __future__ import annotations` here.

from dataclasses import fields
from pathlib import Path
from typing import Any

import bpy

from .. import jobs
from ..core.settings import ShareSettings
from ..core.take import FramePattern
from ..locale import said
from ..properties import annotations_of, values_of
from ..scene.files import absolute
from .choose import glob_of
from .modal import JobOperator

FORMATS = (".mp4", ".mov", ".png")


class HandOver(JobOperator):
    """Mixed into each operator that asks where the take is to go, and then runs a job."""

    changes_scene = False
    asked = "filepath"
    """The property that the file browser fills."""
    kept: tuple[str, ...] = ("filepath",)
    """Properties that the job is begun with."""
    _asks = False

    @classmethod
    def missing(cls, settings: bpy.types.PropertyGroup) -> str:
        return "" if settings.output else "Render a take first"

    def suggestion(self, pattern: FramePattern) -> str:
        """The path that the file browser begins with."""
        raise TypeError(f"{type(self).__name__} has no suggestion")

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if self.properties.is_property_set(self.asked):
            return super().invoke(context, event)
        setattr(self, self.asked, self.suggestion(take_of(context)))
        self._asks = True
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        if not self._asks:
            return super().execute(context)
        # The file browser waits for this to end, so the job gets an operator of its own, as if a button had been pressed.
        begin = getattr(bpy.ops.headcast, type(self).bl_idname.partition(".")[2])
        begin("INVOKE_DEFAULT", **{name: getattr(self, name) for name in self.kept})
        return {"FINISHED"}


def take_of(context: bpy.types.Context) -> FramePattern:
    """The scene's take. Raises SettingError."""
    return FramePattern.parse(absolute(context.scene.headcast.output, "Take"))


class HEADCAST_OT_share(HandOver, bpy.types.Operator):
    """Write the take as a movie, or one of its frames as a still, that says what it is: marked, watermarked and signed"""

    bl_idname = "headcast.share"
    bl_label = "Share..."
    kept = ("filepath", *(item.name for item in fields(ShareSettings)))

    __annotations__ = {
        "filepath": bpy.props.StringProperty(
            name="File", description="A movie (.mp4, .mov) or a still (.png)", subtype="FILE_PATH", options={"SKIP_SAVE"}
        ),
        "filter_glob": glob_of(FORMATS),
        "check_existing": bpy.props.BoolProperty(default=True, options={"HIDDEN"}),
        **annotations_of(ShareSettings),
    }

    def suggestion(self, pattern: FramePattern) -> str:
        return str(pattern.folder / f"{pattern.name}.mp4")

    def begin_job(self, context: bpy.types.Context) -> jobs.Job:
        arguments = {"take": str(take_of(context)), "output": bpy.path.abspath(self.filepath)}
        return jobs.EngineJob("share", arguments, values_of(self, ShareSettings))

    def finish(self, context: bpy.types.Context, result: dict[str, Any]) -> str:
        marked = result["watermark"] or said("none")
        return said("{} frames, watermark {}: {}", result["frames"], marked, result["output"])


class HEADCAST_OT_turnover(HandOver, bpy.types.Operator):
    """Copy the take into a folder for somebody else: frames, signature, report, the consent's id, credits, and no path"""

    bl_idname = "headcast.turnover"
    bl_label = "Turnover..."
    asked = "directory"
    kept = ("directory",)

    directory: bpy.props.StringProperty(
        name="Folder",
        description="Where the folder is made, which gets the take's name",
        subtype="DIR_PATH",
        options={"SKIP_SAVE"},
    )

    def suggestion(self, pattern: FramePattern) -> str:
        return str(pattern.folder)

    def begin_job(self, context: bpy.types.Context) -> jobs.Job:
        pattern = take_of(context)
        folder = Path(bpy.path.abspath(self.directory)) / f"{pattern.name}_turnover"
        return jobs.EngineJob("turnover", {"take": str(pattern), "output": str(folder)}, {})

    def finish(self, context: bpy.types.Context, result: dict[str, Any]) -> str:
        return said("{} files: {}", result["files"], result["folder"])
