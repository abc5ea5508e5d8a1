# SPDX-License-Identifier: GPL-3.0-or-later
"""Matches between a rig and a face, as a list that an artist can read and change."""

from __future__ import annotations

import bpy

from ..core.landmarks.naming import LANDMARKS, landmark_labels
from ..operators.match import chosen_matches
from .tab import AdvancedPanel, RowList


class HEADCAST_UL_matches(RowList, bpy.types.UIList):
    """Source, and what it drives."""

    def draw_row(self, layout: bpy.types.UILayout, item: bpy.types.PropertyGroup) -> None:
        row = layout.split(factor=0.5)
        row.label(text=item.source)
        row.label(text=_in_words(item.target))

    def filter_items(
        self, context: bpy.types.Context, data: bpy.types.PropertyGroup, name: str
    ) -> tuple[list[int], list[int]]:
        """By source or target."""
        rows, wanted = getattr(data, name), self.filter_name.casefold()
        shown = [wanted in f"{row.source} {row.target}".casefold() for row in rows]
        return [self.bitflag_filter_item if show else 0 for show in shown], []


class HEADCAST_PT_matches(AdvancedPanel, bpy.types.Panel):
    """The part of the rig or the track that drives each part of the face."""

    bl_label = "What Drives What"
    bl_parent_id = "HEADCAST_PT_performance"
    bl_order = 0

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return context.scene.headcast.source in {"RIG", "TRACKS"}

    def draw(self, context: bpy.types.Context) -> None:
        group, layout = chosen_matches(context), self.layout
        layout.operator("headcast.match", icon="VIEWZOOM")
        layout.label(text=group.convention or "By names, when it is read")
        row = layout.row()
        row.template_list("HEADCAST_UL_matches", "", group, "rows", group, "index", rows=4)
        column = row.column(align=True)
        column.operator("headcast.match_add", text="", icon="ADD")
        column.operator("headcast.match_remove", text="", icon="REMOVE")
        column.separator()
        column.operator("headcast.match_load", text="", icon="FILE_FOLDER")
        column.operator("headcast.match_save", text="", icon="FILE_TICK")
        if 0 <= group.index < len(group.rows):
            chosen = layout.column()
            chosen.use_property_split = True
            chosen.use_property_decorate = False
            for name in ("source", "target", "weight"):
                chosen.prop(group.rows[group.index], name)


def _in_words(target: str) -> str:
    """A landmark as artists call it, an expression by its name."""
    return landmark_labels()[LANDMARKS.index(target)] if target in LANDMARKS else target
