# SPDX-License-Identifier: GPL-3.0-or-later
"""How a long job tells what it does, and learns that it is to stop."""

from __future__ import annotations

import math
import statistics
import time
from itertools import pairwise
from typing import Protocol


class Reporter(Protocol):
    """Given to every road function. Either call may raise CancelledError, which ends the job in good order."""

    def step(self, what: str, done: int, total: int) -> None:
        """`done` of `total` pieces of `what` are finished."""

    def note(self, text: str) -> None:
        """Something that the user should know, such as a second face that was passed over."""


class Silent:
    """Tells nobody."""

    def step(self, what: str, done: int, total: int) -> None:
        pass

    def note(self, text: str) -> None:
        pass


class Stopwatch:
    """Takes the time between steps."""

    def __init__(self) -> None:
        self._times: list[float] = []

    def step(self, what: str, done: int, total: int) -> None:
        self._times.append(time.perf_counter())

    def note(self, text: str) -> None:
        pass

    def seconds(self, warm_up: int = 0) -> float:
        """Median of a step, the first `warm_up` left out; not a number where there are no more."""
        found = [after - before for before, after in pairwise(self._times)][warm_up:]
        return statistics.median(found) if found else math.nan
