"""All that differs between Blender 4.2 and 5.2, and nothing else."""

from __future__ import annotations

import bpy

HAS_GROUP_COMPOSITOR = bpy.app.version >= (5, 0, 0)
"""Since 5.0 a scene's compositor is a node group with a Group Output."""

RELATIVE_PATH: set[str] = {"PATH_SUPPORTS_BLEND_RELATIVE"} if bpy.app.version >= (4, 5, 0) else set()
"""Options of a path property that may begin with `//`."""


def compositor_tree(scene: bpy.types.Scene) -> bpy.types.NodeTree:
    """The scene's compositor, switched on."""
    if not HAS_GROUP_COMPOSITOR:
        scene.use_nodes = True
        return scene.node_tree
    if scene.compositing_node_group is None:
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


def use_processor_for_compositing(scene: bpy.types.Scene) -> None:
    """5.2's default scene asks for a GPU compositor: where there is none, it must be told."""
    if hasattr(scene.render, "compositor_device"):
        scene.render.compositor_device = "CPU"


def curve_of(animated: bpy.types.ID, path: str) -> bpy.types.FCurve:
    """The F-curve of a property of the datablock; made, with the action that holds it, where it is missing."""
    data = animated.animation_data or animated.animation_data_create()
    if data.action is None:
        data.action = bpy.data.actions.new(f"{animated.name} Action")
    if hasattr(data.action, "fcurve_ensure_for_datablock"):  # actions have slots, since 4.4
        return data.action.fcurve_ensure_for_datablock(animated, path)
    return data.action.fcurves.find(path) or data.action.fcurves.new(path)
