# SPDX-License-Identifier: GPL-3.0-or-later
"""A likeness plays a performance: the take's frames."""

from __future__ import annotations

from typing import Any

import bpy

from .. import jobs
from ..core.settings import RenderSettings
from ..core.take import FramePattern
from ..environment import demands
from ..locale import said
from ..properties import values_of
from ..scene.composite import composite_take, hidden_by
from ..scene.files import absolute
from ..scene.flags import flag_frames
from ..scene.performance_state import performance_at
from ..scene.sequence import find_take, in_sequences, load_take
from ..scene.timing import scene_rate, two_rates
from ..thumbnails import of_take
from .modal import JobOperator


def missing_for_a_take(settings: bpy.types.PropertyGroup) -> str:
    """The settings still missing before a render; empty for none."""
    if not settings.likeness:
        return "Make or choose a likeness first"
    return "" if settings.performance else "Make or choose a performance first"


def take_arguments(settings: bpy.types.PropertyGroup) -> dict[str, str]:
    """Who plays what, and where the frames go: absolute paths. Raises SettingError."""
    return {
        "likeness": absolute(settings.likeness, "Likeness"),
        "performance": absolute(settings.performance, "Performance"),
        "output": absolute(settings.output, "Take"),
    }


class HEADCAST_OT_render(JobOperator, bpy.types.Operator):
    """Render the take's frames; those that are there and current are kept"""

    bl_idname = "headcast.render"
    bl_label = "Render Take"

    @classmethod
    def missing(cls, settings: bpy.types.PropertyGroup) -> str:
        return missing_for_a_take(settings)

    def begin_job(self, context: bpy.types.Context) -> jobs.Job:
        settings = context.scene.headcast
        self.composite = settings.composite
        arguments = take_arguments(settings)
        arguments["thumbnail"] = str(of_take(FramePattern.parse(arguments["output"])))
        job = jobs.EngineJob("render", arguments | demands(), values_of(settings.render, RenderSettings))
        performance, rate = performance_at(arguments["performance"]), scene_rate(context.scene)
        plays_as_it_is = not settings.render.rate and not settings.render.plate
        if plays_as_it_is and performance is not None and performance.rate != rate:
            job.status.notes.append(two_rates(performance.rate, rate))
            job.status.notes.append(said("It plays frame for frame: set Rate to retime it"))
        return job

    def finish(self, context: bpy.types.Context, result: dict[str, Any]) -> str:
        flagged = flag_frames(context.scene, FramePattern.parse(result["pattern"]))
        take = in_sequences(find_take(result["pattern"]))
        image = load_take(take)
        if self.composite:
            composite_take(context.scene, image, take)
            if hidden_by(context.scene):
                self.report({"WARNING"}, said(hidden_by(context.scene)))
        return said(
            "{} frames, {} rendered now, {} flagged: {}", result["frames"], result["written"], flagged, result["output"]
        )
