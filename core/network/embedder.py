# SPDX-License-Identifier: GPL-3.0-or-later
"""The embedder E(x, y): a photo and its landmark picture to a vector that holds the person, not the pose."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from .blocks import down_blocks

CELLS = 16
"""Side of a 256 px picture after six halvings. The paper sums over them; so that a network may learn on smaller pictures
than it paints, a sum over fewer counts for as much."""


class Embedder(nn.Module):
    """Six halving blocks without normalisation, ReLU, sum over the picture (Zakharov et al. 2019, section 3.1)."""

    def __init__(self, channels: int = 64, most_channels: int = 512, embedding: int = 512) -> None:
        super().__init__()
        self.blocks = down_blocks(6, channels, most_channels, 6, "none", last=embedding)

    def forward(self, photos: Tensor, drawings: Tensor) -> Tensor:
        """photos, drawings: [B, K, 3, H, W], -1 to 1. Returns [B, embedding], the mean over the K shots."""
        shots = torch.cat([photos, drawings], dim=2)
        features: Tensor = self.blocks(shots.flatten(0, 1))
        vectors = functional.relu(features).mean(dim=(2, 3)) * CELLS
        return vectors.unflatten(0, shots.shape[:2]).mean(dim=1)
