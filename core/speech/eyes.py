# SPDX-License-Identifier: GPL-3.0-or-later
"""Eyes that live: blinks, and glances away from what they look at.

Numbers: 26 blinks a minute in talk and 17 at rest (Bentivoglio et al. 1997), shut within 66 ms and opened more slowly, often
not wholly shut (Sforza et al. 2008); sizes of glances after Lee, Badler and Badler 2002 (Eyes Alive), their times after
Andrist, Mutlu and Gleicher 2013.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..arrays import Doubles
from .prosody import RATE_OF_CURVES

TALKING, RESTING = 60 / 26, 60 / 17
"""Mean seconds between blinks."""
SPREAD = 0.55
"""Of the logarithms of those times."""
CLOSING, OPENING = 0.066, 0.15
"""Seconds."""
WHOLE = 0.6
"""Part of blinks that shut the eye; the others shut it by PARTLY."""
PARTLY = (0.6, 0.85)
CLOSEST = 0.35
"""Seconds between two blinks at least."""
DRAWN = 0.5
"""Seconds within which a pause or a glance draws a blink to itself, mostly: DRAWN_OFTEN."""
DRAWN_OFTEN = 0.7
AVERTED, AVERTED_SPREAD = 4.0, 1.0
"""Seconds between glances away."""
AWAY, AWAY_SPREAD = 1.0, 0.2
"""Seconds that they take."""
SIDEWAYS = 0.7
"""Part of glances that go to a side; of those before speech, so many go up."""
LARGEST = 14.0
"""Degrees."""
THINKS_BEFORE, THINKS_INTO = 1.0, 1.2
"""Seconds round the beginning of speech."""
BACK = 2.3
"""Seconds before the end of speech from which the eyes stay."""
LONG_PAUSE = 1.0
"""Seconds of silence that end a speech."""
FIXATION = (0.4, 1.5)
"""Seconds that the eyes rest, and then move by FLICKER degrees across and up."""
FLICKER = (0.7, 0.45)
JUMP = 4
"""Moments that a saccade takes."""


class Glances(NamedTuple):
    """Where the eyes look, beside what they mainly look at."""

    away: Doubles
    """[N, 2] degrees to the picture's right, and up"""
    shifts: list[int]
    """moments at which they go far"""


