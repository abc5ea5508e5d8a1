# SPDX-License-Identifier: GPL-3.0-or-later
"""The control face's sliders, all of them properties of its bones: I keys what the mouse is over."""

from __future__ import annotations

import bpy

from ..core.landmarks import arkit
from ..scene.control_face import FACE, HEAD, is_control_face, slider_path
from ..scene.expressions import stored
from .tab import AdvancedPanel, TabPanel, draw_job

TURNS = (("Yaw", 1), ("Pitch", 0), ("Roll", 2))
"""Labels, and the axis of the head's bone."""
SPLIT = 0.31
"""Share of the width that the labels of sliders with two sides take."""
Groups = dict[str, tuple[tuple[str, str], ...]]
GROUPS: Groups = {
    "Eyes": (("Blink", "eyeBlink"), ("Wide", "eyeWide"), ("Squint", "eyeSquint")),
    "Mouth": (
        ("Open", "jawOpen"),
        ("Pucker", "mouthPucker"),
        ("Funnel", "mouthFunnel"),
        ("Press", "mouthPress"),
        ("Sideways", "mouth"),
        ("Smile", "mouthSmile"),
        ("Frown", "mouthFrown"),
    ),
    "Brows": (("Down", "browDown"), ("Inner Up", "browInnerUp"), ("Outer Up", "browOuterUp")),
}
"""The sliders moved most: labels and expressions, without the side where there are two."""
MORE: Groups = {
    "Cheeks and Nose": (("Puff", "cheekPuff"), ("Squint", "cheekSquint"), ("Sneer", "noseSneer")),
    "Jaw": (("Forward", "jawForward"), ("Sideways", "jaw")),
    "Lips and Tongue": (
        ("Close", "mouthClose"),
        ("Dimple", "mouthDimple"),
        ("Stretch", "mouthStretch"),
        ("Upper Up", "mouthUpperUp"),
        ("Lower Down", "mouthLowerDown"),
        ("Roll Upper", "mouthRollUpper"),
        ("Roll Lower", "mouthRollLower"),
        ("Shrug Upper", "mouthShrugUpper"),
        ("Shrug Lower", "mouthShrugLower"),
        ("Tongue Out", "tongueOut"),
    ),
}
"""All others."""


class HEADCAST_MT_expressions(bpy.types.Menu):
    """Expressions that are stored in this file"""

    bl_label = "Apply Expression"

    def draw(self, context: bpy.types.Context) -> None:
        for action in stored():
            row = self.layout.operator("headcast.apply_expression", text=action.name, translate=False)
            row.name = action.name
        if not stored():
            self.layout.operator("headcast.add_expressions")


class HEADCAST_PT_control_face(TabPanel, bpy.types.Panel):
    """A face to be animated by hand."""

    bl_label = "Control Face"
    bl_parent_id = "HEADCAST_PT_performance"
    bl_order = 1

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        rig = context.scene.headcast.rig
        return rig is None or is_control_face(rig)

    def draw(self, context: bpy.types.Context) -> None:
        layout, rig = self.layout, context.scene.headcast.rig
        if rig is None:
            layout.operator_menu_enum("headcast.add_control_face", "shape", icon="ARMATURE_DATA")
            draw_job(layout, "headcast.add_control_face")
            return
        row = layout.row(align=True)
        row.operator("headcast.reset_control_face", icon="LOOP_BACK")
        row.operator("headcast.key_control_face", icon="KEY_HLT")
        head, face = rig.pose.bones[HEAD], rig.pose.bones[FACE]
        column = layout.column(align=True)
        column.label(text="Head")
        for label, axis in TURNS:
            column.prop(head, "rotation_euler", index=axis, text=label)
        column = layout.column(align=True)
        column.label(text="Gaze")
        for label, name in (("Across", "gaze_x"), ("Up", "gaze_y")):
            column.prop(face, slider_path(name), text=label, slider=True)
        draw_groups(layout, face, GROUPS)


class FacePanel(AdvancedPanel):
    """A closed sub-panel for a control face that is there."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return is_control_face(context.scene.headcast.rig)


class HEADCAST_PT_control_face_more(FacePanel, bpy.types.Panel):
    """The sliders that are moved less."""

    bl_label = "More Sliders"
    bl_parent_id = "HEADCAST_PT_control_face"

    def draw(self, context: bpy.types.Context) -> None:
        draw_groups(self.layout, context.scene.headcast.rig.pose.bones[FACE], MORE)


class HEADCAST_PT_control_face_poses(FacePanel, bpy.types.Panel):
    """Expressions as pose assets, and handles."""

    bl_label = "Expressions and Handles"
    bl_parent_id = "HEADCAST_PT_control_face"

    def draw(self, context: bpy.types.Context) -> None:
        column = self.layout.column(align=True)
        column.menu("HEADCAST_MT_expressions", icon="ARMATURE_DATA")
        column.operator("headcast.store_expression", icon="ASSET_MANAGER")
        column.operator("headcast.add_expressions", icon="ADD")
        self.layout.operator_menu_enum("headcast.add_handles", "regions", icon="BONE_DATA")


def draw_groups(layout: bpy.types.UILayout, bone: bpy.types.PoseBone, groups: Groups) -> None:
    """A slider for each expression. Both sides are in a row: the subject's right first, as the picture shows them."""
    for heading, rows in groups.items():
        column = layout.column(align=True)
        column.label(text=heading)
        for label, stem in rows:
            if stem in arkit.INDEX:
                column.prop(bone, slider_path(stem), text=label, slider=True)
                continue
            row = column.split(factor=SPLIT, align=True)
            row.label(text=label)
            for side in ("Right", "Left"):
                row.prop(bone, slider_path(stem + side), text=side[0], slider=True)
