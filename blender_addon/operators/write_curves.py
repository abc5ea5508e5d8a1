"""A performance's expressions onto a rig's shape keys."""

from __future__ import annotations

from pathlib import Path

import bpy

from ..core.listing import shortened
from ..core.performance import Performance
from ..scene.curves import write_curves
from ..scene.matches import rig_match
from ..scene.timing import scene_rate
from .errors import reports_errors
from .modal import absolute


class HEADCAST_OT_write_curves(bpy.types.Operator):
    """Key the rig's shape keys with the performance's expressions, at the performance's frames"""

    bl_idname = "headcast.write_curves"
    bl_label = "Write Curves to Rig"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        settings = context.scene.headcast
        if settings.rig is None or not settings.performance:
            cls.poll_message_set("Choose the rig and the performance first")
            return False
        return True

    @reports_errors
    def execute(self, context: bpy.types.Context) -> set[str]:
        settings = context.scene.headcast
        chosen = rig_match(settings.rig_matches, settings.rig)
        performance = Performance.load(Path(absolute(settings.performance, "Performance")))
        written = write_curves(
            settings.rig, performance, chosen.matched.matches if chosen and chosen.kind == "shapes" else ()
        )
        if performance.rate != scene_rate(context.scene):
            self.report(
                {"WARNING"},
                f"The performance has {float(performance.rate):g} frames a second, "
                f"the scene {float(scene_rate(context.scene)):g}: it plays at the scene's speed",
            )
        if written.driven:
            self.report({"WARNING"}, f"Left to their drivers: {shortened(written.driven)}")
        without = f"; without a key: {shortened(written.without)}" if written.without else ""
        self.report(
            {"INFO"}, f"{written.curves} curves on {written.meshes} meshes, keys at {written.frames} frames{without}"
        )
        return {"FINISHED"}
