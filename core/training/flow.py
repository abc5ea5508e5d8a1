# SPDX-License-Identifier: GPL-3.0-or-later
"""The residual flow learned from many people: real pairs gathered, the network fitted to them, and polished by sight.

None of the pairs was made: those lack nothing that splines miss. Each counts in its mirror image, too.
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import torch
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

from ..learning.flow import (
    DECAY,
    SHOWN,
    FlowPair,
    fit,
    flow_pair,
    followed,
    missed,
    said_rightly,
    weight_of,
    with_mirrored,
)
from ..learning.losses import descend
from ..learning.perceptual import PerceptualLoss
from ..learning.regions import LAYERS, relative_distance
from ..network.closeup import sample
from ..network.residual import ResidualFlow
from ..network.spline import picture_grid
from ..painting.devices import has_brain_floats
from ..progress import Reporter
from .pairs import Pairs

HELD_OUT = 20
"""One pair in so many says how good the network is on pictures that it did not see (of the same people)."""
LEAST_SPREAD = 1e-3
"""Half windows, of what the network sees."""
TIMES, BATCH = 14, 128
"""How often it sees each pair; pairs in a step."""
POLISH_STEPS, POLISH_BATCH, POLISH_RATE = 500, 16, 1e-4
"""Longer strides learn the people of the pairs by heart."""
HOLD = 3.0
"""How much the flow that was found counts beside what the face looks like."""


class FlowPairs(Dataset[FlowPair]):
    """Real pairs by their number."""

    def __init__(self, pairs: Pairs, count: int) -> None:
        self.pairs, self.count = pairs, count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> FlowPair:
        """Raises WrongFileError for a damaged shard."""
        return flow_pair(*self.pairs.real(index))


def learn_flow(
    residual: ResidualFlow, pairs: Pairs, count: int, workers: int, perceptual: PerceptualLoss | None, reporter: Reporter
) -> float:
    """`residual` learned from `count` real pairs, and by what the face then looks like if there is a `perceptual` network.
    Returns how much of the flow's length is said rightly, held-out pairs alone: 1 is all, 0 as good as none.

    Raises WrongFileError for a damaged shard.
    """
    device = residual.last.weight.device
    found = FlowPair(*(part.to(device) for part in gather(pairs, count, workers, reporter)))
    held = torch.arange(len(found.face), device=device) % HELD_OUT == HELD_OUT - 1
    known = with_mirrored(FlowPair(*(part[~held] for part in found)))
    begin(residual, known)
    fit(residual, known, reporter, -(-TIMES * len(known.face) // BATCH), BATCH)
    if perceptual is not None:
        polish(residual, known, perceptual, reporter)
    return said_rightly(residual, FlowPair(*(part[held] for part in found)) if held.any() else known)


def gather(pairs: Pairs, count: int, workers: int, reporter: Reporter) -> FlowPair:
    """`count` pairs, less those where the optical flow was lost, [N, ...]."""
    cv2.setNumThreads(1)  # see `load_batches`
    loader: DataLoader[FlowPair] = DataLoader(FlowPairs(pairs, count), batch_size=16, num_workers=workers)
    batches = list(_counted(loader, count, reporter))
    found = FlowPair(*(torch.cat(parts) for parts in zip(*batches, strict=True)))
    return followed(found)


def _counted(loader: DataLoader[FlowPair], count: int, reporter: Reporter) -> Iterator[FlowPair]:
    done = 0
    for batch in loader:
        reporter.step("flow of pairs", done, count)
        done += len(batch.face)
        yield batch
    reporter.step("flow of pairs", count, count)


def begin(residual: ResidualFlow, pairs: FlowPair) -> None:
    """`residual` told how the faces and motions of `pairs` [N, ...] are spread."""
    residual.face_mean, residual.face_spread = pairs.face.mean(0), pairs.face.std(0) + LEAST_SPREAD
    residual.motion_spread = pairs.motion.std(0) + LEAST_SPREAD


def polish(
    residual: ResidualFlow, pairs: FlowPair, perceptual: PerceptualLoss, reporter: Reporter, steps: int = POLISH_STEPS
) -> None:
    """A fitted `residual` goes on, now by how like the truth the face looks: optical flow does not know what eyes mind."""
    chance = torch.Generator().manual_seed(1)
    weight = weight_of(pairs)
    places = picture_grid(SHOWN, pairs.flow).expand(POLISH_BATCH, -1, -1, -1)
    inside = slice(SHOWN // 10, SHOWN - SHOWN // 10)
    optimizer = torch.optim.AdamW(residual.train().requires_grad_(True).parameters(), lr=POLISH_RATE, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for step in range(steps):
        reporter.step("flow by sight", step, steps)
        chosen = torch.randint(len(pairs.face), (POLISH_BATCH,), generator=chance)
        bent, truth = (part[chosen].float() / 127.5 - 1 for part in (pairs.bent, pairs.truth))
        said = residual.of(pairs.face[chosen], pairs.motion[chosen])
        flow = functional.interpolate(said, size=(SHOWN, SHOWN), mode="bilinear", align_corners=False).permute(0, 2, 3, 1)
        found = sample(bent, places + flow)
        with torch.autocast(said.device.type, torch.bfloat16, enabled=has_brain_floats(said.device)):
            shown = perceptual.features(found[..., inside, inside], LAYERS)
            with torch.no_grad():
                wanted = perceptual.features(truth[..., inside, inside], LAYERS)
        held = HOLD * missed(said, pairs.flow[chosen], weight[chosen])
        descend(optimizer, {"sight": relative_distance(shown, wanted), "flow": held})
        schedule.step()
    reporter.step("flow by sight", steps, steps)
    residual.eval().requires_grad_(False)
