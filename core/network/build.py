# SPDX-License-Identifier: GPL-3.0-or-later
"""The networks of a preset, untrained."""

from __future__ import annotations

from dataclasses import replace

from .discriminator import Discriminator
from .few_shot import FewShotPainter
from .painter import PRESETS, Painter, Preset
from .warp import WarpPainter


def build_painter(preset: str, size: int = 0) -> Painter:
    """The painter of a named preset for pictures of `size` (0: the preset's). Raises KeyError or ValueError."""
    chosen = PRESETS[preset]
    return painter_of(replace(chosen, size=size) if size else chosen)


def painter_of(preset: Preset) -> Painter:
    """The painter of these sizes."""
    return WarpPainter(preset) if preset.warps else FewShotPainter(preset)


def build_discriminator(preset: Preset, videos: int) -> Discriminator:
    """The projection discriminator that goes with the paper's painter, with a table for `videos` training videos."""
    return Discriminator(videos, preset.channels, preset.most_channels, preset.embedding)
