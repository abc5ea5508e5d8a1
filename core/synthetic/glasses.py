# SPDX-License-Identifier: GPL-3.0-or-later
"""Glasses: two rims, a bridge and temples, as tubes in front of the eyes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..arrays import Doubles
from .mesh import Ints

SIDES = 6
"""Sides of a tube."""
BEFORE = 0.27
"""How far the rims lie before the middle of the eyes; like all lengths here in distances between the eyes."""
TEMPLE = 1.15
"""How far the temples lie from the middle of the face."""


def make_glasses(rng: np.random.Generator, eyes: Sequence[Doubles], width: float) -> tuple[Doubles, Ints]:
    """Points [N, 3] and quads [Q, 4] for a head whose eyes have these middles (decimetres); rims of `width` millimetres."""
    apart = float(np.linalg.norm(eyes[0] - eyes[1]))
    power, wide, high = rng.uniform(2, 4), rng.uniform(0.36, 0.44) * apart, rng.uniform(0.27, 0.38) * apart
    angle = np.linspace(0, 2 * np.pi, 33)
    across, up = (np.sign(f(angle)) * np.abs(f(angle)) ** (2 / power) for f in (np.cos, np.sin))
    lines: list[Doubles] = []
    for eye in eyes:
        side = np.sign(eye[0])
        middle = eye + apart * np.array((side * 0.04, -0.06, BEFORE))
        lines.append(middle + np.stack([across * wide, up * high, -0.1 * wide * np.abs(across)], axis=1))
        hinge = middle + np.array((side * wide, 0.3 * high, -0.1 * wide))
        outer = side * TEMPLE * apart
        lines.append(np.array((hinge, (outer, hinge[1], 0.5 * hinge[2]), (outer, hinge[1], 0.1))))
    inner = [eye + np.array((-np.sign(eye[0]) * (wide - 0.04 * apart), 0.05 * apart, BEFORE * apart)) for eye in eyes]
    lines.append(np.stack([inner[0], (inner[0] + inner[1]) / 2 + np.array((0, 0.04, 0.05)) * apart, inner[1]]))
    tubes = [_tube(line, width / 200) for line in lines]
    starts = np.cumsum([0, *(len(points) for points, _ in tubes[:-1])])
    quads = [quads + start for (_, quads), start in zip(tubes, starts, strict=True)]
    return np.concatenate([points for points, _ in tubes]), np.concatenate(quads)


def _tube(line: Doubles, radius: float) -> tuple[Doubles, Ints]:
    """A tube round a polyline [N, 3]: points and quads."""
    along = np.gradient(line, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True) + 1e-9
    one = np.cross(along, [0.3, 0.2, 1.0])
    one /= np.linalg.norm(one, axis=1, keepdims=True) + 1e-9
    other = np.cross(along, one)
    angle = np.arange(SIDES) * 2 * np.pi / SIDES
    ring = np.cos(angle)[None, :, None] * one[:, None] + np.sin(angle)[None, :, None] * other[:, None]
    row = np.arange(len(line) - 1)[:, None] * SIDES
    first, after = row + np.arange(SIDES), row + (np.arange(SIDES) + 1) % SIDES
    quads = np.stack([first, after, after + SIDES, first + SIDES], axis=-1).reshape(-1, 4)
    return (line[:, None] + radius * ring).reshape(-1, 3), quads
