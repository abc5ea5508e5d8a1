# SPDX-License-Identifier: GPL-3.0-or-later
"""Photos looked at before a likeness is made of them."""

from __future__ import annotations

from typing import Any

import bpy

from .. import jobs, thumbnails
from ..core.settings import AdaptSettings
from ..locale import said
from ..properties import values_of
from ..scene.checked_photos import list_photos
from ..scene.photos import chosen_photos
from .modal import JobOperator


class HEADCAST_OT_check_photos(JobOperator, bpy.types.Operator):
    """Look for the face in each photo, and say which photos are no good and why"""

    bl_idname = "headcast.check_photos"
    bl_label = "Check Photos"

    @classmethod
    def missing(cls, settings: bpy.types.PropertyGroup) -> str:
        return "" if settings.photos else "Choose the photos first"

    def begin_job(self, context: bpy.types.Context) -> jobs.Job:
        settings = context.scene.headcast
        arguments = {"photos": chosen_photos(settings), "folder": str(thumbnails.folder())}
        return jobs.EngineJob("inspect", arguments, values_of(settings.adapt, AdaptSettings))

    def finish(self, context: bpy.types.Context, result: dict[str, Any]) -> str:
        photos = result["photos"]
        list_photos(context.scene.headcast, photos)
        bad = sum(bool(photo["problems"]) for photo in photos)
        return (
            said("{} of {} photos have something wrong with them", bad, len(photos))
            if bad
            else said("{} good photos", len(photos))
        )
