# SPDX-License-Identifier: GPL-3.0-or-later
"""A small painter for a close-up: it sees what geometry gives, and changes it where geometry cannot know.

A U-Net whose decoder is modulated by AdaIN from an embedding of all photos of the person, as in Zakharov et al. 2019, on a
window of the face. Its last layer starts at zero: untrained, it changes nothing.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

GROUPS = 8
PHOTO_CHANNELS = 5
"""A photo's own window: three of colour, and two that say where the parts are."""
SKIN = (0.67, 0.49, 0.41)
"""sRGB, 0 to 1: the mean of the windows on mouth and eyes in 150 portraits to learn from."""
USUAL, UNUSUAL = 0.15, 0.3
"""Logarithms of how far a channel's share is from that. Within the first, painters see what they have learned, and dark skin
is; beyond the second they see all of it made usual."""
MOST_LIGHT = 3.0
"""A channel is made so many times as bright at most: where one is all but missing, its noise would be painted."""


class Block(nn.Module):
    """Two convolutions, each with group norm; the second norm takes a scale and a bias where there is a style."""

    def __init__(self, inputs: int, outputs: int, style: int = 0) -> None:
        super().__init__()
        self.conv_in = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.norm_in = nn.GroupNorm(GROUPS, outputs)
        self.conv_out = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.norm_out = nn.GroupNorm(GROUPS, outputs)
        self.affine = nn.Linear(style, 2 * outputs) if style else None
        if self.affine is not None:
            nn.init.zeros_(self.affine.weight)
            nn.init.zeros_(self.affine.bias)

    def forward(self, x: Tensor, style: Tensor | None = None) -> Tensor:
        x = functional.silu(self.norm_in(self.conv_in(x)))
        x = self.norm_out(self.conv_out(x))
        if self.affine is not None and style is not None:
            scale, bias = self.affine(style)[..., None, None].chunk(2, dim=1)
            x = torch.addcmul(bias, x, 1 + scale)
        return functional.silu(x)


def daylight(photos: Tensor) -> Tensor:
    """[B, 3, 1, 1] factors that bring the windows of all photos of a person, [B, K, PHOTO_CHANNELS, S, S], to the usual
    colour of skin, as bright as they are: a painter knows people in daylight, and not old varnish. How bright skin is, is a
    person's own, and teeth are no darker for it. They are 1 in all usual light, and for pictures without colour."""
    mean = ((photos[:, :, :3].float() + 1) / 2).mean((1, 3, 4)).clamp_min(1e-2)
    usual = mean.new_tensor(SKIN)
    coloured = (_saturation(mean) / _saturation(usual[None])).clamp(0.0, 1.0)[:, None]
    away = coloured * torch.log(usual / usual.mean() * mean.mean(1, keepdim=True) / mean)
    told = (away.abs().amax(1, keepdim=True) - USUAL) / (UNUSUAL - USUAL)
    return torch.exp(away * told.clamp(0.0, 1.0)).clamp(1 / MOST_LIGHT, MOST_LIGHT)[..., None, None]


def _saturation(colour: Tensor) -> Tensor:
    """[B] of [B, 3]: 0 is grey."""
    return (colour.amax(1) - colour.amin(1)) / colour.mean(1)


class Retoucher(nn.Module):
    """inputs: channels of what it sees; widths: of each level, the finest first; embedding: numbers that a person is;
    by_daylight: what it sees is brought to daylight first. Lids need it. Teeth do not: their colour is not the skin's."""

    def __init__(self, inputs: int, widths: tuple[int, ...], embedding: int = 64, *, by_daylight: bool = False) -> None:
        super().__init__()
        self.by_daylight = by_daylight
        self.embed_blocks = nn.Sequential(
            *(
                nn.Sequential(nn.Conv2d(a, b, 3, stride=2, padding=1), nn.GroupNorm(GROUPS, b), nn.SiLU())
                for a, b in zip((PHOTO_CHANNELS, 16, 32, 64), (16, 32, 64, 64), strict=True)
            )
        )
        self.embed_last = nn.Linear(64, embedding)
        self.down = nn.ModuleList(Block(a, b) for a, b in zip((inputs, *widths[:-1]), widths, strict=True))
        pairs = list(zip(widths[:0:-1], widths[-2::-1], strict=True))
        self.up = nn.ModuleList(Block(a + b, b, embedding) for a, b in pairs)
        self.last = nn.Conv2d(widths[0], 3, 3, padding=1)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)  # type: ignore[arg-type]

    @property
    def idle(self) -> bool:
        """True where it would change nothing: it was never trained, and is not learning now."""
        return not self.training and not bool(self.last.weight.any())

    def embed(self, photos: Tensor) -> Tensor:
        """[B, E] the person, from windows of all photos [B, K, PHOTO_CHANNELS, S, S]: the mean over them."""
        found = self.embed_blocks(photos.flatten(0, 1)).mean((2, 3)).unflatten(0, photos.shape[:2])
        vector: Tensor = functional.silu(self.embed_last(found.mean(1)))
        return vector

    def light(self, photos: Tensor) -> Tensor:
        """[B, 3, 1, 1] what its close-ups are to be lit by, from windows of all photos of the person: see `daylight`."""
        return daylight(photos) if self.by_daylight else photos.new_ones(len(photos), 3, 1, 1)

    def forward(self, seen: Tensor, embedding: Tensor, light: Tensor) -> Tensor:
        """[B, 3, S, S] the change to be made, -2 to 2, of what is `seen` [B, inputs, S, S]: geometry's picture first, the
        photo's own window, and whatever else. light: [B, 3, 1, 1], see `light`."""
        kept = []
        relit = (seen[:, :6] + 1) * torch.cat([light, light], 1) - 1
        x = torch.cat([relit, seen[:, 6:]], 1)
        for i, block in enumerate(self.down):
            x = block(x if not i else functional.avg_pool2d(x, 2))
            kept.append(x)
        kept.pop()
        for block in self.up:
            x = block(torch.cat([functional.interpolate(x, scale_factor=2, mode="nearest"), kept.pop()], 1), embedding)
        change: Tensor = self.last(x)
        return change / light
