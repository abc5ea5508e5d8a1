# SPDX-License-Identifier: GPL-3.0-or-later
"""Expressions of the control face, kept as pose assets."""

# Blender wants annotations of properties as they are: no `from __future__ import annotations` here.

import bpy

from ..locale import said
from ..scene.control_face import key_expression
from ..scene.expressions import add_starters, apply, store
from .control_face import ControlFaceOperator
from .errors import reports_errors


class HEADCAST_OT_store_expression(ControlFaceOperator, bpy.types.Operator):
    """Keep what the face does now as a pose asset; how the head is turned and where the eyes look is left out"""

    bl_idname = "headcast.store_expression"
    bl_label = "Store Expression"

    name: bpy.props.StringProperty(name="Name", description="What the expression is called", default="Expression")

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        return context.window_manager.invoke_props_dialog(self)

    def execute(self, context: bpy.types.Context) -> set[str]:
        action = store(context.scene.headcast.rig, self.name)
        self.report({"INFO"}, said("Stored '{}'", action.name))
        return {"FINISHED"}


class HEADCAST_OT_apply_expression(ControlFaceOperator, bpy.types.Operator):
    """Move the face to a stored expression; the turn of the head and the gaze stay"""

    bl_idname = "headcast.apply_expression"
    bl_label = "Apply Expression"

    name: bpy.props.StringProperty(name="Name", description="Which of the stored expressions")
    blend: bpy.props.FloatProperty(
        name="Blend", description="How far towards it", default=1.0, min=0.0, max=1.0, subtype="FACTOR"
    )

    @reports_errors
    def execute(self, context: bpy.types.Context) -> set[str]:
        scene = context.scene
        apply(scene.headcast.rig, self.name, self.blend)
        if scene.tool_settings.use_keyframe_insert_auto:
            key_expression(scene.headcast.rig, scene.frame_current)
        return {"FINISHED"}


class HEADCAST_OT_add_expressions(ControlFaceOperator, bpy.types.Operator):
    """Add pose assets to begin with: Neutral, Smile, Blink, Surprise, Anger, Sadness, and three mouths of speech"""

    bl_idname = "headcast.add_expressions"
    bl_label = "Add Starter Expressions"

    def execute(self, context: bpy.types.Context) -> set[str]:
        count = len(add_starters())
        self.report({"INFO"}, said("Added {} expressions", count) if count else said("The expressions are there already"))
        return {"FINISHED"}
