# SPDX-License-Identifier: GPL-3.0-or-later
"""The group "Headcast Comp": the head over the plate, and what one looks at to judge it."""

from __future__ import annotations

from .build import COLOUR, Recipe, Socket, Sockets
from .wires import Wires

VIEWS = ("Comp", "Plate", "Head", "Matte", "Difference")
"""Choices of the input View, by their numbers: groups of 4.2 take no menus in."""


def _wire(wires: Wires, given: Sockets) -> Sockets:
    plate, head = given["Plate"], given["Head"]
    comp = wires.over(plate, head, given["Blend"])
    matte = wires.split(head)[3]
    difference = wires.join(*wires.split(wires.mix(1.0, comp, plate, "DIFFERENCE"))[:3], 1.0)
    shown, alpha = comp, wires.split(comp)[3]
    for number, view in enumerate((plate, head, wires.join(matte, matte, matte, 1.0), difference), start=1):
        chosen = wires.math("COMPARE", given["View"], float(number), 0.5)
        shown, alpha = wires.mix(chosen, shown, view), wires.blend(chosen, alpha, wires.split(view)[3])
    return {"Image": wires.join(*wires.split(shown)[:3], alpha), "Matte": matte}


COMP = Recipe(
    name="Headcast Comp",
    version=1,
    text="The head over the plate, blended per frame; shows the comp, the plate, the head, the matte or the difference",
    inputs=(
        Socket("Plate", COLOUR, (0.0, 0.0, 0.0, 1.0)),
        Socket("Head", COLOUR, (0.0, 0.0, 0.0, 0.0), text="Premultiplied"),
        Socket("Blend", default=1.0, low=0.0, high=1.0, text="0 shows the plate, 1 the head; set keyframes to fade"),
        Socket(
            "View",
            low=0.0,
            high=len(VIEWS) - 1.0,
            text=", ".join(f"{number} {view.lower()}" for number, view in enumerate(VIEWS)),
        ),
    ),
    outputs=(Socket("Image", COLOUR), Socket("Matte")),
    wire=_wire,
)
