# SPDX-License-Identifier: GPL-3.0-or-later
"""The labels of a frame: landmarks in pixels, the jaw line sliding along the silhouette."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..arrays import Doubles
from .regions import CONTOUR, CONTOUR_STEPS, MeshRegions

SOFTNESS = 0.01
"""How sharply the outermost point of a row is chosen, as a part of the face's height in the picture."""


@dataclass(frozen=True)
class Camera:
    """A pinhole camera for the square picture, in the space of the mesh (decimetres, y up, z towards the viewer)."""

    place: Doubles
    """[3]"""
    axes: Doubles
    """[3, 3] rows: to the image right, up, and backwards"""
    focal: float
    """in sides of the picture"""

    def project(self, points: Doubles, size: int) -> Doubles:
        """Points [..., 3] to pixels [..., 2] of a picture of `size`."""
        seen = (points - self.place) @ self.axes.T
        flat = seen[..., :2] / -seen[..., 2:]
        return np.stack([0.5 + self.focal * flat[..., 0], 0.5 - self.focal * flat[..., 1]], axis=-1) * size


def project_landmarks(regions: MeshRegions, vertices: Doubles, camera: Camera, size: int) -> tuple[Doubles, Doubles]:
    """The 68 landmarks in pixels [68, 2], and the points of the mesh [68, 3] that they show.

    Each jaw point takes the place in its row that lies farthest out in the picture, in the direction in which the point
    lies from the nose of a frontal face: on the far side the outline comes forward over the cheek, as people draw it.
    """
    points = regions.landmarks.at(vertices)
    rows = regions.contour.at(vertices).reshape(CONTOUR, CONTOUR_STEPS, 3)
    flat = camera.project(points, size)
    down = (flat[8] - flat[27]) / np.linalg.norm(flat[8] - flat[27])
    outward = regions.outward @ np.array([[down[1], -down[0]], [down[0], down[1]]])
    reach = np.einsum("rsc,rc->rs", camera.project(rows, size), outward)
    share = np.exp((reach - reach.max(axis=1, keepdims=True)) / (SOFTNESS * np.linalg.norm(flat[8] - flat[27])))
    share /= share.sum(axis=1, keepdims=True)
    points[:CONTOUR] = np.einsum("rs,rsc->rc", share, rows)
    return camera.project(points, size), points
