# SPDX-License-Identifier: GPL-3.0-or-later
"""The head painted from photos: bent to the pose by splines through the landmarks, then mouth and eyes in close-up.

Pixels come from the photos as long as a photo has them:

1. a thin-plate spline bends each photo to the pose (`bending`), and what it misses is added (`residual`);
2. each pixel comes from the photo whose landmarks lie most like the wanted ones nearby, and that is stretched least;
3. the head lies over the background, which comes from where photos show no head, joined by the matte;
4. the side of the face that no photo shows comes from the mirror image of the other (`mirror`);
5. mouth and eyes get layers of their own, and painters that may change them (`regions`).

Untrained, all this is geometry; what is learned are the residual flow and the painters.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from .bending import Bending, Correspondence, bend, correspond, resize, warp
from .closeup import Window, sample
from .mirror import with_mirrored_side
from .painter import Painter, Preset
from .regions import (
    EYE_SIZE,
    MOUTH_SIZE,
    UNSEEN,
    Regions,
    Shot,
    View,
    both_eyes_windows,
    eye_shots,
    mouth_shot,
    mouth_windows,
    view_eyes,
    view_mouth,
)
from .residual import ResidualFlow
from .shots import Painted, Photos, Pose
from .spline import again, picture_grid

LEAST_BACKGROUND = 0.01
"""A photo counts as background at least so much, where all photos show a head."""
COARSER, FINEST = 4, 64
"""The head is bent on a grid so much coarser than the picture, with so many places a side at most; mouth and eyes are bent
anew in close-up."""
SHARP = 0.56
"""How much of the head's sampling is bicubic; the rest is bilinear. Bilinear sampling leaves .71 of an eye's finest detail,
bicubic .88, but then a still face flickers by 32 % more; here it is .80 and 17 %."""
OVERSAMPLED = 2
"""How many times as fine as the picture close-ups are: pasted at its own fineness they would be softened."""
PAINTER_PICTURE = 256
"""Side of the head crop whose detail the regions' painters see."""


class Prepared(NamedTuple):
    """Photos, and what is chosen among them once for all frames."""

    photos: Photos
    mouth: Shot
    """shows the inside of the mouth"""
    eyes: Shot
    """show the right eyeballs, and then the left ones"""
    mouth_windows: Tensor
    """the photos' own, see `mouth_windows`"""
    eye_windows: Tensor
    """see `both_eyes_windows`"""
    mouth_light: Tensor
    """of all the photos, the same throughout a take: see `Retoucher.light`"""
    eye_light: Tensor
    mirrored: Photos | None = None
    """the same pictures, with landmarks as in a mirror"""

    def select(self, index: Tensor) -> Prepared:
        """The photos numbered `index` [K'] alone, in any order; what is chosen for mouth and eyes stays."""
        if len(index) == self.photos.points.shape[1]:
            return self
        photos = self.photos.select(index)
        mouth, eyes = self.mouth_windows[:, index], self.eye_windows[:, index]
        mirrored = self.mirrored
        if mirrored is not None:  # its pictures are the photos', and are copied once
            mirrored = Photos(photos.pictures, photos.mattes, *(part[:, index] for part in mirrored[2:]))
        return self._replace(photos=photos, mouth_windows=mouth, eye_windows=eyes, mirrored=mirrored)


