# SPDX-License-Identifier: GPL-3.0-or-later
"""A take of a new version: what was rendered before stays."""

from __future__ import annotations

import bpy

from ..core.errors import SettingError
from ..core.take import FramePattern, next_version
from ..scene.files import absolute
from .errors import reports_errors
from .polls import allow, read_only


class HEADCAST_OT_next_version(bpy.types.Operator):
    """Name the take one version higher, so that other settings leave the frames that are there alone"""

    bl_idname = "headcast.next_version"
    bl_label = "New Version"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return allow(cls, read_only(context))

    @reports_errors
    def execute(self, context: bpy.types.Context) -> set[str]:
        settings = context.scene.headcast
        pattern = FramePattern.parse(absolute(settings.output, "Take"))
        if pattern.version is None:
            raise SettingError("The take's name has no version", "Name it like //headcast/shot_v001.####.exr")
        name = str(next_version(pattern))
        settings.output = bpy.path.relpath(name) if settings.output.startswith("//") else name
        return {"FINISHED"}
