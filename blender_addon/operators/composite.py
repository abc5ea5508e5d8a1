"""A take that is on disk, into the scene's compositor."""

from __future__ import annotations

import bpy

from ..core.errors import HeadcastError
from ..scene.composite import composite_take
from ..scene.sequence import find_take, load_take
from .modal import absolute


class HEADCAST_OT_composite(bpy.types.Operator):
    """Load the take's frames and put them over the scene's picture in the compositor"""

    bl_idname = "headcast.composite"
    bl_label = "Take to Compositor"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not context.scene.headcast.output:
            cls.poll_message_set("Render a take first")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            take = find_take(absolute(context.scene.headcast.output, "Take"))
            composite_take(context.scene, load_take(take), take)
        except HeadcastError as error:
            self.report({"ERROR"}, f"{error.message}. {error.hint}")
            return {"CANCELLED"}
        self.report({"INFO"}, f"{take['frames']} frames of {take['output']} are in the compositor")
        return {"FINISHED"}
