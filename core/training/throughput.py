# SPDX-License-Identifier: GPL-3.0-or-later
"""How fast a run is, against what the machine can do at best, and how long it waits for data."""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch.utils.flop_counter import FlopCounterMode

from .course import Learner

ROUNDS = 3


def _synchronize(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def matmul_ceiling(device: torch.device, dtype: torch.dtype) -> float:
    """FLOP/s of one large matrix product, the best of a few: nothing that a network does is faster."""
    side = 8192 if device.type == "cuda" else 2048
    matrix = torch.randn(side, side, device=device).to(dtype)
    seconds = []
    for _ in range(1 + ROUNDS):  # the first one warms up
        _synchronize(device)
        start = time.perf_counter()
        matrix @ matrix
        _synchronize(device)
        seconds.append(time.perf_counter() - start)
    return 2 * side**3 / min(seconds[1:])


class Speed(NamedTuple):
    """Since the last time that it was read."""

    samples: float
    """a second, over all processes"""
    flops: float
    """FLOP/s of this process: convolutions and matrix products"""
    share: float
    """of the matmul ceiling, 0 to 1"""
    waited: float
    """part of the time spent waiting for data, 0 to 1"""


class Meter:
    """Counts what a run does."""

    def __init__(self, device: torch.device, dtype: torch.dtype, batch: int) -> None:
        """batch: items of a step, over all processes."""
        self.device, self.batch = device, batch
        self.ceiling = matmul_ceiling(device, dtype)
        self._cost: dict[tuple[int, bool], float] = {}
        self._restart()

    def _restart(self) -> None:
        self._steps, self._flops, self._waited, self._start = 0, 0.0, 0.0, time.perf_counter()

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Round whatever waits for data."""
        start = time.perf_counter()
        yield
        self._waited += time.perf_counter() - start

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Round what is no training: its time does not count."""
        begun = time.perf_counter()
        yield
        self._start += time.perf_counter() - begun

    def count(self, learner: Learner, batch: Any, adversarial: bool) -> None:
        """A step is about to be taken. Its cost is found out on a copy, the first time that one of its kind comes."""
        kind = (batch.photos.points.shape[1], adversarial)
        if kind not in self._cost:
            with self.aside():
                self._cost[kind] = _cost(copy.deepcopy(learner), batch, adversarial)
        self._steps += 1
        self._flops += self._cost[kind]

    def read(self) -> Speed:
        """The speed so far; counting begins anew."""
        _synchronize(self.device)
        seconds = time.perf_counter() - self._start
        flops = self._flops / seconds
        speed = Speed(self._steps * self.batch / seconds, flops, flops / self.ceiling, self._waited / seconds)
        self._restart()
        return speed


def _cost(learner: Learner, batch: Any, adversarial: bool) -> float:
    with FlopCounterMode(display=False) as counter:
        learner.step(batch, adversarial)
    return float(counter.get_total_flops())
