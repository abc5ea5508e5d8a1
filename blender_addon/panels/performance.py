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
        if settings.source == "CLIP":
            self.layout.prop(settings, "clip")
        elif settings.source == "RIG":
            self.layout.prop(settings, "rig")
        else:
            self.layout.prop(settings, "movie_clip")
            column = self.layout.column(align=True)
            column.operator_menu_enum("headcast.place_tracks", "preset", icon="TRACKER")
            column.operator_menu_enum("headcast.detector_tracks", "preset", icon="TRACKING_FORWARDS")
        self.layout.prop(settings, "performance", text="File")
        if settings.source == "CLIP":
            self.layout.operator("headcast.track", icon="TRACKING")
        elif settings.source == "RIG":
            self.layout.operator("headcast.track_rig", icon="ARMATURE_DATA")
        else:
            self.layout.operator("headcast.read_tracks", icon="TRACKING")


class HEADCAST_PT_performance_advanced(AdvancedPanel, bpy.types.Panel):
    """How a clip becomes a performance."""

    bl_parent_id = "HEADCAST_PT_performance"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return context.scene.headcast.source in {"CLIP", "TRACKS"}

    def draw(self, context: bpy.types.Context) -> None:
        draw_settings(self.layout, context.scene.headcast.track, TrackSettings)


class HEADCAST_PT_performance_curves(AdvancedPanel, bpy.types.Panel):
    """What the performance is good for beside a take: a rig's keys, and lines to look at."""

    bl_label = "Curves and Overlay"
    bl_parent_id = "HEADCAST_PT_performance"
    bl_order = 2

    def draw(self, context: bpy.types.Context) -> None:
        settings = context.scene.headcast
        self.layout.prop(settings, "show_landmarks")
        if settings.source != "RIG":
            self.layout.prop(settings, "rig")
        self.layout.operator("headcast.write_curves", icon="FCURVE")
