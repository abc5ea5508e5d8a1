# SPDX-License-Identifier: GPL-3.0-or-later
"""How well a painter does on people that it does not learn from: losses, and a sheet to look at.

The items are the same throughout a run, so two sheets of it can be laid side by side; beside each painted frame stands what
geometry alone makes of the same photos.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import default_collate

from ..imaging.preview import contact_sheet
from ..learning.steps import Batch, MetaLearner, paint_batch
from ..network.few_shot import FewShotPainter
from ..network.painter import PRESETS
from ..network.shots import Painted
from ..network.warp import WarpPainter
from .dataset import Items, load_batches, long_enough
from .processes import Processes
from .shards import ShardClip

BATCHES, BATCH, MOST_PHOTOS = 4, 4, 3
SHOWN = 2
"""Items of each batch on the sheet."""
GEOMETRY = "warp-256"
"""The preset that, untrained, bends photos by geometry alone."""


class Validation:
    """Fixed items, without augmentation, and what geometry makes of them."""

    def __init__(self, clips: Sequence[ShardClip], learner: MetaLearner, device: torch.device) -> None:
        size = learner.painter.preset.size
        items = Items(long_enough(clips), size, BATCH, (1, MOST_PHOTOS), seed=0, augmented=False)
        self.batches = list(load_batches(items, default_collate, range(BATCHES), 0, Processes(device)))
        self.critics = learner.critics
        self.bent = self._paint(WarpPainter(replace(PRESETS[GEOMETRY], size=size)).eval().to(device))
        self.baseline = self._losses(self.bent)
        """the losses of geometry alone"""

    @torch.no_grad()
    def _paint(self, painter: FewShotPainter | WarpPainter) -> list[Painted]:
        return [paint_batch(painter, batch)[0] for batch in self.batches]

    @torch.no_grad()
    def _losses(self, painted: Sequence[Painted]) -> dict[str, float]:
        found = [self.critics(frames, batch) for frames, batch in zip(painted, self.batches, strict=True)]
        return {name: float(torch.stack([losses[name] for losses in found]).mean()) for name in found[0]}

    def look(self, painter: FewShotPainter) -> tuple[dict[str, float], NDArray[np.uint8]]:
        """The losses, and the sheet: a row an item with target, geometry's frame, ours, and the photos."""
        painted = self._paint(painter)
        rows = []
        for batch, bent, ours in zip(self.batches, self.bent, painted, strict=True):
            rows += [_row(batch, bent, ours, i) for i in range(SHOWN)]
        return self._losses(painted), contact_sheet(rows, side=painter.preset.size)


def _row(batch: Batch, bent: Painted, ours: Painted, i: int) -> list[NDArray[np.uint8]]:
    return [to_bytes(p) for p in (batch.target[i], bent.picture[i], ours.picture[i], *batch.photos.pictures[i])]


def to_bytes(picture: Tensor) -> NDArray[np.uint8]:
    """[3, S, S], -1 to 1, to [S, S, 3]."""
    seen = ((picture.clamp(-1, 1) + 1) * 127.5).round().byte()
    return np.asarray(seen.permute(1, 2, 0).cpu().numpy(), np.uint8)
