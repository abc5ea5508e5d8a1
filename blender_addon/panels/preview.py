# SPDX-License-Identifier: GPL-3.0-or-later
"""The head while it is worked on."""

from __future__ import annotations

from typing import Any

import bpy

from .. import preview
from ..fixes import draw_fix
from .tab import TabPanel, draw_error, draw_text


class HEADCAST_PT_preview(TabPanel, bpy.types.Panel):
    """The likeness plays the performance, or the rig, as you move it."""

    bl_label = "Live Preview"
    bl_order = 3
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        preview.expect()
        running = preview.current
        self.layout.operator(
            "headcast.preview",
            text="Stop Preview" if running else "Start Preview",
            icon="PAUSE" if running else "PLAY",
            depress=running is not None,
        )
        settings = context.scene.headcast.preview
        column = self.layout.column()
        column.use_property_split = True
        column.use_property_decorate = False
        column.prop(settings, "opacity")
        column.prop(settings, "corner")
        if running is not None and running.error is not None:
            draw_fix(draw_error(self.layout, running.error), running.error, "headcast.preview")
        elif running is not None:
            _draw_result(self.layout, running.result)


def _draw_result(layout: bpy.types.UILayout, result: dict[str, Any] | None) -> None:
    """The worker's last picture."""
    if result is None:
        draw_text(layout, "Starting", "INFO")
    elif not result["side"]:
        draw_text(layout, "This frame shows no face", "INFO")
    else:
        draw_text(layout, f"{result['side']} px, {result['milliseconds']:.0f} ms", "INFO")
