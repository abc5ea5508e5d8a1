# SPDX-License-Identifier: GPL-3.0-or-later
"""The preset menus in the headers of the settings."""

from __future__ import annotations

from pathlib import Path

import bpy
from bl_ui.utils import PresetPanel

from ..operators.presets import HEADCAST_OT_adapt_preset, HEADCAST_OT_render_preset, HEADCAST_OT_track_preset

FOLDER = str(Path(__file__).parent.parent)
"""Its `presets/` holds those that Headcast brings."""


class HEADCAST_PT_adapt_presets(PresetPanel, bpy.types.Panel):
    """Ways to make a likeness."""

    preset_subdir = HEADCAST_OT_adapt_preset.preset_subdir
    preset_operator = "script.execute_preset"
    preset_add_operator = HEADCAST_OT_adapt_preset.bl_idname


class HEADCAST_PT_track_presets(PresetPanel, bpy.types.Panel):
    """Ways to make a performance."""

    preset_subdir = HEADCAST_OT_track_preset.preset_subdir
    preset_operator = "script.execute_preset"
    preset_add_operator = HEADCAST_OT_track_preset.bl_idname


class HEADCAST_PT_render_presets(PresetPanel, bpy.types.Panel):
    """Ways to render a take."""

    preset_subdir = HEADCAST_OT_render_preset.preset_subdir
    preset_operator = "script.execute_preset"
    preset_add_operator = HEADCAST_OT_render_preset.bl_idname


def register() -> None:
    """Tell Blender of those that Headcast brings."""
    bpy.utils.register_preset_path(FOLDER)


def unregister() -> None:
    """The reverse."""
    bpy.utils.unregister_preset_path(FOLDER)
