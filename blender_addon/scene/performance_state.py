# SPDX-License-Identifier: GPL-3.0-or-later
"""The contents of a performance file: read again only when the file was written."""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..core.errors import HeadcastError
from ..core.landmarks.trust import LOW
from ..core.performance import Performance

SURE, UNSURE, GAP = (86, 148, 214), (232, 163, 61), (200, 72, 60)
"""sRGB of a curve: sure, unsure, no face."""


def performance_at(path: str) -> Performance | None:
    """The performance at an absolute path; None where there is none, or it cannot be read."""
    try:
        return _load(Path(path), Path(path).stat().st_mtime_ns)
    except OSError:
        return None


@lru_cache(maxsize=1)
def _load(path: Path, changed: int) -> Performance | None:
    """Once for each time that the file changed."""
    try:
        return Performance.load(path)
    except HeadcastError:
        return None


def confidence_picture(confidence: NDArray[np.float32], width: int, height: int) -> NDArray[np.uint8]:
    """[height, width, 4] of the confidence [F], 0 to 1, over time: as high as it is low anywhere in a column's frames, and
    from top to bottom where there is no face."""
    edges = np.linspace(0, len(confidence), width + 1).astype(int)
    lowest = np.array([confidence[a : max(b, a + 1)].min() for a, b in pairwise(edges)])
    colours = np.select([lowest[:, None] <= 0, lowest[:, None] < LOW], [np.array(GAP), np.array(UNSURE)], np.array(SURE))
    heights = np.where(lowest > 0, np.maximum(lowest * height, 2), height)
    filled = np.arange(height)[::-1, None] < heights
    picture = np.zeros((height, width, 4), np.uint8)
    picture[..., :3] = colours
    picture[..., 3] = filled * 255
    return picture