class WarpPainter(Painter):
    """See the module's docstring. A person is the embeddings of mouth and eyes; the style is the embedding itself."""

    def __init__(self, preset: Preset) -> None:
        super().__init__(preset)
        self.regions = Regions(preset.embedding // 2)
        self.residual = ResidualFlow()

    def embed(self, photos: Photos, drawings: Tensor | None = None) -> Tensor:
        mouth = self.regions.mouth.embed(mouth_windows(photos))
        right, left = self.regions.eye.embed(both_eyes_windows(photos)).chunk(2)
        return torch.cat([mouth, (right + left) / 2], dim=1)

    def style(self, embedding: Tensor) -> Tensor:
        return embedding

    def prepare(self, photos: Photos, mirrored: Photos | None = None) -> Prepared:
        mouth, eyes = mouth_windows(photos), both_eyes_windows(photos)
        shots = mouth_shot(photos), eye_shots(photos)
        lights = self.regions.mouth.light(mouth), self.regions.eye.light(eyes)
        return Prepared(photos, *shots, mouth, eyes, *lights, mirrored)

    def forward(self, prepared: Prepared, pose: Pose, style: Tensor) -> Painted:
        """A frame for each of the batch, as large as the photos are."""
        head = bent_head(correspond(prepared.photos, pose, self.residual), prepared.mirrored)
        times = max(1, round(OVERSAMPLED * head.picture.shape[-1] / PAINTER_PICTURE))
        vectors = style.chunk(2, dim=-1)
        windows = prepared.mouth_windows[:, head.seen], prepared.eye_windows[:, head.seen]
        mouth = view_mouth(head.found, prepared.mouth, windows[0], MOUTH_SIZE * times)
        picture = self._painted(head.picture, mouth, "mouth", vectors[0], prepared.mouth_light)
        eyes = view_eyes(head.found, prepared.eyes, windows[1], EYE_SIZE * times)
        return Painted(self._painted(picture, eyes, "eye", vectors[1], prepared.eye_light), head.matte)

    def _painted(self, picture: Tensor, view: View, name: str, vector: Tensor, light: Tensor) -> Tensor:
        """`picture` with the region of that name painted into it."""
        painter, close_up = self.regions.painters[name], view.picture
        if not painter.idle and bool(view.where.any()):
            seen = view.seen.to(painter.last.weight)
            change = painter(seen, again(vector, seen).to(seen), light.to(seen)).to(close_up)
            close_up = close_up + view.where * resize(change[:, None], close_up.shape[-1])[:, 0]
        return paste(picture, view.window, close_up, view.where)


class _Head(NamedTuple):
    picture: Tensor
    """[B, 3, D, D]"""
    matte: Tensor
    """[B, 1, S, S]"""
    found: Correspondence
    """of the photos that show any of it"""
    seen: Tensor
    """[K] which those are"""


def bent_head(found: Correspondence, mirrored: Photos | None = None) -> _Head:
    """The head over its background, with nothing painted; the side that no photo shows from the `mirrored` ones."""
    photos, pose = found.photos, found.pose
    side, size = photos.mattes.shape[-1], photos.pictures.shape[-1]
    grid = picture_grid(min(side // COARSER, FINEST), pose.points).expand(len(pose.points), -1, -1, -1)
    bending = bend(found, grid)
    seen = torch.softmax(bending.choice, dim=1).amax((0, 2, 3, 4)) > UNSEEN
    if not bool(seen.all()):
        found, bending = found.select(seen), Bending(*(tensor[:, seen] for tensor in bending))
        photos = found.photos
    share = torch.softmax(bending.choice, dim=1)

    places, part = _enlarged(bending.flow, grid, side), resize(share, side)
    mattes = warp(photos.mattes, places, "bilinear")
    matte = (mattes * part).sum(1).clamp(0.0, 1.0)

    if size != side:
        places, part = _enlarged(bending.flow, grid, size), resize(share, size)
    warped = torch.lerp(warp(photos.pictures, places, "bilinear"), warp(photos.pictures, places), SHARP)
    if share.shape[1] > 1:
        # Where a photo shows its own head there is no background in it.
        logits = resize(bending.choice, side) + torch.log((1 - mattes).clamp_min(LEAST_BACKGROUND))
        behind = torch.softmax(logits, dim=1)
        warped = warped * torch.lerp(resize(behind, size), part, resize(matte[:, None], size))
    picture = warped.sum(1)
    if mirrored is not None:
        picture = with_mirrored_side(picture, bending, mirrored, pose, grid)
    return _Head(picture, matte, found, seen)


def bent_matte(photos: Photos, pose: Pose) -> Tensor:
    """The photos' mattes moved to the pose by geometry alone: [B, 1, S, S]."""
    return bent_head(correspond(photos._replace(pictures=photos.mattes), pose)).matte


def _enlarged(flow: Tensor, grid: Tensor, size: int) -> Tensor:
    """Places [B, K, h, w, 2] in photos, known on `grid` [B, h, w, 2] over the whole picture, on a finer one."""
    offset = resize((flow - grid[:, None]).permute(0, 1, 4, 2, 3), size).permute(0, 1, 3, 4, 2)
    return offset + picture_grid(size, flow)


def paste(picture: Tensor, window: Window, close_up: Tensor, where: Tensor) -> Tensor:
    """`picture` [B, 3, D, D] with `close_up` [B, 3, S, S] in its window, as far as `where` [B, 1, S, S] says; or m close-ups
    of each, [m B, ...].

    Bicubic, like all that close-ups are made of: a close-up is resampled twice, and bilinear sampling would soften it twice.
    """
    pasted = picture.clone()
    shown = torch.cat([close_up, where], 1)
    for i in range(0, len(shown), len(picture)):
        batch = slice(i, i + len(picture))
        _paste(pasted, Window(*(part[batch] for part in window)), shown[batch])
    return pasted


def _paste(picture: Tensor, window: Window, shown: Tensor) -> None:
    size = picture.shape[-1]
    corners = window.centre[:, None] + window.axes.abs().sum(-1)[:, None] * picture.new_tensor([[-1.0], [1.0]])
    low = ((corners.amin((0, 1)) + 1) * size / 2).floor().clamp(0, size).long().tolist()
    high = ((corners.amax((0, 1)) + 1) * size / 2).ceil().clamp(0, size).long().tolist()
    if low[0] >= high[0] or low[1] >= high[1]:
        return
    grid = picture_grid(size, picture)[low[1] : high[1], low[0] : high[0]]
    own = window.locate(grid.flatten(0, 1).expand(len(picture), -1, -1)).unflatten(1, grid.shape[:2])
    found = sample(shown, own)
    share = found[:, 3:].clamp(0.0, 1.0) * (own.abs().amax(-1) <= 1)[:, None]
    part = picture[:, :, low[1] : high[1], low[0] : high[0]]
    part += share * (found[:, :3] - part)
