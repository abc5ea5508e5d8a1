# SPDX-License-Identifier: GPL-3.0-or-later
"""Frame rates as the fractions that they are: 23.976 is short for 24000/1001, wherever it is written."""

from __future__ import annotations

import math
from fractions import Fraction

NEAR = Fraction(1, 200)
"""Frames per second by which a rate that was written short may be off."""


def exact_rate(rate: float | Fraction) -> Fraction:
    """The rate in frames per second, above 0, that `rate` is short for."""
    written = rate if isinstance(rate, Fraction) else Fraction(rate).limit_denominator(1001)
    broadcast = Fraction(math.ceil(written) * 1000, 1001)
    return broadcast if abs(written - broadcast) < NEAR else written
