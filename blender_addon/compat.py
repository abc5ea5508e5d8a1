# SPDX-License-Identifier: GPL-3.0-or-later
"""All that differs between Blender 4.2 and 5.2, and nothing else."""

from __future__ import annotations

from typing import NamedTuple

import bpy

HAS_GROUP_COMPOSITOR = bpy.app.version >= (5, 0, 0)
"""Since 5.0 a scene's compositor is a node group with a Group Output."""

HAS_SIZE_SOCKETS = HAS_NOISE = bpy.app.version >= (4, 5, 0)
"""Since 4.5 nodes of the compositor take their sizes from sockets, and some make noise."""

SEPARATE_XYZ = "ShaderNodeSeparateXYZ" if HAS_GROUP_COMPOSITOR else "CompositorNodeSeparateXYZ"

MOST_BLUR = 256.0
"""Pixels: the radius at which the Blur node of 4.2 has its size at 1."""
MOST_GROWN = 8
"""Pixels that an edge can be moved before 4.5."""

HAS_STRIP_COMPOSITOR = bpy.app.version >= (5, 2, 0)
"""Strips can have a node group as a modifier since 5.0, but adding one from Python crashes 5.0.1 and 5.1.2."""

RELATIVE_PATH: set[str] = {"PATH_SUPPORTS_BLEND_RELATIVE"} if bpy.app.version >= (4, 5, 0) else set()
"""Options of a path property that may begin with `//`."""


def compositor_tree(scene: bpy.types.Scene) -> bpy.types.NodeTree:
    """The scene's compositor, switched on, and its own: scenes may share one, and what one shows is not for the others."""
    if not HAS_GROUP_COMPOSITOR:
        scene.use_nodes = True
        return scene.node_tree
    found = scene.compositing_node_group
    if found is not None:
        if any(other.compositing_node_group == found for other in bpy.data.scenes if other != scene):
            scene.compositing_node_group = found.copy()
    else:
        tree = bpy.data.node_groups.new(f"{scene.name} Compositor", "CompositorNodeTree")
        tree.interface.new_socket("Image", in_out="OUTPUT", socket_type="NodeSocketColor")
        scene.compositing_node_group = tree
    return scene.compositing_node_group


def compositor_output(tree: bpy.types.NodeTree) -> bpy.types.Node:
    """The node whose first input is what a render shows; made where it is missing."""
    kind = "NodeGroupOutput" if HAS_GROUP_COMPOSITOR else "CompositorNodeComposite"
    for node in tree.nodes:
        if node.bl_idname == kind:
            return node
    node = tree.nodes.new(kind)
    node.location = (600, 0)
    return node


def over_sockets(node: bpy.types.Node) -> tuple[bpy.types.NodeSocket, bpy.types.NodeSocket, bpy.types.NodeSocket]:
    """Background, foreground and factor of an Alpha Over node."""
    if HAS_GROUP_COMPOSITOR:
        return node.inputs["Background"], node.inputs["Foreground"], node.inputs["Factor"]
    return node.inputs[1], node.inputs[2], node.inputs[0]


class MixSockets(NamedTuple):
    """The sockets of a node that mixes colours."""

    factor: bpy.types.NodeSocket
    base: bpy.types.NodeSocket
    other: bpy.types.NodeSocket
    result: bpy.types.NodeSocket


def mix_sockets(tree: bpy.types.NodeTree, blend: str) -> MixSockets:
    """A new node that mixes colours in the way `blend`."""
    if not HAS_GROUP_COMPOSITOR:
        node = tree.nodes.new("CompositorNodeMixRGB")
        node.blend_type = blend
        return MixSockets(*node.inputs, node.outputs[0])
    node = tree.nodes.new("ShaderNodeMix")
    node.data_type, node.blend_type = "RGBA", blend
    by_identifier = {socket.identifier: socket for socket in (*node.inputs, *node.outputs)}
    return MixSockets(*(by_identifier[name] for name in ("Factor_Float", "A_Color", "B_Color", "Result_Color")))


def math_node(tree: bpy.types.NodeTree, operation: str, *values: bpy.types.NodeSocket | float) -> bpy.types.Node:
    """A new Math node: links from sockets, constants as they are."""
    node = tree.nodes.new("ShaderNodeMath" if HAS_GROUP_COMPOSITOR else "CompositorNodeMath")
    node.operation = operation
    for value, socket in zip(values, node.inputs, strict=False):
        if isinstance(value, bpy.types.NodeSocket):
            tree.links.new(value, socket)
        else:
            socket.default_value = value
    return node


def grown(tree: bpy.types.NodeTree, matte: bpy.types.NodeSocket, pixels: bpy.types.NodeSocket) -> bpy.types.NodeSocket:
    """The largest value in a square that reaches so many pixels to each side; the smallest where they are negative.

    Between two whole numbers of pixels it is a mix of both. Before 4.5 it stops at MOST_GROWN: the node's size is no socket
    there, so that every size has a node of its own. They stand side by side: 4.2 takes for ever over long chains that
    branch and meet again.
    """
    if HAS_SIZE_SOCKETS:
        low = math_node(tree, "FLOOR", pixels).outputs[0]
        sizes = (low, math_node(tree, "ADD", low, 1.0).outputs[0])
    else:
        sizes = tuple(float(size) for size in range(-MOST_GROWN, MOST_GROWN + 1))
    total: bpy.types.NodeSocket | float = 0.0
    for size in sizes:
        node = tree.nodes.new("CompositorNodeDilateErode")
        tree.links.new(matte, node.inputs[0])
        if HAS_SIZE_SOCKETS:
            tree.links.new(size, node.inputs["Size"])
        else:
            node.distance = int(size)
        away = math_node(tree, "ABSOLUTE", math_node(tree, "SUBTRACT", pixels, size).outputs[0]).outputs[0]
        share = math_node(tree, "MAXIMUM", math_node(tree, "SUBTRACT", 1.0, away).outputs[0], 0.0).outputs[0]
        total = math_node(tree, "MULTIPLY_ADD", share, node.outputs[0], total).outputs[0]
    return total


