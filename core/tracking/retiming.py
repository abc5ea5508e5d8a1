# SPDX-License-Identifier: GPL-3.0-or-later
"""The same motion at another frame rate: a performance of 25 frames a second for a scene of 24."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from ..performance import Performance
from ..rates import exact_rate

EXACT = 1e-6
"""In frames: a moment so near to a frame of the source is that frame."""


def at_rate(performance: Performance, rate: float) -> Performance:
    """`performance` at a setting of `rate` frames a second; as it is for 0."""
    return retimed(performance, exact_rate(rate)) if rate else performance


def retimed(performance: Performance, rate: Fraction) -> Performance:
    """`performance` at `rate` frames a second, its first frame keeping its number.

    Between two frames the motion is a Catmull-Rom spline, which keeps the speed of what moves; beside a gap there is none,
    and a moment between a face and a gap is a gap. Nothing changes where the rate is the same.
    """
    if rate == performance.rate or len(performance) < 2:
        return performance
    numbers = performance.frames - performance.frames[0]
    count = int(numbers[-1] * rate / performance.rate) + 1
    at = np.arange(count) * float(performance.rate / rate)
    before = np.clip(np.searchsorted(numbers, at + EXACT, side="right") - 1, 0, len(numbers) - 1)
    after = np.minimum(before + 1, len(numbers) - 1)
    part = at - numbers[before]
    part[part < EXACT] = 0.0
    neighbours = (numbers[after] - numbers[before] <= 1) & performance.seen[before] & performance.seen[after]
    there = np.where(part == 0, performance.seen[before], neighbours)
    mixed = {
        name: _between(getattr(performance, name), performance.seen, before, after, part, there)
        for name in ("landmarks", "expression")
    }
    skin = performance.skin
    if skin is not None:
        share = (part * there)[:, None, None, None]
        moves = np.rint(skin.moves[before] * (1 - share) + skin.moves[after] * share).astype(np.int8)
        skin = replace(skin, moves=moves, shots=skin.shots[before])
    part = part[:, None]
    return replace(
        performance,
        frames=(performance.frames[0] + np.arange(count)).astype(np.int32),
        landmarks=mixed["landmarks"],
        expression=np.clip(mixed["expression"], 0.0, 1.0),
        confidence=np.where(
            there, np.where(part[:, 0] == 0, performance.confidence[before], _least(performance, before, after)), 0.0
        ).astype(np.float32),
        crops=performance.crops[before] * (1 - part) + performance.crops[after] * part,
        rate=rate,
        skin=skin,
        source=f"{performance.source}, {float(performance.rate):.6g} to {float(rate):.6g} fps",
    )


def _least(performance: Performance, before: NDArray[np.intp], after: NDArray[np.intp]) -> NDArray[np.float32]:
    return np.minimum(performance.confidence[before], performance.confidence[after])


def _between(
    values: NDArray[np.float32],
    seen: NDArray[np.bool_],
    before: NDArray[np.intp],
    after: NDArray[np.intp],
    part: NDArray[np.float64],
    there: NDArray[np.bool_],
) -> NDArray[np.float32]:
    """Values [F, ...] at `part` of the way from `before` to `after` [G]; NaN where not `there`."""
    earlier, later = np.maximum(before - 1, 0), np.minimum(after + 1, len(values) - 1)
    earlier, later = np.where(seen[earlier], earlier, before), np.where(seen[later], later, after)
    t = part.reshape(-1, *[1] * (values.ndim - 1))
    p0, p1, p2, p3 = (values[i].astype(np.float64) for i in (earlier, before, after, later))
    curve = p1 + 0.5 * t * (p2 - p0 + t * (2 * p0 - 5 * p1 + 4 * p2 - p3 + t * (3 * (p1 - p2) + p3 - p0)))
    found = np.where(t == 0, p1, curve)
    found[~there] = np.nan
    return found.astype(np.float32)
