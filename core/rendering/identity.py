# SPDX-License-Identifier: GPL-3.0-or-later
"""The identity of a frame: one hash of all that it is painted from. While it stays the same, nothing is rendered again.

Contents count, never the names or paths of files. A plate alone is told by the size and time of its files: to read every
frame of a plate in 4K before the first is rendered would take longer than some takes.

The gate's flicker score looks at the frames beside a frame. Where a frame's picture or verdict came of them, the manifest
says so (`beside`), and the frame goes stale with them; otherwise it does not.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..files import sha256_of
from ..settings import RenderSettings
from ..version import VERSION

ACTS_ELSEWHERE = frozenset(
    {
        *("device", "overwrite"),  # no pixel depends on them
        *("weights", "plate", "clean_plate", "first"),  # the files' contents count
        *(
            "motion",
            "pose_of",
            "pose",
            "eyes",
            "gaze",
            "brows",
            "mouth",
            "neutral",
            "rate",
            "crop",
        ),  # they move landmarks and crops
        *("handles", "frames"),  # more frames or fewer, not others
        "layer",  # a plate's frames know theirs
    }
)
"""Settings that reach a frame's hash by another way, or not at all."""
STEPS = 1024.0
"""Steps per pixel in which landmarks and crops are hashed. Their last bits differ from one processor to another."""


def digest(*parts: object) -> str:
    """A hash of plain values, in hexadecimal."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def in_steps(values: NDArray[np.floating]) -> list[int]:
    """Pixels as plain values for `digest`."""
    return np.rint(values.ravel().astype(np.float64) * STEPS).astype(np.int64).tolist()


def content_of(path: Path | None) -> str:
    """The hash of a file; empty without one."""
    return "" if path is None else sha256_of(path)


def shared_by_all(likeness: str, weights: str, size: tuple[int, int], colour: object, settings: RenderSettings) -> str:
    """The hash that a take's frames share: of its likeness' and weights' hashes, its frames' size, the plate's colour."""
    own = {key: value for key, value in asdict(settings).items() if key not in ACTS_ELSEWHERE}
    return digest(VERSION, likeness, weights, size, colour, own)
