# SPDX-License-Identifier: GPL-3.0-or-later
"""Who."""

from __future__ import annotations

import bpy

from .. import jobs
from ..core.consent import NONE, Consent
from ..core.settings import AdaptSettings
from ..scene.likeness_state import in_words, likeness_at
from .engine import draw_engine
from .files import draw_file
from .presets import HEADCAST_PT_adapt_presets
from .tab import AdvancedPanel, TabPanel, draw_action, draw_job, draw_settings, draw_text


class HEADCAST_PT_likeness(TabPanel, bpy.types.Panel):
    """The likeness panel: the person."""

    bl_label = "Likeness"
    bl_order = 0

    def draw(self, context: bpy.types.Context) -> None:
        draw_engine(self.layout)
        settings = context.scene.headcast
        draw_file(self.layout, settings, "photos")
        draw_action(self.layout, "headcast.check_photos", "VIEWZOOM")
        draw_file(self.layout, settings, "likeness", "File")
        draw_action(self.layout, "headcast.adapt", "USER")
        card = likeness_at(bpy.path.abspath(settings.likeness))
        column = self.layout.column(align=True)
        for i, line in enumerate(in_words(card) if card else ["Not made yet"]):
            draw_text(column, line, "BLANK1" if i else "CHECKMARK" if card else "INFO")


class HEADCAST_PT_likeness_consent(AdvancedPanel, bpy.types.Panel):
    """Who allowed it. It goes into the likeness that is made, or into the one that is there."""

    bl_label = "Consent"
    bl_parent_id = "HEADCAST_PT_likeness"
    bl_order = 1

    def draw(self, context: bpy.types.Context) -> None:
        consent = context.scene.headcast.consent
        if consent.kind == NONE:
            self.layout.prop(consent, "kind")
        else:
            draw_settings(self.layout, consent, Consent)
        self.layout.operator("headcast.record_consent", icon="GREASEPENCIL")
        jobs_of = ("headcast.forget", "headcast.forget_listed")
        if jobs.current is None or jobs.last.operator not in jobs_of:
            self.layout.operator("headcast.forget", icon="TRASH")
        draw_job(self.layout, *jobs_of)


class HEADCAST_PT_likeness_advanced(AdvancedPanel, bpy.types.Panel):
    """How photos become a likeness."""

    bl_parent_id = "HEADCAST_PT_likeness"
    bl_order = 2

    def draw_header_preset(self, context: bpy.types.Context) -> None:
        HEADCAST_PT_adapt_presets.draw_panel_header(self.layout)

    def draw(self, context: bpy.types.Context) -> None:
        draw_settings(self.layout, context.scene.headcast.adapt, AdaptSettings)
