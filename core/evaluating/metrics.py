# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures of painted frames against true ones. Pictures are sRGB uint8 [S, S, 3]."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..arrays import Picture


def psnr(painted: Picture, target: Picture, mask: NDArray[np.bool_] | None = None) -> float:
    """Peak signal-to-noise ratio in dB, of the masked pixels where there is a mask."""
    squared = np.square(painted.astype(np.float64) - target)
    error = squared.mean() if mask is None else squared[mask].mean()
    return float(10 * np.log10(255.0**2 / max(error, 1e-9)))


def ssim(painted: Picture, target: Picture) -> tuple[float, NDArray[np.float64]]:
    """Structural similarity (Wang et al. 2004, 7x7 windows) of the colour picture: the mean, and the map [S, S]."""
    from skimage.metrics import structural_similarity

    mean, whole = structural_similarity(painted, target, channel_axis=-1, full=True, data_range=255)
    return float(mean), whole.mean(axis=-1)


def temporal_error(painted: Sequence[Picture], target: Sequence[Picture]) -> float:
    """How wrongly the picture changes from one of two neighbouring frames to the next: mean |difference|, 0 to 255.

    A flicker or a crawl counts, a standing difference does not.
    """
    change = np.subtract(painted[1], painted[0], dtype=np.int16) - np.subtract(target[1], target[0], dtype=np.int16)
    return float(np.abs(change).mean())


def correlation(found: NDArray[np.floating], wanted: NDArray[np.floating]) -> float:
    """Pearson's, over frames [F]; 0 where `found` stands still."""
    a, b = found - found.mean(), wanted - wanted.mean()
    size = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / size if size > 1e-9 else 0.0
