# SPDX-License-Identifier: GPL-3.0-or-later
"""The side of a face that no photo shows, from the mirror image of the other side.

Faces are nearly symmetrical, light is not: from the mirrored photo comes detail alone, brightness and colour stay those of
the photo. It counts inside the face, where the photo is stretched and its mirror image less so.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from .bending import Bending, bend, correspond, resize, warp
from .closeup import moved, opening
from .shots import Photos, Pose

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
    other = bend(correspond(nearest, pose), grid)
    torn = torn * (other.area / area.clamp_min(1e-3) / BETTER - 0.5).clamp(0.0, 0.5) * 2
    size = picture.shape[-1]
    offset = resize((other.flow - grid[:, None]).permute(0, 1, 4, 2, 3), size).permute(0, 1, 3, 4, 2)
    flow = offset + resize(grid.permute(0, 3, 1, 2)[:, None], size).permute(0, 1, 3, 4, 2)
    # The mirror image at (x, y) is the photo at (-x, y).
    found = warp(nearest.pictures, flow * flow.new_tensor([-1.0, 1.0]))[:, 0]
    lit = found + _broad(picture - found)
    return picture + resize(torn, size)[:, 0] * (lit - picture)


def _broad(picture: Tensor) -> Tensor:
    """The light of a picture: everything broader than BROAD pieces across."""
    small = functional.adaptive_avg_pool2d(picture, BROAD)
    return functional.interpolate(small, size=picture.shape[-2:], mode="bicubic", align_corners=False)
