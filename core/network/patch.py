# SPDX-License-Identifier: GPL-3.0-or-later
"""A discriminator for close-ups: is each patch of a mouth or an eye real, given where its parts were asked for?

A patch discriminator (Isola et al. 2017) with spectral normalisation, conditioned on the landmarks as Zakharov's is, here as
soft masks beside the picture. Its features compare pictures too (feature matching, section 3.2 of the paper).

It sees fine detail once more by itself, amplified: a painted close-up differs from a real one in little else, and of the
picture alone it had learnt nothing after 250 steps (hinge loss 2.00 of 2 on held-out pairs; with the detail 1.94 after 50).
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from .blocks import SPECTRAL_EPSILON

DETAIL = 8.0
"""How many times stronger fine detail, that which a mean over 3 x 3 pixels takes away, is than in the picture."""
CONDITIONS = 2
"""Masks that it sees: inner and outer lips, or lids and iris."""


class PatchScores(NamedTuple):
    """The discriminator's output for a batch."""

    scores: Tensor
    """[B, 1, S/4, S/4] above 0 for a real patch"""
    features: list[Tensor]


class PatchDiscriminator(nn.Module):
    """channels: of the first of four layers, two of which halve the picture."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        widths = [channels * times for times in (1, 2, 3, 4)]
        self.blocks = nn.ModuleList(
            [
                _conv(2 * 3 + CONDITIONS, widths[0], 3, 1),
                _conv(widths[0], widths[1], 4, 2),
                _conv(widths[1], widths[2], 4, 2),
                _conv(widths[2], widths[3], 3, 1),
            ]
        )
        self.last = _conv(widths[3], 1, 3, 1)

    def forward(self, picture: Tensor, parts: Tensor) -> PatchScores:
        """picture: [B, 3, S, S], -1 to 1; parts: [B, CONDITIONS, S, S]."""
        mean = functional.avg_pool2d(functional.pad(picture, (1, 1, 1, 1), mode="replicate"), 3, 1)
        x = torch.cat([picture, DETAIL * (picture - mean), parts], dim=1)
        features = []
        for block in self.blocks:
            x = functional.leaky_relu(block(x), 0.2)
            features.append(x)
        return PatchScores(self.last(x), features)


def _conv(inputs: int, outputs: int, kernel: int, stride: int) -> nn.Module:
    layer = nn.Conv2d(inputs, outputs, kernel, stride, padding=1)
    return nn.utils.parametrizations.spectral_norm(layer, eps=SPECTRAL_EPSILON)


class RegionDiscriminators(nn.ModuleDict):
    """The discriminators of mouth and eyes."""

    def __init__(self, channels: int) -> None:
        super().__init__({name: PatchDiscriminator(channels) for name in ("mouth", "eye")})

    def of(self, region: str) -> PatchDiscriminator:
        """The one of this region."""
        discriminator = self[region]
        assert isinstance(discriminator, PatchDiscriminator)
        return discriminator
