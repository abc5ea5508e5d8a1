# SPDX-License-Identifier: GPL-3.0-or-later
"""The head painted from photos: bent to the pose by splines through the landmarks, then mouth and eyes in close-up.

Pixels come from the photos as long as a photo has them:

1. a thin-plate spline bends each photo to the pose (`bending`);
2. each pixel comes from the photo whose landmarks lie most like the wanted ones nearby, and that is stretched least;
3. the head lies over the background, which comes from where photos show no head, joined by the matte;
4. the side of the face that no photo shows comes from the mirror image of the other (`mirror`);
5. mouth and eyes get layers of their own, and painters that may change them (`regions`).

Untrained, all this is geometry.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from .bending import Bending, bend, resize, warp
from .closeup import LEFT_EYE, RIGHT_EYE, Window, sample
from .mirror import with_mirrored_side
from .painter import Painter, Preset
from .regions import (
    EYE_SIZE,
    MOUTH_SIZE,
    UNSEEN,
    Regions,
    Shot,
    View,
    eye_shot,
    mouth_shot,
    photo_windows,
    view_eye,
    view_mouth,
)
from .shots import Painted, Photos, Pose
from .spline import picture_grid

LEAST_BACKGROUND = 0.01
"""A photo counts as background at least so much, where all photos show a head."""
COARSER = 4
"""The head is bent on a grid so much coarser than the picture; mouth and eyes are bent anew in close-up."""
OVERSAMPLED = 2
"""How many times as fine as the picture close-ups are: pasted at its own fineness they would be softened."""
PAINTER_PICTURE = 256
"""Side of the head crop whose detail the regions' painters see."""


class Prepared(NamedTuple):
    """Photos, and what is chosen among them once for all frames."""

    photos: Photos
    mouth: Shot
    """shows the inside of the mouth"""
    eyes: tuple[Shot, Shot]
    """show the right and the left eyeball"""
    windows: tuple[Tensor, Tensor, Tensor]
    """the photos' own windows on the mouth, the right and the left eye, see `photo_windows`"""
    mirrored: Photos | None = None
    """the same pictures, with landmarks as in a mirror"""

    def select(self, index: Tensor) -> Prepared:
        """The photos numbered `index` [K'] alone, in any order; those chosen for mouth and eyes stay."""
        if len(index) == self.photos.points.shape[1]:
            return self
        photos = self.photos.select(index)
        mouth, right, left = (windows[:, index] for windows in self.windows)
        mirrored = self.mirrored
        if mirrored is not None:  # its pictures are the photos', and are copied once
            mirrored = Photos(photos.pictures, photos.mattes, *(part[:, index] for part in mirrored[2:]))
        return self._replace(photos=photos, windows=(mouth, right, left), mirrored=mirrored)


