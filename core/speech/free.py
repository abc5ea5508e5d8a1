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

CLOSED, UNHEARD = 0.12, 0.1
"""Share of p, b and m in the chance of any phone, to which UNHEARD is added, from which the lips close: the network is the
less sure of all phones the stranger the voice is to it. Chosen on espeak-ng's voice in five languages; from .08 to .15 it
finds about as many."""
NEAR = 3
"""Moments within which two closures are one."""
LEAST, LEAST_SECONDS = 0.3, 4.0
"""Phones a second of sound, of so many seconds at least: of fewer nobody speaks. People say ten, of which two are heard in
a strange voice; music is taken for one now and then."""
LIPS = "PBM"


def guess(posteriors: Posteriors, loud: NDArray[np.bool_]) -> Aligned:
    """The phones that were heard, none where nobody speaks. loud: [T] where the moments are no pause."""
    chances = posteriors.chances
    spoken = np.array([bool(letters_of(token)) for token in TOKENS[:WORD_END]] + [False, False])
    surest = chances.argmax(axis=1)
    found: list[tuple[int, str]] = []
    before = BLANK
    for t, token in enumerate(surest.tolist()):
        if spoken[token] and token != before:
            found.append((t, TOKENS[token]))
        before = token
    if len(found) < LEAST * max(float(loud.sum()) * STEP, LEAST_SECONDS):
        return Aligned((), 0.0)
    closed = {t for t, token in found if class_of(letters_of(token)[0]) == LIPS}
    for t, letter in _closures(chances):
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


def _closures(chances: Floats) -> list[tuple[int, str]]:
    """Where p, b and m together are at a peak above CLOSED, and which of them is the likeliest."""
    columns = [i for i, token in enumerate(TOKENS) if letters_of(token)[:1] and class_of(letters_of(token)[0]) == LIPS]
    any_phone = 1.0 - chances[:, [WORD_END, BLANK]].sum(axis=1)
    together = chances[:, columns].sum(axis=1) / (any_phone + UNHEARD)
    padded = np.pad(together, 1)
    peaks = np.flatnonzero((together > CLOSED) & (together >= padded[:-2]) & (together > padded[2:]))
    kept: list[int] = []
    for t in sorted(peaks.tolist(), key=lambda t: -together[t]):
        if all(abs(t - other) > NEAR for other in kept):
            kept.append(t)
    likely = chances[:, columns].argmax(axis=1)
    return [(t, letters_of(TOKENS[columns[int(likely[t])]])[0]) for t in sorted(kept)]
