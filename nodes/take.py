"""The group "Headcast Take": a take's frames over a plate.

Inputs: Plate, Blend (0 shows the plate, 1 the head). Outputs: Image (the comp), Head (premultiplied RGBA), Matte.
"""

from __future__ import annotations

from typing import NamedTuple

import bpy

from ..compat import over_sockets

VERSION = 1
VERSION_KEY, NAME_KEY = "headcast_version", "headcast_take"


class TakeRange(NamedTuple):
    """First and last frame number; frames play at the scene frames of the same number."""

    first: int
    last: int


def build_take_group(name: str, image: bpy.types.Image, frames: TakeRange) -> bpy.types.NodeTree:
    """The node group of the take `name`, showing `image` (a sequence); found again by its name and brought up to date."""
    group = next((tree for tree in bpy.data.node_groups if tree.get(NAME_KEY) == name), None)
    if group is None:
        group = bpy.data.node_groups.new(f"Headcast Take {name}", "CompositorNodeTree")
        group[NAME_KEY] = name
    if group.get(VERSION_KEY) != VERSION:
        _build(group)
        group[VERSION_KEY] = VERSION
    sequence = group.nodes["Take"]
    sequence.image = image
    sequence.frame_duration = frames.last - frames.first + 1
    sequence.frame_start = frames.first
    sequence.frame_offset = frames.first - 1
    sequence.use_auto_refresh = True
    return group


def _build(group: bpy.types.NodeTree) -> None:
    group.nodes.clear()
    group.interface.clear()
    sockets = group.interface
    sockets.new_socket("Plate", in_out="INPUT", socket_type="NodeSocketColor").default_value = (0.0, 0.0, 0.0, 0.0)
    blend = sockets.new_socket("Blend", in_out="INPUT", socket_type="NodeSocketFloat")
    blend.default_value, blend.min_value, blend.max_value = 1.0, 0.0, 1.0
    for label, kind in (("Image", "NodeSocketColor"), ("Head", "NodeSocketColor"), ("Matte", "NodeSocketFloat")):
        sockets.new_socket(label, in_out="OUTPUT", socket_type=kind)

    given = group.nodes.new("NodeGroupInput")
    given.location = (-400, 100)
    take = group.nodes.new("CompositorNodeImage")
    take.name = take.label = "Take"
    take.location = (-400, -150)
    over = group.nodes.new("CompositorNodeAlphaOver")
    over.location = (0, 100)
    result = group.nodes.new("NodeGroupOutput")
    result.location = (300, 0)
    background, foreground, factor = over_sockets(over)
    link = group.links.new
    link(given.outputs["Plate"], background)
    link(given.outputs["Blend"], factor)
    link(take.outputs["Image"], foreground)
    link(over.outputs["Image"], result.inputs["Image"])
    link(take.outputs["Image"], result.inputs["Head"])
    link(take.outputs["Alpha"], result.inputs["Matte"])
