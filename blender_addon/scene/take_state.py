# SPDX-License-Identifier: GPL-3.0-or-later
"""How a take stands, by its manifest. What was appended since the last look alone is read: a panel looks at each redraw."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ..core.errors import SettingError
from ..core.take import FramePattern, Record, frames_among, of_run, read_records, run_among


@dataclass(frozen=True)
class TakeState:
    """The frames by their manifest, and the folder."""

    frames: NDArray[np.int64]
    """[F] numbers, in order"""
    done: NDArray[np.bool_]
    """[F] False where the file is gone"""
    unseen: NDArray[np.bool_]
    """[F] True where the performance shows no face: the frame is empty"""
    flagged: NDArray[np.bool_]
    """[F] True where the quality gate has something to say"""
    reasons: dict[int, str]
    """The records by the frame's number"""


def take_state(output: str) -> TakeState | None:
    """The state of the take whose frames are at `output`, an absolute path; None if nothing was rendered yet."""
    try:
        return _watched(FramePattern.parse(output)).look()
    except (SettingError, OSError):
        return None


class FollowedTake:
    """A take that is looked at again and again."""

    def __init__(self, pattern: FramePattern) -> None:
        self._pattern = pattern
        self._file, self._end = 0, 0
        self._known: dict[int, Record] = {}
        self._run: Record = {}
        self._changed: tuple[int, int] | None = None
        self._state: TakeState | None = None

    def look(self) -> TakeState | None:
        """The same state until the manifest or the folder changes. Raises OSError where there is none."""
        manifest, folder = self._pattern.manifest.stat(), self._pattern.folder.stat()
        changed = (manifest.st_mtime_ns, folder.st_mtime_ns)
        if changed != self._changed:
            if manifest.st_ino != self._file or manifest.st_size < self._end:
                self._file, self._end, self._known, self._run = manifest.st_ino, 0, {}, {}
            records, self._end = read_records(self._pattern.manifest, self._end)
            self._known |= frames_among(records)
            self._run = run_among(records) or self._run
            self._state, self._changed = self._sum_up(), changed
        return self._state

    def _sum_up(self) -> TakeState:
        known = dict(sorted(of_run(self._run, self._known).items()))
        there = {entry.name for entry in os.scandir(self._pattern.folder)}
        reasons = {frame: " ".join(record["flagged"].values()) for frame, record in known.items() if record.get("flagged")}
        return TakeState(
            np.array(list(known), np.int64),
            np.array([record["file"] in there for record in known.values()], bool),
            np.array([record.get("face") == "no" for record in known.values()], bool),
            np.array([frame in reasons for frame in known], bool),
            reasons,
        )


@lru_cache(maxsize=4)
def _watched(pattern: FramePattern) -> FollowedTake:
    """One for each take, that remembers what it read."""
    return FollowedTake(pattern)
