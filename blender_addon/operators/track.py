# SPDX-License-Identifier: GPL-3.0-or-later
"""A clip to a performance."""

from __future__ import annotations

from typing import Any

import bpy

from .. import jobs
from ..core.settings import TrackSettings
from ..locale import said
from ..properties import values_of
from ..scene.files import absolute
from .modal import JobOperator


class HEADCAST_OT_track(JobOperator, bpy.types.Operator):
    """Follow the face in the clip and make a performance of its motion"""

    bl_idname = "headcast.track"
    bl_label = "Track Clip"

    @classmethod
    def missing(cls, settings: bpy.types.PropertyGroup) -> str:
        return "" if settings.clip else "Choose the clip first"

    def begin_job(self, context: bpy.types.Context) -> jobs.Job:
        settings = context.scene.headcast
        arguments = {
            "clip": absolute(settings.clip, "Clip"),
            "output": absolute(settings.performance, "Performance"),
        }
        return jobs.EngineJob("track", arguments, values_of(settings.track, TrackSettings))

    def finish(self, context: bpy.types.Context, result: dict[str, Any]) -> str:
        return said("A face in {} of {} frames: {}", result["seen"], result["frames"], result["performance"])
