"""The group "Headcast Grain": the plate's grain on the head.

Grain is a take's layer, or where there is none, noise of the group's own: of the standard deviation Noise, another one in
each frame, the same whenever that frame is rendered.
"""

from __future__ import annotations

from .. import compat
from .build import COLOUR, Recipe, Socket, Sockets
from .wires import Wires

EVEN_SPREAD = 12**0.5
"""One over the standard deviation of what is spread evenly from 0 to 1."""


def _wire(wires: Wires, given: Sockets) -> Sockets:
    *colours, alpha = wires.split(given["Image"])
    layers = wires.split(given["Grain"])[:3]
    noises = wires.split(compat.white_noise(wires.tree, given["Image"]))[:3]
    layer_share = wires.math("MULTIPLY", given["Amount"], given["Matte"])
    noise_share = wires.math("MULTIPLY", wires.math("MULTIPLY", given["Noise"], EVEN_SPREAD), given["Matte"])
    grainy = []
    for colour, layer, noise in zip(colours, layers, noises, strict=True):
        own = wires.math("SUBTRACT", noise, 0.5)
        added = wires.math("MULTIPLY_ADD", layer, layer_share, wires.math("MULTIPLY", own, noise_share))
        grainy.append(wires.math("ADD", colour, added))
    return {"Image": wires.join(*grainy, alpha)}


GRAIN = Recipe(
    name="Headcast Grain",
    version=1,
    text="Adds a layer of grain, or noise of its own, within the matte",
    inputs=(
        Socket("Image", COLOUR, (0.0, 0.0, 0.0, 0.0), text="The comp, or the premultiplied head"),
        Socket("Grain", COLOUR, (0.0, 0.0, 0.0, 0.0), text="The take's layer of grain: what is to be added, around 0"),
        Socket("Matte", default=1.0, low=0.0, high=1.0, text="Where the grain goes"),
        Socket("Amount", default=1.0, low=0.0, text="The layer is multiplied by this"),
        Socket("Noise", low=0.0, text="Standard deviation of noise to add where there is no layer"),
    ),
    outputs=(Socket("Image", COLOUR),),
    wire=_wire,
)
