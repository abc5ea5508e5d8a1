# SPDX-License-Identifier: GPL-3.0-or-later
"""The mouth by geometry: an inside of its own, under the lips.

What lies between the inner lips comes from one photo that shows it: upper teeth go rigidly with the skull, lower teeth with
the jaw, the dark of the mouth is behind both; lips slide over them. So teeth keep their size however the lips move.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from .closeup import INNER_LOWER, INNER_UPPER, OUTER_LOWER, OUTER_UPPER, Opening, head_scale, opening, sample, well_inside

NOSE_BASE, CHIN = slice(31, 36), slice(7, 10)
UPPER_TEETH = (0.0, 0.36, 0.12)
LOWER_TEETH = (0.0, -0.5, 0.1)
"""From the base of the nose to the upper incisors, and from the chin to the lower ones: model units, average head."""
UPPER_SHARE = 0.62
"""How far down an opened mouth in a photo what is seen belongs to the skull; below, it goes with the jaw."""
NARROW, WIDE = (0.68, 0.55, 0.63), (0.87, 0.95, 1.05)
"""The colour of the inside of a mouth that no photo shows, over the lips' colour: means over the frames of talking people,
where the lips are little and far apart. A ratio, so that the light of a yellow painting stays yellow."""
LIPS = (0.85, 0.74, 0.79)
"""The colour of lips over that of the skin (`CHEEKS`), of the same people. The inside is as bright as the lips say, and
coloured as the skin says: a painting's lips may be no redder than its skin, and made-up ones are redder than a mouth."""
CHEEKS = (3, 13, 31, 35)
"""iBUG points: halfway from the jaw to the nose on either side, the skin shows its colour."""
NARROW_GAP, WIDE_GAP = 0.07, 0.2
"""Those distances, over the eye distance."""
SHADOW = 0.3
"""How much darker, in the same ratio, the middle of a wide mouth is than its teeth and tongue."""


class Inside(NamedTuple):
    """The inside of the mouth in a window."""

    picture: Tensor
    """[B, 3, h, w]"""
    known: Tensor
    """[B, 1, h, w] how much of it a photo shows; the rest is the dark"""


def _anchor(points: Tensor, projection: Tensor, of: slice, offset: tuple[float, ...]) -> Tensor:
    """[B, 2] where teeth sit, from landmarks that move with them."""
    return points[:, of].mean(1) + projection[..., :3] @ projection.new_tensor(offset)


def teeth_coordinates(points: Tensor, projection: Tensor, grid: Tensor) -> Tensor:
    """[B, 4, h, w] where each place of grid [B, h, w, 2] lies beside the upper incisors, and beside the lower ones: model
    units, so that teeth are found at the same numbers in every frame of a person."""
    turn = projection[..., :2]
    back = torch.linalg.inv(turn + 1e-4 * torch.eye(2, device=turn.device, dtype=turn.dtype))
    anchors = [_anchor(points, projection, of, offset) for of, offset in ((NOSE_BASE, UPPER_TEETH), (CHIN, LOWER_TEETH))]
    places = torch.cat([grid.flatten(1, 2) - anchor[:, None] for anchor in anchors], dim=1) @ back.mT
    return places.unflatten(1, (len(anchors), *grid.shape[1:3])).movedim(-1, 2).flatten(1, 2)


