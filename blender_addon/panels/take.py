"""The frames."""

from __future__ import annotations

import bpy

from ..core.settings import GATE, PLATE, RELATIVE, RenderSettings
from .tab import AdvancedPanel, TabPanel, draw_job, draw_settings


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
        self.layout.operator("headcast.render", icon="RENDER_ANIMATION")
        self.layout.operator("headcast.composite", icon="NODE_COMPOSITING")
        draw_job(self.layout)


class HEADCAST_PT_take_relative(AdvancedPanel, bpy.types.Panel):
    """How much of the driver's motion is taken."""

    bl_label = "Relative Motion"
    bl_parent_id = "HEADCAST_PT_take"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return context.scene.headcast.render.motion == "relative"

    def draw(self, context: bpy.types.Context) -> None:
        draw_settings(self.layout, context.scene.headcast.render, RenderSettings, RELATIVE)


class HEADCAST_PT_take_plate(AdvancedPanel, bpy.types.Panel):
    """The plate that the head goes back into."""

    bl_label = "Into the Plate"
    bl_parent_id = "HEADCAST_PT_take"

    def draw(self, context: bpy.types.Context) -> None:
        draw_settings(self.layout, context.scene.headcast.render, RenderSettings, PLATE)


class HEADCAST_PT_take_gate(AdvancedPanel, bpy.types.Panel):
    """What frames must be worth."""

    bl_label = "Quality Gate"
    bl_parent_id = "HEADCAST_PT_take"

    def draw(self, context: bpy.types.Context) -> None:
        draw_settings(self.layout, context.scene.headcast.render, RenderSettings, GATE)


class HEADCAST_PT_take_advanced(AdvancedPanel, bpy.types.Panel):
    """How the likeness plays the performance."""

    bl_parent_id = "HEADCAST_PT_take"

    def draw(self, context: bpy.types.Context) -> None:
        draw_settings(self.layout, context.scene.headcast.render, RenderSettings)
