# SPDX-License-Identifier: GPL-3.0-or-later
"""The eye by geometry: an eyeball of its own, under the lids.

The iris is a disc that moves with its catchlight to where the eye is to look; the white is filled where it was; the lids,
bent by the spline, close over both.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from .closeup import Eye, head_scale, opening, sample

IRIS = 0.098
"""Radius of the iris in distances between the eye centres: 11.8 mm across, at 60 mm."""
WHITE_REACH = 7
"""Pixels of a window of 64 over which the white is spread to where none is seen."""


class Ball(NamedTuple):
    """An eyeball in a window."""

    picture: Tensor
    """[B, 3, h, w]"""
    iris: Tensor
    """[B, 1, h, w] the disc"""
    known: Tensor
    """[B, 1, h, w] how much of the iris a photo shows here"""


def _disc(grid: Tensor, pupil: Tensor, radius: Tensor, soft: Tensor) -> Tensor:
    """[B, 1, h, w]"""
    away = (grid - pupil[:, None, None]).square().sum(-1).sqrt()
    return ((radius[:, None, None] - away) / soft[:, None, None] + 0.5).clamp(0.0, 1.0)[:, None]


def _blur(x: Tensor, reach: int) -> Tensor:
    """[B, C, h, w] spread over some `reach` pixels; on a grid four times as coarse, which cannot be seen."""
    size, reach = x.shape[-2:], max(1, round(reach / 4))
    x = functional.avg_pool2d(x, 4)
    for _ in range(2):
        x = functional.avg_pool2d(x, 2 * reach + 1, 1, reach)
    return functional.interpolate(x, size=size, mode="bilinear", align_corners=False)


def eyeball(
    picture: Tensor,
    points: Tensor,
    projection: Tensor,
    wanted: Tensor,
    wanted_projection: Tensor,
    eye: Eye,
    grid: Tensor,
    soft: Tensor,
) -> Ball:
    """The photo's eyeball, turned to where the wanted head looks, at grid [B, h, w, 2] of the wanted head.

    picture: [B, 3, H, W] and points [B, N, 2] of the photo that shows it; wanted: [B, N, 2]; soft: [B], see `opening`.
    """
    turn = projection[..., :2] @ torch.linalg.inv(wanted_projection[..., :2])
    radius, wanted_radius = (IRIS * head_scale(each) for each in (projection, wanted_projection))
    # The white goes with the corners, the iris with the pupil.
    corners = [eye.upper[0], eye.upper[-1]]
    middle, wanted_middle = (each[:, corners].mean(1)[:, None, None] for each in (points, wanted))
    place = torch.einsum("bij,bhwj->bhwi", turn, grid - wanted_middle) + middle
    seen = sample(picture, place)
    lids = opening(points, eye.upper, eye.lower, place, soft)
    bare = lids.share * (torch.minimum(lids.below, lids.above) / soft.reshape(-1, 1, 1, 1) - 0.5).clamp(0.0, 1.0)
    white = bare * (1 - _disc(place, points[:, eye.pupil], radius * 1.12, soft))
    reach = max(1, round(WHITE_REACH * grid.shape[1] / 64))
    spread = _blur(white, reach)
    fallback = sample(picture, points[:, None, corners]).mean((2, 3), keepdim=True)
    filled = (_blur(seen * white, reach) + fallback * 1e-3) / (spread + 1e-3)
    back = seen * white + filled * (1 - white)

    onto = torch.einsum("bij,bhwj->bhwi", turn, grid - wanted[:, eye.pupil, None, None])
    shown = []
    for way in (1.0, -1.0):  # what a lid hides of the iris looks like the other half
        at = points[:, eye.pupil, None, None] + way * onto
        hidden = opening(points, eye.upper, eye.lower, at, soft)
        free = hidden.share * (torch.minimum(hidden.below, hidden.above) / soft.reshape(-1, 1, 1, 1) - 0.5).clamp(0.0, 1.0)
        shown.append((sample(picture, at), free))
    (near, free), (far, other) = shown
    disc = _disc(grid, wanted[:, eye.pupil], wanted_radius, soft)
    weight = free + (1 - free) * other
    mean = ((near * free + far * (1 - free) * other) * disc).sum((2, 3), keepdim=True) / (weight * disc).sum(
        (2, 3), keepdim=True
    ).clamp_min(1e-3)
    iris = near * free + far * (1 - free) * other + mean * (1 - weight)
    return Ball(iris * disc + back * (1 - disc), disc, weight * disc)


def iris(points: Tensor, projection: Tensor, eye: Eye, grid: Tensor, soft: Tensor) -> Tensor:
    """[B, 1, h, w] the disc of the iris in a photo."""
    return _disc(grid, points[:, eye.pupil], IRIS * head_scale(projection), soft)
