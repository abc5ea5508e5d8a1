# SPDX-License-Identifier: GPL-3.0-or-later
"""Stop the job in hand."""

from __future__ import annotations

import bpy

from .. import jobs
from .polls import allow


class HEADCAST_OT_cancel(bpy.types.Operator):
    """Stop the job after the frame in hand; finished frames are kept"""

    bl_idname = "headcast.cancel"
    bl_label = "Cancel"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return allow(cls, "" if jobs.current is not None else "No job is running")

    def execute(self, context: bpy.types.Context) -> set[str]:
        if jobs.current is not None:
            jobs.current.cancel()
        return {"FINISHED"}
