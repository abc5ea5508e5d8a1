# SPDX-License-Identifier: GPL-3.0-or-later
"""The live preview on and off."""

from __future__ import annotations

import bpy

from .. import preview
from .errors import reports_errors


class HEADCAST_OT_preview(bpy.types.Operator):
    """Show the head in the 3D view and the Movie Clip Editor while you scrub, play or move a slider"""

    bl_idname = "headcast.preview"
    bl_label = "Live Preview"

    @reports_errors
    def execute(self, context: bpy.types.Context) -> set[str]:
        if preview.current is None:
            preview.start()
        else:
            preview.stop()
        return {"FINISHED"}
