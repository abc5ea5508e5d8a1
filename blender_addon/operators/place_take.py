# SPDX-License-Identifier: GPL-3.0-or-later
"""A take that is on disk, to where an artist wants it. Doing it again brings what is there up to date."""

# Blender wants annotations of properties as they are: no `from __future__ import annotations` here.

from typing import Any

import bpy

from .. import compat
from ..core.errors import SettingError
from ..locale import said
from ..nodes.build import group_name
from ..nodes.shelf import TAKE
from ..scene.cameras import camera_at, cameras_between
from ..scene.composite import composite_take, hidden_by, is_cropped_wrongly, take_group
from ..scene.files import absolute
from ..scene.plane import place_plane
from ..scene.sequence import find_take, in_sequences, load_take, missing_frames
from ..scene.strips import place_modifier, place_strip
from ..scene.take_clip import place_clip
from .errors import reports_errors
from .polls import allow, read_only


class PlaceTake:
    """Mixed into each operator that puts the take somewhere: `place` does it and says where that is."""

    bl_options = {"REGISTER", "UNDO"}
    counts_below_0 = False
    """Whether it shows frames of negative numbers."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        missing = "" if context.scene.headcast.output else "Render a take first"
        return allow(cls, read_only(context) or missing or cls.missing(context))

    @classmethod
    def missing(cls, context: bpy.types.Context) -> str:
        """Anything else that must be there; empty for nothing."""
        return ""

    def place(self, context: bpy.types.Context, take: dict[str, Any]) -> str:
        """May raise HeadcastError."""
        raise TypeError(f"{type(self).__name__} has no place")

    @reports_errors
    def execute(self, context: bpy.types.Context) -> set[str]:
        take = find_take(absolute(context.scene.headcast.output, "Take"))
        if take["first"] < 0 and not self.counts_below_0:
            take = in_sequences(take)
            self.report({"WARNING"}, said("Blender's image sequences do not count below 0: frames before it are not shown"))
        missing = missing_frames(take)
        if missing:
            self.report({"WARNING"}, said("The take lacks {} frames, the first of them {}", len(missing), missing[0]))
        where = self.place(context, take)
        if context.scene.render.use_multiview:
            self.report({"WARNING"}, said("The scene renders several views, and the take is the same in each"))
        self.report({"INFO"}, said("{} frames of {}: {}", take["frames"], take["output"], where))
        return {"FINISHED"}


class HEADCAST_OT_composite(PlaceTake, bpy.types.Operator):
    """Load the take's frames and put them over the scene's picture in the compositor"""

    bl_idname = "headcast.composite"
    bl_label = "Take to Compositor"

    def place(self, context: bpy.types.Context, take: dict[str, Any]) -> str:
        why = hidden_by(context.scene)
        if why:
            raise SettingError(why, "Switch Post Processing > Sequencer off, or use Take to Sequencer")
        image = load_take(take)
        if is_cropped_wrongly(context.scene, image):
            raise SettingError(
                "A render is cropped to its region, and the take shows the whole frame", "Switch Crop to Render Region off"
            )
        composite_take(context.scene, image, take)
        return said("in the compositor")


class HEADCAST_OT_take_to_node(PlaceTake, bpy.types.Operator):
    """Show the scene's take, as it is now on disk, in the active Headcast Take"""

    bl_idname = "headcast.take_to_node"
    bl_label = "Show the Scene's Take"

    @classmethod
    def missing(cls, context: bpy.types.Context) -> str:
        chosen = group_name(getattr(context, "active_node", None)).startswith(TAKE.name)
        return "" if chosen else "Choose a Headcast Take in the compositor"

    def place(self, context: bpy.types.Context, take: dict[str, Any]) -> str:
        node = context.active_node
        node.node_tree = take_group(load_take(take), take)
        node.label = node.node_tree.name
        return said("in the node '{}'", node.label)


class HEADCAST_OT_take_to_sequencer(PlaceTake, bpy.types.Operator):
    """Add the take's frames to the sequencer, over the strips that are there, at their own frame numbers"""

    bl_idname = "headcast.take_to_sequencer"
    bl_label = "Take to Sequencer"
    counts_below_0 = True

    def place(self, context: bpy.types.Context, take: dict[str, Any]) -> str:
        strip = place_strip(compat.sequencer_scene(context), take)
        return said("in channel {} of the sequencer", strip.channel)


class HEADCAST_OT_take_over_strip(PlaceTake, bpy.types.Operator):
    """Put the head over the pictures of the active strip, the plate, with a modifier of that strip"""

    bl_idname = "headcast.take_over_strip"
    bl_label = "Take over Active Strip"

    @classmethod
    def missing(cls, context: bpy.types.Context) -> str:
        if not compat.HAS_STRIP_COMPOSITOR:
            return "Needs Blender 5.2: use Take to Sequencer"
        editor = compat.sequencer_scene(context).sequence_editor
        has_plate = editor and editor.active_strip and hasattr(editor.active_strip, "blend_type")
        return "" if has_plate else "Choose the strip that shows the plate in the sequencer"

    def place(self, context: bpy.types.Context, take: dict[str, Any]) -> str:
        plate = compat.sequencer_scene(context).sequence_editor.active_strip
        place_modifier(plate, load_take(take), take)
        return said("over the strip '{}'", plate.name)


class HEADCAST_OT_take_to_plane(PlaceTake, bpy.types.Operator):
    """Put the take on a plane that fills the camera's frame and moves with the camera"""

    bl_idname = "headcast.take_to_plane"
    bl_label = "Take to Camera Plane"

    distance: bpy.props.FloatProperty(
        name="Distance", description="From the camera to the plane", default=5.0, min=0.01, subtype="DISTANCE"
    )

    @classmethod
    def missing(cls, context: bpy.types.Context) -> str:
        return "" if camera_at(context.scene, context.scene.frame_current) else "Add a camera to the scene first"

    def place(self, context: bpy.types.Context, take: dict[str, Any]) -> str:
        plane = place_plane(context.scene, load_take(take), take, self.distance)
        if len(set(cameras_between(context.scene, take["first"], take["last"]))) > 1:
            self.report(
                {"WARNING"},
                said("Markers switch cameras within the take: the plane is before '{}' alone", plane.parent.name),
            )
        return said("on the plane '{}'", plane.name)


class HEADCAST_OT_take_to_clip(PlaceTake, bpy.types.Operator):
    """Open the take in the Movie Clip Editor, at its own frame numbers"""

    bl_idname = "headcast.take_to_clip"
    bl_label = "Take to Movie Clip Editor"

    def place(self, context: bpy.types.Context, take: dict[str, Any]) -> str:
        clip = place_clip(take)
        for area in context.screen.areas if context.screen else ():
            if area.type == "CLIP_EDITOR":
                area.spaces.active.clip = clip
        return said("in the clip '{}'", clip.name)
