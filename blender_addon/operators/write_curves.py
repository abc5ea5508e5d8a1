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
from ..scene.control_face import is_control_face
from ..scene.curves import write_curves
from ..scene.face_curves import result_of, write_face
from ..scene.files import absolute
from ..scene.matches import rig_match
from ..scene.timing import scene_rate
from .modal import JobOperator


class HEADCAST_OT_write_curves(JobOperator, bpy.types.Operator):
    """Key the rig's shape keys, or the control face, with the performance, at the performance's frames"""

    bl_idname = "headcast.write_curves"
    bl_label = "Write Curves to Rig"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def missing(cls, settings: bpy.types.PropertyGroup) -> str:
        if settings.rig is None or not settings.performance:
            return "Choose the rig and the performance first"
        return "The scene has no camera" if is_control_face(settings.rig) and not settings.id_data.camera else ""

    def begin_job(self, context: bpy.types.Context) -> jobs.Job:
        scene, settings = context.scene, context.scene.headcast
        path = Path(absolute(settings.performance, "Performance"))
        performance = Performance.load(path)
        job: jobs.Job
        if is_control_face(settings.rig):
            rig = settings.rig
            job = jobs.Relay(
                jobs.EngineJob("dissect", {"performance": str(path)}, {}),
                lambda answer: write_face(scene, rig, performance, result_of(answer)),
            )
        else:
            chosen = rig_match(settings.rig_matches, settings.rig)
            matches = chosen.matched.matches if chosen and chosen.kind == "shapes" else ()
            job = jobs.SceneJob(_write_shapes(settings.rig, performance, matches))
        if performance.rate != scene_rate(scene):
            job.status.notes.append(
                f"The performance has {float(performance.rate):g} frames a second, "
                f"the scene {float(scene_rate(scene)):g}: it plays at the scene's speed"
            )
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