def speeches(speaking: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Moments at which speech begins and ends, between silences of LONG_PAUSE and more."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], speaking, [False]]).astype(np.int8))).reshape(-1, 2)
    found: list[tuple[int, int]] = []
    for begin, end in edges.tolist():
        if found and begin - found[-1][1] < LONG_PAUSE * RATE_OF_CURVES:
            found[-1] = (found[-1][0], end)
        else:
            found.append((begin, end))
    return found


def pauses_of(speaking: NDArray[np.bool_]) -> list[int]:
    """Moments at which a pause begins."""
    return (np.flatnonzero(speaking[:-1] & ~speaking[1:]) + 1).tolist()


def glances(speaking: NDArray[np.bool_], dial: Doubles, chance: np.random.Generator) -> Glances:
    """Glances of a voice that is `speaking` [N], as often and as far as `dial` [N], 0 to 2, says."""
    moments = len(speaking)
    away = np.zeros((moments, 2))
    shifts: list[int] = []
    t = 0
    while t < moments:
        rest = chance.uniform(*FIXATION)
        step = np.array(FLICKER) * chance.standard_normal(2)
        away[t : t + max(1, round(rest * RATE_OF_CURVES))] = step
        t += max(1, round(rest * RATE_OF_CURVES))
    for begin, end in _aversions(speaking, dial, chance):
        size = min(-6.9 * np.log(chance.uniform(1.0, 15.0) / 15.7), LARGEST)
        sign = 1.0 if chance.random() < 0.5 else -1.0
        side = chance.random() < SIDEWAYS
        away[begin:end] += size * (np.array([sign, 0.25]) if side else np.array([0.3 * sign, -0.6]))
        shifts += [begin, end]
    for begin, _ in speeches(speaking):
        start, stop = begin - round(THINKS_BEFORE * RATE_OF_CURVES), begin + round(THINKS_INTO * RATE_OF_CURVES)
        if start > 0 and chance.random() < SIDEWAYS and dial[begin] > 0:
            away[start:stop] = np.array([chance.uniform(-6, 6), chance.uniform(4, 9)])
            shifts += [start, min(stop, moments)]
    away *= dial[:, None]
    padded = np.pad(away, ((JUMP - 1, 0), (0, 0)), mode="edge")
    kernel = np.ones(JUMP) / JUMP
    return Glances(np.column_stack([np.convolve(column, kernel, "valid") for column in padded.T]), sorted(shifts))


def _aversions(speaking: NDArray[np.bool_], dial: Doubles, chance: np.random.Generator) -> list[tuple[int, int]]:
    """Moments at which glances away begin and end."""
    last = [end for _, end in speeches(speaking)]
    found: list[tuple[int, int]] = []
    t = 0.0
    while True:
        often = float(dial[min(int(t * RATE_OF_CURVES), len(dial) - 1)])
        t += max(0.8, chance.normal(AVERTED, AVERTED_SPREAD)) / max(often, 0.25)
        stays = max(0.3, chance.normal(AWAY, AWAY_SPREAD))
        begin, end = round(t * RATE_OF_CURVES), round((t + stays) * RATE_OF_CURVES)
        if end >= len(dial):
            return found
        if often > 0 and not any(stop - BACK * RATE_OF_CURVES < end and begin < stop for stop in last):
            found.append((begin, end))
        t += stays


def blinks(speaking: NDArray[np.bool_], shifts: list[int], dial: Doubles, chance: np.random.Generator) -> Doubles:
    """[N] how far the eyes are shut, 0 to 1. shifts: moments at which the gaze does."""
    moments = len(speaking)
    shut = np.zeros(moments)
    magnets = np.array(sorted({*shifts, *pauses_of(speaking)}), np.float64) / RATE_OF_CURVES
    t, last = 0.0, -CLOSEST
    while t * RATE_OF_CURVES < moments:
        i = min(int(t * RATE_OF_CURVES), moments - 1)
        often = float(dial[i])
        mean = TALKING if speaking[i] else RESTING
        interval = float(np.exp(chance.normal(np.log(mean) - SPREAD**2 / 2, SPREAD)))
        amount = 1.0 if chance.random() < WHOLE else float(chance.uniform(*PARTLY))
        drawn = chance.random() < DRAWN_OFTEN
        if often < 0.05:
            t += 0.5
            continue
        t += interval / often
        at = t
        if drawn and len(magnets):
            nearest = float(magnets[np.argmin(np.abs(magnets - t))])
            at = nearest if abs(nearest - t) < DRAWN else t
        if at - last >= CLOSEST:
            _shut(shut, at, amount)
            last = at
    return shut


def _shut(shut: Doubles, at: float, amount: float) -> None:
    """Add a blink that begins at `at` seconds."""
    begin = int(at * RATE_OF_CURVES)
    end = min(len(shut), begin + round((CLOSING + OPENING) * RATE_OF_CURVES) + 1)
    if begin >= end:
        return
    since = np.arange(begin, end) / RATE_OF_CURVES - at
    part = np.where(since < CLOSING, since / CLOSING, 1.0 - (since - CLOSING) / OPENING)
    part = np.clip(part, 0.0, 1.0)
    shut[begin:end] = np.maximum(shut[begin:end], amount * part * part * (3 - 2 * part))


def eye_weights(direction: Doubles) -> dict[str, Doubles]:
    """ARKit's weights [N] for both eyes that look in a direction [N, 2], in degrees from the head's own: to the picture's
    right, and up."""
    right, left = np.maximum(direction[:, 0], 0.0) / ACROSS, np.maximum(-direction[:, 0], 0.0) / ACROSS
    up, down = np.maximum(direction[:, 1], 0.0) / UP, np.maximum(-direction[:, 1], 0.0) / DOWN
    found = {"eyeLookOutLeft": right, "eyeLookInRight": right, "eyeLookOutRight": left, "eyeLookInLeft": left}
    found |= {f"eyeLook{way}{side}": value for side in ("Left", "Right") for way, value in (("Up", up), ("Down", down))}
    return {name: np.clip(value, 0.0, 1.0) for name, value in found.items()}


ACROSS, UP, DOWN = 29.0, 29.0, 25.0
"""Degrees that the face model's pupils turn by at a weight of 1."""
