# SPDX-License-Identifier: GPL-3.0-or-later
"""One step of learning for the paper's networks: meta-learning over many people, and fine-tuning on one.

Zakharov et al. 2019, sections 3.2 and 3.3.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn

from ..landmarks.raster import draw_landmarks
from ..network.discriminator import Discriminator
from ..network.few_shot import FewShotPainter
from ..network.painter import Painter
from ..network.shots import Painted, Photos, Pose
from . import losses
from .losses import LossWeights, descend
from .perceptual import PerceptualLoss

GENERATOR_RATE = 5e-5
DISCRIMINATOR_RATE = 2e-4
BETAS = (0.0, 0.999)
"""The paper names Adam alone; beta1 = 0 is the co-author's code."""
DISCRIMINATOR_STEPS = 2


class Batch(NamedTuple):
    """B people, K photos of each, and one frame of each to be painted. Landmarks are parts of the picture, 0 to 1."""

    photos: Photos
    """those nearest to the target in pose first"""
    landmarks: Tensor
    """[B, K, 70, 2]"""
    target: Tensor
    """[B, 3, H, W], -1 to 1"""
    target_landmarks: Tensor
    """[B, 70, 2]"""
    target_points: Tensor
    """[B, N, 2] control points, -1 to 1"""
    target_stiffness: Tensor
    """[B, N]"""
    target_projection: Tensor
    """[B, 2, 4]"""
    video: Tensor
    """[B] which training video: the row of W"""

    def to(self, device: torch.device) -> Batch:
        """On a device, pictures and mattes that were bytes as floats; the copying is not waited for."""
        photos = Photos(*(tensor.to(device, non_blocking=True) for tensor in self.photos))
        rest = (tensor.to(device, non_blocking=True) for tensor in self[1:])
        whole = Batch(photos, *rest)
        pictures, mattes = photos.pictures.float() / 127.5 - 1.0, photos.mattes.float() / 255.0
        return whole._replace(
            photos=photos._replace(pictures=pictures, mattes=mattes), target=whole.target.float() / 127.5 - 1.0
        )


def draw_all(landmarks: Tensor, size: int) -> Tensor:
    """[B, K, 70, 2] to landmark pictures [B, K, 3, size, size]."""
    return draw_landmarks(landmarks.flatten(0, 1), size).unflatten(0, landmarks.shape[:2])


def paint_batch(painter: Painter, batch: Batch, style: Tensor | None = None) -> tuple[Painted, Tensor | None]:
    """Paint each target; the embeddings [B, E] of its photos too, unless `style` takes their place."""
    embedding = None
    if style is None:
        embedding = painter.embed(batch.photos, draw_all(batch.landmarks, painter.preset.size))
        style = painter.style(embedding)
    drawing = draw_landmarks(batch.target_landmarks, painter.drawing_size) if painter.drawing_size else None
    pose = Pose(batch.target_points, batch.target_stiffness, batch.target_projection, drawing)
    return painter(painter.prepare(batch.photos), pose, style), embedding


class Critics(nn.Module):
    """The losses of a painted frame, apart from the discriminator's: perceptual networks by the names in LossWeights."""

    def __init__(self, perceptual: Mapping[str, PerceptualLoss], weights: LossWeights) -> None:
        super().__init__()
        self.perceptual = nn.ModuleDict(dict(perceptual))
        self.weights = weights

    def forward(self, painted: Painted, batch: Batch) -> dict[str, Tensor]:
        """The losses that count, each already weighted."""
        found = {
            name: getattr(self.weights, name) * loss(painted.picture, batch.target) for name, loss in self.perceptual.items()
        }
        if self.weights.pixel:
            where = losses.region_map(batch.target_landmarks, batch.target.shape[-1], self.weights.region)
            found["pixel"] = self.weights.pixel * (where * (painted.picture - batch.target).abs()).mean()
        return found


