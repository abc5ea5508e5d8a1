# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether teeth keep their size: how much the width of the bright area between the lips changes from frame to frame."""

from __future__ import annotations

from collections.abc import Sequence
from math import nan

import cv2
import numpy as np
from numpy.typing import NDArray

from ..arrays import Picture, Points
from ..landmarks import ibug68
from .response import openings
from .squares import MOUTH_SIDE, between, find_squares

SIZE = 160
"""Pixels of the close-up of the mouth."""
RIM = 2
"""Pixels by which the inside is shrunk: lips are not teeth."""
LEAST_GAP = 0.06
"""In eye distances: lips nearer together show too little."""
BRIGHTER = 20.0
"""By how much, of 255, teeth are at least brighter in green than the lips, where lips are dark and skin is not."""
LEAST_WIDTH = 0.15
"""In eye distances: what is narrower is a glint."""


def change_of_teeth(pictures: Sequence[Picture], landmarks: Sequence[Points], numbers: Sequence[int]) -> tuple[float, int]:
    """The median over pairs of neighbouring frames of |change of the teeth's width|, over the median width: .05 is 5 %. And
    how many pairs there are; NaN without any.

    pictures: [F] of [S, S, 3]; landmarks: [F] of [70, 2], where the lips are asked for; numbers: [F].
    """
    wide = dict(zip(numbers, teeth_widths(pictures, landmarks), strict=True))
    pairs = [(width, wide[number + 1]) for number, width in wide.items() if number + 1 in wide]
    pairs = [(a, b) for a, b in pairs if min(a, b) >= LEAST_WIDTH]
    if not pairs:
        return nan, 0
    return float(np.median([abs(b - a) for a, b in pairs]) / np.median([width for pair in pairs for width in pair])), len(
        pairs
    )


def teeth_widths(pictures: Sequence[Picture], landmarks: Sequence[Points]) -> list[float]:
    """[F] in eye distances, in the head's own frame: the widest row of what is bright between the inner lips. NaN at lips
    that are less than LEAST_GAP apart, 0 where no tooth is seen.

    Bright is what lies nearer, in green, to the brightest 5 % between the lips of all frames than to the lips: one threshold
    for all, so that a tooth does not grow by the frame that it is in.
    """
    looked = [
        _look(picture, points) if gap > LEAST_GAP else None
        for picture, points, gap in zip(pictures, landmarks, openings(np.stack(landmarks)), strict=True)
    ]
    seen = [look for look in looked if look is not None]
    if not seen:
        return [nan] * len(looked)
    lip = float(np.median([lip for _, _, lip in seen]))
    bright = float(np.percentile(np.concatenate([green[inside > 0.5] for green, inside, _ in seen]), 95))
    if bright < lip + BRIGHTER:
        return [nan if look is None else 0.0 for look in looked]
    from_lip = [nan if look is None else _widest((look[0] - lip) / (bright - lip), look[1]) for look in looked]
    return [width * (MOUTH_SIDE / SIZE) for width in from_lip]


def _look(picture: Picture, landmarks: Points) -> tuple[NDArray[np.float32], NDArray[np.float32], float] | None:
    """The close-up's green [SIZE, SIZE], the inside of its lips [SIZE, SIZE], and the median green of the lips; None for
    lips with nothing between them."""
    square = find_squares(landmarks).mouth
    green = square.cut(picture, SIZE)[..., 1].astype(np.float32)
    outer, inner = (
        between(square.locate(landmarks[list(lips)], SIZE), SIZE) for lips in (ibug68.OUTER_LIPS, ibug68.INNER_LIPS)
    )
    lips = (outer > 0.5) & (inner < 0.5)
    inside = cv2.erode(inner, np.ones((2 * RIM + 1, 2 * RIM + 1), np.uint8))
    if not lips.any() or inside.max() <= 0.5:
        return None
    return green, np.asarray(inside, np.float32), float(np.median(green[lips]))


def _widest(brightness: NDArray[np.float32], inside: NDArray[np.float32]) -> float:
    """The width in pixels of the widest row: brightness 0 is lip, 1 is tooth, and a half counts as half a pixel."""
    share = np.clip(2 * brightness - 0.5, 0.0, 1.0) * inside
    return float(share.sum(axis=1).max())