def inside(
    picture: Tensor,
    points: Tensor,
    projection: Tensor,
    wanted: Tensor,
    wanted_projection: Tensor,
    lips: Opening,
    grid: Tensor,
    soft: Tensor,
) -> Inside:
    """The part of a photo's mouth inside that is seen at `grid` [B, h, w, 2] of the wanted head.

    picture: [B, 3, H, W] and points [B, N, 2] of the photo that shows it; wanted: [B, N, 2];
    lips: the gap of its inner lips; soft: [B], see `opening`.
    """
    turn = projection[..., :2] @ torch.linalg.inv(wanted_projection[..., :2])
    found: list[Tensor] = []
    shown: list[Tensor] = []
    for upper, of, offset in ((True, NOSE_BASE, UPPER_TEETH), (False, CHIN, LOWER_TEETH)):
        here = _anchor(wanted, wanted_projection, of, offset)
        there = _anchor(points, projection, of, offset)
        place = (grid - here[:, None, None]) @ turn.mT[:, None] + there[:, None, None]
        mouth = inner_lips(points, place, soft)
        down = mouth.below / (mouth.below + mouth.above).clamp_min(1e-4)
        part = ((UPPER_SHARE - down) if upper else (down - UPPER_SHARE)) * 8 + 0.5
        found.append(sample(picture, place))
        shown.append(well_inside(mouth, soft) * part.clamp(0.0, 1.0))
    known = torch.maximum(shown[0], shown[1])
    dark = _unseen(picture, points, lips, head_scale(wanted_projection))
    teeth = found[0] * shown[0] + found[1] * (1 - shown[0])
    return Inside(teeth * known + dark * (1 - known), known)


def _unseen(picture: Tensor, points: Tensor, mouth: Opening, unit: Tensor) -> Tensor:
    """[B, 3, h, w] the likely colour of an inside that no photo shows, in the photo's light. unit: [B] an eye distance."""
    jaw, nose = points[:, CHEEKS].unflatten(1, (2, 2)).unbind(1)
    lips, skin = (
        (sample(picture, at[:, None]).mean((2, 3))[..., None, None] + 1) / 2 for at in (points[:, 49:60], (jaw + nose) / 2)
    )
    usual = skin * picture.new_tensor(LIPS)[:, None, None]
    lip = usual * (lips.mean(1, keepdim=True) / usual.mean(1, keepdim=True).clamp_min(1e-3))
    height = (mouth.below + mouth.above).clamp_min(1e-4)
    wide = ((height / unit[:, None, None, None] - NARROW_GAP) / (WIDE_GAP - NARROW_GAP)).clamp(0.0, 1.0)
    narrow, open_wide = (picture.new_tensor(colour)[None, :, None, None] for colour in (NARROW, WIDE))
    shadow = SHADOW * (torch.exp(-(((mouth.below / height - 0.45) / 0.17) ** 2)) - 0.3)
    return (lip * (narrow + wide * (open_wide - narrow - shadow)) * 2 - 1).clamp(-1.0, 1.0)


def inner_lips(points: Tensor, grid: Tensor, soft: Tensor) -> Opening:
    """The gap between the inner lips on grid [B, h, w, 2]; soft: [B], see `opening`."""
    return opening(points, INNER_UPPER, INNER_LOWER, grid, soft)


def outer_lips(points: Tensor, grid: Tensor, soft: Tensor) -> Opening:
    """What lies within the outer lips."""
    return opening(points, OUTER_UPPER, OUTER_LOWER, grid, soft)


def near_lips(points: Tensor, outer: Opening, grid: Tensor, reach: Tensor) -> Tensor:
    """[B, 1, h, w] 1 over the `outer` lips and `reach` [B] round them, fading to 0 over twice that."""
    width = (points[:, OUTER_UPPER[-1]] - points[:, OUTER_UPPER[0]]).square().sum(-1).sqrt()
    middle = points[:, [OUTER_UPPER[0], OUTER_UPPER[-1]]].mean(1)
    right = functional.normalize(points[:, OUTER_UPPER[-1]] - points[:, OUTER_UPPER[0]], dim=-1)
    across = (grid - middle[:, None, None]) @ right[:, None, :, None]
    beside = across[..., 0].abs() - width[:, None, None] / 2
    off = torch.maximum(torch.maximum(-outer.below, -outer.above), beside[:, None]).clamp_min(0.0)
    return (2 - off / reach[:, None, None, None]).clamp(0.0, 1.0)
