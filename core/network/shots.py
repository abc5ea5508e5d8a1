"""What goes into a painter and what comes out: photos, a pose, a painted frame."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor


class Photos(NamedTuple):
    """K photos of one person, as the generator takes them."""

    pictures: Tensor
    """[B, K, 3, H, W], -1 to 1"""
    mattes: Tensor
    """[B, K, 1, H, W], 0 to 1: the head, hair and neck"""
    points: Tensor
    """[B, K, N, 2] control points, -1 to 1 from edge to edge"""
    stiffness: Tensor
    """[B, K, N] above 0, how little each point bends the picture (see `spline`)"""


class Pose(NamedTuple):
    """Where the head is to be, for a batch of frames."""

    points: Tensor
    """[B, N, 2] control points, as those of the photos"""
    stiffness: Tensor
    """[B, N] as those of the photos"""
    drawing: Tensor
    """[B, 3, D, D] landmark picture at the painter's `drawing_size`, -1 to 1"""


class Painted(NamedTuple):
    """A rendered batch."""

    picture: Tensor
    """[B, 3, H, W], about -1 to 1"""
    matte: Tensor
    """[B, 1, H, W], 0 to 1"""
    warped: Tensor | None = None
    """[B, 3, H, W] what the photos gave, before it was repainted; None where every pixel is painted"""
    fine: Tensor | None = None
    """[B, 3, D, D] the picture with the detail of larger photos; None where there are none"""
