# SPDX-License-Identifier: GPL-3.0-or-later
"""Flicker: what a frame shows and its neighbours do not, once they are moved to its landmarks.

Each neighbour is bent by the spline that moves its landmarks to the frame's. What changes from one neighbour to the other
then lies between the two; flicker lies outside. So a pixel's flicker is its distance from the range of the two, which is its
distance from the median of the three. A change that stays, such as a cut or a mouth that opens, is none. And the frames
beside one that flickers do not, since each has a good neighbour on its other side.
"""

from __future__ import annotations

import cv2
import numpy as np
import torch

from ..arrays import Picture, Points
from ..imaging.face_area import Portrait, face_mask
from ..landmarks.ibug68 import IBUG
from ..network.spline import picture_grid, thin_plate_splines

COARSER = 4
"""The spline is solved on a grid so many times coarser than the picture."""
STIFFNESS = 1e-3
"""Stiffness of the spline through the landmarks, which jitter: see `thin_plate_splines`."""


def flicker(before: Portrait, portrait: Portrait, after: Portrait) -> float:
    """Mean over the face and the channels, 0 to 255. The neighbours' frames are those right beside the frame."""
    face = face_mask(portrait.landmarks, len(portrait.picture))
    a, b = (moved(neighbour, portrait.landmarks)[face] for neighbour in (before, after))
    seen = portrait.picture[face]
    return float(cv2.absdiff(seen, np.clip(seen, np.minimum(a, b), np.maximum(a, b))).mean())


def moved(portrait: Portrait, landmarks: Points) -> Picture:
    """The picture bent so that its landmarks lie at `landmarks` [70, 2]; the pupils go with the lids."""
    size = len(portrait.picture)
    target, source = (
        torch.from_numpy(points[:IBUG] * np.float32(2.0 / size) - 1.0) for points in (landmarks, portrait.landmarks)
    )
    coarse = size // COARSER
    grid = picture_grid(coarse, target)
    splines = thin_plate_splines(target[None], source[None, None], torch.full((1, 1, IBUG), STIFFNESS))
    offset = (splines.at(grid[None])[0, 0] - grid).numpy() * (size / 2)
    offset = cv2.resize(offset, (size, size), interpolation=cv2.INTER_LINEAR)
    y, x = np.mgrid[0:size, 0:size].astype(np.float32)
    bent = cv2.remap(
        portrait.picture, x + offset[..., 0], y + offset[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(bent, np.uint8)
