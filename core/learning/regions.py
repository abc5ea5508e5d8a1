# SPDX-License-Identifier: GPL-3.0-or-later
"""One step of learning for the painters of mouth and eyes, and their losses.

Photos are bent to the truth's landmarks, each region is seen in its close-up, and what is painted there is compared with
the truth: by colour, by the features of a perceptual network and how they go together (what is soft lacks that), and later
by a discriminator that is conditioned on where lips and lids are (Zakharov et al. 2019, section 3.2).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..network.bending import correspond
from ..network.closeup import sample
from ..network.patch import PatchDiscriminator, RegionDiscriminators
from ..network.regions import (
    EYE_SIZE,
    MOUTH_SIZE,
    PARTS,
    View,
    both_eyes_windows,
    eye_shots,
    mouth_shot,
    mouth_windows,
    view_eyes,
    view_mouth,
)
from ..network.residual import ResidualFlow
from ..network.retouch import Retoucher
from ..network.shots import Photos, Pose
from ..network.spline import again
from ..network.warp import WarpPainter
from .losses import descend
from .perceptual import PerceptualLoss

RATE, DISCRIMINATOR_RATE = 3e-4, 1e-3
BETAS, DISCRIMINATOR_BETAS = (0.5, 0.99), (0.0, 0.99)
INSIDE = 3.0
"""How often a pixel between the lips, or the lids, counts."""
GROWN = 2
"""Pixels round the inside of a mouth that count in a made pair."""
LAYERS = 3
"""Layers of the perceptual network that are compared: close-ups have no larger forms."""


@dataclass(frozen=True)
class RegionWeights:
    """How much each loss counts."""

    colour: float = 2.0
    perceptual: float = 1.0
    texture: float = 0.5
    adversarial: float = 0.03
    features: float = 0.1


class PairBatch(NamedTuple):
    """B people, K photos of each, and a picture of each that is to be painted. Pictures may be bytes until `to`."""

    photos: Photos
    pose: Pose
    target: Tensor
    """[B, 3, H, W], -1 to 1"""
    made: Tensor
    """[B] 1 where the photo was made of the target: aligned to the pixel, it counts inside lips and lids alone"""
    say: Tensor
    """[B] the least say that the painters have, however little has moved: so they learn to leave alone what is good"""

    def to(self, device: torch.device) -> PairBatch:
        """On a device, pictures as floats."""
        photos = Photos(*(part.to(device, non_blocking=True) for part in self.photos))
        pose = Pose(*(part.to(device, non_blocking=True) for part in self.pose if part is not None))
        pictures = photos.pictures.float() / 127.5 - 1
        target = self.target.to(device, non_blocking=True).float() / 127.5 - 1
        return PairBatch(photos._replace(pictures=pictures), pose, target, self.made.to(device), self.say.to(device))


class CloseUp(NamedTuple):
    """A region of a batch, ready to be painted and compared."""

    view: View
    photos: Tensor
    """[B, K, 5, S, S] for the embedding"""
    truth: Tensor
    """[B, 3, S, S]"""
    counts: Tensor
    """[B, 1, S, S] where it is compared"""


@torch.no_grad()
def look(batch: PairBatch, residual: ResidualFlow) -> dict[str, CloseUp]:
    """Mouth and eyes of a batch, by splines and a painter's `residual`; the eyes are 2 B, the right ones first."""
    photos = batch.photos
    found = correspond(photos, batch.pose, residual)
    mouths, eyes = mouth_windows(photos), both_eyes_windows(photos)
    return {
        "mouth": _seen(view_mouth(found, mouth_shot(photos), mouths), mouths, batch, MOUTH_SIZE),
        "eye": _seen(view_eyes(found, eye_shots(photos), eyes), eyes, batch, EYE_SIZE),
    }


def _seen(view: View, windows: Tensor, batch: PairBatch, size: int) -> CloseUp:
    truth = sample(again(batch.target, windows), view.window.grid(size))
    inside = functional.max_pool2d(view.inside, 2 * GROWN + 1, 1, GROWN)
    made, say = (again(part, windows)[:, None, None, None] for part in (batch.made, batch.say))
    view = view._replace(where=view.where + say * (view.reach - view.where).clamp_min(0.0))
    return CloseUp(view, windows, truth, view.reach * (1 - made + made * inside))


def paint(painter: Retoucher, seen: CloseUp, embedding: Tensor | None = None) -> Tensor:
    """[B, 3, S, S] the region painted; the person is embedded from the photos without `embedding`."""
    vector = painter.embed(seen.photos) if embedding is None else embedding
    return seen.view.picture + seen.view.where * painter(seen.view.seen, vector, painter.light(seen.photos))


class RegionCritics(nn.Module):
    """The losses of a painted region, apart from the discriminator's: colour, and a perceptual network if there is one."""

    def __init__(self, perceptual: PerceptualLoss | None, weights: RegionWeights | None = None) -> None:
        super().__init__()
        self.perceptual, self.weights = perceptual, weights or RegionWeights()

    def forward(self, picture: Tensor, seen: CloseUp) -> dict[str, Tensor]:
        """Weighted losses. picture: [B, 3, S, S], the truth wherever nothing is compared."""
        heavy = 1 + (INSIDE - 1) * seen.view.inside
        counted = seen.counts.sum((1, 2, 3)).clamp_min(50)
        colour = (heavy * (picture - seen.truth).abs()).sum((1, 2, 3)) / (3 * counted)
        found = {"colour": self.weights.colour * colour.mean()}
        if self.perceptual is not None:
            painted = self.perceptual.features(picture, LAYERS)
            with torch.no_grad():
                wanted = self.perceptual.features(seen.truth, LAYERS)
            found["perceptual"] = self.weights.perceptual * relative_distance(painted, wanted)
            found["texture"] = self.weights.texture * texture_distance(painted, wanted, seen.counts)
        return found


