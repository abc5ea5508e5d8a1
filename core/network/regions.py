# SPDX-License-Identifier: GPL-3.0-or-later
"""Mouth and eyes in close-up: geometry with layers of its own, then a painter that knows what geometry cannot.

A region is looked at through its `Window`: photos are bent into it, what lies behind lips or lids is laid under them, and
a `Retoucher` may change the result. All of it counts as far as the region's landmarks differ from the photos' (`moved`)
and fades out round the region: at a photo's own pose nothing is changed.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from . import eye as eyes
from . import mouth
from .bending import bend, resize, warp
from .closeup import (
    INNER_LOWER,
    INNER_UPPER,
    Eye,
    Opening,
    Window,
    drawn_over,
    eye_window,
    gap,
    head_scale,
    mouth_window,
    opening,
    sample,
)
from .retouch import Retoucher
from .shots import Photos, Pose
from .spline import picture_grid

MOUTH_WIDTHS, EYE_WIDTHS = (32, 64, 128, 192), (24, 48, 96, 128)
MOUTH_CHANNELS, EYE_CHANNELS = 3 + 3 + 6 + 4, 3 + 3 + 6
"""Of all that a painter sees: geometry's picture, the nearest photo's own window, masks and stretch, places of the teeth."""
PARTS = slice(6, 8)
"""Among them, where the parts are asked for: inner and outer lips, or lids and iris."""
MOUTH_SIZE, EYE_SIZE = 80, 64
"""Side in pixels at which the painters see: about that of a head crop of 256 px."""
MOUTH_MOVED, EYE_MOVED = 0.04, 0.025
"""How differently, in eye distances, a region's landmarks lie where there is 63 % of a say."""
SOFT = 1.5
"""Pixels over which lips and lids end."""
LIP_REACH = 0.1
"""How far round the lips there is a say, in eye distances; it fades over as much again."""
LID_REACH = (0.85, 0.7)
"""Half axes of the oval round an eye, as parts of its window, beyond which there is no say; it fades from 60 % on."""
UNSEEN = 1e-3
"""A photo whose share of every pixel is smaller is left out."""
MOUTH_POINTS, CHIN_POINTS = range(48, 68), range(6, 11)


class Shot(NamedTuple):
    """One photo of each of the batch, chosen for the whole take."""

    picture: Tensor
    """[B, 3, H, W]"""
    points: Tensor
    """[B, N, 2]"""
    projection: Tensor
    """[B, 2, 4]"""


class View(NamedTuple):
    """A region as geometry gives it, in its window."""

    window: Window
    picture: Tensor
    """[B, 3, S, S] layered"""
    plain: Tensor
    """[B, 3, S, S] bent alone"""
    seen: Tensor
    """[B, C, S, S] all that the painter sees"""
    where: Tensor
    """[B, 1, S, S] where there is a say"""
    inside: Tensor
    """[B, 1, S, S] between the wanted inner lips, or lids"""

    @property
    def reach(self) -> Tensor:
        """[B, 1, S, S] `where`, had the landmarks moved far: 1 in the middle however little they moved."""
        return self.where / self.where.amax((1, 2, 3), keepdim=True).clamp_min(1e-3)


def choose(photos: Photos, index: Tensor) -> Shot:
    """Photo number `index` [B] of each."""
    rows = torch.arange(len(index), device=index.device)
    return Shot(photos.pictures[rows, index], photos.points[rows, index], photos.projection[rows, index])


def openness(photos: Photos, upper: tuple[int, ...], lower: tuple[int, ...]) -> Tensor:
    """[B, K] how far the lines through these landmarks lie apart in each photo, in eye distances."""
    middles = photos.points[:, :, list(lower[1:-1])].mean(2) - photos.points[:, :, list(upper[1:-1])].mean(2)
    return middles.square().sum(-1).sqrt() / head_scale(photos.projection)


def mouth_shot(photos: Photos) -> Shot:
    """The photo whose mouth shows most of its inside."""
    return choose(photos, openness(photos, INNER_UPPER, INNER_LOWER).argmax(1))


def eye_shot(photos: Photos, eye: Eye) -> Shot:
    """The photo in which the eye is most open."""
    return choose(photos, openness(photos, eye.upper, eye.lower).argmax(1))


class _Bent(NamedTuple):
    picture: Tensor
    """[B, 3, S, S]"""
    area: Tensor
    """[B, 1, s, s] logarithm of the stretch, at the painter's fineness"""
    moved: Tensor
    """[B]"""
    own: Tensor
    """[B, 5, s, s] the nearest photo's own window"""


class _Reads(NamedTuple):
    """The landmarks that a region goes by, and its gap that opens and closes: between lips, or lids."""

    numbers: tuple[int, ...]
    moved: float
    """how differently they lie where there is 63 % of a say"""
    opening: Opening
    upper: tuple[int, ...]
    lower: tuple[int, ...]
    soft: Tensor


def _bent(photos: Photos, pose: Pose, window: Window, size: int, coarse: int, windows: Tensor, reads: _Reads) -> _Bent:
    grid = window.grid(coarse)
    bending = bend(photos, pose, grid)
    share = torch.softmax(bending.choice, dim=1)
    of_photo = share.mean((2, 3, 4))
    apart = gap(photos.points, pose.points, reads.numbers) / head_scale(pose.projection)[:, None]
    say = 1 - torch.exp(-(((of_photo * apart).sum(1) / reads.moved) ** 2))
    own = windows[torch.arange(len(windows), device=windows.device), of_photo.argmax(1)]
    area = (torch.log(bending.area.clamp(0.05, 20.0)) * share).sum(1, keepdim=True)

    seen = share.amax((0, 2, 3, 4)) > UNSEEN
    share, points = share[:, seen], photos.points[:, seen]
    offset = resize((bending.flow[:, seen] - grid[:, None]).permute(0, 1, 4, 2, 3), size).permute(0, 1, 3, 4, 2)
    flow = offset + window.grid(size)[:, None]
    over = drawn_over(flow, points, reads.opening, reads.upper, reads.lower, reads.soft)
    flow = flow + say[:, None, None, None, None] * (over - flow)
    share = resize(share / share.sum(1, keepdim=True), size)
    picture = (warp(photos.pictures[:, seen], flow, "bicubic") * share).sum(1)
    return _Bent(picture, resize(area, windows.shape[-1])[:, 0], say, own)


