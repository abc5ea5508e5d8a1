# SPDX-License-Identifier: GPL-3.0-or-later
"""A painter's inputs and its output: photos, a pose, a painted frame."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor


class Photos(NamedTuple):
    """K photos of one person, as the generator takes them."""

    pictures: Tensor
    """[B, K, 3, D, D], -1 to 1"""
    mattes: Tensor
    """[B, K, 1, S, S], 0 to 1: the head, hair and neck; S is the painter's size, and D may be larger: photos keep their
    detail"""
    points: Tensor
    """[B, K, N, 2] control points, -1 to 1 from edge to edge"""
    stiffness: Tensor
    """[B, K, N] above 0, how little each point bends the picture (see `spline`)"""
    projection: Tensor
    """[B, K, 2, 4] from the head model's units to the picture (see `landmarks.head`)"""

    def select(self, index: Tensor) -> Photos:
        """The photos numbered `index` [K'] alone."""
        return Photos(*(tensor[:, index] for tensor in self))


class Pose(NamedTuple):
    """Where the head is to be, for a batch of frames."""

    points: Tensor
    """[B, N, 2] control points, as those of the photos"""
    stiffness: Tensor
    """[B, N] as those of the photos"""
    projection: Tensor
    """[B, 2, 4] as that of the photos"""
    drawing: Tensor | None = None
    """[B, 3, D, D] landmark picture at the painter's `drawing_size`, -1 to 1; None where it takes none"""
    skin: Tensor | None = None
    """[B, K, 2, G, G] how much farther skin lies here than in each of K photos, see `skin`; None where nobody measured it"""


class Painted(NamedTuple):
    """A rendered batch."""

    picture: Tensor
    """[B, 3, D, D], about -1 to 1"""
    matte: Tensor
    """[B, 1, S, S], 0 to 1"""
