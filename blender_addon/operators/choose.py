# SPDX-License-Identifier: GPL-3.0-or-later
"""Files chosen in the file browser, or dropped onto Blender: what `drops` hands over comes here too."""

# Blender wants annotations of properties as they are: no `from __future__ import annotations` here.

from collections.abc import Collection
from pathlib import Path

import bpy

from ..core.imaging.names import MOVIE_ENDINGS, PICTURE_ENDINGS, SOUND_ENDINGS
from ..locale import said
from ..recent import remember
from ..scene.files import kept
from ..scene.photos import choose_photos
from .polls import allow, read_only

CAPTURE = ".csv"
"""Live Link Face's motion."""


def glob_of(endings: Collection[str]) -> bpy.props.StringProperty:
    """The files that the file browser shows."""
    return bpy.props.StringProperty(default=";".join(f"*{ending}" for ending in sorted(endings)), options={"HIDDEN"})


class Choose:
    """Mixed into each operator that fills a field with a file: asks for it, unless it was dropped."""

    bl_options = {"REGISTER", "UNDO"}
    asked = "filepath"
    """The property that a drop fills."""
    field = ""
    """The scene's field that is set."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return allow(cls, read_only(context))

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if self.properties.is_property_set(self.asked):
            return self.execute(context)
        now = getattr(context.scene.headcast, self.field)
        setattr(self, self.asked, bpy.path.abspath(now) if bpy.data.filepath else "")
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}


class ChooseFile(Choose):
    """One file."""

    filepath: bpy.props.StringProperty(
        name="File", description="The file to take", subtype="FILE_PATH", options={"SKIP_SAVE"}
    )

    def execute(self, context: bpy.types.Context) -> set[str]:
        setattr(context.scene.headcast, self.field, kept(self.filepath))
        self.report({"INFO"}, self.filepath)
        return {"FINISHED"}


class HEADCAST_OT_choose_photos(Choose, bpy.types.Operator):
    """Choose the photos of the person: several at once, or their folder"""

    bl_idname = "headcast.choose_photos"
    bl_label = "Headcast Photos"
    asked = "directory"
    field = "photos"

    directory: bpy.props.StringProperty(
        name="Folder", description="Where the photos are", subtype="DIR_PATH", options={"SKIP_SAVE"}
    )
    files: bpy.props.CollectionProperty(
        type=bpy.types.OperatorFileListElement,
        name="Files",
        description="The photos; the whole folder where there are none",
        options={"SKIP_SAVE"},
    )
    filename: bpy.props.StringProperty(
        name="Name", description="Of one photo", subtype="FILE_NAME", options={"HIDDEN", "SKIP_SAVE"}
    )
    filter_glob: glob_of(PICTURE_ENDINGS)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        self.filename = ""  # or the file browser names the .blend file
        return super().invoke(context, event)

    def execute(self, context: bpy.types.Context) -> set[str]:
        names = [file.name for file in self.files if file.name]
        choose_photos(context.scene.headcast, self.directory, names)
        self.report({"INFO"}, said("{} photos of {}", len(names), self.directory) if names else self.directory)
        return {"FINISHED"}


class HEADCAST_OT_choose_likeness(ChooseFile, bpy.types.Operator):
    """Take a person whose likeness was made before"""

    bl_idname = "headcast.choose_likeness"
    bl_label = "Choose Likeness"
    field = "likeness"
    filter_glob: glob_of({".likeness"})

    def execute(self, context: bpy.types.Context) -> set[str]:
        remember(Path(self.filepath))
        return super().execute(context)


class HEADCAST_OT_choose_performance(ChooseFile, bpy.types.Operator):
    """Take a performance that was made before"""

    bl_idname = "headcast.choose_performance"
    bl_label = "Choose Performance"
    field = "performance"
    filter_glob: glob_of({".performance"})


class HEADCAST_OT_choose_clip(ChooseFile, bpy.types.Operator):
    """Choose the movie, the pictures or the captured motion that drive the head"""

    bl_idname = "headcast.choose_clip"
    bl_label = "Headcast Clip"
    field = "clip"
    filter_glob: glob_of(MOVIE_ENDINGS | PICTURE_ENDINGS | {CAPTURE})

    def execute(self, context: bpy.types.Context) -> set[str]:
        context.scene.headcast.source = "CLIP"
        return super().execute(context)


class HEADCAST_OT_choose_sound(ChooseFile, bpy.types.Operator):
    """Choose the voice: a sound file, or a movie with sound"""

    bl_idname = "headcast.choose_sound"
    bl_label = "Headcast Sound"
    field = "sound"
    filter_glob: glob_of(SOUND_ENDINGS | MOVIE_ENDINGS)

    def execute(self, context: bpy.types.Context) -> set[str]:
        context.scene.headcast.source = "SPEECH"
        return super().execute(context)
