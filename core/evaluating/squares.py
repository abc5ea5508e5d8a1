# SPDX-License-Identifier: GPL-3.0-or-later
"""Squares cut out of a head crop round the mouth, an eye and the face: upright in the head, and as large, in eye distances,
for every person and pose. And what lies between lips and lids in them."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from ..arrays import Doubles, Picture, Points
from ..landmarks import ibug68
from ..landmarks.head import fit_pose

MOUTH_SIDE, EYE_SIDE, FACE_SIDE = 1.6, 1.0, 3.0
"""In distances between the eye centres."""
FINER = 4
"""Masks are drawn so many times finer and averaged: their edges are soft."""


class Square(NamedTuple):
    """Where a square lies in a picture."""

    centre: Doubles
    """[2] pixels"""
    right: Doubles
    """[2] pixels, from the centre to the middle of its right edge"""

    def locate(self, points: Points, size: int) -> Points:
        """Points [N, 2] of the picture in pixels of the square cut at `size`."""
        away = points - self.centre
        down = np.array([-self.right[1], self.right[0]])
        own = np.stack([away @ self.right, away @ down], axis=-1) / (self.right @ self.right)
        return np.asarray((own + 1) * (size / 2), np.float32)

    def cut(self, picture: Picture, size: int) -> Picture:
        """[size, size, 3] of `picture` [H, W, 3]; beyond its edge, the edge repeats."""
        pixels = 2 * float(np.linalg.norm(self.right)) / size
        fine = size * max(1, int(np.ceil(pixels)))
        x, y = self.right * (2 / fine)
        corner = self.centre - self.right + (self.right[1], -self.right[0])
        # Between pixel centres, as OpenCV counts them.
        start = corner + np.array([(x - y) / 2 - 0.5, (x + y) / 2 - 0.5])
        into = np.array([[x, -y, start[0]], [y, x, start[1]]])
        mode = (cv2.INTER_LINEAR if pixels > 1 else cv2.INTER_CUBIC) | cv2.WARP_INVERSE_MAP
        found = cv2.warpAffine(picture, into, (fine, fine), flags=mode, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(found if fine == size else cv2.resize(found, (size, size), interpolation=cv2.INTER_AREA), np.uint8)


class Squares(NamedTuple):
    """Those of one face."""

    face: Square
    mouth: Square
    eyes: tuple[Square, Square]
    """the subject's right eye and left one"""


def find_squares(landmarks: Points) -> Squares:
    """The squares of the face [70, 2]. The mouth's goes with the lips, an eye's with its corners, not its lids."""
    pose = fit_pose(landmarks[None])
    across = pose.rotation[0, :2, 0]
    eye_distance = across * (pose.scale[0] / max(float(np.linalg.norm(across)), 1e-6))

    def around(points: list[int], side: float) -> Square:
        return Square(landmarks[points].mean(axis=0).astype(np.float64), eye_distance * (side / 2))

    low, high = landmarks.min(axis=0), landmarks.max(axis=0)
    return Squares(
        Square((low + high).astype(np.float64) / 2, eye_distance * (FACE_SIDE / 2)),
        around(list(ibug68.OUTER_LIPS), MOUTH_SIDE),
        (around([36, 39], EYE_SIDE), around([42, 45], EYE_SIDE)),
    )


def between(outline: Points, size: int) -> NDArray[np.float32]:
    """[size, size] 1 inside the closed line through `outline` [N, 2], 0 outside it, in pixels of a square picture."""
    mask = np.zeros((size * FINER, size * FINER), np.uint8)
    cv2.fillPoly(mask, [np.round(outline * FINER - 0.5).astype(np.int32)], 255)
    return np.asarray(cv2.resize(mask, (size, size), interpolation=cv2.INTER_AREA) / np.float32(255), np.float32)
