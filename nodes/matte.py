# SPDX-License-Identifier: GPL-3.0-or-later
"""The group "Headcast Matte": the edge of a head, set right by hand."""

from __future__ import annotations

from .. import compat
from .build import COLOUR, Recipe, Socket, Sockets
from .wires import Wires

MOST_GROWN = 100.0
"""Pixels that the edge can be moved, either way."""


def _wire(wires: Wires, given: Sockets) -> Sockets:
    *colours, alpha = wires.split(given["Head"])
    lifted = wires.math("MULTIPLY_ADD", alpha, given["Gain"], given["Offset"], clamp=True)
    grown = compat.grown(wires.tree, lifted, given["Grow"])
    soft = compat.blurred(wires.tree, grown, given["Feather"])
    kept = wires.math("MULTIPLY", soft, wires.math("SUBTRACT", 1.0, given["Garbage"], clamp=True))
    turned = wires.math("SUBTRACT", 1.0, wires.math("MULTIPLY", kept, 2.0))
    matte = wires.math("MULTIPLY_ADD", turned, given["Invert"], kept)
    # Colour is premultiplied: it goes with the matte. Where there was none there is nothing to bring back.
    scale = wires.math("DIVIDE", matte, alpha)
    head = wires.join(*(wires.math("MULTIPLY", colour, scale) for colour in colours), matte)
    return {"Head": head, "Matte": matte}


MATTE = Recipe(
    name="Headcast Matte",
    version=1,
    text="Gain, offset, erode or dilate, feather and garbage for the matte of a head; its colour follows",
    inputs=(
        Socket("Head", COLOUR, (0.0, 0.0, 0.0, 0.0), text="Premultiplied; its alpha is the matte"),
        Socket("Gain", default=1.0, low=0.0, text="The matte is multiplied by this"),
        Socket("Offset", text="Added to the matte after the gain"),
        Socket("Grow", low=-MOST_GROWN, high=MOST_GROWN, text="Pixels to dilate by, or to erode by; 8 at most before 4.5"),
        Socket("Feather", low=0.0, high=compat.MOST_BLUR, text="Radius in pixels of the blur of the edge"),
        Socket("Garbage", low=0.0, high=1.0, text="A mask of what is to be thrown away"),
        Socket("Invert", low=0.0, high=1.0, text="1 turns the matte round"),
    ),
    outputs=(Socket("Head", COLOUR), Socket("Matte")),
    wire=_wire,
)
