# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that may be dropped onto the 3D view and the Clip Editor, by their ending."""

from __future__ import annotations

import bpy

from .core.imaging.names import MOVIE_ENDINGS, PICTURE_ENDINGS, SOUND_ENDINGS

EDITORS = {"VIEW_3D", "CLIP_EDITOR"}


class Drop:
    """Mixed into each handler: `bl_import_operator` gets the file."""

    @classmethod
    def poll_drop(cls, context: bpy.types.Context) -> bool:
        return context.area is not None and context.area.type in EDITORS and context.scene.is_editable


class HEADCAST_FH_photos(Drop, bpy.types.FileHandler):
    """Photos of the person."""

    bl_idname = "HEADCAST_FH_photos"
    bl_label = "Photos for Headcast"
    bl_import_operator = "headcast.choose_photos"
    bl_file_extensions = ";".join(sorted(PICTURE_ENDINGS))


class HEADCAST_FH_clip(Drop, bpy.types.FileHandler):
    """A movie that drives the head."""

    bl_idname = "HEADCAST_FH_clip"
    bl_label = "Clip for Headcast"
    bl_import_operator = "headcast.choose_clip"
    bl_file_extensions = ";".join(sorted(MOVIE_ENDINGS))


class HEADCAST_FH_sound(Drop, bpy.types.FileHandler):
    """A voice that drives the head."""

    bl_idname = "HEADCAST_FH_sound"
    bl_label = "Sound for Headcast"
    bl_import_operator = "headcast.choose_sound"
    bl_file_extensions = ";".join(sorted(SOUND_ENDINGS))


class HEADCAST_FH_likeness(Drop, bpy.types.FileHandler):
    """A person."""

    bl_idname = "HEADCAST_FH_likeness"
    bl_label = "Likeness"
    bl_import_operator = "headcast.choose_likeness"
    bl_file_extensions = ".likeness"


class HEADCAST_FH_performance(Drop, bpy.types.FileHandler):
    """A performance file."""

    bl_idname = "HEADCAST_FH_performance"
    bl_label = "Performance"
    bl_import_operator = "headcast.choose_performance"
    bl_file_extensions = ".performance"
