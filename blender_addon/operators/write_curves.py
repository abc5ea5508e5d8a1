# SPDX-License-Identifier: GPL-3.0-or-later
"""A performance onto a rig: its expressions onto shape keys; the turn of the head and the gaze too onto a control face."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import bpy

from .. import jobs
from ..core.landmarks.naming import Match
from ..core.listing import shortened
from ..core.performance import Performance
from ..core.tracking.retiming import retimed
from ..locale import said
from ..scene.cameras import camera_at
from ..scene.control_face import is_control_face
from ..scene.curves import write_curves
from ..scene.face_curves import result_of, write_face
from ..scene.files import absolute
from ..scene.matches import rig_match
from ..scene.timing import scene_rate, two_rates
from .modal import JobOperator


class HEADCAST_OT_write_curves(JobOperator, bpy.types.Operator):
    """Key the rig's shape keys, or the control face, with the performance, from its first frame on"""

    bl_idname = "headcast.write_curves"
    bl_label = "Write Curves to Rig"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def missing(cls, settings: bpy.types.PropertyGroup) -> str:
        if settings.rig is None or not settings.performance:
            return "Choose the rig and the performance first"
        scene = settings.id_data
        blind = is_control_face(settings.rig) and camera_at(scene, scene.frame_current) is None
        return "The scene has no camera" if blind else ""

    def begin_job(self, context: bpy.types.Context) -> jobs.Job:
        scene, settings = context.scene, context.scene.headcast
        path = Path(absolute(settings.performance, "Performance"))
        written = Performance.load(path)
        rate = scene_rate(scene)
        performance = retimed(written, rate) if settings.retime else written
        job: jobs.Job
        if is_control_face(settings.rig):
            rig = settings.rig
            job = jobs.Relay(
                jobs.EngineJob("dissect", {"performance": str(path)}, {"rate": str(performance.rate)}),
                lambda answer: write_face(scene, rig, performance, result_of(answer)),
            )
        else:
            chosen = rig_match(settings.rig_matches, settings.rig)
            matches = chosen.matched.matches if chosen and chosen.kind == "shapes" else ()
            job = jobs.SceneJob(_write_shapes(settings.rig, performance, matches))
        if written.rate != rate:
            job.status.notes.append(two_rates(written.rate, rate))
            if settings.retime:
                job.status.notes.append(said("Retimed: {} frames became {}", len(written), len(performance)))
            else:
                job.status.notes.append(said("It is written frame for frame"))
        return job

    def finish(self, context: bpy.types.Context, result: dict[str, Any]) -> str:
        return result["text"]


def _write_shapes(rig: bpy.types.Object, performance: Performance, matches: Sequence[Match]) -> jobs.Steps:
    yield "write curves", 0, 1
    written = write_curves(rig, performance, matches)
    if written.driven:
        yield f"Left to their drivers: {shortened(written.driven)}"
    without = f"; without a key: {shortened(written.without)}" if written.without else ""
    return {"text": f"{written.curves} curves on {written.meshes} meshes, keys at {written.frames} frames{without}"}
