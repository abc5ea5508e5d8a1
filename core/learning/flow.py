# SPDX-License-Identifier: GPL-3.0-or-later
"""How the residual flow is learned: what splines leave between two pictures of a person, found by optical flow.

One picture is bent to the other's landmarks, and DIS (T. Kroeger et al., "Fast Optical Flow using Dense Inverse Search",
2016) says how far each place is still off. The network learns to say so from the landmarks alone.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from ..arrays import Floats
from ..landmarks import ibug68
from ..landmarks.head import head_model
from ..network.bending import correspond, resize, warp
from ..network.closeup import face_window, sample
from ..network.residual import GRID, POINTS, ResidualFlow, seen
from ..progress import Reporter
from .losses import descend
from .made import Changed
from .pairing import pack, stack

SIDE, FINER, SHOWN = 192, 1.5, 80
"""Pixels of the face's window, how many times as fine the optical flow sees it, and pixels at which it is looked at."""
SMOOTH = 3.0
"""Pixels over which the flow is smoothed, as the network's grid is that coarse."""
LOST = 0.06
"""Half windows: where the flow is longer on average, the optical flow is lost, and the pair is left out."""
RATE, DECAY = 1e-3, 0.05
CLOSE = 0.02
"""Half windows: pairs whose landmarks lie farther apart than that count less, in inverse proportion."""


class FlowPair(NamedTuple):
    """What the network sees of a pair, and what it is to say; or N of them."""

    face: Tensor
    """[SEEN]"""
    motion: Tensor
    """[SEEN] how much more of it is seen in the picture that the photo is bent to"""
    flow: Tensor
    """[2, GRID, GRID] half windows"""
    bent: Tensor
    """[3, SHOWN, SHOWN] bytes: the face as splines bend it"""
    truth: Tensor
    """the same of the picture that it was bent to"""


@torch.no_grad()
def flow_pair(photo: Changed, truth: Changed) -> FlowPair:
    """What is left between the `photo`, bent by splines, and the `truth`."""
    batch = stack([pack([photo], truth, made=False)]).to(torch.device("cpu"))
    photos, pose = batch.photos, batch.pose
    window = face_window(pose.points, pose.projection)
    coarse, fine = window.grid(SIDE // 2), window.grid(SIDE)
    offset = correspond(photos, pose).at(coarse) - coarse[:, None]
    flow = resize(offset.permute(0, 1, 4, 2, 3), SIDE).permute(0, 1, 3, 4, 2) + fine[:, None]
    bent, wanted = warp(photos.pictures, flow)[0, 0], sample(batch.target, fine)[0]
    left = _optical_flow(wanted, bent) * (2 / SIDE)
    left = cv2.resize(cv2.GaussianBlur(left, (0, 0), SMOOTH), (GRID, GRID), interpolation=cv2.INTER_AREA)
    face, moved = seen(photos.points[0, 0], photos.projection[0, 0]), seen(pose.points[0], pose.projection[0])
    said = torch.from_numpy(left.transpose(2, 0, 1).copy())
    return FlowPair(face, moved - face, said, *(_small(picture) for picture in (bent, wanted)))


def _small(picture: Tensor) -> Tensor:
    """[3, SHOWN, SHOWN] bytes of [3, SIDE, SIDE], -1 to 1."""
    small = functional.interpolate(picture[None], size=(SHOWN, SHOWN), mode="area")[0]
    return ((small.clamp(-1, 1) + 1) * 127.5).round().byte()


def _optical_flow(wanted: Tensor, bent: Tensor) -> Floats:
    """[S, S, 2] pixels: `wanted` [3, S, S] at a place is `bent` at that place and so much farther."""
    low, high = float(wanted.min()), float(wanted.max())
    side = round(SIDE * FINER)
    grey = [
        cv2.resize(
            ((picture.mean(0) - low) / max(high - low, 1e-3) * 255).clamp(0, 255).byte().numpy(),
            (side, side),
            interpolation=cv2.INTER_CUBIC,
        )
        for picture in (wanted, bent)
    ]
    seeker = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)  # type: ignore[attr-defined]
    found = seeker.calc(*grey, None)
    return np.asarray(cv2.resize(found, (SIDE, SIDE), interpolation=cv2.INTER_AREA) / FINER, np.float32)


def followed(pairs: FlowPair) -> FlowPair:
    """Those of `pairs` [N, ...] whose optical flow was not lost."""
    good = pairs.flow.abs().mean((1, 2, 3)) < LOST
    return FlowPair(*(part[good] for part in pairs))


def fit(residual: ResidualFlow, pairs: FlowPair, reporter: Reporter, steps: int, batch: int) -> None:
    """`residual` fitted to the flow of `pairs` [N, ...], so many of them in each step; the same pairs give the same."""
    weight = weight_of(pairs)
    optimizer = torch.optim.AdamW(residual.train().requires_grad_(True).parameters(), lr=RATE, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        for step in range(steps):
            reporter.step("flow", step, steps)
            chosen = torch.randint(len(pairs.face), (batch,))
            said = residual.of(pairs.face[chosen], pairs.motion[chosen])
            descend(optimizer, {"flow": missed(said, pairs.flow[chosen], weight[chosen])})
            schedule.step()
    reporter.step("flow", steps, steps)
    residual.eval().requires_grad_(False)


def weight_of(pairs: FlowPair) -> Tensor:
    """[N] of mean 1: pairs whose landmarks lie close count most."""
    apart = pairs.motion[:, : 2 * POINTS].unflatten(1, (POINTS, 2)).norm(dim=2).mean(1)
    weight = 1 / (CLOSE + apart)
    return weight / weight.mean()


def missed(said: Tensor, flow: Tensor, weight: Tensor) -> Tensor:
    """[] how far the flow that is said lies from the one that was found."""
    return ((said - flow).abs().mean((1, 2, 3)) * weight).mean()


@torch.no_grad()
def said_rightly(residual: ResidualFlow, pairs: FlowPair) -> float:
    """How much of the flow's length it says, 1 at most."""
    return 1 - float((residual.of(pairs.face, pairs.motion) - pairs.flow).abs().sum() / pairs.flow.abs().sum())


def with_mirrored(pairs: FlowPair) -> FlowPair:
    """[2 N, ...] the pairs [N, ...], and what they are in a mirror."""
    side = pairs.flow.new_tensor([-1.0, 1.0])
    order = _mirror_order()

    def turned(what: Tensor) -> Tensor:
        points = what[:, : 2 * POINTS].unflatten(1, (POINTS, 2))[:, order] * side
        return torch.cat([points.flatten(1), what[:, 2 * POINTS :] * side], 1)

    flow = pairs.flow.flip(3) * side[:, None, None]
    mirrored = FlowPair(turned(pairs.face), turned(pairs.motion), flow, pairs.bent.flip(3), pairs.truth.flip(3))
    return FlowPair(*(torch.cat(parts) for parts in zip(pairs, mirrored, strict=True)))


def _mirror_order() -> list[int]:
    """The control point that each is in a mirror: landmarks, then the skull's, which is symmetrical."""
    skull = head_model().cranium
    apart = np.linalg.norm((skull * (-1, 1, 1))[:, None] - skull, axis=-1)
    return [*ibug68.MIRROR, *(len(ibug68.MIRROR) + apart.argmin(1))]
