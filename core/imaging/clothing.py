# SPDX-License-Identifier: GPL-3.0-or-later
"""The head below the chin: bare neck and long hair, not a collar.

Skin has the colours of the face and goes down from it; hair has the colours of what is round the forehead and hangs from
there. What has neither, or has them without a way to where they come from (a dark jacket below dark hair), is clothing.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from ..arrays import Floats
from ..landmarks import ibug68

Mask = NDArray[np.bool_]

LIKE = 3.0
"""Standard deviations of a colour within which another is like it."""
LEAST_SPREAD = np.array([14.0, 4.0, 4.0], np.float32)
"""Least standard deviation of a colour, in OpenCV's 8-bit Lab: light and shadow change its lightness."""
SHADOW = 2.5
"""How many times farther down than up a neck's lightness may lie: it is in the chin's shadow."""
GROWN = 7
"""Pixels of 256 by which what was found is closed: folds, beard, jewellery."""
FEW = 60
"""Pixels of 256 x 256 of which a colour cannot be told."""


def bare(picture: NDArray[np.uint8], person: Floats, landmarks: NDArray[np.floating], depth: Floats) -> Floats:
    """[S, S] 1 where the `person` [S, S] (0 to 1) in `picture` [S, S, 3] (sRGB) shows skin or hair, 0 for clothing.

    landmarks: [70, 2] pixels; depth: [S, S] how far each pixel lies below the eyes, down the head's own vertical, in eye
    distances.
    """
    colours = cv2.cvtColor(picture, cv2.COLOR_RGB2LAB).astype(np.float32)
    face = np.zeros(person.shape, np.uint8)
    cv2.fillConvexPoly(face, cv2.convexHull(landmarks[:68].astype(np.float32)).astype(np.int32), 1)
    solid = person > 0.9
    cheeks = (face > 0) & solid & (depth > -0.1) & ~_lips(landmarks, person.shape)
    above = (face == 0) & solid & (depth < -0.35)
    there = person > 0.3
    skin = _flood(there & (_like(colours, cheeks, SHADOW) | (face > 0)), face > 0)
    hair = _flood(there & _like(colours, above, 1.0) & (face == 0), above) if above.sum() > FEW else np.zeros_like(there)
    found = (skin | hair | (face > 0)).astype(np.uint8)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (GROWN, GROWN))
    found = cv2.morphologyEx(cv2.morphologyEx(found, cv2.MORPH_CLOSE, disc), cv2.MORPH_OPEN, disc)
    return cv2.GaussianBlur(_without_holes(found).astype(np.float32), (0, 0), 1.5).astype(np.float32)


def _like(colours: Floats, where: Mask, darker: float) -> Mask:
    """Pixels of [S, S, 3] (Lab) whose colour is like those at `where`; `darker` times as far down in lightness."""
    sample = colours[where]
    if len(sample) <= FEW:
        return np.zeros(where.shape, bool)
    middle = np.median(sample, axis=0)
    spread = np.maximum(1.4826 * np.median(np.abs(sample - middle), axis=0), LEAST_SPREAD)
    away = (colours - middle) / spread
    away[..., 0] = np.where(away[..., 0] < 0, away[..., 0] / darker, away[..., 0])
    return np.asarray(np.linalg.norm(away, axis=-1) < LIKE)


def _flood(where: Mask, start: Mask) -> Mask:
    """The parts of `where` that touch `start`."""
    _, parts = cv2.connectedComponents((where | start).astype(np.uint8))
    known = np.unique(parts[start])
    return np.isin(parts, known[known > 0]) & where


def _without_holes(found: NDArray[np.uint8]) -> Mask:
    """Holes are filled: a highlight, a shadow, a necklace."""
    _, parts = cv2.connectedComponents(1 - found, connectivity=4)
    border = np.unique(np.concatenate([parts[0], parts[-1], parts[:, 0], parts[:, -1]]))
    return ~np.isin(parts, border[border > 0])


def _lips(landmarks: NDArray[np.floating], shape: tuple[int, ...]) -> Mask:
    lips = np.zeros(shape, np.uint8)
    cv2.fillConvexPoly(lips, cv2.convexHull(landmarks[list(ibug68.OUTER_LIPS)].astype(np.float32)).astype(np.int32), 1)
    return lips > 0
