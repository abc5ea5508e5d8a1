# SPDX-License-Identifier: GPL-3.0-or-later
"""A take over the scene's picture: the node group of `nodes/` wired into the scene's compositor."""

from __future__ import annotations

from typing import Any

import bpy

from .. import compat
from ..nodes.take import TakeRange, build_take_group
from .sequence import take_name

PLATE, RESULT = "Plate", "Image"


def composite_take(scene: bpy.types.Scene, image: bpy.types.Image, take: dict[str, Any]) -> bpy.types.Node:
    """Put the take between what the scene showed and its output. Doing it again changes nothing but the frames."""
    group = take_group(image, take)
    tree = compat.compositor_tree(scene)
    output = compat.compositor_output(tree)
    for node in tree.nodes:
        if node.bl_idname == "CompositorNodeGroup" and node.node_tree == group:
            return node
    node = tree.nodes.new("CompositorNodeGroup")
    node.node_tree = group
    node.name = node.label = group.name
    node.location = (output.location.x - 250, output.location.y)
    shown = output.inputs[0]
    source = shown.links[0].from_socket if shown.is_linked else _scene_picture(tree, node)
    tree.links.new(source, node.inputs[PLATE])
    tree.links.new(node.outputs[RESULT], shown)
    return node


def take_group(image: bpy.types.Image, take: dict[str, Any]) -> bpy.types.NodeTree:
    """The node group of the take, with the frames of now."""
    return build_take_group(take_name(take), image, TakeRange(take["first"], take["last"]))


def _scene_picture(tree: bpy.types.NodeTree, beside: bpy.types.Node) -> bpy.types.NodeSocket:
    """The scene's own render, where the compositor was still empty."""
    layers = next((node for node in tree.nodes if node.bl_idname == "CompositorNodeRLayers"), None)
    if layers is None:
        layers = tree.nodes.new("CompositorNodeRLayers")
        layers.location = (beside.location.x - 300, beside.location.y)
    return layers.outputs["Image"]
