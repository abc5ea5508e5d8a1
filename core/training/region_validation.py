# SPDX-License-Identifier: GPL-3.0-or-later
"""How well the painters of mouth and eyes do on people that they do not learn from: losses, and a sheet to look at.

The items are the same throughout a run; beside each painted region stands what geometry alone gives.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..imaging.preview import contact_sheet
from ..learning.pairing import stack
from ..learning.regions import CloseUp, RegionLearner, compared, look, paint
from ..network.warp import WarpPainter
from .pairs import Pairs
from .shards import ShardClip
from .validation import to_bytes

BATCHES, BATCH = 4, 8
SHOWN = 3
"""Items of each batch on the sheet."""
TILE = 96


class RegionValidation:
    """Fixed items, and what geometry makes of them."""

    def __init__(self, clips: Sequence[ShardClip], learner: RegionLearner, size: int, device: torch.device) -> None:
        items = Pairs(clips, size, BATCH, (1, 2), seed=0)
        batches = [stack([items[step * BATCH + i] for i in range(BATCH)]).to(device) for step in range(BATCHES)]
        self.regions: dict[str, list[CloseUp]] = {}
        for batch in batches:
            for name, seen in look(batch, learner.painter.residual).items():
                self.regions.setdefault(name, []).append(seen)
        self.critics = learner.critics
        self.baseline = self._losses({name: [s.view.picture for s in all_seen] for name, all_seen in self.regions.items()})
        """the losses of geometry alone"""

    @torch.no_grad()
    def _losses(self, painted: dict[str, list[Tensor]]) -> dict[str, float]:
        found: dict[str, float] = {}
        for name, all_seen in self.regions.items():
            losses = [self.critics(compared(p, seen), seen) for p, seen in zip(painted[name], all_seen, strict=True)]
            found |= {f"{name} {kind}": float(torch.stack([one[kind] for one in losses]).mean()) for kind in losses[0]}
        return found

    @torch.no_grad()
    def look(self, painter: WarpPainter) -> tuple[dict[str, float], NDArray[np.uint8]]:
        """The losses, and the sheet: a row an item with the nearest photo, geometry's region, ours, and the truth."""
        painters = painter.regions.painters
        painted = {name: [paint(painters[name], seen) for seen in all_seen] for name, all_seen in self.regions.items()}
        rows = []
        for i in range(BATCHES * SHOWN):
            row = []
            for name, all_seen in self.regions.items():
                seen, ours = all_seen[i // SHOWN], painted[name][i // SHOWN]
                parts = (seen.view.seen[:, 3:6], seen.view.picture, ours, seen.truth)
                row += [cv2.resize(to_bytes(part[i % SHOWN]), (TILE, TILE)) for part in parts]
            rows.append(row)
        return self._losses(painted), contact_sheet(rows, side=TILE)
