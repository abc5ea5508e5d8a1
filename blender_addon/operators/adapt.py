# SPDX-License-Identifier: GPL-3.0-or-later
"""Photos to a likeness."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy

from .. import jobs
from ..core.consent import NONE, Consent
from ..core.settings import AdaptSettings
from ..locale import said
from ..properties import values_of
from ..recent import remember
from ..scene.checked_photos import taken_photos
from ..scene.files import absolute
from .modal import JobOperator


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
            "photos": taken_photos(settings),
            "output": absolute(settings.likeness, "Likeness"),
        }
        if settings.consent.kind != NONE:
            arguments["consent"] = values_of(settings.consent, Consent)
        return jobs.EngineJob("adapt", arguments, values_of(settings.adapt, AdaptSettings))

    def finish(self, context: bpy.types.Context, result: dict[str, Any]) -> str:
        remember(Path(result["likeness"]))
        return said("Likeness of {} photos: {}", result["photos"], result["likeness"])
