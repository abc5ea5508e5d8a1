# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes that wait for each other."""

from __future__ import annotations

from pathlib import Path

import bpy

from ..render_queue import DONE, FAILED, RENDERING, WAITING
from .tab import AdvancedPanel, RowList, draw_action, draw_text

ICONS = {WAITING: "TIME", RENDERING: "RENDER_ANIMATION", DONE: "CHECKMARK", FAILED: "ERROR"}


class HEADCAST_UL_queue(RowList, bpy.types.UIList):
    """A take, and how it stands."""

    def draw_row(self, layout: bpy.types.UILayout, item: bpy.types.PropertyGroup) -> None:
        layout.label(text="/".join(Path(item.name).parts[-2:]), icon=ICONS.get(item.state, "QUESTION"), translate=False)


class HEADCAST_PT_queue(AdvancedPanel, bpy.types.Panel):
    """Several takes, one after the other."""

    bl_label = "Queue"
    bl_parent_id = "HEADCAST_PT_take"
    bl_order = 10

    def draw(self, context: bpy.types.Context) -> None:
        settings, layout = context.scene.headcast, self.layout
        row = layout.row()
        row.template_list("HEADCAST_UL_queue", "", settings, "queue", settings, "queue_index", rows=3)
        column = row.column(align=True)
        column.operator("headcast.queue_add", text="", icon="ADD")
        column.operator("headcast.queue_remove", text="", icon="REMOVE")
        if 0 <= settings.queue_index < len(settings.queue):
            chosen = settings.queue[settings.queue_index]
            if chosen.state == FAILED:
                draw_text(layout, chosen.why, "ERROR")
            else:
                layout.label(text=Path(chosen.likeness).name + " + " + Path(chosen.performance).name, translate=False)
        draw_action(layout, "headcast.queue_render", "RENDER_ANIMATION")
