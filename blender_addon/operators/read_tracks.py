# SPDX-License-Identifier: GPL-3.0-or-later
"""Tracks of the Movie Clip Editor to a performance."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy

from .. import jobs
from ..core.files import ensure_writable
from ..core.landmarks.naming import match_points
from ..locale import said
from ..scene.files import absolute
from ..scene.matches import rows_of, user_folders
from ..scene.tracks import read_tracks, track_names
from .modal import JobOperator


class HEADCAST_OT_read_tracks(JobOperator, bpy.types.Operator):
    """Read the face that the clip's tracks follow, over the whole clip; points without a track are put by the face model"""

    bl_idname = "headcast.read_tracks"
    bl_label = "Read Tracks"

    @classmethod
    def missing(cls, settings: bpy.types.PropertyGroup) -> str:
        return "" if settings.movie_clip else "Choose the clip first"

    def begin_job(self, context: bpy.types.Context) -> jobs.Job:
        settings = context.scene.headcast
        output = Path(absolute(settings.performance, "Performance"))
        return jobs.SceneJob(_read_and_save(context.scene, settings.movie_clip, output))

    def finish(self, context: bpy.types.Context, result: dict[str, Any]) -> str:
        return said("A face in {} of {} frames: {}", result["seen"], result["frames"], result["performance"])


def _read_and_save(scene: bpy.types.Scene, clip: bpy.types.MovieClip, output: Path) -> jobs.Steps:
    ensure_writable(output)
    rows = rows_of(scene.headcast.track_matches)
    matches = rows or match_points(track_names(clip), user_folders()).matches
    performance = yield from read_tracks(scene, clip, matches)
    performance.save(output)
    return {"performance": str(output), "frames": len(performance), "seen": int(performance.seen.sum())}
