# SPDX-License-Identifier: GPL-3.0-or-later
"""How a group is built, and how an existing one is found again and brought up to date."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import bpy

from .wires import Wires

NAME_KEY, STAMP_KEY = "headcast_group", "headcast_stamp"
COLOUR, FLOAT, VECTOR = "NodeSocketColor", "NodeSocketFloat", "NodeSocketVector"
"""All that a group of 4.2 can take in."""

Sockets = Mapping[str, bpy.types.NodeSocket]


class Socket(NamedTuple):
    """One input or output of a group."""

    name: str
    kind: str = FLOAT
    default: float | tuple[float, ...] = 0.0
    low: float | None = None
    high: float | None = None
    text: str = ""


@dataclass(frozen=True)
class Recipe:
    """A group that code can build."""

    name: str
    version: int
    """Counted up when the wires change: groups of older versions are then built anew where they are"""
    text: str
    inputs: tuple[Socket, ...]
    outputs: tuple[Socket, ...]
    wire: Callable[[Wires, Sockets], Sockets]
    """The outputs by their names, made from the inputs"""

    @property
    def stamp(self) -> str:
        """The same for groups that are built the same."""
        return " ".join([str(self.version), *(f"{socket.name}:{socket.kind}" for socket in (*self.inputs, *self.outputs))])


def ensure_group(recipe: Recipe, is_it: Callable[[bpy.types.NodeTree], bool] = lambda group: True) -> bpy.types.NodeTree:
    """The file's group of this name that `is_it`, current. Links to sockets that stay, and their values, outlive a
    rebuilding."""
    group = find_group(recipe.name, is_it)
    if group is None:
        group = bpy.data.node_groups.new(recipe.name, "CompositorNodeTree")
        group[NAME_KEY] = recipe.name
    if group.get(STAMP_KEY) != recipe.stamp:
        _build(group, recipe)
        group[STAMP_KEY] = recipe.stamp
    return group


def find_group(name: str, is_it: Callable[[bpy.types.NodeTree], bool] = lambda group: True) -> bpy.types.NodeTree | None:
    """The file's own group of this name that `is_it`; those of linked libraries cannot be brought up to date."""
    own = (tree for tree in bpy.data.node_groups if tree.get(NAME_KEY) == name and tree.library is None)
    return next((tree for tree in own if is_it(tree)), None)


def group_name(node: bpy.types.Node | None) -> str:
    """The name of the recipe that a node shows; empty if it is not one of Headcast's."""
    if node is None or node.bl_idname != "CompositorNodeGroup" or node.node_tree is None:
        return ""
    return str(node.node_tree.get(NAME_KEY, ""))


def _build(group: bpy.types.NodeTree, recipe: Recipe) -> None:
    group.nodes.clear()
    for at, (in_out, socket) in enumerate(
        [("OUTPUT", socket) for socket in recipe.outputs] + [("INPUT", socket) for socket in recipe.inputs]
    ):
        group.interface.move(_declare(group, in_out, socket), at)
    for left_over in list(group.interface.items_tree)[len(recipe.outputs) + len(recipe.inputs) :]:
        group.interface.remove(left_over)
    wires = Wires(group)
    given, result = wires.node("NodeGroupInput"), wires.node("NodeGroupOutput")
    for name, source in recipe.wire(wires, given.outputs).items():
        wires.put(source, result.inputs[name])
    wires.arrange()


def _declare(group: bpy.types.NodeTree, in_out: str, socket: Socket) -> Any:
    """The interface's item for a socket: the one of its name and kind that is there, or a new one."""
    sockets = (item for item in group.interface.items_tree if item.item_type == "SOCKET")
    item = next((item for item in sockets if (item.in_out, item.name, item.socket_type) == (in_out, *socket[:2])), None)
    if item is None:
        item = group.interface.new_socket(socket.name, in_out=in_out, socket_type=socket.kind)
    item.description = socket.text
    if in_out == "INPUT":
        item.default_value = socket.default
        if socket.low is not None:
            item.min_value = socket.low
        if socket.high is not None:
            item.max_value = socket.high
    return item
