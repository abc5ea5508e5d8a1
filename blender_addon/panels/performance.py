"""What the face does."""

from __future__ import annotations

import bpy

from ..core.settings import TrackSettings
from .tab import AdvancedPanel, TabPanel, draw_settings


class HEADCAST_PT_performance(TabPanel, bpy.types.Panel):
    """What drives the head."""

    bl_label = "Performance"
    bl_order = 1

    def draw(self, context: bpy.types.Context) -> None:
        settings = context.scene.headcast
        self.layout.row().prop(settings, "source", expand=True)
        from_clip = settings.source == "CLIP"
        self.layout.prop(settings, "clip" if from_clip else "rig")
        self.layout.prop(settings, "performance", text="File")
        self.layout.operator("headcast.track" if from_clip else "headcast.track_rig", icon="TRACKING")


class HEADCAST_PT_performance_advanced(AdvancedPanel, bpy.types.Panel):
    """How a clip becomes a performance."""

    bl_parent_id = "HEADCAST_PT_performance"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return context.scene.headcast.source == "CLIP"

    def draw(self, context: bpy.types.Context) -> None:
        draw_settings(self.layout, context.scene.headcast.track, TrackSettings)
