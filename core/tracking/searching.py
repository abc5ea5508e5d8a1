# SPDX-License-Identifier: GPL-3.0-or-later
"""Faces that a detector misses in the whole picture: it sees a picture of some 200 pixels, in which a small face is nothing.

So the picture is looked at in squares that overlap, large ones first, until there are faces; each is looked at again in a
close-up of its own, as what looks like a face in a square of a wall does not there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from ..arrays import Doubles, Picture
from ..imaging import crop, resample
from ..landmarks.detectors import Detector, Face, sorted_by_extent

LEAST_TILE = 128
"""Pixels of a square."""
MOST_LOOKED_AT = 640
"""Pixels that a square is looked at in."""
CLOSE_UP = 2.2
"""Side of the square in which a face is looked at again, in its own sizes."""
SAME = 0.5
"""Faces whose middles are nearer than this, in their sizes, are one."""
QUICK, THOROUGH = 2, 4
"""How often the squares are halved."""


def find_faces(detector: Detector, picture: Picture, known: Sequence[Face] = (), halvings: int = THOROUGH) -> list[Face]:
    """The faces in a picture [H, W, 3], the largest first. Where the whole shows none, they are looked for near those that
    are `known` from the frame before, and without any in squares that are halved so often."""
    faces = detector.detect(picture)
    if faces:
        return faces
    near = [found for face in known for found in _in_square(detector, picture, _round(face))]
    if near or not halvings:
        return sorted_by_extent(_different(near))
    for squares in _squares(picture.shape[1], picture.shape[0], halvings):
        found = [face for square in squares for face in _in_square(detector, picture, square)]
        again = [face for seen in found for face in _in_square(detector, picture, _round(seen)) if _is_same(face, seen)]
        if again:
            return sorted_by_extent(_different(again))
    return []


def _round(face: Face) -> Doubles:
    low, high = face.landmarks.min(axis=0), face.landmarks.max(axis=0)
    return np.array([*(low + high) / 2, float((high - low).max()) * CLOSE_UP], np.float64)


def _squares(width: int, height: int, halvings: int) -> Iterator[list[Doubles]]:
    """Squares [3] that cover a picture and overlap by half, a list for each size."""
    side = float(min(width, height))
    for _ in range(halvings):
        if side < LEAST_TILE:
            return
        columns, rows = (_places(length, side) for length in (width, height))
        if len(columns) * len(rows) > 1:
            yield [np.array([x, y, side]) for y in rows for x in columns]
        side /= 2


def _places(length: float, side: float) -> list[float]:
    """The middles of squares along a picture's side."""
    count = max(1, round(2 * (length - side) / side) + 1)
    return np.linspace(side / 2, length - side / 2, count).tolist()


def _in_square(detector: Detector, picture: Picture, where: Doubles) -> list[Face]:
    size = int(np.clip(where[2], LEAST_TILE, MOST_LOOKED_AT))
    faces = detector.detect(resample.cut(picture, where, size))
    return [face._replace(landmarks=crop.to_plate(face.landmarks, where, size)) for face in faces]


def _different(faces: Sequence[Face]) -> list[Face]:
    """Each face once: squares overlap."""
    kept: list[Face] = []
    for face in sorted_by_extent(list(faces)):
        if not any(_is_same(face, other) for other in kept):
            kept.append(face)
    return kept


def _is_same(face: Face, other: Face) -> bool:
    apart = float(np.linalg.norm(face.landmarks.mean(axis=0) - other.landmarks.mean(axis=0)))
    return apart < SAME * max(face.extent, other.extent)
