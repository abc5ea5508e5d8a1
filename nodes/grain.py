# SPDX-License-Identifier: GPL-3.0-or-later
"""The group "Headcast Grain": the plate's grain on the head.

Grain is a take's layer, or, if there is none, the group's own noise (since Blender 4.5): of the standard deviation
Noise, another one in each frame, the same whenever that frame is rendered.
"""

from __future__ import annotations

from .. import compat
from .build import COLOUR, Recipe, Socket, Sockets
from .wires import Wires

EVEN_SPREAD = 12**0.5
"""One over the standard deviation of what is spread evenly from 0 to 1."""


def _wire(wires: Wires, given: Sockets) -> Sockets:
    *colours, alpha = wires.split(given["Image"])
    share = wires.math("MULTIPLY", given["Amount"], given["Matte"])
    layers = wires.split(given["Grain"])[:3]
    grainy = [wires.math("MULTIPLY_ADD", layer, share, colour) for colour, layer in zip(colours, layers, strict=True)]
    if NOISE.name in given:
        spread = wires.math("MULTIPLY", wires.math("MULTIPLY", given[NOISE.name], EVEN_SPREAD), given["Matte"])
        noises = wires.split(compat.white_noise(wires.tree, given["Image"]))[:3]
        grainy = [
            wires.math("MULTIPLY_ADD", wires.math("SUBTRACT", noise, 0.5), spread, colour)
            for colour, noise in zip(grainy, noises, strict=True)
        ]
    return {"Image": wires.join(*grainy, alpha)}


NOISE = Socket("Noise", low=0.0, text="Standard deviation of noise to add where there is no layer")

GRAIN = Recipe(
    name="Headcast Grain",
    version=1,
    text="Adds a layer of grain, or noise of its own, within the matte",
    inputs=(
        Socket("Image", COLOUR, (0.0, 0.0, 0.0, 0.0), text="The comp, or the premultiplied head"),
        Socket("Grain", COLOUR, (0.0, 0.0, 0.0, 0.0), text="The take's layer of grain: what is to be added, around 0"),
        Socket("Matte", default=1.0, low=0.0, high=1.0, text="Where the grain goes"),
        Socket("Amount", default=1.0, low=0.0, text="The layer is multiplied by this"),
        *((NOISE,) if compat.HAS_NOISE else ()),
    ),
    outputs=(Socket("Image", COLOUR),),
    wire=_wire,
)
