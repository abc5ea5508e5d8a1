# SPDX-License-Identifier: GPL-3.0-or-later
"""Mouth and eyes in close-up: geometry with layers of its own, then a painter that knows what geometry cannot.

A region is looked at through its `Window`: photos are bent into it, what lies behind lips or lids is laid under them, and
a `Retoucher` may change the result. All of it counts as far as the region's landmarks differ from the photos' (`moved`)
and fades out round the region: at a photo's own pose nothing is changed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from . import eye as eyes
from . import mouth
from .bending import Correspondence, bend, resize, warp
from .closeup import (
    INNER_LOWER,
    INNER_UPPER,
    LOWER_LID,
    UPPER_LID,
    Cutout,
    Opening,
    Window,
    around,
    drawn_over,
    eye_windows,
    eyes_of,
    head_scale,
    mouth_window,
    moved,
    sample,
)
from .retouch import Retoucher
from .shots import Photos
from .spline import again, picture_grid

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
NEAR = 0.15
"""Windows round lips and lids within which their layers are looked at; beyond, nothing of them is seen."""
UNSEEN = 1e-2
"""A photo whose share of every pixel is smaller is left out: no pixel of two clips changes by more than .7 of 255."""
MOUTH_POINTS = (*range(48, 68), *range(6, 11))
"""The lips and the chin."""


class Shot(NamedTuple):
    """One photo of each of the batch, chosen for the whole take."""

    picture: Tensor
    """[B, 3, H, W]"""
    points: Tensor
    """[B, N, 2]: all landmarks, or those of an eye"""
    projection: Tensor
    """[B, 2, 4]"""


class View(NamedTuple):
    """A region as geometry gives it, in its window. Eyes are twice as many as heads, all right ones first."""

    window: Window
    picture: Tensor
    """[B, 3, S, S] layered"""
    plain: Tensor
    """[B, 3, S, S] bent alone"""
    seen: Tensor
    """[B, C, s, s] all that the painter sees, at its own fineness"""
    where: Tensor
    """[B, 1, S, S] where there is a say"""
    inside: Tensor
    """[B, 1, S, S] between the wanted inner lips, or lids"""

    @property
    def reach(self) -> Tensor:
        """[B, 1, S, S] `where`, had the landmarks moved far: 1 in the middle however little they moved."""
        return self.where / self.where.amax((1, 2, 3), keepdim=True).clamp_min(1e-3)


def _chosen(photos: Photos, index: Tensor, points: Tensor) -> Shot:
    """Photo number `index` [B] of each, and its `points` [B, K, n, 2]."""
    rows = torch.arange(len(index), device=index.device)
    of = rows % len(photos.points)
    return Shot(photos.pictures[of, index], points[rows, index], photos.projection[of, index])


def openness(points: Tensor, projection: Tensor, upper: tuple[int, ...], lower: tuple[int, ...]) -> Tensor:
    """[B, K] how far the lines through these of the points [B, K, N, 2] lie apart in each photo, in eye distances."""
    middles = points[:, :, list(lower[1:-1])].mean(2) - points[:, :, list(upper[1:-1])].mean(2)
    return middles.square().sum(-1).sqrt() / head_scale(projection)


def mouth_openness(photos: Photos) -> Tensor:
    """[B, K] how far apart the inner lips are in each photo, in eye distances."""
    return openness(photos.points, photos.projection, INNER_UPPER, INNER_LOWER)


def mouth_shot(photos: Photos) -> Shot:
    """The photo whose mouth shows most of its inside."""
    return _chosen(photos, mouth_openness(photos).argmax(1), photos.points)


def eye_shots(photos: Photos) -> Shot:
    """For either eye the photo in which it is most open: [2 B, ...], with the points of the eye."""
    eyes = eyes_of(photos.points)
    return _chosen(photos, openness(eyes, again(photos.projection, eyes), UPPER_LID, LOWER_LID).argmax(1), eyes)


class _Bent(NamedTuple):
    picture: Tensor
    """[B, 3, S, S]"""
    area: Tensor
    """[B, 1, s, s] logarithm of the stretch, at the painter's fineness"""
    say: Tensor
    """[B] how much of a say there is, by how far the landmarks moved"""
    own: Tensor
    """[B, 5, s, s] the nearest photo's own window"""


