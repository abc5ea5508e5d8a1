"""The node editor's sidebar: how the take stands, and the controls of the active Headcast group."""

from __future__ import annotations

import textwrap
from itertools import islice

import bpy

from ..core.errors import HeadcastError
from ..core.listing import stretches
from ..nodes.build import group_name
from ..nodes.comp import VIEWS
from ..nodes.shelf import TAKE
from ..operators.modal import absolute
from ..scene.take_state import TakeState, take_state
from .tab import LINE

MOST_REASONS = 5
"""Flagged frames whose reasons are told."""


class NodesPanel:
    """A panel of the compositor's Headcast tab."""

    bl_space_type = "NODE_EDITOR"
    bl_region_type = "UI"
    bl_category = "Headcast"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return context.space_data.tree_type == "CompositorNodeTree"


class HEADCAST_PT_nodes_take(NodesPanel, bpy.types.Panel):
    """How the scene's take stands."""

    bl_label = "Take"

    def draw(self, context: bpy.types.Context) -> None:
        layout, settings = self.layout, context.scene.headcast
        layout.prop(settings, "output", text="")
        try:
            state = take_state(absolute(settings.output, "Take"))
        except HeadcastError as error:
            state = None
            layout.label(text=error.message, icon="INFO")
        if state is not None:
            _draw_state(layout, state)
        else:
            layout.label(text="No frames yet", icon="INFO")
        column = layout.column(align=True)
        column.operator("headcast.composite", icon="NODE_COMPOSITING")
        column.operator("headcast.take_to_sequencer", icon="SEQUENCE")
        column.operator("headcast.take_over_strip", icon="SEQ_STRIP_META")
        column.operator("headcast.take_to_plane", icon="OUTLINER_OB_IMAGE")
        column.operator("headcast.take_to_clip", icon="TRACKER")


def _draw_state(layout: bpy.types.UILayout, state: TakeState) -> None:
    layout.label(text=f"Done: {stretches(state.frames, state.done) or 'none'}", icon="CHECKMARK")
    if not state.done.all():
        layout.label(text=f"Files gone: {stretches(state.frames, ~state.done)}", icon="ERROR")
    if not state.reasons:
        return
    layout.label(text=f"Flagged: {stretches(state.frames, state.flagged)}", icon="ERROR")
    column = layout.box().column(align=True)
    for frame, reason in islice(state.reasons.items(), MOST_REASONS):
        for i, line in enumerate(textwrap.wrap(f"{frame}: {reason}", LINE)):
            column.label(text=line, icon="NONE" if i else "MARKER")


class HEADCAST_PT_nodes_group(NodesPanel, bpy.types.Panel):
    """The controls of the active group, if it is one of ours."""

    bl_label = "Node"

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
                layout.label(text=f"{socket.name}: linked")
            else:
                layout.prop(socket, "default_value", text=socket.name)
        if group_name(node).startswith(TAKE.name):
            layout.operator("headcast.take_to_node", icon="FILE_REFRESH")
