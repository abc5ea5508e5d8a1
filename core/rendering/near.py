# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of a plate that a head may change: a frame in 4K is worked on there alone."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..arrays import Doubles, Points
from ..imaging.crop import sides
from ..imaging.edge import bounds
from ..imaging.resample import ALIGNED
from ..performance import Performance

ROUND_ABOUT = 64
"""Pixels round the crop that belong to it: blurs see as far."""
BLURRED = 16
"""The same round a matte: what softens a head sees less far."""


class Near(NamedTuple):
    """A part of the plate, and what a frame of a performance has there, in its pixels."""

    rows: slice
    columns: slice
    crop: Doubles
    landmarks: Points

    def of(self, picture: NDArray[np.float32]) -> NDArray[np.float32]:
        """Its part of a whole picture [H, W, ...], in pieces that lie together."""
        return np.ascontiguousarray(picture[self.rows, self.columns])

    def part(self, rows: slice, columns: slice) -> Near:
        """A part of it."""
        crop = self.crop.copy()
        crop[:2] -= columns.start, rows.start
        landmarks = self.landmarks - np.array((columns.start, rows.start), np.float32)
        across, down = self.corner
        return Near(_moved(rows, down), _moved(columns, across), crop, landmarks)

    def around(self, where: NDArray[np.bool_]) -> tuple[slice, slice]:
        """Its rows and columns that hold all that is true `where` [h, w], with room for blurs; one pixel for nothing."""
        rows, columns = bounds(where) or (slice(0, 1), slice(0, 1))
        width, height = self.size
        return _held(rows.start - BLURRED, rows.stop + BLURRED, height), _held(
            columns.start - BLURRED, columns.stop + BLURRED, width
        )

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return self.columns.stop - self.columns.start, self.rows.stop - self.rows.start

    @property
    def corner(self) -> tuple[int, int]:
        """x and y in the plate of its first pixel."""
        return self.columns.start, self.rows.start

    @property
    def crop_in_plate(self) -> Doubles:
        """The crop in pixels of the plate."""
        whole = self.crop.copy()
        whole[:2] += self.corner
        return whole

    @property
    def within(self) -> tuple[slice, slice]:
        """Its rows and columns that the crop lies in."""
        width, height = self.size
        (left, top), (right, bottom) = (self.crop[:2] + sign * sides(self.crop) / 2 for sign in (-1, 1))
        return _held(top, bottom, height), _held(left, right, width)


NOWHERE = Near(slice(0, 1), slice(0, 1), np.zeros(3), np.zeros((0, 2), np.float32))
"""Of a frame without a head: one pixel."""


def near_head(performance: Performance, i: int, reach: float) -> Near:
    """Where frame `i` shows its head. reach: how far beyond the crop the matte may go, in pixels."""
    crop, around = performance.crops[i], int(np.ceil(reach)) + ROUND_ABOUT
    (left, top), (right, bottom) = (crop[:2] + sign * (sides(crop) / 2 + around) for sign in (-1, 1))
    rows, columns = _held(top, bottom, performance.height), _held(left, right, performance.width)
    # Vectors begin where they would for the whole plate: the last bits of a blur depend on it.
    columns = slice(columns.start // ALIGNED * ALIGNED, columns.stop)
    corner = np.array((columns.start, rows.start))
    moved = crop.copy()
    moved[:2] -= corner
    return Near(rows, columns, moved, (performance.landmarks[i] - corner).astype(np.float32))


def _moved(part: slice, by: int) -> slice:
    return slice(part.start + by, part.stop + by)


def _held(low: float, high: float, length: int) -> slice:
    """The pixels from `low` to `high` that there are of a side; one at least."""
    start = int(np.clip(np.floor(low), 0, length - 1))
    return slice(start, int(np.clip(np.ceil(high), start + 1, length)))
