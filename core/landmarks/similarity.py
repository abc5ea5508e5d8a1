# SPDX-License-Identifier: GPL-3.0-or-later
"""How alike two faces lie: which photo is nearest to a wanted pose."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..arrays import Reals


def normalised(landmarks: Reals) -> Reals:
    """Faces [..., 70, 2] moved to the origin and scaled to unit size; turned heads stay turned."""
    centred = landmarks - landmarks.mean(axis=-2, keepdims=True)
    size = np.sqrt(np.square(centred).sum(axis=(-2, -1), keepdims=True) / landmarks.shape[-2])
    result: Reals = centred / np.maximum(size, 1e-6)
    return result


def pose_distances(landmarks: Reals, photos: Reals) -> Reals:
    """[N] how far each of `photos` [N, 70, 2] lies from `landmarks` [70, 2], in units of the face's size."""
    gap = normalised(photos) - normalised(landmarks)
    result: Reals = np.sqrt(np.square(gap).sum(axis=-1).mean(axis=-1))
    return result


def nearest_first(landmarks: Reals, photos: Reals) -> NDArray[np.intp]:
    """[N] the numbers of `photos` [N, 70, 2], that which lies most like `landmarks` [70, 2] first."""
    return np.argsort(pose_distances(landmarks, photos), kind="stable")