class MetaLearner:
    """Embedder, generator and discriminator learn together over many people; with `brain_floats` in bfloat16 by autocast."""

    def __init__(
        self,
        painter: FewShotPainter,
        discriminator: Discriminator,
        critics: Critics,
        betas: tuple[float, float] = BETAS,
        brain_floats: bool = False,
    ) -> None:
        self.painter, self.discriminator, self.critics = painter, discriminator, critics
        self.optimizer = torch.optim.Adam(painter.parameters(), lr=GENERATOR_RATE, betas=betas)
        self.critic_optimizer = torch.optim.Adam(discriminator.parameters(), lr=DISCRIMINATOR_RATE, betas=betas)
        self.brain_floats = brain_floats

    def step(self, batch: Batch, adversarial: bool = True) -> dict[str, Tensor]:
        """One step of embedder and generator and two of the discriminator, which rests if not `adversarial`.

        Returns the losses [], still on the device: reading them there would make it wait.
        """
        drawing = draw_landmarks(batch.target_landmarks, self.painter.preset.size)
        with self._autocast(batch):
            painted, embedding = paint_batch(self.painter, batch)
            found = self.critics(painted, batch)
            if adversarial:
                weights, row = self.critics.weights, self.discriminator.row(batch.video)
                found |= _adversarial(self.discriminator, painted, batch, drawing, row, weights)
                if weights.match and embedding is not None:
                    found["match"] = weights.match * losses.match(embedding, self.discriminator.table(batch.video))
        descend(self.optimizer, found)
        for _ in range(DISCRIMINATOR_STEPS if adversarial else 0):
            with self._autocast(batch):
                row = self.discriminator.row(batch.video)
                judged = _discriminator_loss(self.discriminator, painted, batch, drawing, row)
            descend(self.critic_optimizer, judged)
            found |= judged
        return {name: value.detach() for name, value in found.items()}

    def _autocast(self, batch: Batch) -> torch.autocast:
        return torch.autocast(batch.target.device.type, torch.bfloat16, enabled=self.brain_floats)


class FineTuner:
    """Generator and discriminator learn one person; the embedder rests. psi' = P e and w' = e + w0 (section 3.3).

    Without a discriminator the adversarial losses fall away.
    """

    def __init__(
        self,
        painter: FewShotPainter,
        embedding: Tensor,
        critics: Critics,
        discriminator: Discriminator | None = None,
        rate: float = GENERATOR_RATE,
        betas: tuple[float, float] = BETAS,
    ) -> None:
        self.painter, self.discriminator, self.critics = painter, discriminator, critics
        self.style = nn.Parameter(painter.style(embedding).detach().clone())
        learning = [p for name, p in painter.generator.named_parameters() if not name.startswith("projection.")]
        self.optimizer = torch.optim.Adam([*learning, self.style], lr=rate, betas=betas)
        if discriminator is not None:
            self.row = nn.Parameter(discriminator.personal_row(embedding).detach().clone())
            judging = [p for name, p in discriminator.named_parameters() if not name.startswith(("table.", "shared"))]
            self.critic_optimizer = torch.optim.Adam([*judging, self.row], lr=DISCRIMINATOR_RATE, betas=BETAS)

    def step(self, batch: Batch, rehearsed: Tensor | None = None) -> dict[str, float]:
        """One step on the person's photos, with the loss of other frames beside it. Returns the losses."""
        painted, _ = paint_batch(self.painter, batch, self.style.expand(len(batch.target), -1))
        found = self.critics(painted, batch)
        if rehearsed is not None:
            found["rehearsed"] = rehearsed
        if self.discriminator is None:
            descend(self.optimizer, found)
        else:
            drawing = draw_landmarks(batch.target_landmarks, self.painter.preset.size)
            found |= _adversarial(self.discriminator, painted, batch, drawing, self.row, self.critics.weights)
            descend(self.optimizer, found)
            for _ in range(DISCRIMINATOR_STEPS):
                judged = _discriminator_loss(self.discriminator, painted, batch, drawing, self.row)
                descend(self.critic_optimizer, judged)
                found |= judged
        return {name: float(value.detach()) for name, value in found.items()}


def _adversarial(
    discriminator: Discriminator, painted: Painted, batch: Batch, drawing: Tensor, row: Tensor, weights: LossWeights
) -> dict[str, Tensor]:
    fake = discriminator(painted.picture, drawing, row)
    with torch.no_grad():
        real = discriminator(batch.target, drawing, row)
    return {
        "adversarial": weights.adversarial * losses.adversarial_for_generator(fake.score),
        "features": weights.features * losses.feature_matching(real.features, fake.features),
    }


def _discriminator_loss(
    discriminator: Discriminator, painted: Painted, batch: Batch, drawing: Tensor, row: Tensor
) -> dict[str, Tensor]:
    real = discriminator(batch.target, drawing, row).score
    fake = discriminator(painted.picture.detach(), drawing, row).score
    return {"discriminator": losses.hinge_for_discriminator(real, fake)}
