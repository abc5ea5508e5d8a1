# SPDX-License-Identifier: GPL-3.0-or-later
"""An animated rig to a performance, as the scene's camera sees it."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import bpy

from .. import jobs
from ..core.files import ensure_writable
from ..locale import said
from ..scene.cameras import camera_at
from ..scene.files import absolute
from ..scene.matches import rig_match, user_folders
from ..scene.rig import read_rig
from ..scene.rig_sources import match_rig
from .modal import JobOperator


class HEADCAST_OT_track_rig(JobOperator, bpy.types.Operator):
    """Read the rig's face through the scene's camera, over the scene's frame range"""

    bl_idname = "headcast.track_rig"
    bl_label = "Read Rig"

    @classmethod
    def missing(cls, settings: bpy.types.PropertyGroup) -> str:
        if settings.rig is None:
            return "Choose the rig first"
        return "" if camera_at(settings.id_data, settings.id_data.frame_current) else "The scene has no camera"

    def begin_job(self, context: bpy.types.Context) -> jobs.Job:
        settings = context.scene.headcast
        output = Path(absolute(settings.performance, "Performance"))
        job = jobs.SceneJob(_read_and_save(context.scene, settings.rig, output))
        if context.scene.render.use_multiview:
            job.status.notes.append(
                said("The scene renders several views: the face is read between them, as its camera sees it")
            )
        return job

    def finish(self, context: bpy.types.Context, result: dict[str, Any]) -> str:
        return said("A face in {} of {} frames: {}", result["seen"], result["frames"], result["performance"])


def _read_and_save(
    scene: bpy.types.Scene, rig: bpy.types.Object, output: Path
) -> Generator[tuple[str, int, int], None, dict[str, Any]]:
    ensure_writable(output)
    match = rig_match(scene.headcast.rig_matches, rig) or match_rig(rig, user_folders())
    performance = yield from read_rig(scene, rig, match)
    performance.save(output)
    return {"performance": str(output), "frames": len(performance), "seen": int(performance.seen.sum())}
