# SPDX-License-Identifier: GPL-3.0-or-later
"""Properties > Output: the take's files."""

from __future__ import annotations

import bpy

from ..locale import said
from ..scene.take_state import take_state
from .take_state import draw_frames, draw_report, scene_take

FILES = ("frame", "layers", "window", "colour_space", "opaque", "overwrite")
"""The render settings that say what the files hold."""


class HEADCAST_PT_output(bpy.types.Panel):
    """Where the take's frames go, what each file holds, and what is there."""

    bl_label = "Headcast Take"
    bl_space_type = "PROPERTIES"
    bl_region_type = "WINDOW"
    bl_context = "output"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        layout, settings = self.layout, context.scene.headcast
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(settings, "output", text="Frames")
        pattern = scene_take(context)
        row = layout.row(align=True)
        version = pattern.version if pattern else None
        row.label(text="No version in the name" if version is None else said("Version {}", version))
        row.operator("headcast.next_version", icon="ADD")
        for name in FILES:
            layout.prop(settings.render, name)
        state = take_state(str(pattern)) if pattern else None
        if state is None:
            layout.label(text="No frames yet", icon="INFO")
            return
        draw_frames(layout, state)
        row = layout.row(align=True)
        row.operator("wm.path_open", text="Open Folder", icon="FILE_FOLDER").filepath = str(pattern.folder)
        draw_report(row, pattern)
