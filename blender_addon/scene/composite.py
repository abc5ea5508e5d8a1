# SPDX-License-Identifier: GPL-3.0-or-later
"""A take over the scene's picture: the node group of `nodes/` wired into the scene's compositor."""

from __future__ import annotations

from typing import Any

import bpy

from .. import compat
from ..nodes.take import SEQUENCE, TakeRange, build_take_group
from .identity import family_of, family_of_take
from .rig import frame_size as frame_size_of
from .rig import region_of
from .sequence import frame_size, take_name

HIDDEN = "The scene's sequencer has strips: a render shows these, and not the compositor"
SAME_SHAPE = 0.02
"""How much the aspects of pictures of one shape may differ, as a part."""
PLATE, RESULT = "Plate", "Image"


def composite_take(scene: bpy.types.Scene, image: bpy.types.Image, take: dict[str, Any]) -> bpy.types.Node:
    """Put the take between what the scene showed and its output. Doing it again changes nothing but the frames, and another
    version takes the place of the one that is there."""
    group = take_group(image, take)
    tree = compat.compositor_tree(scene)
    scene.render.use_compositing = True
    output = compat.compositor_output(tree)
    family = family_of_take(take["pattern"])
    for node in tree.nodes:
        if family_of(_image_of(node)) == family:
            _show(tree, node, group)
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


def hidden_by(scene: bpy.types.Scene) -> str:
    """Why a render does not show the scene's compositor; empty where it does."""
    editor = scene.sequence_editor
    strips = [] if editor is None or not scene.render.use_sequencer else compat.strips_of(editor)
    if any(strip.type != "SOUND" and not strip.mute for strip in strips):
        return HIDDEN
    return ""


def is_cropped_wrongly(scene: bpy.types.Scene, image: bpy.types.Image) -> bool:
    """Whether a render shows a part of the frame, and the take is a picture of all of it: it would lie beside its place."""
    whole, (_, _, *part) = frame_size_of(scene), region_of(scene)
    width, height = frame_size(image)
    of_whole, of_part = (abs(width * size[1] / (height * size[0]) - 1) for size in (whole, part))
    return tuple(part) != whole and of_part > min(of_whole, SAME_SHAPE)


def take_group(image: bpy.types.Image, take: dict[str, Any]) -> bpy.types.NodeTree:
    """The node group of the take, with the frames of now."""
    return build_take_group(take_name(take), image, TakeRange(take["first"], take["last"]))


def _image_of(node: bpy.types.Node) -> bpy.types.Image | None:
    """The take that a node shows; None for another node."""
    if node.bl_idname != "CompositorNodeGroup" or node.node_tree is None:
        return None
    sequence = node.node_tree.nodes.get(SEQUENCE)
    return getattr(sequence, "image", None)


def _show(tree: bpy.types.NodeTree, node: bpy.types.Node, group: bpy.types.NodeTree) -> None:
    """Another group in a node, whose links and values stay where there are sockets of their names."""
    if node.node_tree == group:
        return
    given = {socket.name: socket.links[0].from_socket for socket in node.inputs if socket.is_linked}
    taken = [(socket.name, link.to_socket) for socket in node.outputs for link in socket.links]
    values = {socket.name: socket.default_value for socket in node.inputs if isinstance(socket.default_value, float)}
    was_named = node.label == node.node_tree.name
    node.node_tree = group
    for name, value in values.items():
        if name in node.inputs:
            node.inputs[name].default_value = value
    for name, source in given.items():
        if name in node.inputs:
            tree.links.new(source, node.inputs[name])
    for name, target in taken:
        if name in node.outputs:
            tree.links.new(node.outputs[name], target)
    if was_named:
        node.label = group.name


def _scene_picture(tree: bpy.types.NodeTree, beside: bpy.types.Node) -> bpy.types.NodeSocket:
    """The scene's own render, where the compositor was still empty."""
    layers = next((node for node in tree.nodes if node.bl_idname == "CompositorNodeRLayers"), None)
    if layers is None:
        layers = tree.nodes.new("CompositorNodeRLayers")
        layers.location = (beside.location.x - 300, beside.location.y)
    return layers.outputs["Image"]
