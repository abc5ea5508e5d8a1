# SPDX-License-Identifier: GPL-3.0-or-later
"""The side of a face that no photo shows, from the mirror image of the other side.

Faces are nearly symmetrical, light is not: from the mirrored photo comes detail alone, brightness and colour stay those of
the photo. It counts inside the face, where the photo is stretched and its mirror image less so.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from .bending import Bending, bend, correspond, warp
from .closeup import moved, opening, sample
from .shots import Photos, Pose
from .spline import picture_grid

STRETCHED, TORN = 0.6, 0.3
"""Areas of the photo, over the picture's, at which its mirror image begins to help, and from which it has all the say."""
BETTER = 1.5
"""How many times the area the mirror image must have at least."""
BROAD = 16
"""Light is whatever is broader than a sixteenth of the picture."""
FACE_TOP, FACE_BOTTOM = (0, *range(17, 27), 16), tuple(range(17))
"""The face's outline: along the brows, and along the jaw."""
FACE_SOFT = 0.06
"""Half pictures over which the face's outline fades."""
RIGID = slice(36)
"""Landmarks that say how the head is turned: everything above the mouth, and the jaw."""


def with_mirrored_side(picture: Tensor, bending: Bending, mirrored: Photos, pose: Pose, grid: Tensor) -> Tensor:
    """`picture` [B, 3, D, D] with the face's torn side mended.

    bending: of the photos that it was made from, on `grid` [B, h, w, 2]. mirrored: the photos' own pictures, their landmarks
    as in a mirror; the one most like the pose is taken.
    """
    share = torch.softmax(bending.choice, dim=1)
    area = (bending.area * share).sum(1, keepdim=True)  # [B, 1, 1, h/2, w/2]
    places = functional.avg_pool2d(grid.permute(0, 3, 1, 2), 2).permute(0, 2, 3, 1)
    face = opening(pose.points, FACE_TOP, FACE_BOTTOM, places, FACE_SOFT).share[:, None]
    torn = face * ((STRETCHED - area) / (STRETCHED - TORN)).clamp(0.0, 1.0)
    if not bool((torn > 0.05).any()):
        return picture
    nearest = mirrored.select(moved(mirrored.points[:, :, RIGID], pose.points[:, RIGID]).mean(0).argmin()[None])
    found = correspond(nearest, pose)
    other = bend(found, grid)
    torn = torn[:, 0] * ((other.area / area.clamp_min(1e-3) / BETTER - 0.5).clamp(0.0, 0.5) * 2)[:, 0]
    if not bool((torn > 0.05).any()):
        return picture
    rows, columns = _there(torn, picture.shape[-1])
    fine = picture_grid(picture.shape[-1], picture)[rows, columns].expand(len(picture), -1, -1, -1)
    mended = warp(nearest.pictures, _in_mirror(found.at(fine)))[:, 0]
    light = _light(picture, grid.shape[1]) - _light(nearest.pictures[:, 0], grid.shape[1], _in_mirror(other.flow))
    part = picture[:, :, rows, columns]
    share = functional.grid_sample(torn, fine, padding_mode="border", align_corners=False)
    whole = picture.clone()
    whole[:, :, rows, columns] = part + share * (mended + sample(light, fine) - part)
    return whole


def _light(picture: Tensor, coarse: int, flow: Tensor | None = None) -> Tensor:
    """[B, 3, BROAD, BROAD] the light of a picture, of which `coarse` places a side are enough: everything broad. As it is
    bent by a `flow` [B, 1, coarse, coarse, 2], if there is one."""
    small = functional.adaptive_avg_pool2d(picture, coarse)
    return functional.adaptive_avg_pool2d(small if flow is None else warp(small[:, None], flow, "bilinear")[:, 0], BROAD)


def _there(torn: Tensor, size: int) -> tuple[slice, slice]:
    """Rows and columns of a picture of `size` in which any of `torn` [B, 1, h, w] counts."""
    step = size // torn.shape[-1]
    sides = []
    for along in (1, 0):
        places = torn.amax((0, 1)).amax(along).nonzero().flatten()
        sides.append(slice(max(int(places[0]) - 1, 0) * step, (int(places[-1]) + 2) * step))
    return sides[0], sides[1]


def _in_mirror(flow: Tensor) -> Tensor:
    """The mirror image at (x, y) is the photo at (-x, y)."""
    return flow * flow.new_tensor([-1.0, 1.0])
