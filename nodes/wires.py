# SPDX-License-Identifier: GPL-3.0-or-later
"""Nodes written as formulae: each method adds one and returns the socket that holds its result."""

from __future__ import annotations

from collections import defaultdict

import bpy

from .. import compat

COLUMN, ROW = 190, 170
"""From node to node, in the units of a node editor."""

Value = bpy.types.NodeSocket | float
"""A link to an input: another node's output, or a constant."""


class Wires:
    """The nodes of a group that is being built."""

    def __init__(self, tree: bpy.types.NodeTree) -> None:
        self.tree = tree

    def node(self, kind: str) -> bpy.types.Node:
        return self.tree.nodes.new(kind)

    def put(self, value: Value, socket: bpy.types.NodeSocket) -> None:
        """Link what a node gives, or set a constant."""
        if isinstance(value, bpy.types.NodeSocket):
            self.tree.links.new(value, socket)
        elif isinstance(socket.default_value, float):
            socket.default_value = value
        else:
            socket.default_value = (value, value, value, 1.0)

    def math(self, operation: str, *values: Value, clamp: bool = False) -> bpy.types.NodeSocket:
        """An operation of the Math node, by its Blender name; `clamp` holds the result between 0 and 1."""
        node = compat.math_node(self.tree, operation, *values)
        node.use_clamp = clamp
        return node.outputs[0]

    def mix(self, factor: Value, base: Value, other: Value, blend: str = "MIX") -> bpy.types.NodeSocket:
        """Colours: `base` where the factor is 0, blended with `other` where it is 1.

        The alpha of what comes out is the base's before 5.2, and mixed since: do not count on it.
        """
        mixed = compat.mix_sockets(self.tree, blend)
        for value, socket in ((factor, mixed.factor), (base, mixed.base), (other, mixed.other)):
            self.put(value, socket)
        return mixed.result

    def blend(self, factor: Value, base: Value, other: Value) -> bpy.types.NodeSocket:
        """Numbers: `base`, exactly, where the factor is 0; `other` where it is 1; between or beyond them elsewhere."""
        return self.math("MULTIPLY_ADD", factor, self.math("SUBTRACT", other, base), base)

    def over(self, background: Value, foreground: Value, factor: Value) -> bpy.types.NodeSocket:
        """The premultiplied foreground, faded by the factor, over the background."""
        node = self.node("CompositorNodeAlphaOver")
        for value, socket in zip((background, foreground, factor), compat.over_sockets(node), strict=True):
            self.put(value, socket)
        return node.outputs[0]

    def faded(self, picture: Value, factor: Value) -> bpy.types.NodeSocket:
        """The premultiplied picture where the factor is 1, clear where it is 0."""
        node = self.node("CompositorNodeAlphaOver")
        background, foreground, amount = compat.over_sockets(node)
        background.default_value = (0.0, 0.0, 0.0, 0.0)
        self.put(picture, foreground)
        self.put(factor, amount)
        return node.outputs[0]

    def split(self, colour: Value) -> tuple[bpy.types.NodeSocket, ...]:
        """Red, green, blue and alpha."""
        node = self.node("CompositorNodeSeparateColor")
        self.put(colour, node.inputs[0])
        return tuple(node.outputs)

    def join(self, red: Value, green: Value, blue: Value, alpha: Value) -> bpy.types.NodeSocket:
        """A colour of its channels."""
        node = self.node("CompositorNodeCombineColor")
        for value, socket in zip((red, green, blue, alpha), node.inputs, strict=True):
            self.put(value, socket)
        return node.outputs[0]

    def axes(self, vector: bpy.types.NodeSocket) -> tuple[bpy.types.NodeSocket, ...]:
        """X, Y and Z."""
        node = self.node(compat.SEPARATE_XYZ)
        self.put(vector, node.inputs[0])
        return tuple(node.outputs)

    def arrange(self) -> None:
        """Lay the nodes out in columns from left to right, so that whoever opens the group can read it."""
        depth: dict[str, int] = {}

        def depth_of(node: bpy.types.Node) -> int:
            if node.name not in depth:
                sources = (link.from_node for socket in node.inputs for link in socket.links)
                depth[node.name] = 1 + max(map(depth_of, sources), default=-1)
            return depth[node.name]

        rows: defaultdict[int, int] = defaultdict(int)
        for node in self.tree.nodes:
            column = depth_of(node)
            node.location = (column * COLUMN, -rows[column] * ROW)
            rows[column] += 1
