# SPDX-License-Identifier: GPL-3.0-or-later
"""The painters of mouth and eyes learn one person from a few photos, and know when to stop.

Each photo is painted from the others, and from a copy of itself that was made to lack what it shows (`learning.made`): so
these teeth and these eyes are learnt. Photos are compared by colour, and by what a network sees in them: a perceptual one
where it is given, else the discriminators that the painters were trained with, which know teeth, lashes and skin.
Held-out photos say how far to go; the likeness stays feed-forward where they gain nothing.
"""

from __future__ import annotations

import copy
import time
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ..learning.made import Changed, Random
from ..learning.pairing import made_photo, pack, stack
from ..learning.regions import CloseUp, PairBatch, RegionCritics, compared, look, paint, relative_distance
from ..network.patch import RegionDiscriminators
from ..network.regions import PARTS, Regions
from ..network.warp import WarpPainter
from ..progress import Reporter

RATE = 6e-5
BATCH = 4
"""Photos painted in a step."""
MADE = 0.5
"""How often a photo is painted from a made copy of itself; always, where there is but one."""
MOST_SOURCES = 6
"""Photos that one is painted from, at most."""
MEMORY = 20
"""Steps over which the weights are averaged: each step's few photos pull them about."""
HELD_OUT = 4
"""One photo in so many is held out."""
MADE_CHECKS = 6
"""Made pairs that are looked at where no photo can be spared."""
CHECK_STEPS, PATIENCE = 10, 4
"""Steps between two looks at the held-out photos, and looks without a gain before it stops."""
LEAST_GAIN = 2e-3
"""Part of the feed-forward loss that counts as a gain."""


SEEN = 1.0
"""How much the discriminators' features count beside the colour."""


class Judges:
    """How good a painted region is."""

    def __init__(self, critics: RegionCritics, discriminators: RegionDiscriminators | None, device: torch.device) -> None:
        self.critics = critics.to(device)
        self.discriminators = None
        if discriminators is not None and critics.perceptual is None:
            self.discriminators = discriminators.to(device)

    def loss(self, name: str, picture: Tensor, region: CloseUp) -> Tensor:
        """[] picture: [B, 3, S, S] what was painted of the region of that name."""
        shown = compared(picture, region)
        found = list(self.critics(shown, region).values())
        if self.discriminators is not None:
            discriminator, parts = self.discriminators.of(name), region.view.seen[:, PARTS]
            painted, wanted = (discriminator(each, parts).features for each in (shown, region.truth))
            found.append(SEEN * relative_distance(painted, wanted))
        return torch.stack(found).sum()


class Gain(NamedTuple):
    """The result of fine-tuning."""

    changed: dict[str, Tensor]
    """weights that changed, by their name in the painter; none where it did not help"""
    before: float
    after: float
    """loss on held-out photos"""
    best_step: int
    steps: int
    seconds: float


def tune(
    painter: WarpPainter,
    photos: list[Changed],
    embedding: Tensor,
    judges: Judges,
    steps: int,
    reporter: Reporter,
) -> Gain:
    """Tune the regions' painters on a person's `photos` for at most `steps`, the person's `embedding` [1, E] kept."""
    random, began = np.random.default_rng(0), time.monotonic()
    device = embedding.device
    held = range(len(photos))[HELD_OUT - 1 :: HELD_OUT]
    known = [photo for i, photo in enumerate(photos) if i not in held]
    checks = [look(batch.to(device), painter.residual) for batch in _checks(known, [photos[i] for i in held])]
    learning = copy.deepcopy(painter.regions).train()
    mean = copy.deepcopy(painter.regions).eval().requires_grad_(False)
    optimizer = torch.optim.Adam(learning.parameters(), lr=RATE)
    vectors = dict(zip(("mouth", "eye"), embedding.chunk(2, dim=-1), strict=True))
    first = best = _error_of(mean, vectors, judges, checks)
    kept, best_step, done = _state(mean), 0, 0
    for done in range(1, steps + 1):
        reporter.step("fine-tune", done - 1, steps)
        seen = look(_practice(known, random).to(device), painter.residual)
        loss = torch.zeros((), device=device)
        for name, region in seen.items():
            picture = paint(learning.painters[name], region, _of(vectors[name], region))
            loss = loss + judges.loss(name, picture, region)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            for ours, theirs in zip(mean.parameters(), learning.parameters(), strict=True):
                ours.lerp_(theirs, 1 / MEMORY)
        if done % CHECK_STEPS and done < steps:
            continue
        score = _error_of(mean, vectors, judges, checks)
        if score < best - LEAST_GAIN * first:
            best, kept, best_step = score, _state(mean), done
        elif done - best_step >= PATIENCE * CHECK_STEPS:
            break
    reporter.step("fine-tune", steps, steps)
    changed = {f"regions.{name}": value for name, value in kept.items()} if best_step else {}
    return Gain(changed, first, best, best_step, done, time.monotonic() - began)


def _practice(known: list[Changed], random: Random) -> PairBatch:
    """BATCH photos, each to be painted from some of the others, or from a made copy of itself."""
    others = len(known) - 1
    made = not others or random.random() < MADE
    count = 1 if made else int(random.integers(1, min(others, MOST_SOURCES) + 1))
    items = []
    for _ in range(BATCH):
        target, *rest = random.permutation(len(known)).tolist()
        sources = [made_photo(known[target], random)] if made else [known[i] for i in rest[:count]]
        items.append(pack(sources, known[target], made))
    return stack(items)


def _checks(known: list[Changed], held: list[Changed]) -> list[PairBatch]:
    """Held-out photos painted from all the others; where none can be spared, made pairs that practice does not see."""
    if held:
        return [stack([pack(known[:MOST_SOURCES], photo, made=False)]) for photo in held]
    random = np.random.default_rng(1)
    return [
        stack([pack([made_photo(known[i % len(known)], random)], known[i % len(known)], made=True)])
        for i in range(MADE_CHECKS)
    ]


def _of(vector: Tensor, seen: CloseUp) -> Tensor:
    """A person's vector [1, E] for every item of a region."""
    return vector.expand(len(seen.truth), -1)


@torch.no_grad()
def _error_of(regions: Regions, vectors: dict[str, Tensor], judges: Judges, checks: list[dict[str, CloseUp]]) -> float:
    losses = []
    for check in checks:
        for name, region in check.items():
            painted = paint(regions.painters[name], region, _of(vectors[name], region))
            losses.append(judges.loss(name, painted, region))
    return float(torch.stack(losses).mean())


def _state(regions: Regions) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in regions.state_dict().items()}
