# SPDX-License-Identifier: GPL-3.0-or-later
"""The watermark of a head is looked for where it may be: landmarks in a copy are not quite where they were in the original.

First at every half pixel of the grid near the head's square, then, from the likeliest places on, at smaller steps.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ..arrays import Doubles, Floats, Picture
from .payload import Heard, nearest, words
from .texture import SIDE, box_of, grey, heard_in, looked_at, near_head, patterns, texture_of

REACH, OUTWARD = 5, 2
"""Pixels of the grid: how far across and down, and how far outward, it is looked for."""
STEP, FINER = 0.5, (0.25, 0.12)
LIKELIEST = 8
"""Places that are looked at more closely."""


def listen(picture: Picture, square: Doubles) -> Heard:
    """The number that is heard best in the head of a picture [H, W, 3] with the square [3], marked or not."""
    rows, columns = box_of(picture, square)
    luma, square = near_head(grey(picture[rows, columns]), square - (columns.start, rows.start, 0.0))
    places, heard = heard_near(luma, square, REACH, np.arange(-OUTWARD, OUTWARD + STEP, STEP), STEP)
    likeness = (heard @ words().T).max(axis=1) / np.maximum(np.linalg.norm(heard, axis=1), 1e-6)
    likeliest = places[np.argsort(likeness)[-LIKELIEST:]]
    return max((_closely(luma, square, place) for place in likeliest), key=lambda found: found.likeness)


def heard_near(luma: Floats, square: Doubles, reach: int, outward: Iterable[float], step: float) -> tuple[Doubles, Floats]:
    """Places [N, 3] up to `reach` pixels across and down, 1 or 1/2 apart, and what is heard at each [N, 64]."""
    fractions = np.arange(0.0, 1.0, step)
    whole = np.arange(-reach, reach + 1.0)
    places, heard = [], []
    for out in outward:
        for down in fractions:
            for across in fractions:
                even = texture_of(looked_at(luma, square, np.array([across, down, out]))).even
                views = np.lib.stride_tricks.sliding_window_view(np.pad(even, reach), (SIDE, SIDE))
                heard.append(views.reshape(-1, SIDE * SIDE) @ patterns().T)
                rows, columns = np.meshgrid(whole + down, whole + across, indexing="ij")
                places.append(np.column_stack([columns.ravel(), rows.ravel(), np.full(rows.size, out)]))
    return np.concatenate(places), np.concatenate(heard)


def _closely(luma: Floats, square: Doubles, place: Doubles) -> Heard:
    """The best that is heard from a place on, as far as each step makes it better."""

    def at(where: Doubles) -> Heard:
        return nearest(heard_in(texture_of(looked_at(luma, square, where)).even))

    best = at(place)
    for step in FINER:
        for move in np.vstack([np.eye(3), -np.eye(3)]) * step:
            found = at(place + move)
            if found.likeness > best.likeness:
                best, place = found, place + move
    return best
