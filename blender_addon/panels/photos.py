# SPDX-License-Identifier: GPL-3.0-or-later
"""The photos as they were looked at: what is wrong with any, and which are left out."""

from __future__ import annotations

from pathlib import Path

import bpy

from ..locale import said
from ..thumbnails import icon_of_file
from .tab import TabPanel, draw_text

SMALL, LARGE = 2.2, 3.0
"""Sides of thumbnails, in rows: of photos that are good, and of those that are not."""
COLUMNS = 4


class HEADCAST_PT_photos(TabPanel, bpy.types.Panel):
    """The photos of the likeness."""

    bl_label = "Checked Photos"
    bl_parent_id = "HEADCAST_PT_likeness"
    bl_order = 0

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return len(context.scene.headcast.checked) > 0

    def draw(self, context: bpy.types.Context) -> None:
        photos = context.scene.headcast.checked
        good = [photo for photo in photos if not (photo.problems or photo.left_out)]
        taken = sum(not photo.left_out for photo in photos)
        self.layout.label(text=said("{} of {} taken, {} without a fault", taken, len(photos), len(good)), translate=False)
        grid = self.layout.grid_flow(row_major=True, columns=COLUMNS, even_columns=True, align=True)
        for photo in good:
            grid.template_icon(icon_of_file(Path(photo.thumbnail)), scale=SMALL)
        for photo in photos:
            if photo.problems or photo.left_out:
                _draw_problem(self.layout, photo)


def _draw_problem(layout: bpy.types.UILayout, photo: bpy.types.PropertyGroup) -> None:
    row = layout.box().row()
    picture = row.column()
    picture.alignment = "LEFT"
    picture.active = not photo.left_out
    picture.template_icon(icon_of_file(Path(photo.thumbnail)), scale=LARGE)
    column = row.column(align=True)
    column.label(text=bpy.path.basename(photo.path), translate=False)
    draw_text(column, photo.problems.capitalize(), "INFO" if photo.usable else "ERROR", beside=LARGE)
    column.prop(photo, "left_out", toggle=True)
