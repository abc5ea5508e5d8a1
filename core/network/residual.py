# SPDX-License-Identifier: GPL-3.0-or-later
"""The residual flow: how skin moves between the landmarks, which a spline cannot know.

A spline through landmarks knows nothing of faces: that cheeks bulge when lips spread, that a jaw slides under its skin,
that a head which turns is round. A small network, learned from talking people (`training.flow`), sees how the landmarks of
a photo lie and how far each is to move, and says how much farther the picture has to be moved, on a coarse grid in the
head's own frame. What it says of a face at rest is taken away: where no landmark moves, it adds nothing.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from .closeup import Window, face_window
from .shots import Photos, Pose
from .spline import again

MET = (*range(5), *range(12, 17), *range(36, 68))
"""Landmarks that are met: lids, lips and the outline beside the ears lie where they are asked for, whatever the flow says.
Of brows, nose and chin it knows better than detectors do."""
POINTS = 110
"""Landmarks and skull, as `landmarks.head.control_points` gives them."""
SEEN = 2 * POINTS + 2
"""Their places, and two numbers for how the head is turned."""
WIDTH, GRID = 256, 32
LARGEST = 0.12
"""Half windows: no place is moved farther."""
FADES = 0.15
"""Half windows over which it ends at the window's edge."""
DROPPED = 0.3
"""Part of it that rests in each step of learning: the people are few."""
SCALE, STRAIGHT = 0.05, 0.05
"""Of what comes out, so that weights of the usual size make flows of the usual size; and of the part that goes straight from
motion to flow, which learns the more slowly for it. Without that part eyes gain two thirds of what they gain with it."""


class Missed(NamedTuple):
    """What splines miss between a pose and each of K photos."""

    field: Tensor
    """[B, K, 2, GRID, GRID] in half windows of the photos', by places in the pose's"""
    window: Window
    """on the pose's face"""
    axes: Tensor
    """[B, K, 2, 2] of the windows on the photos' faces"""

    def select(self, index: Tensor) -> Missed:
        """That of the photos numbered `index` [K'] alone."""
        return Missed(self.field[:, index], self.window, self.axes[:, index])


class ResidualFlow(nn.Module):
    """See the module's docstring. Its last layers start at zero: untrained, it adds nothing."""

    face_mean: Tensor
    face_spread: Tensor
    motion_spread: Tensor
    """[SEEN] of the people that it learned from"""

    def __init__(self) -> None:
        super().__init__()
        for name, value in (("face_mean", 0.0), ("face_spread", 1.0), ("motion_spread", 1.0)):
            self.register_buffer(name, torch.full((SEEN,), value))
        self.of_motion = nn.Linear(SEEN, WIDTH, bias=False)
        self.of_face = nn.Linear(SEEN, WIDTH)
        self.middle = nn.Linear(WIDTH, WIDTH)
        self.drop = nn.Dropout(DROPPED)
        self.last = nn.Linear(WIDTH, 2 * GRID * GRID, bias=False)
        self.straight = nn.Linear(SEEN, 2 * GRID * GRID, bias=False)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.straight.weight)

    @property
    def idle(self) -> bool:
        """True where it adds nothing: it was never trained."""
        return not bool(self.last.weight.any() or self.straight.weight.any())

    def forward(self, photos: Photos, pose: Pose) -> Missed:
        own, window = face_window(photos.points, photos.projection), face_window(pose.points, pose.projection)
        face = _seen(own, photos.points, photos.projection)
        field = self.of(face, _seen(window, pose.points, pose.projection)[:, None] - face)
        return Missed(field, window, own.axes)

    def of(self, face: Tensor, motion: Tensor) -> Tensor:
        """The same of what is `seen` of a photo, and how much more of it is seen in the pose [..., SEEN]."""
        face, motion = (face - self.face_mean) / self.face_spread, motion / self.motion_spread
        said = self.last(self._hidden(face, motion) - self._hidden(face, torch.zeros_like(motion)))
        raw = SCALE * (said + STRAIGHT * self.straight(motion))
        return LARGEST * torch.tanh(raw / LARGEST).unflatten(-1, (2, GRID, GRID))

    def _hidden(self, face: Tensor, motion: Tensor) -> Tensor:
        hidden = self.drop(functional.gelu(self.of_face(face) + self.of_motion(motion)))
        return self.drop(functional.gelu(self.middle(hidden)))


def seen(points: Tensor, projection: Tensor) -> Tensor:
    """[..., SEEN] control points [..., POINTS, 2] in their face's own window, and where the nose points there."""
    return _seen(face_window(points, projection), points, projection)


def _seen(window: Window, points: Tensor, projection: Tensor) -> Tensor:
    nose = torch.linalg.solve(window.axes, projection[..., 2])
    return torch.cat([window.locate(points).flatten(-2), nose], dim=-1)


def follow(missed: Missed, grid: Tensor) -> Tensor:
    """[B, K, h, w, 2] how much farther places `grid` [B, h, w, 2] of the pose, or m times as many, lie in each photo."""
    window = Window(*(again(part, grid) for part in missed.window))
    place = window.locate(grid.flatten(1, 2)).unflatten(1, grid.shape[1:3])
    fades = ((1 - place.abs().amax(-1)) / FADES).clamp(0.0, 1.0)
    field = functional.grid_sample(
        again(missed.field.flatten(1, 2), grid), place, mode="bilinear", padding_mode="border", align_corners=False
    )
    field = field.unflatten(1, (-1, 2)) * fades[:, None, None]  # [B, K, 2, h, w]
    return (again(missed.axes, grid) @ field.flatten(3)).unflatten(3, grid.shape[1:3]).movedim(2, -1)


def at_landmarks(missed: Missed, pose: Pose) -> Tensor:
    """[B, K, POINTS, 2] what `follow` says of the landmarks that are to be met, and 0 of all others."""
    met = pose.points.new_zeros(POINTS, 1)
    met[list(MET)] = 1
    return follow(missed, pose.points[:, None])[:, :, 0] * met
