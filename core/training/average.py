# SPDX-License-Identifier: GPL-3.0-or-later
"""The running average of a painter's weights: steadier than any one step's, and what is validated and shipped."""

from __future__ import annotations

import copy

import torch
from torch import Tensor

from ..network.painter import Painter

DECAY = 0.995
"""It remembers some 200 steps: at 0.999 a run of a few hundred would ship mostly what it began with."""


class Average:
    """Exponential moving average (Polyak and Juditsky 1992). It remembers less in the first steps, when there is little."""

    def __init__(self, painter: Painter) -> None:
        self.painter = copy.deepcopy(painter).eval().requires_grad_(False)

    @torch.no_grad()
    def update(self, painter: Painter, step: int) -> None:
        """Take in the weights after step number `step`, counted from zero."""
        decay = min(DECAY, (1 + step) / (10 + step))
        mean, now = ([*map(Tensor.detach, network.parameters())] for network in (self.painter, painter))
        torch._foreach_lerp_(mean, now, 1 - decay)
        # The vectors of the spectral norm are no means: they go with the latest weights.
        for kept, latest in zip(self.painter.buffers(), painter.buffers(), strict=True):
            kept.copy_(latest)
