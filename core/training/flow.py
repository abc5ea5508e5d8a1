# SPDX-License-Identifier: GPL-3.0-or-later
"""How the residual flow is learned: what splines leave between two pictures of a person, found by optical flow.

Of each pair of real pictures (none that were made: those lack nothing that splines miss) one is bent to the other's
landmarks, and DIS (T. Kroeger et al., "Fast Optical Flow using Dense Inverse Search", 2016) says how far each place is
still off. The network learns to say so from the landmarks alone; each pair counts in its mirror image, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from ..arrays import Floats
from ..landmarks import ibug68
from ..landmarks.head import head_model
from ..learning.made import Changed
from ..learning.pairing import pack, stack
from ..network.bending import correspond, resize, warp
from ..network.closeup import face_window, sample
from ..network.residual import GRID, POINTS, ResidualFlow, seen
from ..progress import Reporter
from .pairs import Pairs

SIDE, FINER = 192, 1.5
"""Pixels of the face's window, and how many times as fine the optical flow sees it."""
SMOOTH = 3.0
"""Pixels over which the flow is smoothed, as the network's grid is that coarse."""
LOST = 0.06
"""Half windows: where the flow is longer on average, the optical flow is lost, and the pair is left out."""
HELD_OUT = 20
"""One pair in so many says how good the network is on pictures that it did not see (of the same people)."""
LEAST_SPREAD = 1e-3
"""Half windows, of what the network sees."""
TIMES, BATCH, RATE, DECAY = 14, 128, 1e-3, 0.05
"""How often it sees each pair; pairs in a step."""
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


class FlowPairs(Dataset[FlowPair]):
    """Real pairs by their number."""

    def __init__(self, pairs: Pairs, count: int) -> None:
        self.pairs, self.count = pairs, count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> FlowPair:
        """Raises WrongFileError for a damaged shard."""
        return flow_pair(*self.pairs.real(index))


@torch.no_grad()
def flow_pair(photo: Changed, truth: Changed) -> FlowPair:
    """What is left between the `photo`, bent by splines, and the `truth`."""
    batch = stack([pack([photo], truth, made=False)]).to(torch.device("cpu"))
    photos, pose = batch.photos, batch.pose
    window = face_window(pose.points, pose.projection)
    coarse, fine = window.grid(SIDE // 2), window.grid(SIDE)
    offset = correspond(photos, pose).at(coarse) - coarse[:, None]
    flow = resize(offset.permute(0, 1, 4, 2, 3), SIDE).permute(0, 1, 3, 4, 2) + fine[:, None]
    left = _optical_flow(sample(batch.target, fine)[0], warp(photos.pictures, flow)[0, 0]) * (2 / SIDE)
    left = cv2.resize(cv2.GaussianBlur(left, (0, 0), SMOOTH), (GRID, GRID), interpolation=cv2.INTER_AREA)
    face, wanted = seen(photos.points[0, 0], photos.projection[0, 0]), seen(pose.points[0], pose.projection[0])
    return FlowPair(face, wanted - face, torch.from_numpy(left.transpose(2, 0, 1).copy()))


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


def learn_flow(residual: ResidualFlow, pairs: Pairs, count: int, workers: int, reporter: Reporter) -> float:
    """`residual` learned anew from `count` real pairs. Returns how much of the flow's length is said rightly, held-out
    pairs alone: 1 is all, 0 as good as none.

    Raises WrongFileError for a damaged shard.
    """
    return fit(residual, gather(pairs, count, workers, reporter), reporter)


def gather(pairs: Pairs, count: int, workers: int, reporter: Reporter) -> FlowPair:
    """`count` pairs, less those where the optical flow was lost, [N, ...]."""
    cv2.setNumThreads(1)  # see `load_batches`
    loader: DataLoader[FlowPair] = DataLoader(FlowPairs(pairs, count), batch_size=16, num_workers=workers)
    batches = list(_counted(loader, count, reporter))
    found = FlowPair(*(torch.cat(parts) for parts in zip(*batches, strict=True)))
    good = found.flow.abs().mean((1, 2, 3)) < LOST
    return FlowPair(*(part[good] for part in found))


def _counted(loader: DataLoader[FlowPair], count: int, reporter: Reporter) -> Iterator[FlowPair]:
    done = 0
    for batch in loader:
        reporter.step("flow of pairs", done, count)
        done += len(batch.face)
        yield batch
    reporter.step("flow of pairs", count, count)


def fit(residual: ResidualFlow, pairs: FlowPair, reporter: Reporter, times: int = TIMES) -> float:
    """`residual` fitted to `pairs` [N, ...]; see `learn_flow`."""
    chance = torch.Generator().manual_seed(0)
    held = torch.arange(len(pairs.face)) % HELD_OUT == HELD_OUT - 1
    known = with_mirrored(FlowPair(*(part[~held] for part in pairs)))
    residual.face_mean, residual.face_spread = known.face.mean(0), known.face.std(0) + LEAST_SPREAD
    residual.motion_spread = known.motion.std(0) + LEAST_SPREAD
    apart = known.motion[:, : 2 * POINTS].unflatten(1, (POINTS, 2)).norm(dim=2).mean(1)
    weight = 1 / (CLOSE + apart)
    weight = weight / weight.mean()
    optimizer = torch.optim.AdamW(residual.train().requires_grad_(True).parameters(), lr=RATE, weight_decay=DECAY)
    steps = -(-times * len(known.face) // BATCH)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for step in range(steps):
        reporter.step("flow", step, steps)
        chosen = torch.randint(len(known.face), (BATCH,), generator=chance)
        face, motion, flow = (part[chosen] for part in known)
        loss = ((residual.of(face, motion) - flow).abs().mean((1, 2, 3)) * weight[chosen]).mean()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        schedule.step()
    reporter.step("flow", steps, steps)
    residual.eval().requires_grad_(False)
    return said_rightly(residual, FlowPair(*(part[held] for part in pairs)) if held.any() else known)


@torch.no_grad()
def said_rightly(residual: ResidualFlow, pairs: FlowPair) -> float:
    """How much of the flow's length it says, 1 at most."""
    return 1 - float((residual.of(pairs.face, pairs.motion) - pairs.flow).abs().sum() / pairs.flow.abs().sum())


def with_mirrored(pairs: FlowPair) -> FlowPair:
    """[2 N, ...] the pairs [N, ...], and what they are in a mirror."""
    side = torch.tensor([-1.0, 1.0])
    order = _mirror_order()

    def turned(what: Tensor) -> Tensor:
        points = what[:, : 2 * POINTS].unflatten(1, (POINTS, 2))[:, order] * side
        return torch.cat([points.flatten(1), what[:, 2 * POINTS :] * side], 1)

    flow = pairs.flow.flip(3) * side[:, None, None]
    return FlowPair(
        torch.cat([pairs.face, turned(pairs.face)]),
        torch.cat([pairs.motion, turned(pairs.motion)]),
        torch.cat([pairs.flow, flow]),
    )


def _mirror_order() -> list[int]:
    """The control point that each is in a mirror: landmarks, then the skull's, which is symmetrical."""
    skull = head_model().cranium
    apart = np.linalg.norm((skull * (-1, 1, 1))[:, None] - skull, axis=-1)
    return [*ibug68.MIRROR, *(len(ibug68.MIRROR) + apart.argmin(1))]
