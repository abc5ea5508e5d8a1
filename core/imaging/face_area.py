# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of a picture that is face, and how sharp it is."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from ..arrays import Picture, Points

FINE = 128
"""A slight blur is this part of the picture's side: what it takes away is fine detail."""


class Portrait(NamedTuple):
    """A picture of a face."""

    picture: Picture
    """[S, S, 3] sRGB"""
    landmarks: Points
    """[70, 2] its pixels: where the face is, or is to be"""


def face_mask(landmarks: Points, width: int, height: int = 0) -> NDArray[np.bool_]:
    """[height, width], true inside the hull of the landmarks [70, 2]; square for a height of 0."""
    mask = np.zeros((height or width, width), np.uint8)
    cv2.fillConvexPoly(mask, cv2.convexHull(landmarks).astype(np.int32), 1)
    return mask > 0


def sharpness(picture: Picture, landmarks: Points) -> float:
    """How much of the contrast of the face in `picture` [S, S, 3] (sRGB) is fine detail: what a slight blur takes away, over
    the spread of brightness."""
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
    detail = grey - cv2.GaussianBlur(grey, (0, 0), len(grey) / FINE)
    face = face_mask(landmarks, len(grey))
    return float(detail[face].std() / max(float(grey[face].std()), 1e-6))