def feature_gap(painted: list[Tensor], truth: list[Tensor]) -> Tensor:
    """[] L1 between a discriminator's features, summed over its layers."""
    return torch.stack([functional.l1_loss(a, b) for a, b in zip(painted, truth, strict=True)]).sum()


def relative_distance(painted: list[Tensor], wanted: list[Tensor]) -> Tensor:
    """[] mean over the layers of |a - b| / |b|."""
    gaps = [
        ((a - b).abs().mean((1, 2, 3)) / b.abs().mean((1, 2, 3)).clamp_min(1e-6)).mean()
        for a, b in zip(painted, wanted, strict=True)
    ]
    return torch.stack(gaps).mean()


def texture_distance(painted: list[Tensor], wanted: list[Tensor], counts: Tensor) -> Tensor:
    """[] mean over the layers of |G(a) - G(b)| / |G(b)|, G being Gram matrices where `counts` [B, 1, S, S] says.

    Which features go together, wherever they lie: blur changes that much, half a pixel of misplacement little (the
    style loss of Reda et al. 2022, FILM, section 4, made relative).
    """
    gaps = []
    for a, b in zip(painted, wanted, strict=True):
        where = functional.adaptive_avg_pool2d(counts, a.shape[-1])
        found, sought = _gram(a, where), _gram(b, where)
        gaps.append(((found - sought).abs().sum((1, 2)) / sought.abs().sum((1, 2)).clamp_min(1e-6)).mean())
    return torch.stack(gaps).mean()


def _gram(features: Tensor, where: Tensor) -> Tensor:
    """[B, C, C], scaled to the area of `where` [B, 1, H, W]."""
    weighed = (features * where).flatten(2).float()
    return weighed @ features.flatten(2).float().mT / where.sum((1, 2, 3)).clamp_min(1.0)[:, None, None]


class RegionLearner:
    """The painters of a `WarpPainter` and their discriminators learn together over many people."""

    def __init__(
        self, painter: WarpPainter, discriminators: RegionDiscriminators, critics: RegionCritics, brain_floats: bool = False
    ) -> None:
        self.painter, self.discriminator, self.critics = painter, discriminators, critics
        painter.residual.eval().requires_grad_(False)  # it is learned beforehand, see `training.flow`
        self.optimizer = torch.optim.AdamW(painter.regions.parameters(), lr=RATE, betas=BETAS)
        self.critic_optimizer = torch.optim.Adam(
            discriminators.parameters(), lr=DISCRIMINATOR_RATE, betas=DISCRIMINATOR_BETAS
        )
        self.brain_floats = brain_floats

    def step(self, batch: PairBatch, adversarial: bool = True) -> dict[str, Tensor]:
        """One step of the painters and one of the discriminators, which rest if not `adversarial`.

        Returns the losses [], still on the device: reading them there would make it wait.
        """
        regions = look(batch, self.painter.residual)
        found: dict[str, Tensor] = {}
        scored: dict[str, Tensor] = {}
        for name, seen in regions.items():
            painter, discriminator = self.painter.regions.painters[name], self.discriminator.of(name)
            with torch.autocast(batch.target.device.type, torch.bfloat16, enabled=self.brain_floats):
                picture = compared(paint(painter, seen), seen)
                losses = self.critics(picture, seen)
                if adversarial:
                    losses |= _adversarial(discriminator, picture, seen, self.critics.weights)
                    scored[f"{name} discriminator"] = _discriminator_loss(discriminator, picture.detach(), seen)
            found |= {f"{name} {kind}": loss for kind, loss in losses.items()}
        descend(self.optimizer, found)
        if scored:
            descend(self.critic_optimizer, scored)
        return {name: value.detach() for name, value in (found | scored).items()}


def compared(picture: Tensor, seen: CloseUp) -> Tensor:
    """The painted region, and the truth wherever nothing is compared."""
    return seen.truth + seen.counts * (picture - seen.truth)


def _adversarial(
    discriminator: PatchDiscriminator, picture: Tensor, seen: CloseUp, weights: RegionWeights
) -> dict[str, Tensor]:
    parts = seen.view.seen[:, PARTS]
    discriminator.requires_grad_(False)
    fake = discriminator(picture, parts)
    with torch.no_grad():
        real = discriminator(seen.truth, parts)
    discriminator.requires_grad_(True)
    return {
        "adversarial": -weights.adversarial * _mean_where(fake.scores, seen.counts),
        "features": weights.features * feature_gap(fake.features, real.features),
    }


def _discriminator_loss(discriminator: PatchDiscriminator, picture: Tensor, seen: CloseUp) -> Tensor:
    """The hinge loss, over patches that are compared."""
    parts = seen.view.seen[:, PARTS]
    real, fake = (discriminator(each, parts).scores for each in (seen.truth, picture))
    return _mean_where(functional.relu(1 - real) + functional.relu(1 + fake), seen.counts)


def _mean_where(scores: Tensor, counts: Tensor) -> Tensor:
    """[] item by item, so that a batch in two processes comes to the same."""
    weight = functional.adaptive_avg_pool2d(counts, scores.shape[-1])
    return ((scores * weight).sum((1, 2, 3)) / weight.sum((1, 2, 3)).clamp_min(1.0)).mean()
