# SPDX-License-Identifier: GPL-3.0-or-later
"""Entries in menus of Blender's own."""

from __future__ import annotations

import bpy

from .nodes.shelf import SHELF
from .recent import recent


class HEADCAST_MT_nodes(bpy.types.Menu):
    """Headcast's node groups"""

    bl_label = "Headcast"

    def draw(self, context: bpy.types.Context) -> None:
        self.layout.operator_context = "INVOKE_REGION_WIN"
        for key, recipe in SHELF.items():
            self.layout.operator("headcast.add_node", text=recipe.name.removeprefix("Headcast ")).kind = key
        self.layout.separator()
        self.layout.operator("headcast.write_assets", icon="ASSET_MANAGER")


class HEADCAST_MT_recent(bpy.types.Menu):
    """Likenesses used last"""

    bl_label = "Recent Likenesses"

    def draw(self, context: bpy.types.Context) -> None:
        likenesses = recent()
        for path in likenesses:
            chosen = self.layout.operator("headcast.choose_likeness", text=path.stem, translate=False, icon="USER")
            chosen.filepath = str(path)
        if not likenesses:
            self.layout.label(text="None yet", icon="INFO")


def register() -> None:
    """Add the entries."""
    bpy.types.NODE_MT_add.append(_add_nodes)


def unregister() -> None:
    """The reverse."""
    bpy.types.NODE_MT_add.remove(_add_nodes)


def _add_nodes(menu: bpy.types.Menu, context: bpy.types.Context) -> None:
    if context.space_data.tree_type == "CompositorNodeTree":
        menu.layout.separator()
        menu.layout.menu("HEADCAST_MT_nodes")
