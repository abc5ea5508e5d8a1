# SPDX-License-Identifier: GPL-3.0-or-later
"""Eleven bits that are told from thirty-two, of which five may be heard wrong.

The words are Gold sequences (R. Gold, "Optimal binary sequences for spread spectrum multiplexing", 1967) and their
opposites, with one more bit: any two differ in 12 bits at least. There are so few that each is compared with what was heard,
which also makes use of how surely each bit was heard; and so few that what is heard by chance is seldom like one of them.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from ..arrays import Floats

BITS, LENGTH = 11, 32
PERIOD = LENGTH - 1


class Heard(NamedTuple):
    """The word that is most like what was heard."""

    number: int
    """0 to 2047"""
    loudness: float
    """mean of the bits as they were heard, weighted, each with the sign that the word has there"""
    likeness: float
    """cosine between what was heard and the word as it is to be expected: 1 is all alike, 0 is chance"""


def word_of(number: int) -> Floats:
    """[32] the bits, 0 or 1, that stand for a number from 0 to 2047."""
    return np.asarray(_words()[number] > 0, np.float32)


def nearest(heard: Floats, weights: Floats) -> Heard:
    """The number whose word is most like `heard` [32]: above 0 for a bit that is 1, the further the surer.

    weights: [32] how loud each bit is to be expected, 1 in the quadratic mean.
    """
    loudness = _words() @ (heard * weights) / LENGTH
    best = int(loudness.argmax())
    all_of_it = float(np.sqrt(np.mean(heard**2) * np.mean(weights**2)))
    return Heard(best, float(loudness[best]), float(loudness[best]) / max(all_of_it, 1e-6))


@lru_cache(maxsize=1)
def _words() -> Floats:
    """[2048, 32] all words; 1 and -1 for the bits 1 and 0."""
    sequence = [0, 0, 0, 0, 1]
    while len(sequence) < PERIOD:  # the recurrence of x^5 + x^2 + 1
        sequence.append(sequence[-5] ^ sequence[-3])
    every = np.array(sequence)
    third = every[np.arange(PERIOD) * 3 % PERIOD]
    shifted = [np.append(np.roll(rows, i), 0) for rows in (every, third) for i in range(5)]
    generator = np.array([np.ones(LENGTH), *shifted], np.float32)
    numbers = ((np.arange(1 << BITS)[:, None] >> np.arange(BITS)) & 1).astype(np.float32)
    return np.asarray(2 * (numbers @ generator % 2) - 1, np.float32)
