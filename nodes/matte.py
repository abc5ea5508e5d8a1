"""The group "Headcast Matte": the edge of a head, set right by hand."""

from __future__ import annotations

from .. import compat
from .build import COLOUR, Recipe, Socket, Sockets
from .wires import Value, Wires

STEPS = (8, 4, 2, 1)
"""Pixels, one node each: any whole number of pixels is a sum of them, and a last one has the rest."""
MOST = float(sum(STEPS) + 1)


def _wire(wires: Wires, given: Sockets) -> Sockets:
    *colours, alpha = wires.split(given["Head"])
    lifted = wires.math("MULTIPLY_ADD", alpha, given["Gain"], given["Offset"], clamp=True)
    soft = compat.blurred(wires.tree, _grown(wires, lifted, given["Grow"]), given["Feather"])
    kept = wires.math("MULTIPLY", soft, wires.math("SUBTRACT", 1.0, given["Garbage"], clamp=True))
    turned = wires.math("SUBTRACT", 1.0, wires.math("MULTIPLY", kept, 2.0))
    matte = wires.math("MULTIPLY_ADD", turned, given["Invert"], kept)
    # Colour is premultiplied: it goes with the matte. Where there was none there is nothing to bring back.
    scale = wires.math("DIVIDE", matte, alpha)
    head = wires.join(*(wires.math("MULTIPLY", colour, scale) for colour in colours), matte)
    return {"Head": head, "Matte": matte}


def _grown(wires: Wires, matte: Value, pixels: Value) -> Value:
    """Dilated by so many pixels, or eroded where they are negative.

    The node has no socket for its size before 4.5, so steps of fixed sizes are switched on and off. Part of a pixel is a
    mix of the two whole ones around it.
    """
    for sign in (1, -1):
        rest: Value = wires.math("MAXIMUM", wires.math("MULTIPLY", pixels, float(sign)), 0.0)
        for step in STEPS:
            used = wires.math("GREATER_THAN", rest, step - 1e-4)
            rest = wires.math("MULTIPLY_ADD", used, -float(step), rest)
            matte = wires.blend(used, matte, compat.dilated(wires.tree, matte, sign * step))
        matte = wires.blend(wires.math("MINIMUM", rest, 1.0), matte, compat.dilated(wires.tree, matte, sign))
    return matte


MATTE = Recipe(
    name="Headcast Matte",
    version=1,
    text="Gain, offset, erode or dilate, feather and garbage for the matte of a head; its colour follows",
    inputs=(
        Socket("Head", COLOUR, (0.0, 0.0, 0.0, 0.0), text="Premultiplied; its alpha is the matte"),
        Socket("Gain", default=1.0, low=0.0, text="The matte is multiplied by this"),
        Socket("Offset", text="Added to the matte after the gain"),
        Socket("Grow", low=-MOST, high=MOST, text="Pixels by which the matte is dilated; negative ones erode"),
        Socket("Feather", low=0.0, high=compat.MOST_BLUR, text="Radius in pixels of the blur of the edge"),
        Socket("Garbage", low=0.0, high=1.0, text="A mask of what is to be thrown away"),
        Socket("Invert", low=0.0, high=1.0, text="1 turns the matte round"),
    ),
    outputs=(Socket("Head", COLOUR), Socket("Matte")),
    wire=_wire,
)
