# SPDX-License-Identifier: GPL-3.0-or-later
"""Retries where a painted frame is not good enough.

A better score is not yet a better picture. Of eight frames on eleven clips that were flagged and whose truth is known, two
retries came nearer to it, two went farther off, and four found nothing better and stay flagged. An earlier rule, which went
by the worst score alone, passed those four by making them flicker. So the report lists what was retried, to be looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from math import isnan
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..arrays import Floats
from ..imaging.face_area import Portrait
from ..judging.gate import FrameScores, Gate, Verdict, judge
from ..landmarks.similarity import nearest_first
from ..painting.player import Head
from ..painting.role import Role
from ..settings import GateSettings
from .ahead import Ahead

Indices = NDArray[np.intp]


class Attempt(NamedTuple):
    """How a frame is painted."""

    name: str
    neighbour: int = 0
    """-1 or 1: from the photos that are nearest to the frame before or after"""
    skip: int = 0
    """of the nearest photos"""
    times: int = 1
    """as many photos as were asked for"""
    smooth: bool = False
    """the landmarks are the mean of the frame's and its neighbours'"""


ATTEMPTS = (
    Attempt("as asked"),
    Attempt("photos of the frame before", neighbour=-1),
    Attempt("photos of the frame after", neighbour=1),
    Attempt("twice the photos", times=2),
    Attempt("without the nearest photo", skip=1),
    Attempt("landmarks smoothed", smooth=True),
    Attempt("landmarks smoothed, twice the photos", times=2, smooth=True),
)
"""In the order in which they are made: what changes least comes first."""
DOZEN = 12
"""Frames that were painted again for nothing, one after the other, after which it is left."""
LOOK_ASIDE = frozenset(attempt.name for attempt in ATTEMPTS if attempt.neighbour or attempt.smooth)
"""Names of those that are painted from the frames before and after, too."""


class GatedFrame(NamedTuple):
    """A frame, and what it is worth."""

    head: Head
    scores: FrameScores
    verdict: Verdict
    attempt: str
    """the name of the one that it came of"""
    tries: int

    def facts(self) -> dict[str, object]:
        """The record for the manifest; scores that were not measured are left out."""
        scores = asdict(self.scores)
        del scores["lost"]
        return {
            "scores": {name: round(value, 4) for name, value in scores.items() if not isnan(value)},
            "flagged": dict(self.verdict.reasons),
            "attempt": self.attempt,
            "tries": self.tries,
        }


class CarefulPlayer:
    """Plays a performance frame by frame, looks at each frame, and paints it again where it is not good enough.

    A frame is held against its neighbours as they are painted at the first attempt, so it is the same whoever paints it and
    in whatever order; in the order of time each is painted once.
    """

    def __init__(self, role: Role, first: Ahead, frames: NDArray[np.int32], gate: Gate, limits: GateSettings) -> None:
        """first: the first attempts; frames: [F] their numbers, rising."""
        self._role, self._first, self._gate, self._limits = role, first, gate, limits
        self._player, self._wanted, self._frames = role.player, role.wanted, frames
        self._in_vain = 0

    @property
    def is_hopeless(self) -> bool:
        """Whether the last dozen of frames that were painted again got no better by it: none is any more."""
        return self._in_vain >= DOZEN

    def paint(self, i: int) -> GatedFrame:
        """Frame `i`, which has a face: the first attempt that passes and is better over all scores, or else the best."""
        best: GatedFrame | None = None
        most = 1 if self.is_hopeless else self._limits.tries
        for tries, (attempt, landmarks, sources) in enumerate(self._attempts(i), start=1):
            head = self._first[i] if attempt == ATTEMPTS[0] else self._role.paint(i, landmarks, sources)
            scores = self._gate.score(
                self._gate.portrait(head.picture, self._wanted[i]), self._neighbour(i, -1), self._neighbour(i, 1)
            )
            verdict = judge(scores, self._limits)
            # A frame that passes only because it trades one defect for others is no better.
            if best is None or verdict.total < best.verdict.total:
                best = GatedFrame(head, scores, verdict, attempt.name, tries)
            best = best._replace(tries=tries)
            if best.verdict.passed or tries == most:
                break
        assert best
        if best.tries > 1:
            self._in_vain = self._in_vain + 1 if best.attempt == ATTEMPTS[0].name else 0
        return best

    def _attempts(self, i: int) -> Iterator[tuple[Attempt, Floats, Indices]]:
        """The attempts at frame `i` that differ, with their landmarks [70, 2] and the numbers of their photos."""
        made = set()
        for attempt in ATTEMPTS:
            beside = [j for j in (i - 1, i, i + 1) if self._is_neighbour(i, j)]
            like = i + attempt.neighbour if i + attempt.neighbour in beside else i
            order = nearest_first(self._wanted[like], self._player.landmarks)
            skip = min(attempt.skip, len(order) - 1)
            sources = order[skip : skip + self._player.photos * attempt.times]
            key = (frozenset(sources.tolist()), attempt.smooth and len(beside) > 1)
            if key not in made:
                made.add(key)
                yield attempt, self._wanted[beside].mean(axis=0) if attempt.smooth else self._wanted[i], sources

    def _is_neighbour(self, i: int, j: int) -> bool:
        """True where `j` is a frame with a face no more than one frame away."""
        return (
            0 <= j < len(self._frames) and bool(self._role.seen[j]) and abs(int(self._frames[j]) - int(self._frames[i])) <= 1
        )

    def _neighbour(self, i: int, step: int) -> Portrait | None:
        if not self._is_neighbour(i, i + step):
            return None
        return self._gate.portrait(self._first[i + step].picture, self._wanted[i + step])
