# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists that are told to a person: short enough to be read."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .errors import SettingError
from .numbering import range_of

MOST_NAMED = 8
"""Things that a note names."""


def stretches(numbers: Sequence[int] | NDArray[np.integer], marked: NDArray[np.bool_]) -> str:
    """The frames of `numbers` [F] that are `marked` [F], as "1005, 1010-1020"."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], marked, [False]]).astype(int))).reshape(-1, 2)
    return shortened([f"{numbers[a]}" if b - a == 1 else f"{numbers[a]}-{numbers[b - 1]}" for a, b in edges])


def ranges(numbers: NDArray[np.integer]) -> str:
    """Rising `numbers` [N] as "1-5, 80"."""
    apart = np.flatnonzero(np.diff(numbers) != 1)
    begins, ends = (np.append(0, apart + 1), np.append(apart, len(numbers) - 1)) if len(numbers) else ((), ())
    return shortened(
        [f"{numbers[a]}" if a == b else f"{numbers[a]}-{numbers[b]}" for a, b in zip(begins, ends, strict=True)]
    )


def parse_ranges(text: str, numbers: Sequence[int]) -> list[int]:
    """Those of `numbers` that a list such as "1001-1010, 1020, -5--1, 1-9x2" names. Raises SettingError where it is none, or
    names none of them."""
    is_wanted = range_of(text)
    if is_wanted is None:
        raise SettingError(f"--frames cannot be '{text}'", "Give frame numbers, such as 1001-1010, 1001,1005 or 1001-1010x2")
    wanted = [number for number in numbers if is_wanted(number)]
    if not wanted:
        raise SettingError(f"--frames {text} names no frame of the take", f"It has {numbers[0]} to {numbers[-1]}")
    return wanted


def shortened(named: Sequence[str], separator: str = ", ") -> str:
    """The first of them, and how many more there are."""
    more = f", and {len(named) - MOST_NAMED} more" if len(named) > MOST_NAMED else ""
    return separator.join(named[:MOST_NAMED]) + more
