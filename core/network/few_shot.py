# SPDX-License-Identifier: GPL-3.0-or-later
"""Zakharov et al. 2019: an embedder, and a generator that makes every pixel of the landmarks, modulated by the embedding."""

from __future__ import annotations

from torch import Tensor

from .embedder import Embedder
from .generator import Generator
from .painter import Painter, Preset
from .shots import Painted, Photos, Pose
from .warp import bent_matte


class FewShotPainter(Painter):
    """The paper's. It has no matte: that comes from the photos, bent by geometry."""

    def __init__(self, preset: Preset) -> None:
        super().__init__(preset)
        self.drawing_size = preset.size
        self.embedder = Embedder(preset.channels, preset.most_channels, preset.embedding)
        self.generator = Generator(preset.channels, preset.most_channels, preset.embedding)

    def embed(self, photos: Photos, drawings: Tensor | None = None) -> Tensor:
        vector: Tensor = self.embedder(photos.pictures, drawings)
        return vector

    def style(self, embedding: Tensor) -> Tensor:
        """psi = P e, all AdaIN scales and biases."""
        return self.generator.style(embedding)

    def prepare(self, photos: Photos, mirrored: Photos | None = None) -> Photos:
        return photos

    def forward(self, prepared: Photos, pose: Pose, style: Tensor) -> Painted:
        return Painted(self.generator(pose.drawing, style), bent_matte(prepared, pose))
