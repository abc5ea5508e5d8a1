# SPDX-License-Identifier: GPL-3.0-or-later
"""The phones of a sound of which nobody knows the words: what the network heard, and where it heard the lips close.

The network takes p, b and m for one another; together they are surer than each alone.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..arrays import Floats
from .align import Aligned, timed
from .posteriors import BLANK, STEP, TOKENS, WORD_END, Posteriors
from .visemes import class_of, letters_of

CLOSED = 0.115
"""Chance that the lips close from which they do: the network is the less sure of all phones the stranger the voice is to it.
Chosen on espeak-ng's voice in five languages."""
USUAL, TRUST = 0.1, 0.5
"""Share of p, b and m among phones for which that holds. Of a line that has fewer, the same sound is taken for one less
readily, and of one that has more, more readily: odds change by the ratio to the power of TRUST, as that share is itself no
more than heard."""
UNHEARD = 0.1
"""Chance of any phone that is added to all of them where p, b and m have their share."""
NEAR = 3
"""Moments within which two closures are one."""
LEAST, LEAST_SECONDS = 0.3, 4.0
"""Phones a second of sound, of so many seconds at least: of fewer nobody speaks. People say ten, of which two are heard in
a strange voice; music is taken for one now and then."""
LIPS = "PBM"
CLOSING = [i for i, token in enumerate(TOKENS) if letters_of(token)[:1] and class_of(letters_of(token)[0]) == LIPS]
"""Tokens that close the lips."""
ABOUT = 2
"""Moments before and after one in which the network may be surest of it."""


def guess(posteriors: Posteriors, loud: NDArray[np.bool_]) -> Aligned:
    """The phones that were heard, none where nobody speaks. loud: [T] where the moments are no pause."""
    chances = posteriors.chances
    spoken = np.array([bool(letters_of(token)) for token in TOKENS[:WORD_END]] + [False, False])
    meeting = _meeting(chances)
    surest = _surest(chances, spoken, meeting)
    found: list[tuple[int, str]] = []
    before = BLANK
    for t, token in enumerate(surest.tolist()):
        if spoken[token] and token != before:
            found.append((t, TOKENS[token]))
        before = token
    if len(found) < LEAST * max(float(loud.sum()) * STEP, LEAST_SECONDS):
        return Aligned((), 0.0)
    closed = {t for t, token in found if class_of(letters_of(token)[0]) == LIPS}
    for t, letter in _closures(chances, meeting):
        if all(abs(t - other) > NEAR for other in closed):
            found.append((t, letter))
    found.sort()
    symbols, spikes = [], []
    for t, token in found:
        for i, letter in enumerate(letters_of(token)):
            symbols.append(letter)
            spikes.append(t + 2 * i)
    sure = float(np.mean([chances[max(t - 1, 0) : t + 2].max(axis=0)[spoken].max() for t, _ in found]))
    return Aligned(timed(symbols, np.maximum.accumulate(np.array(spikes)), loud), sure)


def _meeting(chances: Floats) -> Floats:
    """[T] the chance that the lips close at a moment, where p, b and m are as frequent as they seem to be in this sound."""
    any_phone, together = 1.0 - chances[:, [WORD_END, BLANK]].sum(axis=1), chances[:, CLOSING].sum(axis=1)
    often = float(together.sum()) / max(float(any_phone.sum()), UNHEARD)
    share = together / (any_phone + UNHEARD)
    odds = share / (1.0 - share) * (often / USUAL) ** TRUST
    return np.asarray(odds / (1.0 + odds), np.float32)


def _surest(chances: Floats, spoken: NDArray[np.bool_], meeting: Floats) -> NDArray[np.intp]:
    """[T] the likeliest token of each moment; where it is p, b or m, but the lips close nowhere near, the next phone."""
    surest = chances.argmax(axis=1)
    near = np.lib.stride_tricks.sliding_window_view(np.pad(meeting, ABOUT), 2 * ABOUT + 1).max(axis=1)
    others = spoken.copy()
    others[CLOSING] = False
    doubted = np.isin(surest, CLOSING) & (near <= CLOSED)
    surest[doubted] = np.where(others, chances[doubted], 0.0).argmax(axis=1)
    return surest


def _closures(chances: Floats, meeting: Floats) -> list[tuple[int, str]]:
    """Where the lips close most likely, above CLOSED, and which of p, b and m it is."""
    padded = np.pad(meeting, 1)
    peaks = np.flatnonzero((meeting > CLOSED) & (meeting >= padded[:-2]) & (meeting > padded[2:]))
    kept: list[int] = []
    for t in sorted(peaks.tolist(), key=lambda t: -meeting[t]):
        if all(abs(t - other) > NEAR for other in kept):
            kept.append(t)
    likely = chances[:, CLOSING].argmax(axis=1)
    return [(t, letters_of(TOKENS[CLOSING[int(likely[t])]])[0]) for t in sorted(kept)]
