"""How a take stands, by its manifest: read again only when something was written."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ..core.errors import HeadcastError
from ..core.take import FramePattern, read_manifest


@dataclass(frozen=True)
class TakeState:
    """What the manifest says of the frames, and the folder."""

    frames: NDArray[np.int64]
    """[F] numbers, in order"""
    done: NDArray[np.bool_]
    """[F] False where the file is gone"""
    flagged: NDArray[np.bool_]
    """[F] True where the quality gate has something to say"""
    reasons: dict[int, str]
    """What it says, by the frame's number"""


def take_state(output: str) -> TakeState | None:
    """Of the take whose frames are at `output`, an absolute path; None where nothing was rendered yet."""
    try:
        pattern = FramePattern.parse(output)
        changed = tuple(path.stat().st_mtime_ns for path in (pattern.manifest, pattern.folder))
    except (HeadcastError, OSError):
        return None
    return _read(pattern, changed)


@lru_cache(maxsize=4)
def _read(pattern: FramePattern, changed: tuple[int, ...]) -> TakeState:
    """Once for each time that the manifest or the folder changed."""
    known = dict(sorted(read_manifest(pattern).items()))
    there = {path.name for path in pattern.folder.iterdir()}
    reasons = {frame: " ".join(record["flagged"].values()) for frame, record in known.items() if record.get("flagged")}
    return TakeState(
        np.array(list(known), np.int64),
        np.array([pattern.path(frame).name in there for frame in known], bool),
        np.array([frame in reasons for frame in known], bool),
        reasons,
    )
