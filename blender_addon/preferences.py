# SPDX-License-Identifier: GPL-3.0-or-later
"""The add-on's preferences: the engine, and how it is set up."""

# Blender wants annotations of properties as they are: no `from __future__ import annotations` here.

import bpy

from .core.settings import SetUpSettings, StudioSettings
from .panels.engine import draw_engine_state
from .panels.tab import draw_settings
from .properties import annotations_of


class HEADCAST_AP_preferences(bpy.types.AddonPreferences):
    """Settings that belong to the machine, not to a file."""

    bl_idname = __package__
    __annotations__ = annotations_of(SetUpSettings) | annotations_of(StudioSettings)

    def draw(self, context: bpy.types.Context) -> None:
        draw_engine_state(self.layout)
        for settings in (SetUpSettings, StudioSettings):
            draw_settings(self.layout.column(), self, settings)