class _Moving(NamedTuple):
    """What moves in a region, lips or lids."""

    photos: Tensor
    """[B, K, n, 2] its landmarks in the photos"""
    wanted: Tensor
    """[B, n, 2]"""
    scale: float
    """how differently they lie, in eye distances, where there is 63 % of a say"""


class _Gap(NamedTuple):
    """What opens and closes in a region."""

    photos: Tensor
    """[B, K, N, 2] the landmarks that it goes by in the photos"""
    opening: Opening
    """as it is wanted"""
    between: Callable[[Tensor, Tensor, Tensor], Opening]
    """that of landmarks [B, N, 2] at places [B, h, w, 2], with a ramp [B]"""
    soft: Tensor
    cutout: Cutout
    """where it is"""


def _bent(
    found: Correspondence, window: Window, size: int, coarse: int, windows: Tensor, moving: _Moving, gap: _Gap
) -> _Bent:
    """The photos bent into as many `window`s as there are `windows` [B, K, 5, s, s] of their own."""
    grid = window.grid(coarse)
    bending = bend(found, grid)
    share = torch.softmax(bending.choice, dim=1)
    of_photo = share.mean((2, 3, 4))
    apart = moved(moving.photos, moving.wanted) / again(head_scale(found.pose.projection), grid)[:, None]
    say = 1 - torch.exp(-(((of_photo * apart).sum(1) / moving.scale) ** 2))
    own = windows[torch.arange(len(windows), device=windows.device), of_photo.argmax(1)]
    area = (torch.log(bending.area.clamp(0.05, 20.0)) * share).sum(1, keepdim=True)

    shown = share.amax((0, 2, 3, 4)) > UNSEEN
    seen = slice(None) if bool(shown.all()) else shown  # a mask copies the pictures
    share = share[:, seen]
    offset = resize((bending.flow[:, seen] - grid[:, None]).permute(0, 1, 4, 2, 3), size).permute(0, 1, 3, 4, 2)
    flow = offset + window.grid(size)[:, None]
    near = flow[:, :, gap.cutout.rows, gap.cutout.columns]
    soft = gap.soft.repeat_interleave(near.shape[1])
    in_photos = gap.between(gap.photos[:, seen].flatten(0, 1), near.flatten(0, 1), soft)
    near += say[:, None, None, None, None] * (drawn_over(near, gap.opening.cut(gap.cutout), in_photos, gap.soft) - near)
    bent = warp(found.photos.pictures[:, seen], flow)
    if share.shape[1] > 1:
        bent = bent * resize(share / share.sum(1, keepdim=True), size)
    return _Bent(bent.sum(1), resize(area, windows.shape[-1])[:, 0], say, own)


