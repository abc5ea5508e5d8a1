# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts that the networks share: residual blocks, AdaIN, self-attention.

After Zakharov et al. 2019, section 4 and supplement (blocks as in BigGAN, Brock et al. 2019, with instance normalisation
instead of batch normalisation), and Zhang et al. 2019 (SAGAN) for the attention.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import parametrizations, parametrize

SPECTRAL_EPSILON = 1e-4


def conv(inputs: int, outputs: int, kernel: int = 3, spectral: bool = True) -> nn.Module:
    """A convolution that keeps the picture's size, with spectral normalisation if `spectral`."""
    plain = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2)
    return parametrizations.spectral_norm(plain, eps=SPECTRAL_EPSILON) if spectral else plain


def linear(inputs: int, outputs: int) -> nn.Module:
    """A linear layer with spectral normalisation."""
    return parametrizations.spectral_norm(nn.Linear(inputs, outputs), eps=SPECTRAL_EPSILON)


def fold_spectral_norm(network: nn.Module) -> nn.Module:
    """Bake every spectral normalisation of `network` into its weights, for rendering. Not to be trained afterwards."""
    for module in network.modules():
        if parametrize.is_parametrized(module, "weight"):
            parametrize.remove_parametrizations(module, "weight")
    return network


class AdaIN(nn.Module):
    """Adaptive instance normalisation (Huang and Belongie 2017): scale and bias come with every call.

    base: what the scale is added to; 0 takes it as it comes, 1 lets features through while the styles are still small.
    """

    def __init__(self, channels: int, base: float = 0.0) -> None:
        super().__init__()
        self.channels, self.base = channels, base
        self.norm = nn.InstanceNorm2d(channels)

    @property
    def style_size(self) -> int:
        """Numbers that one call takes: a scale and a bias per channel."""
        return 2 * self.channels

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        scale, bias = style.chunk(2, dim=-1)
        return torch.addcmul(bias[..., None, None], self.norm(x), (scale + self.base)[..., None, None])


class ResidualBlock(nn.Module):
    """Norm, ReLU, (x2 nearest), conv 3, norm, ReLU, conv 3, (mean of 2x2); beside it a 1x1 skip.

    norm: "none", "instance", or "adain", which takes `style` at each call. resample: -1 halves the picture, 1 doubles it.
    first: the block meets the picture itself, so it opens with a convolution. spectral: its convolutions are spectrally
    normalised, as the paper's are; else the scales of "adain" begin at 1.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        norm: str = "none",
        resample: int = 0,
        first: bool = False,
        spectral: bool = True,
    ) -> None:
        super().__init__()
        if norm not in ("none", "instance", "adain"):
            raise ValueError(f"norm is 'none', 'instance' or 'adain', not {norm!r}")
        self.resample = resample
        self.first = first
        self.adaptive = norm == "adain"
        base = 0.0 if spectral else 1.0
        self.norm_in = nn.Identity() if first else _norm(norm, inputs, base)
        self.conv_in = conv(inputs, outputs, spectral=spectral)
        self.norm_out = _norm(norm, outputs, base)
        self.conv_out = conv(outputs, outputs, spectral=spectral)
        self.skip = conv(inputs, outputs, 1, spectral) if inputs != outputs or resample else nn.Identity()

    def _normed(self, norm: nn.Module, x: Tensor, style: Tensor | None) -> Tensor:
        return norm(x, style) if self.adaptive else norm(x)

    @property
    def style_sizes(self) -> list[int]:
        return [norm.style_size for norm in (self.norm_in, self.norm_out) if isinstance(norm, AdaIN)]

    def forward(self, x: Tensor, style: Tensor | None = None) -> Tensor:
        style_in, style_out = (None, None) if style is None else style.split(self.style_sizes, dim=-1)
        y = x if self.first else functional.relu(self._normed(self.norm_in, x, style_in))
        if self.resample > 0:
            y = functional.interpolate(y, scale_factor=2, mode="nearest")
        y = self.conv_in(y)
        y = self.conv_out(functional.relu(self._normed(self.norm_out, y, style_out)))
        if self.resample < 0:
            # A 1x1 convolution and a mean commute: shrinking first spares three quarters of the skip.
            return functional.avg_pool2d(y, 2) + self.skip(functional.avg_pool2d(x, 2))
        x = self.skip(x)
        return y + (functional.interpolate(x, scale_factor=2, mode="nearest") if self.resample > 0 else x)


def _norm(norm: str, channels: int, base: float) -> nn.Module:
    if norm == "adain":
        return AdaIN(channels, base)
    return nn.InstanceNorm2d(channels, affine=True) if norm == "instance" else nn.Identity()


class SelfAttention(nn.Module):
    """Self-attention over the picture (SAGAN); the gate starts at zero, so that it begins as the identity."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.query = conv(channels, channels // 8, 1)
        self.key = conv(channels, channels // 8, 1)
        self.value = conv(channels, channels // 2, 1)
        self.out = conv(channels // 2, channels, 1)
        self.gate = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[-2:]
        query, key, value = (layer(x).flatten(2).transpose(1, 2) for layer in (self.query, self.key, self.value))
        seen = functional.scaled_dot_product_attention(query, key, value, scale=1.0)
        return x + self.gate * self.out(seen.transpose(1, 2).unflatten(2, (height, width)))


def down_blocks(inputs: int, channels: int, most: int, count: int, norm: str, last: int | None = None) -> nn.Sequential:
    """`count` halving blocks of doubling width (at most `most`), with self-attention after the third.

    At 256 px the third gives 32 x 32, where the paper puts it. `last` sets the width of the last block.
    """
    blocks: list[nn.Module] = []
    width = inputs
    for i in range(count):
        wider = min(channels << i, most)
        if i == count - 1 and last is not None:
            wider = last
        blocks.append(ResidualBlock(width, wider, norm, resample=-1, first=i == 0))
        if i == 2:
            blocks.append(SelfAttention(wider))
        width = wider
    return nn.Sequential(*blocks)
