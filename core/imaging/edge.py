# SPDX-License-Identifier: GPL-3.0-or-later
"""The matte's edge: moved by fractions of a pixel, each side by itself, feathered; split in a core and a soft edge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from ..arrays import Floats


@dataclass(frozen=True)
class Edge:
    """Changes to a matte's edge, in pixels of the plate. Positive grows, negative erodes."""

    grow: float = 0.0
    """All round; no further than the head's parts are thick."""
    feather: float = 0.0
    """How far the edge is softened inwards and outwards."""
    left: float = 0.0
    """Added to `grow` where the edge faces the picture's left; between two sides they blend."""
    right: float = 0.0
    top: float = 0.0
    bottom: float = 0.0

    @property
    def reach(self) -> float:
        """How far out of a matte it may come, in pixels."""
        sides = max(self.left, self.right, self.top, self.bottom, 0.0)
        return max(self.grow + sides, 0.0) + self.feather


class Split(NamedTuple):
    """A matte in two: they add up to it."""

    core: Floats
    """[H, W] 1 where the head is solid, 0 from the matte's half outwards."""
    edge: Floats
    """[H, W] what is left: the soft band, at most 0.5."""


def shape_matte(matte: Floats, edge: Edge) -> Floats:
    """`matte` [H, W] (0 to 1) with its edge moved and feathered; beyond their reach it stays exactly what it is."""
    moved = _moved(matte, edge)
    if edge.feather <= 0.0:
        return moved
    side = 2 * int(np.ceil(edge.feather)) + 1
    soft = cv2.GaussianBlur(moved, (side, side), edge.feather / 2, borderType=cv2.BORDER_REPLICATE)
    return np.clip(soft, 0.0, 1.0).astype(np.float32)


def split(matte: Floats) -> Split:
    """`matte` [H, W] (0 to 1) as core and edge."""
    core = np.clip(2.0 * matte - 1.0, 0.0, 1.0).astype(np.float32)
    return Split(core, matte - core)


def bounds(where: NDArray[np.bool_]) -> tuple[slice, slice] | None:
    """The rows and columns that hold all that is true; None where nothing is."""
    rows, columns = np.flatnonzero(where.any(axis=1)), np.flatnonzero(where.any(axis=0))
    if not len(rows):
        return None
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def _moved(matte: Floats, edge: Edge) -> Floats:
    """Each pixel takes the matte from as far inwards (or outwards) as the edge is to move: so its softness stays.

    Inwards is uphill in the signed distance to the matte's half.
    """
    if not any((edge.grow, edge.left, edge.right, edge.top, edge.bottom)):
        return matte
    inside = (matte >= 0.5).astype(np.uint8)
    signed = cv2.distanceTransform(inside, cv2.DIST_L2, 5) - cv2.distanceTransform(1 - inside, cv2.DIST_L2, 5)
    # The distance is of whole pixels: without smoothing, normals step as the pixels do.
    down, across = np.gradient(cv2.GaussianBlur(signed, (0, 0), 1.5))
    size = np.maximum(np.hypot(across, down), 1e-6)
    nx, ny = -across / size, -down / size
    reach = (
        edge.grow
        + edge.left * np.maximum(-nx, 0.0) ** 2
        + edge.right * np.maximum(nx, 0.0) ** 2
        + edge.top * np.maximum(-ny, 0.0) ** 2
        + edge.bottom * np.maximum(ny, 0.0) ** 2
    )
    y, x = np.indices(matte.shape, np.float32)
    from_x, from_y = (x - reach * nx).astype(np.float32), (y - reach * ny).astype(np.float32)
    taken = cv2.remap(matte, from_x, from_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    # Past the middle of what is thinner than the reach, the way inwards leads out again: growing never takes away.
    kept = np.where(reach > 0.0, np.maximum(taken, matte), np.minimum(taken, matte))
    return np.asarray(kept, np.float32)
