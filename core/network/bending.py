# SPDX-License-Identifier: GPL-3.0-or-later
"""Photos bent to a pose by splines through the landmarks, and which photo serves which pixel: geometry, on any grid."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from .closeup import Window, face_window
from .residual import Missed, ResidualFlow, at_landmarks, follow
from .shots import Photos, Pose
from .skin import with_skin
from .spline import Splines, again, thin_plate_splines

COARSER = 4
"""Faces are bent on a grid so much coarser than they are shown."""
FRAME_PINS = 4
"""Points along each side of the frame that hold the background still."""
PIN_STIFFNESS = 1e-3
REACH = 0.12
"""Radius round a pixel within which landmarks judge a photo, in half pictures."""
CHOICE = 400.0
"""How sharply the photo with the most similar landmarks is preferred: logits per half picture of distance."""
OVERALL = 0.6
"""Part of that preference which goes by the whole face; the rest goes by the landmarks near the pixel."""


class Correspondence(NamedTuple):
    """Which place of K photos each place of a pose shows."""

    photos: Photos
    pose: Pose
    splines: Splines
    missed: Missed | None

    def select(self, index: Tensor) -> Correspondence:
        """That of the photos numbered `index` [K'] alone."""
        splines = self.splines._replace(solution=self.splines.solution[:, index])
        missed = None if self.missed is None else self.missed.select(index)
        return Correspondence(self.photos.select(index), self.pose, splines, missed)

    def at(self, grid: Tensor) -> Tensor:
        """[B, K, h, w, 2] where places `grid` [B, h, w, 2] of the pose, or m times as many, lie in the photos."""
        flow = self.splines.at(grid)
        return flow if self.missed is None else flow + follow(self.missed, grid)


class Bending(NamedTuple):
    """How each photo is bent, on a grid of places in the head crop."""

    flow: Tensor
    """[B, K, h, w, 2] where each place lies in the photo"""
    choice: Tensor
    """[B, K, 1, h/2, w/2] logits: how well the photo serves each place"""
    area: Tensor
    """[B, K, 1, h/2, w/2] how much of the photo a piece of the grid takes, by area: below 1 the photo is stretched"""


def correspond(photos: Photos, pose: Pose, residual: ResidualFlow | None = None) -> Correspondence:
    """By splines through the landmarks, and by what is known of faces beyond them if there is a `residual`.

    The frame is pinned: whatever is far from the head stays.
    """
    pins = _frame_pins(pose.points)
    target = torch.cat([pose.points, pins], dim=1)
    missed = None if residual is None or residual.idle else residual(photos, pose)
    points = photos.points if missed is None else photos.points - at_landmarks(missed, pose)
    if missed is not None and pose.skin is not None:
        missed = with_skin(missed, photos, pose)  # after the landmarks are met: how far those are off was measured, too
    source = torch.cat([points, pins[:, None].expand(-1, points.shape[1], -1, -1)], dim=2)
    stiffness = torch.maximum(photos.stiffness, pose.stiffness[:, None])
    held = pins.new_full((*stiffness.shape[:2], pins.shape[1]), PIN_STIFFNESS)
    splines = thin_plate_splines(target, source, torch.cat([stiffness, held], dim=-1))
    return Correspondence(photos, pose, splines, missed)


def bent_faces(found: Correspondence, size: int) -> tuple[Tensor, Window]:
    """[B, K, C, size, size] the photos' faces bent to the pose, and the window on its face that they fill."""
    window = face_window(found.pose.points, found.pose.projection)
    coarse, fine = window.grid(size // COARSER), window.grid(size)
    offset = found.at(coarse) - coarse[:, None]
    flow = resize(offset.permute(0, 1, 4, 2, 3), size).permute(0, 1, 3, 4, 2) + fine[:, None]
    return warp(found.photos.pictures, flow), window


def bend(found: Correspondence, grid: Tensor) -> Bending:
    """The photos' flow to the pose at `grid` [B, h, w, 2], and on half of it which photo serves which place.

    A grid of [m B, h, w, 2] looks at each head in m windows, and so does what is found.

    A photo serves a place well if its landmarks lie like the wanted ones near that place and over the whole face, and if
    the flow does not stretch it there.
    """
    photos, pose = found.photos, found.pose
    stiffness = torch.maximum(photos.stiffness, pose.stiffness[:, None])
    flow = found.at(grid)
    places, halved = _halve(grid[:, None])[:, 0], _halve(flow)
    area = _area(halved) / _area(places[:, None]).clamp_min(1e-9)
    logits = torch.log(area.clamp(0.05, 1.0))
    if logits.shape[1] > 1:  # one photo has nothing to be preferred to
        logits = logits - CHOICE * _distance(photos.points, pose.points, stiffness, places)
    return Bending(flow, logits.unsqueeze(2), area.unsqueeze(2))


def _halve(flow: Tensor) -> Tensor:
    """[B, K, h, w, 2] to [B, K, h/2, w/2, 2]: the middles of four."""
    small = functional.avg_pool2d(flow.flatten(0, 1).permute(0, 3, 1, 2), 2)
    return small.permute(0, 2, 3, 1).unflatten(0, flow.shape[:2])


def _area(flow: Tensor) -> Tensor:
    """[B, K, h, w] area of the parallelogram between neighbouring places of [B, K, h, w, 2]; negative where folded."""
    across = flow[:, :, :, 1:] - flow[:, :, :, :-1]
    down = flow[:, :, 1:] - flow[:, :, :-1]
    area = across[:, :, :-1, :, 0] * down[:, :, :, :-1, 1] - across[:, :, :-1, :, 1] * down[:, :, :, :-1, 0]
    return functional.pad(area, (0, 1, 0, 1), mode="replicate")


def _frame_pins(like: Tensor) -> Tensor:
    """[B, 4 * FRAME_PINS, 2] points round the frame."""
    along = torch.arange(FRAME_PINS, device=like.device, dtype=like.dtype) * (2.0 / FRAME_PINS) - 1.0
    edge = torch.ones_like(along)
    sides = [(along, -edge), (edge, along), (-along, edge), (-edge, -along)]
    pins = torch.cat([torch.stack(side, dim=-1) for side in sides])
    return pins.expand(len(like), -1, -1)


def _distance(source: Tensor, target: Tensor, stiffness: Tensor, places: Tensor) -> Tensor:
    """[B, K, h, w] how differently the landmarks of photos [B, K, N, 2] and of the pose [B, N, 2] lie, the faces moved over
    one another: near each of `places` [B, h, w, 2] and overall. Firm points (low `stiffness` [B, K, N]) count more."""
    trust = torch.softmax(-torch.log(stiffness), dim=-1)  # in inverse proportion to the stiffness
    middle = (trust[..., None] * target[:, None]).sum(2, keepdim=True)
    gaps = source - (trust[..., None] * source).sum(2, keepdim=True) - (target[:, None] - middle)
    squared = gaps.square().sum(-1)  # [B, K, N]
    trust, squared, target = (again(part, places) for part in (trust, squared, target))
    # The square of a distance by one product of matrices: the places are many.
    pixels = places.flatten(1, 2)
    apart = pixels.square().sum(-1, keepdim=True) + target.square().sum(-1)[:, None] - 2 * pixels @ target.mT
    near = torch.softmax(torch.log(trust.amin(1))[:, None] - apart / (2 * REACH**2), dim=-1)  # [B, P, N]
    local = (squared @ near.mT).clamp_min(0).sqrt().unflatten(-1, places.shape[1:3])
    overall = (trust * squared).sum(-1).sqrt()[..., None, None]
    return (1 - OVERALL) * local + OVERALL * overall


def warp(pictures: Tensor, flow: Tensor, mode: str = "bicubic") -> Tensor:
    """pictures: [B, K, C, H, W]; flow: [B, K, h, w, 2], or [m B, ...]. Returns [B, K, C, h, w], or [m B, ...]; beyond
    the edge, it repeats."""
    # Several windows on a picture are one high one: the picture is not copied.
    windows = flow.unflatten(0, (-1, len(pictures)))
    high = windows.permute(1, 2, 0, 3, 4, 5).flatten(2, 3).flatten(0, 1)
    warped = functional.grid_sample(pictures.flatten(0, 1), high, mode=mode, padding_mode="border", align_corners=False)
    warped = warped.unflatten(2, (len(windows), -1)).unflatten(0, pictures.shape[:2])
    return warped.permute(3, 0, 1, 2, 4, 5).flatten(0, 1)


def resize(x: Tensor, size: int) -> Tensor:
    """[B, K, C, h, w] to [B, K, C, size, size], bilinear."""
    if x.shape[-1] == size:
        return x
    resized = functional.interpolate(x.flatten(0, 1), size=(size, size), mode="bilinear", align_corners=False)
    return resized.unflatten(0, x.shape[:2])
