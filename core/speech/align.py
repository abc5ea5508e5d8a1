# SPDX-License-Identifier: GPL-3.0-or-later
"""When each phone of known words is spoken: the most probable way through blanks and phones (CTC; Graves et al. 2006)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..arrays import Floats
from ..performance import Phone
from .posteriors import BLANK, STEP, TOKENS, WORD_END, Posteriors
from .visemes import VOWELS, class_of, letters_of, likeness_of

FLOOR = 1e-5
"""Chance of whatever was not heard."""
BEAM = 1200
"""States of the way that are kept beside the best one, which is far more than speech can get ahead or fall behind."""
LEAD = 0.06
"""Seconds: the network speaks up so long after a phone began."""
LONGEST_VOWEL, LONGEST_CONSONANT = 0.35, 0.2
"""Seconds: a phone that nothing follows ends then."""
SHORTEST = 0.03
UNHEARD = 1e-3
"""Chance below which a phone is as good as none."""


class Aligned(NamedTuple):
    """Phones in time."""

    phones: tuple[Phone, ...]
    sure: float
    """their mean chance, 0 to 1, where they were put: the geometric mean where the words were known"""


def align(posteriors: Posteriors, symbols: Sequence[str], loud: NDArray[np.bool_]) -> Aligned:
    """Put `symbols`, a letter each, into the sound that was heard. loud: [T] where the moments are no pause."""
    kinds = sorted({letters_of(symbol)[0] for symbol in symbols})
    heard = posteriors.chances @ np.array([[likeness_of(kind, token) for kind in kinds] for token in TOKENS], np.float32)
    which = np.array([kinds.index(letters_of(symbol)[0]) for symbol in symbols])
    nothing = posteriors.chances[:, [WORD_END, BLANK]].sum(axis=1)
    spikes = _spikes(np.log(np.maximum(heard, FLOOR)), np.log(np.maximum(nothing, FLOOR)), which)
    sure = np.exp(np.log(np.maximum(heard[spikes, which], UNHEARD)).mean())
    return Aligned(timed(symbols, spikes, loud), float(sure))


def timed(symbols: Sequence[str], spikes: NDArray[np.intp], loud: NDArray[np.bool_]) -> tuple[Phone, ...]:
    """Phones that the network heard at `spikes` [N] (moments, rising): each until the next, but not far into a pause."""
    starts = np.maximum(spikes * STEP - LEAD, 0.0)
    for i in range(1, len(starts)):
        starts[i] = max(starts[i], starts[i - 1] + SHORTEST)
    quiet = np.append(np.where(loud, len(loud), np.arange(len(loud))), len(loud))
    following = np.minimum.accumulate(quiet[::-1])[::-1]
    phones = []
    for i, (symbol, start) in enumerate(zip(symbols, starts.tolist(), strict=True)):
        last = i + 1 == len(symbols)
        end = len(loud) * STEP if last else float(starts[i + 1])
        longest = LONGEST_VOWEL if class_of(letters_of(symbol)[0]) in VOWELS else LONGEST_CONSONANT
        pause = float(following[min(int(spikes[i]) + 1, len(loud))]) * STEP
        end = max(min(end, pause), min(end, start + SHORTEST))
        if end > start + longest:
            end = start + longest if last or pause > end else min(end, start + 2 * longest)
        phones.append(Phone(symbol, start, max(end, start + SHORTEST)))
    return tuple(phones)


def _spikes(heard: Floats, nothing: Floats, which: NDArray[np.intp]) -> NDArray[np.intp]:
    """[N] the moment at which each phone is surest, on the best way. heard: [T, K] logarithms of the chances of each kind;
    nothing: [T] of no phone; which: [N] each phone's kind. Only states near the best one so far are looked at."""
    moments, states = len(heard), 2 * len(which) + 1
    width = min(states, 2 * BEAM)
    kind = np.full(states, -1)
    kind[1::2] = which
    may_skip = np.zeros(states, bool)
    may_skip[3::2] = which[1:] != which[:-1]
    columns = np.column_stack([heard, nothing])  # the last column, -1, is that of blanks
    best = np.full(states, -np.inf, np.float32)
    best[0], best[1] = columns[0, -1], columns[0, kind[1]]
    steps = np.zeros((moments, width), np.int8)
    lows = np.zeros(moments, np.intp)
    low = 0
    for t in range(1, moments):
        lowest_end = states - 2 * (moments - t) - 1  # states before it can no longer reach the end
        centre = low + int(np.argmax(best[low : low + width]))
        low = int(np.clip(max(centre - width // 2, min(lowest_end - 1, states - width), low), 0, states - width))
        high = low + width
        stay = best[low:high]
        one = best[max(low - 1, 0) : high - 1] if low else np.concatenate([[-np.inf], best[: high - 1]])
        two = best[low - 2 : high - 2] if low > 1 else np.concatenate([np.full(2 - low, -np.inf), best[: high - 2]])
        two = np.where(may_skip[low:high], two, -np.inf)
        step = (one > stay).astype(np.int8)
        reached = np.maximum(stay, one)
        step[two > reached] = 2
        fresh = np.maximum(reached, two) + columns[t, kind[low:high]]
        best[:] = -np.inf if t == 1 or low != lows[t - 1] else best
        best[low:high] = fresh
        steps[t], lows[t] = step, low
    return _surest(heard, which, steps, lows, best)


def _surest(
    heard: Floats, which: NDArray[np.intp], steps: NDArray[np.int8], lows: NDArray[np.intp], best: Floats
) -> NDArray[np.intp]:
    """The way back from the better of the last two states; of each phone's moments on it the surest."""
    state = len(best) - 1 if best[-1] >= best[-2] else len(best) - 2
    spikes, values = np.zeros(len(which), np.intp), np.full(len(which), -np.inf)
    for t in range(len(heard) - 1, -1, -1):
        phone = state // 2
        if state % 2 and heard[t, which[phone]] >= values[phone]:
            spikes[phone], values[phone] = t, heard[t, which[phone]]
        if t:
            state -= int(steps[t, np.clip(state - lows[t], 0, steps.shape[1] - 1)])
    return np.maximum.accumulate(spikes)
