# SPDX-License-Identifier: GPL-3.0-or-later
"""Landmarks to the picture that the networks see: antialiased strokes, one colour a feature, drawn on the device."""

from __future__ import annotations

import torch
from torch import Tensor

from .ibug68 import segments

STROKE_WIDTH = 2.0 / 256.0
"""As a fraction of the picture's side: two pixels at 256."""


def draw_landmarks(landmarks: Tensor, size: int) -> Tensor:
    """Draw faces on black.

    landmarks: [B, 70, 2], as parts of the picture's side (0 to 1). Returns [B, 3, size, size], -1 (black) to 1, sRGB.
    Each pixel takes the colour of the strokes over it, the strongest of each channel, so that order does not matter.
    """
    first, last, colours = segments()
    centres = (torch.arange(size, device=landmarks.device, dtype=landmarks.dtype) + 0.5) / size
    start, end = landmarks[:, first], landmarks[:, last]  # [B, S, 2]
    along = end - start
    length = along.square().sum(-1).clamp_min(1e-12)
    # Distance of every pixel from every segment; x and y stay apart until they must meet, which spares memory.
    dx = centres - start[..., 0:1]  # [B, S, W]
    dy = centres - start[..., 1:2]  # [B, S, H]
    part_x, part_y = dx * (along[..., 0:1] / length[..., None]), dy * (along[..., 1:2] / length[..., None])
    nearest = (part_y[..., :, None] + part_x[..., None, :]).clamp_(0.0, 1.0)  # [B, S, H, W]
    off_x = dx[..., None, :] - nearest * along[..., 0, None, None]
    off_y = dy[..., :, None] - nearest * along[..., 1, None, None]
    distance = torch.sqrt(off_x.square_().add_(off_y.square_()))
    width = max(STROKE_WIDTH, 1.0 / size)
    cover = ((width / 2 - distance) * size + 0.5).clamp_(0.0, 1.0)
    palette = torch.tensor(colours, device=landmarks.device, dtype=landmarks.dtype)  # [S, 3]
    channels = []
    for channel in range(3):
        lit = palette[:, channel]
        used = lit.nonzero()[:, 0]
        channels.append((cover[:, used] * lit[used, None, None]).amax(dim=1))
    return torch.stack(channels, dim=1) * 2.0 - 1.0
