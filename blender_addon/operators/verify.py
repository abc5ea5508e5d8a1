# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a take is still what was signed."""

from __future__ import annotations

from typing import Any

import bpy

from .. import jobs
from ..core.take import FramePattern
from ..scene.files import absolute
from ..scene.verified import in_words, keep
from .modal import JobOperator


class HEADCAST_OT_verify(JobOperator, bpy.types.Operator):
    """See who signed the take, and whether a frame was changed, swapped, added or lost since"""

    bl_idname = "headcast.verify"
    bl_label = "Verify Take"
    changes_scene = False

    def begin_job(self, context: bpy.types.Context) -> jobs.Job:
        self.pattern = FramePattern.parse(absolute(context.scene.headcast.output, "Take"))
        return jobs.EngineJob("verify", {"path": str(self.pattern)}, {})

    def finish(self, context: bpy.types.Context, result: dict[str, Any]) -> str:
        [verdict] = result["verdicts"]
        keep(self.pattern, verdict)
        return in_words(verdict)
