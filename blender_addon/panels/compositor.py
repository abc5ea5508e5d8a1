# SPDX-License-Identifier: GPL-3.0-or-later
"""The compositor's own part of the tab: the controls of the active Headcast group."""

from __future__ import annotations

import bpy

from ..locale import said
from ..nodes.build import group_name
from ..nodes.comp import VIEWS
from ..nodes.shelf import TAKE
from .tab import TabPanel


class HEADCAST_PT_nodes_group(TabPanel, bpy.types.Panel):
    """The controls of the active group, if it is one of Headcast's."""

    bl_label = "Node"
    bl_space_type = "NODE_EDITOR"
    bl_order = 4

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return super().poll(context) and bool(group_name(context.active_node))

    def draw(self, context: bpy.types.Context) -> None:
        layout, node = self.layout, context.active_node
        layout.use_property_split = True
        layout.label(text=group_name(node), icon="NODETREE")
        for socket in node.inputs:
            if socket.name == "View" and not socket.is_linked:
                grid = layout.grid_flow(columns=3, align=True)
                for number, view in enumerate(VIEWS):
                    grid.operator("headcast.view", text=view, depress=socket.default_value == number).number = number
            elif socket.is_linked:
                layout.label(text=said("{}: linked", socket.name))
            else:
                layout.prop(socket, "default_value", text=socket.name)
        if group_name(node).startswith(TAKE.name):
            layout.operator("headcast.take_to_node", icon="FILE_REFRESH")
