"""A likeness plays a performance: the take's frames."""

from __future__ import annotations

from typing import Any

import bpy

from .. import jobs
from ..core.settings import RenderSettings
from ..core.take import FramePattern
from ..properties import values_of
from ..scene.composite import composite_take
from ..scene.flags import flag_frames
from ..scene.sequence import load_take
from .modal import JobOperator, absolute


class HEADCAST_OT_render(JobOperator, bpy.types.Operator):
    """Render the take's frames; those that are there and current are kept"""

    bl_idname = "headcast.render"
    bl_label = "Render Take"

    @classmethod
    def missing(cls, settings: bpy.types.PropertyGroup) -> str:
        if not settings.likeness:
            return "Make or choose a likeness first"
        return "" if settings.performance else "Make or choose a performance first"

    def begin_job(self, context: bpy.types.Context) -> jobs.Job:
        settings = context.scene.headcast
        arguments = {
            "likeness": absolute(settings.likeness, "Likeness"),
            "performance": absolute(settings.performance, "Performance"),
            "output": absolute(settings.output, "Take"),
        }
        return jobs.EngineJob("render", arguments, values_of(settings.render, RenderSettings))

    def finish(self, context: bpy.types.Context, result: dict[str, Any]) -> str:
        image = load_take(result)
        if context.scene.headcast.composite:
            composite_take(context.scene, image, result)
        flagged = flag_frames(context.scene, FramePattern.parse(absolute(context.scene.headcast.output, "Take")))
        return f"{result['frames']} frames, {result['written']} rendered now, {flagged} flagged: {result['output']}"
