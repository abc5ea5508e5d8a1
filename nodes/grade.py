# SPDX-License-Identifier: GPL-3.0-or-later
"""The group "Headcast Grade Match": the head's colour brought to the plate's, within the matte.

Each channel x becomes (x * gain + offset) ^ (1 / gamma), on colour that is divided by alpha and multiplied again after;
negative values keep their sign. Then saturation, around the luminance of Blender's working space.
"""

from __future__ import annotations

from .build import COLOUR, VECTOR, Recipe, Socket, Sockets
from .wires import Value, Wires

ONES, ZEROS = (1.0, 1.0, 1.0), (0.0, 0.0, 0.0)


def _wire(wires: Wires, given: Sockets) -> Sockets:
    *colours, alpha = wires.split(given["Head"])
    settings = (wires.axes(given[name]) for name in ("Gain", "Offset", "Gamma"))
    graded = [
        _raised(wires, wires.math("MULTIPLY_ADD", wires.math("DIVIDE", colour, alpha), gain, offset), gamma)
        for colour, gain, offset, gamma in zip(colours, *settings, strict=True)
    ]
    grey = wires.node("CompositorNodeRGBToBW")
    wires.put(wires.join(*graded, 1.0), grey.inputs[0])
    saturated = [wires.blend(given["Saturation"], grey.outputs[0], channel) for channel in graded]
    head = wires.join(*(wires.math("MULTIPLY", channel, alpha) for channel in saturated), alpha)
    return {"Head": wires.mix(given["Matte"], given["Head"], head)}


def _raised(wires: Wires, value: Value, gamma: Value) -> Value:
    size = wires.math("POWER", wires.math("ABSOLUTE", value), wires.math("DIVIDE", 1.0, gamma))
    return wires.math("MULTIPLY", wires.math("SIGN", value), size)


GRADE = Recipe(
    name="Headcast Grade Match",
    version=1,
    text="Gain, offset, gamma and saturation for the head, within the matte",
    inputs=(
        Socket("Head", COLOUR, (0.0, 0.0, 0.0, 0.0), text="Premultiplied"),
        Socket("Matte", default=1.0, low=0.0, high=1.0, text="Where the grade is applied"),
        Socket("Gain", VECTOR, ONES, text="Red, green and blue are multiplied by X, Y and Z"),
        Socket("Offset", VECTOR, ZEROS, text="X, Y and Z are added to red, green and blue"),
        Socket("Gamma", VECTOR, ONES, low=0.01, text="Above 1 brightens the middle tones"),
        Socket("Saturation", default=1.0, low=0.0, text="0 is grey, 1 leaves the colour"),
    ),
    outputs=(Socket("Head", COLOUR),),
    wire=_wire,
)