def view_mouth(found: Correspondence, shot: Shot, windows: Tensor, size: int = MOUTH_SIZE) -> View:
    """The mouth in its window at `size` pixels, that of the painter or finer; `shot` shows the inside.

    windows: [B, K, 5, MOUTH_SIZE, MOUTH_SIZE] the photos' own, see `mouth_windows`.
    """
    photos, pose = found.photos, found.pose
    window = mouth_window(pose.points, pose.projection)
    grid = window.grid(size)
    soft = window.softness(MOUTH_SIZE, SOFT)
    inner, outer = (between(pose.points, grid, soft) for between in (mouth.inner_lips, mouth.outer_lips))
    moving = _Moving(photos.points[:, :, MOUTH_POINTS], pose.points[:, MOUTH_POINTS], MOUTH_MOVED)
    cutout = around(inner, NEAR)
    gap = _Gap(photos.points, inner, mouth.inner_lips, soft, cutout)
    bent = _bent(found, window, size, MOUTH_SIZE // 2, windows, moving, gap)
    lips, places = inner.cut(cutout), grid[:, cutout.rows, cutout.columns]
    within = mouth.inside(shot.picture, shot.points, shot.projection, pose.points, pose.projection, lips, places, soft)
    say = bent.say[:, None, None, None]
    layered = bent.picture + cutout.put(lips.share * say * (within.picture - cutout.cut(bent.picture)), size)
    reach = LIP_REACH * head_scale(pose.projection)
    where = mouth.near_lips(pose.points, outer, grid, reach) * say
    masks = torch.cat([inner.share, outer.share, cutout.put(within.known * lips.share, size)], 1)
    teeth = mouth.teeth_coordinates(pose.points, pose.projection, window.grid(MOUTH_SIZE))
    seen = torch.cat([_seen(layered, masks, bent), teeth], 1)
    return View(window, layered, bent.picture, seen, where, inner.share)


def view_eyes(found: Correspondence, shots: Shot, windows: Tensor, size: int = EYE_SIZE) -> View:
    """Either eye in its window at `size` pixels, that of the painter or finer; `shots` show the balls.

    windows: [2 B, K, 5, EYE_SIZE, EYE_SIZE] the photos' own, see `both_eyes_windows`.
    """
    pose = found.pose
    wanted, shown = eyes_of(pose.points), eyes_of(found.photos.points)
    window = eye_windows(wanted, pose.projection)
    grid = window.grid(size)
    soft = window.softness(EYE_SIZE, SOFT)
    lids = eyes.lids(wanted, grid, soft)
    cutout = around(lids, NEAR)
    gap = _Gap(shown, lids, eyes.lids, soft, cutout)
    bent = _bent(found, window, size, EYE_SIZE // 2, windows, _Moving(shown, wanted, EYE_MOVED), gap)
    places = grid[:, cutout.rows, cutout.columns]
    ball = eyes.eyeballs(shots.picture, shots.points, shots.projection, wanted, pose.projection, places, soft, size)
    say = bent.say[:, None, None, None]
    layered = bent.picture + cutout.put(cutout.cut(lids.share) * say * (ball.picture - cutout.cut(bent.picture)), size)
    away = (picture_grid(size, grid) / grid.new_tensor(LID_REACH)).square().sum(-1).sqrt()
    where = ((1 - away) / 0.4).clamp(0.0, 1.0) * say
    seen = _seen(layered, torch.cat([lids.share, cutout.put(torch.cat([ball.iris, ball.known], 1), size)], 1), bent)
    return View(window, layered, bent.picture, seen, where, lids.share)


def _seen(layered: Tensor, masks: Tensor, bent: _Bent) -> Tensor:
    """What any painter sees, [B, 12, s, s]: geometry's picture beside the photo's own window, masks of both, the stretch."""
    fine = torch.cat([layered, masks], 1)
    size = bent.own.shape[-1]
    colour, parts = (fine if fine.shape[-1] == size else functional.avg_pool2d(fine, fine.shape[-1] // size)).split(3, dim=1)
    return torch.cat([colour, bent.own[:, :3], parts, bent.own[:, 3:], bent.area], 1)


def mouth_windows(photos: Photos) -> Tensor:
    """[B, K, 5, MOUTH_SIZE, MOUTH_SIZE] each photo's own window on the mouth: its colours, inner and outer lips."""
    points, projection = photos.points.flatten(0, 1), photos.projection.flatten(0, 1)
    window = mouth_window(points, projection)
    grid, soft = window.grid(MOUTH_SIZE), window.softness(MOUTH_SIZE, SOFT)
    lips = [part(points, grid, soft).share for part in (mouth.inner_lips, mouth.outer_lips)]
    found = torch.cat([sample(photos.pictures.flatten(0, 1), grid), *lips], 1)
    return found.unflatten(0, photos.points.shape[:2])


def both_eyes_windows(photos: Photos) -> Tensor:
    """[2 B, K, 5, EYE_SIZE, EYE_SIZE] each photo's own windows on the eyes: its colours, the gap between lids, the iris."""
    points, projection = eyes_of(photos.points.flatten(0, 1)), photos.projection.flatten(0, 1)
    window = eye_windows(points, projection)
    grid, soft = window.grid(EYE_SIZE), window.softness(EYE_SIZE, SOFT)
    parts = [eyes.lids(points, grid, soft).share, eyes.iris(points, projection, grid, soft)]
    found = torch.cat([sample(again(photos.pictures.flatten(0, 1), grid), grid), *parts], 1)
    return found.unflatten(0, (-1, photos.points.shape[1]))


class Regions(nn.Module):
    """The painters of mouth and eyes."""

    def __init__(self, embedding: int = 64) -> None:
        super().__init__()
        self.mouth = Retoucher(MOUTH_CHANNELS, MOUTH_WIDTHS, embedding)
        self.eye = Retoucher(EYE_CHANNELS, EYE_WIDTHS, embedding, by_daylight=True)

    @property
    def painters(self) -> dict[str, Retoucher]:
        """By the region's name."""
        return {"mouth": self.mouth, "eye": self.eye}
