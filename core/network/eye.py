# SPDX-License-Identifier: GPL-3.0-or-later
"""Eyes by geometry: an eyeball of their own, under the lids.

The iris is a disc that moves with its catchlight to where the eye is to look; the white is filled where it was; the lids,
bent by the spline, close over both.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from .closeup import CORNERS, LOWER_LID, PUPIL, UPPER_LID, Opening, eye_sides, head_scale, opening, sample, well_inside

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


def lids(eyes: Tensor, grid: Tensor, soft: Tensor) -> Opening:
    """The gap between the lids of eyes [2 B, 7, 2] (`eyes_of`) on grid [2 B, h, w, 2]; soft: [2 B], see `opening`."""
    return opening(eyes, UPPER_LID, LOWER_LID, grid, soft, eye_sides(eyes))


def eyeballs(
    picture: Tensor,
    eyes: Tensor,
    projection: Tensor,
    wanted: Tensor,
    wanted_projection: Tensor,
    grid: Tensor,
    soft: Tensor,
    size: int,
) -> Ball:
    """The photo's eyeballs, turned to where the wanted head looks, at grid [2 B, h, w, 2] of the wanted head.

    picture: [2 B, 3, H, W] and eyes [2 B, 7, 2] (`eyes_of`) of the photos that show them, and those photos' projection
    [2 B, 2, 4]; wanted: [2 B, 7, 2] of a head with the projection [B, 2, 4]; soft: [2 B], see `opening`;
    size: pixels of the whole window.
    """
    wanted_projection = wanted_projection.repeat(2, 1, 1)
    turn = projection[..., :2] @ torch.linalg.inv(wanted_projection[..., :2])
    radius, wanted_radius = (IRIS * head_scale(each) for each in (projection, wanted_projection))
    # The white goes with the corners, the iris with the pupil.
    middle, wanted_middle = (each[:, CORNERS].mean(1)[:, None, None] for each in (eyes, wanted))
    place = (grid - wanted_middle) @ turn.mT[:, None] + middle
    seen = sample(picture, place)
    white = well_inside(lids(eyes, place, soft), soft) * (1 - _disc(place, eyes[:, PUPIL], radius * 1.12, soft))
    reach = max(1, round(WHITE_REACH * size / 64))
    spread = _blur(white, reach)
    fallback = sample(picture, eyes[:, None, CORNERS]).mean((2, 3), keepdim=True)
    filled = (_blur(seen * white, reach) + fallback * 1e-3) / (spread + 1e-3)
    back = seen * white + filled * (1 - white)

    onto = (grid - wanted[:, PUPIL, None, None]) @ turn.mT[:, None]
    shown = []
    for way in (1.0, -1.0):  # what a lid hides of the iris looks like the other half
        at = eyes[:, PUPIL, None, None] + way * onto
        shown.append((sample(picture, at), well_inside(lids(eyes, at, soft), soft)))
    (near, free), (far, other) = shown
    disc = _disc(grid, wanted[:, PUPIL], wanted_radius, soft)
    other = (1 - free) * other
    weight = free + other
    whole = near * free + far * other
    mean = (whole * disc).sum((2, 3), keepdim=True) / (weight * disc).sum((2, 3), keepdim=True).clamp_min(1e-3)
    iris = whole + mean * (1 - weight)
    return Ball(iris * disc + back * (1 - disc), disc, weight * disc)


def iris(eyes: Tensor, projection: Tensor, grid: Tensor, soft: Tensor) -> Tensor:
    """[2 B, 1, h, w] the disc of the iris in photos; eyes: [2 B, 7, 2]; projection: [B, 2, 4]."""
    return _disc(grid, eyes[:, PUPIL], IRIS * head_scale(projection).repeat(2), soft)
