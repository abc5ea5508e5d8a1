# SPDX-License-Identifier: GPL-3.0-or-later
"""The landmark schema, iBUG 68 and two pupils: which point is what, and which points a stroke joins.

Indices follow the 300-W annotation; the pupils come after them. "Right" and "left" are the subject's own, so the right eye
(36-41) lies on the left of a picture. Landmarks are arrays [..., 70, 2] of (x, y) in pixels, the origin at the picture's top
left corner, so that the centre of the first pixel is (0.5, 0.5).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

IBUG = 68
COUNT = 70
"""The iBUG points, and the pupils: the middles of the irises."""

JAW = range(0, 17)
RIGHT_BROW = range(17, 22)
LEFT_BROW = range(22, 27)
NOSE_BRIDGE = range(27, 31)
NOSTRILS = range(31, 36)
RIGHT_EYE = range(36, 42)
LEFT_EYE = range(42, 48)
OUTER_LIPS = range(48, 60)
INNER_LIPS = range(60, 68)
RIGHT_PUPIL, LEFT_PUPIL = 68, 69
PUPILS = range(68, 70)

MIRROR: tuple[int, ...] = (
    *reversed(range(17)),
    *reversed(range(17, 27)),
    *NOSE_BRIDGE,
    *reversed(NOSTRILS),
    *(45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40),
    *(54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55),
    *(64, 63, 62, 61, 60, 67, 66, 65),
    *(LEFT_PUPIL, RIGHT_PUPIL),
)
"""Where each point goes when the picture is mirrored: `flipped[i] = points[MIRROR[i]]`."""


class Stroke(NamedTuple):
    """A polyline of the landmark picture that the networks see; a dot where it is one point."""

    points: range
    closed: bool
    colour: tuple[float, float, float]
    """sRGB, 0 to 1."""


STROKES: tuple[Stroke, ...] = (
    Stroke(JAW, False, (0.0, 1.0, 0.0)),
    Stroke(RIGHT_BROW, False, (1.0, 0.5, 0.0)),
    Stroke(LEFT_BROW, False, (1.0, 0.5, 0.0)),
    Stroke(NOSE_BRIDGE, False, (0.0, 0.0, 1.0)),
    Stroke(NOSTRILS, False, (0.0, 0.0, 1.0)),
    Stroke(RIGHT_EYE, True, (1.0, 0.0, 0.0)),
    Stroke(LEFT_EYE, True, (1.0, 0.0, 0.0)),
    Stroke(OUTER_LIPS, True, (1.0, 0.0, 1.0)),
    Stroke(INNER_LIPS, True, (1.0, 0.0, 1.0)),
    Stroke(range(RIGHT_PUPIL, RIGHT_PUPIL + 1), False, (0.0, 1.0, 1.0)),
    Stroke(range(LEFT_PUPIL, LEFT_PUPIL + 1), False, (0.0, 1.0, 1.0)),
)
"""Strokes and colours in the manner of Zakharov et al. 2019, figure 2: one colour a feature. The pupils are ours: the paper
names the lack of gaze among its limits."""


def with_pupils(landmarks: NDArray[np.floating]) -> NDArray[np.float32]:
    """The iBUG points [..., 68, 2] with pupils in the middles of the eyes [..., 70, 2]: for who sees none."""
    middles = [landmarks[..., eye, :].mean(axis=-2, keepdims=True) for eye in (RIGHT_EYE, LEFT_EYE)]
    return np.concatenate([landmarks, *middles], axis=-2).astype(np.float32)


def segments() -> tuple[list[int], list[int], list[tuple[float, float, float]]]:
    """Every line segment of `STROKES`: first points, last points, colours."""
    first: list[int] = []
    last: list[int] = []
    colours: list[tuple[float, float, float]] = []
    for stroke in STROKES:
        points = list(stroke.points)
        if len(points) == 1:
            points *= 2
        ends = points[1:] + points[:1] if stroke.closed else points[1:]
        for a, b in zip(points, ends, strict=False):
            first.append(a)
            last.append(b)
            colours.append(stroke.colour)
    return first, last, colours