def view_mouth(photos: Photos, pose: Pose, shot: Shot, windows: Tensor, size: int = MOUTH_SIZE) -> View:
    """The mouth in its window at `size` pixels, that of the painter or finer; `shot` shows the inside.

    windows: [B, K, 5, MOUTH_SIZE, MOUTH_SIZE] what `photo_windows` makes of the photos.
    """
    window = mouth_window(pose.points, pose.projection)
    grid = window.grid(size)
    soft = mouth.own_window_soft(window, MOUTH_SIZE, SOFT)
    inner, outer = mouth.lips(pose.points, grid, soft)
    reads = _Reads((*MOUTH_POINTS, *CHIN_POINTS), MOUTH_MOVED, inner, INNER_UPPER, INNER_LOWER, soft)
    bent = _bent(photos, pose, window, size, MOUTH_SIZE // 2, windows, reads)
    within = mouth.inside(shot.picture, shot.points, shot.projection, pose.points, pose.projection, inner, grid, soft)
    moved = bent.moved[:, None, None, None]
    share = inner.share * moved
    layered = bent.picture + share * (within.picture - bent.picture)
    reach = LIP_REACH * head_scale(pose.projection)
    where = mouth.near_lips(pose.points, outer, grid, reach) * moved
    fine = torch.cat([layered, inner.share, outer.share, within.known * inner.share], 1)
    colour, parts = shrink(fine, MOUTH_SIZE).split(3, dim=1)
    teeth = mouth.teeth_coordinates(pose.points, pose.projection, window.grid(MOUTH_SIZE))
    seen = [colour, bent.own[:, :3], parts, bent.own[:, 3:], bent.area, teeth]
    return View(window, layered, bent.picture, torch.cat(seen, 1), where, inner.share)


def view_eye(photos: Photos, pose: Pose, shot: Shot, eye: Eye, windows: Tensor, size: int = EYE_SIZE) -> View:
    """An eye in its window at `size` pixels, that of the painter or finer; `shot` shows the ball.

    windows: [B, K, 5, EYE_SIZE, EYE_SIZE] what `photo_windows` makes of the photos.
    """
    window = eye_window(pose.points, pose.projection, eye)
    grid = window.grid(size)
    soft = mouth.own_window_soft(window, EYE_SIZE, SOFT)
    lids = opening(pose.points, eye.upper, eye.lower, grid, soft)
    reads = _Reads((*eye.upper, *eye.lower[1:-1], eye.pupil), EYE_MOVED, lids, eye.upper, eye.lower, soft)
    bent = _bent(photos, pose, window, size, EYE_SIZE, windows, reads)
    ball = eyes.eyeball(shot.picture, shot.points, shot.projection, pose.points, pose.projection, eye, grid, soft)
    moved = bent.moved[:, None, None, None]
    layered = bent.picture + lids.share * moved * (ball.picture - bent.picture)
    away = (picture_grid(size, grid) / grid.new_tensor(LID_REACH)).square().sum(-1).sqrt()
    where = ((1 - away) / 0.4).clamp(0.0, 1.0) * moved
    fine = torch.cat([layered, lids.share, ball.iris, ball.known], 1)
    colour, parts = shrink(fine, EYE_SIZE).split(3, dim=1)
    seen = [colour, bent.own[:, :3], parts, bent.own[:, 3:], bent.area]
    return View(window, layered, bent.picture, torch.cat(seen, 1), where, lids.share)


def shrink(x: Tensor, size: int) -> Tensor:
    """[B, C, S, S] to [B, C, size, size], each pixel the mean of those that it covers."""
    return x if x.shape[-1] == size else functional.adaptive_avg_pool2d(x, size)


def photo_windows(photos: Photos, eye: Eye | None) -> Tensor:
    """[B, K, 5, S, S] each photo's own window on the mouth, or on an eye, as large as the painter sees it: its colours, and
    where its parts lie."""
    points, projection = photos.points.flatten(0, 1), photos.projection.flatten(0, 1)
    window = mouth_window(points, projection) if eye is None else eye_window(points, projection, eye)
    size = MOUTH_SIZE if eye is None else EYE_SIZE
    grid = window.grid(size)
    soft = mouth.own_window_soft(window, size, SOFT)
    picture = sample(photos.pictures.flatten(0, 1), grid)
    if eye is None:
        parts = [each.share for each in mouth.lips(points, grid, soft)]
    else:
        parts = [opening(points, eye.upper, eye.lower, grid, soft).share, eyes.iris(points, projection, eye, grid, soft)]
    return torch.cat([picture, *parts], 1).unflatten(0, photos.points.shape[:2])


class Regions(nn.Module):
    """The painters of mouth and eyes."""

    def __init__(self, embedding: int = 64) -> None:
        super().__init__()
        self.mouth = Retoucher(MOUTH_CHANNELS, MOUTH_WIDTHS, embedding)
        self.eye = Retoucher(EYE_CHANNELS, EYE_WIDTHS, embedding)

    @property
    def painters(self) -> dict[str, Retoucher]:
        """By the region's name."""
        return {"mouth": self.mouth, "eye": self.eye}
