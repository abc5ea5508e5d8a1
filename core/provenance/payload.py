# SPDX-License-Identifier: GPL-3.0-or-later
"""Eleven bits that are told from sixty-four numbers, however unlike they were heard.

The words are Gold sequences (R. Gold, "Optimal binary sequences for spread spectrum multiplexing", 1967) and their
opposites, with one more bit, twice over: any two differ in 24 of 64 bits at least. There are so few that each is compared
with what was heard, which also makes use of how surely each bit was heard.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from ..arrays import Floats

BITS, TWICE = 11, 2
PERIOD = 31
LENGTH = TWICE * (PERIOD + 1)


class Heard(NamedTuple):
    """The word that is most like what was heard."""

    number: int
    """0 to 2047"""
    likeness: float
    """cosine between what was heard and the word: 1 is all alike, 0 is chance"""
    wrong: int
    """bits of 64 that were heard as their opposites"""


def word_of(number: int) -> Floats:
    """[64] the word that stands for a number from 0 to 2047, of length 1: each bit a positive or a negative number."""
    return words()[number]


def nearest(heard: Floats) -> Heard:
    """The number whose word is most like `heard` [64]."""
    likeness = words() @ heard
    best = int(likeness.argmax())
    wrong = int(np.sum(words()[best] * heard < 0.0))
    return Heard(best, float(likeness[best] / max(float(np.linalg.norm(heard)), 1e-6)), wrong)


@lru_cache(maxsize=1)
def words() -> Floats:
    """[2048, 64] all words."""
    sequence = [0, 0, 0, 0, 1]
    while len(sequence) < PERIOD:  # the recurrence of x^5 + x^2 + 1
        sequence.append(sequence[-5] ^ sequence[-3])
    every = np.array(sequence)
    third = every[np.arange(PERIOD) * 3 % PERIOD]
    shifted = [np.append(np.roll(rows, i), 0) for rows in (every, third) for i in range(5)]
    generator = np.array([np.ones(PERIOD + 1), *shifted], np.float32)
    numbers = ((np.arange(1 << BITS)[:, None] >> np.arange(BITS)) & 1).astype(np.float32)
    signs = 2 * (numbers @ generator % 2) - 1
    return np.asarray(np.tile(signs, (1, TWICE)) / np.sqrt(LENGTH), np.float32)
