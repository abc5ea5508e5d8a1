# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists that are told to a person: short enough to be read."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

MOST_NAMED = 8
"""Things that a note names."""


def stretches(numbers: Sequence[int] | NDArray[np.integer], marked: NDArray[np.bool_]) -> str:
    """The frames of `numbers` [F] that are `marked` [F], as "1005, 1010-1020"."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], marked, [False]]).astype(int))).reshape(-1, 2)
    return shortened([f"{numbers[a]}" if b - a == 1 else f"{numbers[a]}-{numbers[b - 1]}" for a, b in edges])


def ranges(numbers: NDArray[np.integer]) -> str:
    """Rising `numbers` [N] as "1-5, 80"."""
    every = np.arange(numbers[0], numbers[-1] + 1) if len(numbers) else numbers
    return stretches(every, np.isin(every, numbers))


def shortened(named: Sequence[str], separator: str = ", ") -> str:
    """The first of them, and how many more there are."""
    more = f", and {len(named) - MOST_NAMED} more" if len(named) > MOST_NAMED else ""
    return separator.join(named[:MOST_NAMED]) + more
