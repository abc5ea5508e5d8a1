# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings kept under a name. Those that Headcast brings lie in `presets/headcast`."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import bpy
from bl_operators.presets import AddPresetBase

from ..core.settings import AdaptSettings, RenderSettings, TrackSettings

OF_THE_SHOT = {"device", "face", "first", "neutral", "overwrite"}
"""Fields, beside paths, that belong to a shot or a machine, and to no preset."""


def preset_values(settings: type[Any]) -> list[str]:
    """The part of a settings class that a preset holds."""
    kept = [item.name for item in fields(settings) if item.metadata["kind"] != "path" and item.name not in OF_THE_SHOT]
    return [f"settings.{name}" for name in kept]


class HEADCAST_OT_adapt_preset(AddPresetBase, bpy.types.Operator):
    """Keep how likenesses are made under a name, or remove what was kept"""

    bl_idname = "headcast.adapt_preset"
    bl_label = "Add Likeness Preset"
    preset_menu = "HEADCAST_PT_adapt_presets"
    preset_subdir = "headcast/adapt"
    preset_defines = ["settings = bpy.context.scene.headcast.adapt"]
    preset_values = preset_values(AdaptSettings)


class HEADCAST_OT_track_preset(AddPresetBase, bpy.types.Operator):
    """Keep how performances are made under a name, or remove what was kept"""

    bl_idname = "headcast.track_preset"
    bl_label = "Add Performance Preset"
    preset_menu = "HEADCAST_PT_track_presets"
    preset_subdir = "headcast/track"
    preset_defines = ["settings = bpy.context.scene.headcast.track"]
    preset_values = preset_values(TrackSettings)


class HEADCAST_OT_render_preset(AddPresetBase, bpy.types.Operator):
    """Keep how takes are rendered under a name, or remove what was kept"""

    bl_idname = "headcast.render_preset"
    bl_label = "Add Take Preset"
    preset_menu = "HEADCAST_PT_render_presets"
    preset_subdir = "headcast/render"
    preset_defines = ["settings = bpy.context.scene.headcast.render"]
    preset_values = preset_values(RenderSettings)
