# SPDX-License-Identifier: GPL-3.0-or-later
"""The baseline that every network must beat: the nearest photo, bent triangle by triangle to the landmarks."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from ..landmarks.similarity import pose_distances

BORDER = ((0, 0), (0.5, 0), (1, 0), (1, 0.5), (1, 1), (0.5, 1), (0, 1), (0, 0.5))
"""Points of the frame that stay where they are, as parts of its side."""


def piecewise_affine_warp(
    picture: NDArray[np.uint8], source: NDArray[np.float32], target: NDArray[np.float32]
) -> NDArray[np.uint8]:
    """`picture` [S, S, 3] with its landmarks `source` [70, 2] moved to `target`, by a Delaunay mesh over the target."""
    from scipy.spatial import Delaunay

    size = picture.shape[0]
    border = np.array(BORDER) * size
    wanted, given = np.concatenate([target, border]), np.concatenate([source, border])
    mesh = Delaunay(wanted)
    y, x = np.mgrid[0:size, 0:size] + 0.5
    pixels = np.column_stack([x.ravel(), y.ravel()])
    triangle = mesh.find_simplex(pixels)
    to_barycentric = mesh.transform[triangle]
    two = np.einsum("pij,pj->pi", to_barycentric[:, :2], pixels - to_barycentric[:, 2])
    weights = np.column_stack([two, 1 - two.sum(axis=1)])
    places = np.einsum("pi,pij->pj", weights, given[mesh.simplices[triangle]]).astype(np.float32) - 0.5
    places = places.reshape(size, size, 2)
    bent = cv2.remap(picture, places[..., 0], places[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(bent, np.uint8)


def nearest_photo(landmarks: NDArray[np.float32], photos: NDArray[np.float32]) -> int:
    """Which of `photos` [N, 70, 2] lies most like `landmarks` [68, 2]."""
    return int(np.argmin(pose_distances(landmarks, photos)))
