# SPDX-License-Identifier: GPL-3.0-or-later
"""The group "Headcast Take": a take's frames.

Inputs: Plate, Blend (0 shows the plate, 1 the head). Outputs: Image (the head over the plate), Head (premultiplied RGBA),
Matte, and the further layers of its files.
"""

from __future__ import annotations

from typing import NamedTuple

import bpy

from .. import compat
from .build import COLOUR, FLOAT, VECTOR, Recipe, Socket, Sockets, ensure_group
from .wires import Wires

LAYERS = ("Core", "Edge", "Grain", "Raw", "ST", "Confidence", "Comp")
"""Layers that a file may hold beside the head: parts of these names in small letters."""
SEQUENCE = "Take"
"""The name of the node that holds the frames."""
FIRST, LAST = "First Frame", "Last Frame"
"""The names of the nodes that hold its range."""
MOST = 1e6
"""Frames: beyond any scene."""
KINDS = {"RGBA": COLOUR, "VALUE": FLOAT, "VECTOR": VECTOR}


class TakeRange(NamedTuple):
    """First and last frame number; frames play at the scene frames of the same number."""

    first: int
    last: int


def take_recipe(name: str, image: bpy.types.Image | None = None) -> Recipe:
    """For the take `name` with the layers that the files of `image` have."""

    def wire(wires: Wires, given: Sockets) -> Sockets:
        sequence = wires.node("CompositorNodeImage")
        sequence.name = sequence.label = SEQUENCE
        sequence.image = image
        alive = _alive(wires)
        layers = {name: _while_alive(wires, socket, alive) for name, socket in _layers(sequence).items()}
        head = layers.get("Head") or _while_alive(wires, sequence.outputs[0], alive)
        shown = {"Image": wires.over(given["Plate"], head, given["Blend"]), "Head": head, "Matte": wires.split(head)[3]}
        return shown | {layer: layers[layer] for layer in LAYERS if layer in layers}

    return Recipe(
        name=f"Headcast Take {name}".rstrip(),
        version=3,
        text="The frames of a take: the head over a plate, the head, its matte and the other layers",
        inputs=(
            Socket("Plate", COLOUR, (0.0, 0.0, 0.0, 0.0)),
            Socket("Blend", default=1.0, low=0.0, high=1.0, text="0 shows the plate, 1 the head; set keyframes to fade"),
        ),
        outputs=(
            Socket("Image", COLOUR),
            Socket("Head", COLOUR),
            Socket("Matte"),
            *(Socket(layer, kind) for layer, kind in _further_layers(image)),
        ),
        wire=wire,
    )


def build_take_group(name: str, image: bpy.types.Image, frames: TakeRange) -> bpy.types.NodeTree:
    """The node group of the take `name`, showing `image` (a sequence); found again by its image and brought up to date."""

    def shows_it(group: bpy.types.NodeTree) -> bool:
        shown = group.nodes[SEQUENCE].image if SEQUENCE in group.nodes else None
        return shown is not None and bpy.path.abspath(shown.filepath) == bpy.path.abspath(image.filepath)

    group = ensure_group(take_recipe(name, image), shows_it)
    sequence = group.nodes[SEQUENCE]
    for named, limit in ((FIRST, frames.first - 0.5), (LAST, frames.last + 0.5)):
        group.nodes[named].inputs[1].default_value = limit
    sequence.image = image
    sequence.frame_duration = frames.last - frames.first + 1
    sequence.frame_start = frames.first
    sequence.frame_offset = frames.first - 1
    sequence.use_auto_refresh = True
    return group


def _alive(wires: Wires) -> bpy.types.NodeSocket:
    """1 within the take's frames, 0 before and after: an image node would hold the last one for ever."""
    frame = wires.node("CompositorNodeSceneTime").outputs["Frame"]
    begun, not_over = wires.math("GREATER_THAN", frame, -MOST), wires.math("LESS_THAN", frame, MOST)
    begun.node.name, not_over.node.name = FIRST, LAST
    return wires.math("MULTIPLY", begun, not_over)


def _while_alive(wires: Wires, layer: bpy.types.NodeSocket, alive: bpy.types.NodeSocket) -> bpy.types.NodeSocket:
    """The layer at the scene's resolution percentage, and nothing where the take has no frame."""
    scaled = compat.at_scene_scale(wires.tree, layer)
    if layer.type == "VALUE":
        return wires.math("MULTIPLY", scaled, alive)
    return wires.faded(scaled, alive)


def _layers(sequence: bpy.types.Node) -> dict[str, bpy.types.NodeSocket]:
    """The node's outputs by our names for them."""
    named = {layer.casefold(): layer for layer in ("Head", *LAYERS)}
    return {named[socket.name.casefold()]: socket for socket in sequence.outputs if socket.name.casefold() in named}


def _further_layers(image: bpy.types.Image | None) -> list[tuple[str, str]]:
    """Name and kind of socket of each: Blender says it of a node alone, so one is made and thrown away."""
    if image is None:  # while the extension is enabled there is no `bpy.data`
        return []
    trial = bpy.data.node_groups.new("Headcast Trial", "CompositorNodeTree")
    try:
        sequence = trial.nodes.new("CompositorNodeImage")
        sequence.image = image
        layers = _layers(sequence)
        return [(layer, KINDS[layers[layer].type]) for layer in LAYERS if layer in layers]
    finally:
        bpy.data.node_groups.remove(trial)