class WarpPainter(Painter):
    """See the module's docstring. A person is the embeddings of mouth and eyes; the style is the embedding itself."""

    def __init__(self, preset: Preset) -> None:
        super().__init__(preset)
        self.regions = Regions(preset.embedding // 2)

    def embed(self, photos: Photos, drawings: Tensor | None = None) -> Tensor:
        mouth = self.regions.mouth.embed(photo_windows(photos, None))
        eyes = [self.regions.eye.embed(photo_windows(photos, eye)) for eye in (RIGHT_EYE, LEFT_EYE)]
        return torch.cat([mouth, (eyes[0] + eyes[1]) / 2], dim=1)

    def style(self, embedding: Tensor) -> Tensor:
        return embedding

    def prepare(self, photos: Photos, mirrored: Photos | None = None) -> Prepared:
        eyes = eye_shot(photos, RIGHT_EYE), eye_shot(photos, LEFT_EYE)
        windows = photo_windows(photos, None), photo_windows(photos, RIGHT_EYE), photo_windows(photos, LEFT_EYE)
        return Prepared(photos, mouth_shot(photos), eyes, windows, mirrored)

    def forward(self, prepared: Prepared, pose: Pose, style: Tensor) -> Painted:
        """A frame for each of the batch, as large as the photos are."""
        head = bent_head(prepared.photos, pose, prepared.mirrored)
        size = head.picture.shape[-1]
        times = max(1, round(OVERSAMPLED * size / PAINTER_PICTURE))
        mouth, eye = style.chunk(2, dim=-1)
        of_mouth, *of_eyes = (windows[:, head.seen] for windows in prepared.windows)
        view = view_mouth(head.photos, pose, prepared.mouth, of_mouth, MOUTH_SIZE * times)
        picture = self._region(head.picture, [view], "mouth", mouth)
        looks = zip((RIGHT_EYE, LEFT_EYE), prepared.eyes, of_eyes, strict=True)
        views = [view_eye(head.photos, pose, shot, which, own, EYE_SIZE * times) for which, shot, own in looks]
        picture = self._region(picture, views, "eye", eye)
        return Painted(picture, head.matte)

    def _region(self, picture: Tensor, views: list[View], name: str, vector: Tensor) -> Tensor:
        """`picture` with the region of that name, seen in one view or in two, painted into it."""
        painter = self.regions.painters[name]
        changes: tuple[Tensor | None, ...] = (None,) * len(views)
        if not painter.idle and any(bool(view.where.any()) for view in views):
            seen = torch.cat([view.seen for view in views]).to(painter.last.weight)
            changes = painter(seen, vector.repeat(len(views), 1).to(seen)).to(picture).chunk(len(views))
        for view, change in zip(views, changes, strict=True):
            painted = view.picture
            if change is not None:
                painted = painted + view.where * resize(change[:, None], painted.shape[-1])[:, 0]
            picture = paste(picture, view.window, painted, view.where)
        return picture


class _Head(NamedTuple):
    picture: Tensor
    """[B, 3, D, D]"""
    matte: Tensor
    """[B, 1, S, S]"""
    photos: Photos
    """those that show any of it"""
    seen: Tensor
    """[K] which those are"""


def bent_head(photos: Photos, pose: Pose, mirrored: Photos | None = None) -> _Head:
    """The head over its background, by geometry alone; the side that no photo shows from the `mirrored` ones."""
    side, size = photos.mattes.shape[-1], photos.pictures.shape[-1]
    grid = picture_grid(side // COARSER, pose.points).expand(len(pose.points), -1, -1, -1)
    bending = bend(photos, pose, grid)
    seen = torch.softmax(bending.choice, dim=1).amax((0, 2, 3, 4)) > UNSEEN
    if not bool(seen.all()):
        photos, bending = photos.select(seen), Bending(*(tensor[:, seen] for tensor in bending))
    share = torch.softmax(bending.choice, dim=1)

    mattes = warp(photos.mattes, _enlarged(bending.flow, grid, side))
    matte = (mattes * resize(share, side)).sum(1).clamp(0.0, 1.0)
    # Where a photo shows its own head there is no background in it.
    logits = resize(bending.choice, side) + torch.log((1 - mattes).clamp_min(LEAST_BACKGROUND))
    behind = torch.softmax(logits, dim=1)

    over = resize(matte[:, None], size)[:, 0]
    warped = warp(photos.pictures, _enlarged(bending.flow, grid, size))
    weight = resize(share, size) * over[:, None] + resize(behind, size) * (1 - over)[:, None]
    picture = (warped * weight).sum(1)
    if mirrored is not None:
        picture = with_mirrored_side(picture, bending, mirrored, pose, grid)
    return _Head(picture, matte, photos, seen)


def bent_matte(photos: Photos, pose: Pose) -> Tensor:
    """The photos' mattes moved to the pose by geometry alone: [B, 1, S, S]."""
    return bent_head(photos._replace(pictures=photos.mattes), pose).matte


def _enlarged(flow: Tensor, grid: Tensor, size: int) -> Tensor:
    """Places [B, K, h, w, 2] in photos, known on `grid` [B, h, w, 2] over the whole picture, on a finer one."""
    offset = resize((flow - grid[:, None]).permute(0, 1, 4, 2, 3), size).permute(0, 1, 3, 4, 2)
    return offset + picture_grid(size, flow)


def paste(picture: Tensor, window: Window, close_up: Tensor, where: Tensor) -> Tensor:
    """`picture` [B, 3, D, D] with `close_up` [B, 3, S, S] in its window, as far as `where` [B, 1, S, S] says.

    Bicubic, like all that close-ups are made of: a close-up is resampled twice, and bilinear sampling would soften it twice.
    """
    size = picture.shape[-1]
    corners = window.centre[:, None] + window.axes.abs().sum(-1)[:, None] * picture.new_tensor([[-1.0], [1.0]])
    low = ((corners.amin((0, 1)) + 1) * size / 2).floor().clamp(0, size).long().tolist()
    high = ((corners.amax((0, 1)) + 1) * size / 2).ceil().clamp(0, size).long().tolist()
    if low[0] >= high[0] or low[1] >= high[1]:
        return picture
    grid = picture_grid(size, picture)[low[1] : high[1], low[0] : high[0]]
    own = window.locate(grid.flatten(0, 1).expand(len(picture), -1, -1)).unflatten(1, grid.shape[:2])
    found = sample(torch.cat([close_up, where], 1), own)
    share = found[:, 3:].clamp(0.0, 1.0) * (own.abs().amax(-1) <= 1)[:, None]
    pasted = picture.clone()
    part = pasted[:, :, low[1] : high[1], low[0] : high[0]]
    part += share * (found[:, :3] - part)
    return pasted
