# SPDX-License-Identifier: GPL-3.0-or-later
"""A scene to try everything with."""

# Blender wants annotations of properties as they are: no `from __future__ import annotations` here.

from pathlib import Path

import bpy

from ..environment import user_folder
from ..locale import said
from ..scene.sample import open_sample
from .errors import reports_errors

FOLDER = "headcast_sample"


class HEADCAST_OT_open_sample(bpy.types.Operator):
    """Add a scene with a portrait and a performance, ready for Make Likeness and Render Take"""

    bl_idname = "headcast.open_sample"
    bl_label = "Open Sample"
    bl_options = {"REGISTER", "UNDO"}

    directory: bpy.props.StringProperty(
        name="Folder",
        description="Where the sample's files go; empty is beside the .blend file, or with your settings",
        subtype="DIR_PATH",
        options={"SKIP_SAVE"},
    )

    @reports_errors
    def execute(self, context: bpy.types.Context) -> set[str]:
        if self.directory:
            folder = Path(bpy.path.abspath(self.directory))
        elif bpy.data.filepath:
            folder = Path(bpy.data.filepath).parent / FOLDER
        else:
            folder = user_folder() / FOLDER
        context.window.scene = open_sample(folder)
        for area in context.window.screen.areas:
            if area.type == "VIEW_3D":
                area.spaces.active.region_3d.view_perspective = "CAMERA"
        self.report({"INFO"}, said("The sample is in {}: now Make Likeness, then Render Take", folder))
        return {"FINISHED"}
