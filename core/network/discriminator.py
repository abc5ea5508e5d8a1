# SPDX-License-Identifier: GPL-3.0-or-later
"""The projection discriminator D(x, y, i): is this a real frame, of this person, in this pose?"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from .blocks import ResidualBlock, SelfAttention, down_blocks


class Judgement(NamedTuple):
    """The discriminator's output for a batch."""

    score: Tensor
    """[B], above zero for real"""
    features: list[Tensor]
    """The output of each residual block, for feature matching"""


class Discriminator(nn.Module):
    """Zakharov et al. 2019, section 3.1: score = v . (W_i + w0) + b, with one row of W for each training video."""

    def __init__(
        self, videos: int, channels: int = 64, most_channels: int = 512, embedding: int = 512, inputs: int = 6
    ) -> None:
        super().__init__()
        self.down = down_blocks(inputs, channels, most_channels, 6, "none", last=embedding)
        self.last = ResidualBlock(embedding, embedding)
        self.table = nn.Embedding(videos, embedding)
        nn.init.normal_(self.table.weight, std=0.02)
        self.shared = nn.Parameter(torch.zeros(embedding))
        self.bias = nn.Parameter(torch.zeros(()))

    def row(self, video: Tensor) -> Tensor:
        """W_i + w0 for video numbers [B]: [B, embedding]."""
        return self.personal_row(self.table(video))

    def personal_row(self, embedding: Tensor) -> Tensor:
        """w' = e + w0, where fine-tuning on a new person begins (section 3.3)."""
        return embedding + self.shared

    def forward(self, picture: Tensor, drawing: Tensor, row: Tensor) -> Judgement:
        """picture, drawing: [B, 3, H, W], -1 to 1; row: [B or 1, embedding]."""
        features: list[Tensor] = []
        x = torch.cat([picture, drawing], dim=1)
        for block in (*self.down, self.last):
            x = block(x)
            if not isinstance(block, SelfAttention):
                features.append(x)
        vector = functional.relu(x).sum(dim=(2, 3))
        return Judgement((vector * row).sum(dim=1) + self.bias, features)
