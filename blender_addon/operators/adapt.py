"""Photos to a likeness."""

from __future__ import annotations

from typing import Any

import bpy

from .. import jobs
from ..core.settings import AdaptSettings
from ..properties import values_of
from .modal import JobOperator, absolute


class HEADCAST_OT_adapt(JobOperator, bpy.types.Operator):
    """Find the face in each photo and make the person's likeness of them"""

    bl_idname = "headcast.adapt"
    bl_label = "Make Likeness"

    @classmethod
    def missing(cls, settings: bpy.types.PropertyGroup) -> str:
        return "" if settings.photos else "Choose the photos first"

    def begin_job(self, context: bpy.types.Context) -> jobs.Job:
        settings = context.scene.headcast
        arguments = {
            "photos": [absolute(settings.photos, "Photos")],
            "output": absolute(settings.likeness, "Likeness"),
        }
        return jobs.EngineJob("adapt", arguments, values_of(settings.adapt, AdaptSettings))

    def finish(self, context: bpy.types.Context, result: dict[str, Any]) -> str:
        return f"Likeness of {result['photos']} photos: {result['likeness']}"
