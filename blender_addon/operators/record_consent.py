# SPDX-License-Identifier: GPL-3.0-or-later
"""Who allowed it, put on record in the likeness."""

from __future__ import annotations

from pathlib import Path

import bpy

from ..core.consent import NONE, Consent
from ..core.likeness import record_consent
from ..locale import said
from ..properties import values_of
from ..scene.files import absolute
from ..scene.likeness_state import likeness_at
from .errors import reports_errors
from .polls import allow, busy, read_only


class HEADCAST_OT_record_consent(bpy.types.Operator):
    """Put this consent on record in the likeness, in the place of the one that it has"""

    bl_idname = "headcast.record_consent"
    bl_label = "Record Consent"
    bl_options = {"REGISTER"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return allow(cls, busy() or read_only(context) or cls.missing(context.scene.headcast))

    @classmethod
    def missing(cls, settings: bpy.types.PropertyGroup) -> str:
        """Settings still missing; empty for none."""
        if likeness_at(bpy.path.abspath(settings.likeness)) is None:
            return "Make or choose a likeness first"
        return "Say whose face it is first" if settings.consent.kind == NONE else ""

    @reports_errors
    def execute(self, context: bpy.types.Context) -> set[str]:
        settings = context.scene.headcast
        path = Path(absolute(settings.likeness, "Likeness"))
        record_consent(path, Consent(**values_of(settings.consent, Consent)).with_paper(Path()))
        self.report({"INFO"}, said("Consent recorded in {}", path))
        return {"FINISHED"}
