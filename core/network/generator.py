# SPDX-License-Identifier: GPL-3.0-or-later
"""The generator G(y, e) of Zakharov et al. 2019: a landmark picture to a frame, every pixel painted anew."""

from __future__ import annotations

from itertools import chain

import torch
from torch import Tensor, nn
from torch.nn import functional

from .blocks import AdaIN, ResidualBlock, SelfAttention, conv, down_blocks, linear


class Generator(nn.Module):
    """Four halving blocks, four residual blocks, four doubling blocks; AdaIN from one projection of the embedding."""

    def __init__(self, channels: int = 64, most_channels: int = 512, embedding: int = 512) -> None:
        super().__init__()
        widths = [min(channels << i, most_channels) for i in range(4)]
        self.down = down_blocks(3, channels, most_channels, 4, "instance")
        self.middle = nn.ModuleList(ResidualBlock(widths[3], widths[3], "adain") for _ in range(4))
        ins, outs = [widths[3], *reversed(widths[1:])], list(reversed(widths))
        self.up = nn.ModuleList(ResidualBlock(a, b, "adain", resample=1) for a, b in zip(ins, outs, strict=True))
        self.attention = SelfAttention(outs[1])
        self.norm = AdaIN(outs[-1])
        self.paint = conv(outs[-1], 3)
        self.projection = linear(embedding, sum(self._style_sizes()))

    def _style_sizes(self) -> list[int]:
        blocks = [block for block in chain(self.middle, self.up) if isinstance(block, ResidualBlock)]
        return [sum(block.style_sizes) for block in blocks] + [self.norm.style_size]

    def style(self, embedding: Tensor) -> Tensor:
        """psi = P e, all AdaIN scales and biases: [B, embedding] to [B, styles]. Fine-tuning trains psi itself."""
        style: Tensor = self.projection(embedding)
        return style

    def forward(self, drawing: Tensor, style: Tensor) -> Tensor:
        """drawing: [B, 3, H, W] landmark picture, -1 to 1. Returns [B, 3, H, W], -1 to 1."""
        styles = iter(style.split(self._style_sizes(), dim=-1))
        x = self.down(drawing)
        for block in self.middle:
            x = block(x, next(styles))
        for i, block in enumerate(self.up):
            x = block(x, next(styles))
            if i == 1:  # 64 x 64 at 256 px
                x = self.attention(x)
        return torch.tanh(self.paint(functional.relu(self.norm(x, next(styles)))))
