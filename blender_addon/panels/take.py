# SPDX-License-Identifier: GPL-3.0-or-later
"""The frames."""

from __future__ import annotations

import bpy

from ..core.settings import GATE, PLATE, RELATIVE, RenderSettings
from .presets import HEADCAST_PT_render_presets
from .tab import AdvancedPanel, TabPanel, draw_action, draw_settings
from .take_state import draw_take, scene_take


class HEADCAST_PT_take(TabPanel, bpy.types.Panel):
    """The likeness plays the performance."""

    bl_label = "Take"
    bl_order = 2

    def draw(self, context: bpy.types.Context) -> None:
        settings = context.scene.headcast
        row = self.layout.row(align=True)
        row.prop(settings, "output", text="Frames")
        row.operator("headcast.next_version", text="", icon="ADD")
        self.layout.prop(settings.render, "motion")
        self.layout.prop(settings, "composite")
        draw_action(self.layout, "headcast.render", "RENDER_ANIMATION")
        self.layout.operator("headcast.submit", icon="EXPORT")
        draw_take(self.layout, scene_take(context))


class HEADCAST_PT_take_places(AdvancedPanel, bpy.types.Panel):
    """Where the take goes in this file."""

    bl_label = "Place the Take"
    bl_parent_id = "HEADCAST_PT_take"

    def draw(self, context: bpy.types.Context) -> None:
        column = self.layout.column(align=True)
        column.operator("headcast.composite", icon="NODE_COMPOSITING")
        column.operator("headcast.take_to_sequencer", icon="SEQUENCE")
        column.operator("headcast.take_over_strip", icon="SEQ_STRIP_META")
        column.operator("headcast.take_to_plane", icon="OUTLINER_OB_IMAGE")
        column.operator("headcast.take_to_clip", icon="TRACKER")


class HEADCAST_PT_take_relative(AdvancedPanel, bpy.types.Panel):
    """How much of the driver's motion is taken."""

    bl_label = "Relative Motion"
    bl_parent_id = "HEADCAST_PT_take"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return context.scene.headcast.render.motion != "absolute"

    def draw(self, context: bpy.types.Context) -> None:
        draw_settings(self.layout, context.scene.headcast.render, RenderSettings, RELATIVE)


class HEADCAST_PT_take_plate(AdvancedPanel, bpy.types.Panel):
    """The plate that the head goes back into."""

    bl_label = "Into the Plate"
    bl_parent_id = "HEADCAST_PT_take"

    def draw(self, context: bpy.types.Context) -> None:
        draw_settings(self.layout, context.scene.headcast.render, RenderSettings, PLATE)


class HEADCAST_PT_take_gate(AdvancedPanel, bpy.types.Panel):
    """The limits that frames must keep."""

    bl_label = "Quality Gate"
    bl_parent_id = "HEADCAST_PT_take"

    def draw(self, context: bpy.types.Context) -> None:
        draw_settings(self.layout, context.scene.headcast.render, RenderSettings, GATE)


class HEADCAST_PT_take_advanced(AdvancedPanel, bpy.types.Panel):
    """How the likeness plays the performance."""

    bl_parent_id = "HEADCAST_PT_take"

    def draw_header_preset(self, context: bpy.types.Context) -> None:
        HEADCAST_PT_render_presets.draw_panel_header(self.layout)

    def draw(self, context: bpy.types.Context) -> None:
        draw_settings(self.layout, context.scene.headcast.render, RenderSettings)