def at_scene_scale(tree: bpy.types.NodeTree, picture: bpy.types.NodeSocket) -> bpy.types.NodeSocket:
    """The picture at the scene's resolution percentage, as files of full size are to be shown at half."""
    node = tree.nodes.new("CompositorNodeScale")
    tree.links.new(picture, node.inputs["Image"])
    if hasattr(node, "space"):
        node.space = "SCENE_SIZE"
    else:
        node.inputs["Type"].default_value = "Scene Size"
    return node.outputs[0]


def blurred(tree: bpy.types.NodeTree, value: bpy.types.NodeSocket, radius: bpy.types.NodeSocket) -> bpy.types.NodeSocket:
    """A Gaussian blur of a radius, in pixels, that is three of its standard deviations."""
    node = tree.nodes.new("CompositorNodeBlur")
    tree.links.new(value, node.inputs["Image"])
    if not HAS_SIZE_SOCKETS:
        node.filter_type = "GAUSS"
        node.size_x = node.size_y = int(MOST_BLUR)
        radius = math_node(tree, "DIVIDE", radius, MOST_BLUR).outputs[0]
    tree.links.new(radius, node.inputs["Size"])
    return node.outputs[0]


def white_noise(tree: bpy.types.NodeTree, picture: bpy.types.NodeSocket) -> bpy.types.NodeSocket:
    """Colours whose channels are each spread evenly from 0 to 1, of every pixel of the picture and every frame its own.

    Where HAS_NOISE alone: the Texture node of before crashes Blender 5.0 when it opens the file.
    """
    time = tree.nodes.new("CompositorNodeSceneTime")
    places = tree.nodes.new("CompositorNodeImageCoordinates")
    noise = tree.nodes.new("ShaderNodeTexWhiteNoise")
    noise.noise_dimensions = "4D"
    tree.links.new(picture, places.inputs["Image"])
    tree.links.new(places.outputs["Pixel"], noise.inputs["Vector"])
    tree.links.new(time.outputs["Frame"], noise.inputs["W"])
    return noise.outputs["Color"]


def use_processor_for_compositing(scene: bpy.types.Scene) -> None:
    """5.2's default scene asks for a GPU compositor: where there is none, it must be told."""
    if hasattr(scene.render, "compositor_device"):
        scene.render.compositor_device = "CPU"


def strips_of(editor: bpy.types.SequenceEditor) -> bpy.types.bpy_prop_collection:
    """The strips at the top of the sequencer."""
    return editor.strips if hasattr(editor, "strips") else editor.sequences


def begins(strip: bpy.types.Strip) -> float:
    """The frame on which the strip's content begins, cut or not."""
    return strip.content_start if hasattr(strip, "content_start") else strip.frame_start


def sequencer_scene(context: bpy.types.Context) -> bpy.types.Scene:
    """The scene that the sequencer cuts: since 5.0 it need not be the one in the viewport."""
    return getattr(context, "sequencer_scene", None) or context.scene


def show_in_sequencer(context: bpy.types.Context, scene: bpy.types.Scene) -> None:
    """Have the sequencer show the strips of `scene` where it shows no scene: since 5.0 that is the workspace's choice."""
    workspace = context.workspace
    if hasattr(workspace, "sequencer_scene") and workspace.sequencer_scene is None:
        workspace.sequencer_scene = scene


def asset_folders() -> list[str]:
    """The user's asset libraries on this machine: since 5.2 there are others."""
    libraries = bpy.context.preferences.filepaths.asset_libraries
    return [library.path for library in libraries if library.path and not getattr(library, "use_remote_url", False)]


def curve_of(animated: bpy.types.ID, path: str, index: int = 0) -> bpy.types.FCurve:
    """The F-curve of a property of the datablock; made, with the action that holds it, where it is missing."""
    data = animated.animation_data or animated.animation_data_create()
    if data.action is None:
        data.action = bpy.data.actions.new(f"{animated.name} Action")
    if hasattr(data.action, "fcurve_ensure_for_datablock"):  # actions have slots, since 4.4
        return data.action.fcurve_ensure_for_datablock(animated, path, index=index)
    curves = data.action.fcurves
    return curves.find(path, index=index) or curves.new(path, index=index)


def curves_of(animated: bpy.types.ID) -> list[bpy.types.FCurve]:
    """The F-curves of the datablock's action; none is made."""
    data = animated.animation_data
    if data is None or data.action is None:
        return []
    if not hasattr(data.action, "slots"):  # since 4.4
        return list(data.action.fcurves)
    strips = [strip for layer in data.action.layers for strip in layer.strips] if data.action_slot else []
    bags = [strip.channelbag(data.action_slot) for strip in strips]
    return [curve for bag in bags if bag is not None for curve in bag.fcurves]


def new_curves(action: bpy.types.Action) -> bpy.types.bpy_prop_collection:
    """The F-curves, none yet, of a new action for objects that nothing uses yet."""
    if not hasattr(action, "slots"):
        return action.fcurves
    slot = action.slots.new(id_type="OBJECT", name=action.name)
    return action.layers.new("Layer").strips.new(type="KEYFRAME").channelbag(slot, ensure=True).fcurves


def selection_of(bone: bpy.types.PoseBone) -> bpy.types.PoseBone | bpy.types.Bone:
    """The owner of a pose bone's `select`: since 5.0 it is the pose bone itself."""
    return bone if hasattr(bone, "select") else bone.bone
