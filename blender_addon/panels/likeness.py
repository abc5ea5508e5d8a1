"""Who."""

from __future__ import annotations

import bpy

from ..core.settings import AdaptSettings
from .tab import AdvancedPanel, TabPanel, draw_settings


class HEADCAST_PT_likeness(TabPanel, bpy.types.Panel):
    """What is known of the person."""

    bl_label = "Likeness"
    bl_order = 0

    def draw(self, context: bpy.types.Context) -> None:
        settings = context.scene.headcast
        self.layout.prop(settings, "photos")
        self.layout.prop(settings, "likeness", text="File")
        self.layout.operator("headcast.adapt", icon="USER")


class HEADCAST_PT_likeness_advanced(AdvancedPanel, bpy.types.Panel):
    """How photos become a likeness."""

    bl_parent_id = "HEADCAST_PT_likeness"

    def draw(self, context: bpy.types.Context) -> None:
        draw_settings(self.layout, context.scene.headcast.adapt, AdaptSettings)
