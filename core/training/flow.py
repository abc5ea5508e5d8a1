# SPDX-License-Identifier: GPL-3.0-or-later
"""How the residual flow is learned: what splines leave between two pictures of a person, found by optical flow.

Of each pair of real pictures (none that were made: those lack nothing that splines miss) one is bent to the other's
landmarks, and optical flow says how far each place is still off. The network learns to say so from the landmarks alone;
each pair counts in its mirror image, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

from ..imaging.optical_flow import optical_flow
from ..landmarks import ibug68
from ..landmarks.head import head_model
from ..learning.losses import descend
from ..learning.made import Changed
from ..learning.pairing import pack, stack
from ..learning.perceptual import PerceptualLoss
from ..learning.regions import LAYERS, relative_distance
from ..network.bending import bent_faces, correspond
from ..network.closeup import sample
from ..network.residual import GRID, POINTS, ResidualFlow, seen
from ..network.spline import picture_grid
from ..painting.devices import has_brain_floats
from ..progress import Reporter
from .pairs import Pairs

SIDE, SHOWN = 192, 80
"""Pixels of the face's window for the optical flow, and those at which it is looked at."""
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
POLISH_STEPS, POLISH_BATCH, POLISH_RATE = 500, 16, 1e-4
"""Longer strides learn the people of the pairs by heart."""
HOLD = 3.0
"""How much the flow that was found counts beside what the face looks like."""
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
    faces, window = bent_faces(correspond(photos, pose), SIDE)
    bent, wanted = faces[0, 0], sample(batch.target, window.grid(SIDE))[0]
    left = optical_flow(wanted.mean(0).numpy(), bent.mean(0).numpy()) * (2 / SIDE)
    left = cv2.resize(cv2.GaussianBlur(left, (0, 0), SMOOTH), (GRID, GRID), interpolation=cv2.INTER_AREA)
    face, moved = seen(photos.points[0, 0], photos.projection[0, 0]), seen(pose.points[0], pose.projection[0])
    said = torch.from_numpy(left.transpose(2, 0, 1).copy())
    return FlowPair(face, moved - face, said, *(_small(picture) for picture in (bent, wanted)))


def _small(picture: Tensor) -> Tensor:
    """[3, SHOWN, SHOWN] bytes of [3, SIDE, SIDE], -1 to 1."""
    small = functional.interpolate(picture[None], size=(SHOWN, SHOWN), mode="area")[0]
    return ((small.clamp(-1, 1) + 1) * 127.5).round().byte()


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
    fit(residual, known, reporter)
    if perceptual is not None:
        polish(residual, known, perceptual, reporter)
    return said_rightly(residual, FlowPair(*(part[held] for part in found)) if held.any() else known)


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


def fit(residual: ResidualFlow, pairs: FlowPair, reporter: Reporter, times: int = TIMES) -> None:
    """`residual` fitted to the flow of `pairs` [N, ...], each seen so many times."""
    chance = torch.Generator().manual_seed(0)
    residual.face_mean, residual.face_spread = pairs.face.mean(0), pairs.face.std(0) + LEAST_SPREAD
    residual.motion_spread = pairs.motion.std(0) + LEAST_SPREAD
    weight = _weight(pairs)
    steps = -(-times * len(pairs.face) // BATCH)
    optimizer = torch.optim.AdamW(residual.train().requires_grad_(True).parameters(), lr=RATE, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for step in range(steps):
        reporter.step("flow", step, steps)
        chosen = torch.randint(len(pairs.face), (BATCH,), generator=chance)
        said = residual.of(pairs.face[chosen], pairs.motion[chosen])
        descend(optimizer, {"flow": _miss(said, pairs.flow[chosen], weight[chosen])})
        schedule.step()
    reporter.step("flow", steps, steps)
    residual.eval().requires_grad_(False)


def polish(
    residual: ResidualFlow, pairs: FlowPair, perceptual: PerceptualLoss, reporter: Reporter, steps: int = POLISH_STEPS
) -> None:
    """A fitted `residual` goes on, now by how like the truth the face looks: optical flow does not know what eyes mind."""
    chance = torch.Generator().manual_seed(1)
    weight = _weight(pairs)
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
        held = HOLD * _miss(said, pairs.flow[chosen], weight[chosen])
        descend(optimizer, {"sight": relative_distance(shown, wanted), "flow": held})
        schedule.step()
    reporter.step("flow by sight", steps, steps)
    residual.eval().requires_grad_(False)


def _weight(pairs: FlowPair) -> Tensor:
    """[N] of mean 1: pairs whose landmarks lie close count most."""
    apart = pairs.motion[:, : 2 * POINTS].unflatten(1, (POINTS, 2)).norm(dim=2).mean(1)
    weight = 1 / (CLOSE + apart)
    return weight / weight.mean()


def _miss(said: Tensor, flow: Tensor, weight: Tensor) -> Tensor:
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
