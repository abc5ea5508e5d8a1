# SPDX-License-Identifier: GPL-3.0-or-later
"""The heads of a take, painted ahead: while one frame is looked at and written, the next ones are being painted."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor

from ..painting.player import Head
from ..painting.role import Role

AHEAD = 2
"""Frames that are painted before they are asked for."""
BEHIND = 2
"""Frames that are kept: each is held against those beside it."""


class Ahead:
    """Frames of a performance by their place in it. Asked for in the order of time, each is painted once."""

    def __init__(self, role: Role) -> None:
        self._role = role
        self._painted: dict[int, Future[Head]] = {}
        player = role.player
        self._workers = ThreadPoolExecutor(player.at_once, "paint", player.settle_thread)
        self._coming: list[int] = []

    def expect(self, places: Iterable[int]) -> None:
        """These will be asked for: no others are painted ahead."""
        self._coming = sorted(i for i in places if self._role.seen[i])

    def __getitem__(self, i: int) -> Head:
        """Frame number `i`, which has a face."""
        following = bisect_right(self._coming, i)
        near = self._coming[max(following - BEHIND, 0) : following + AHEAD + BEHIND]
        self._painted = {j: head for j, head in self._painted.items() if abs(j - i) <= BEHIND or j in near}
        for j in (i, *self._coming[following : following + AHEAD]):
            if j not in self._painted:
                self._painted[j] = self._workers.submit(self._role.paint, j)
        return self._painted[i].result()

    def close(self) -> None:
        """Paint no more."""
        self._workers.shutdown(cancel_futures=True)
