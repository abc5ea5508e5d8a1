# SPDX-License-Identifier: GPL-3.0-or-later
"""How a shot was measured, kept in the take's manifest: frames rendered later look like those that are there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from ..imaging import grain, match
from ..imaging.colour_space import Chromaticities
from ..imaging.transfer import Transfer
from ..take import Record


@dataclass(frozen=True)
class ShotLook:
    """Settings of a shot that are the same for all frames, or smooth over them."""

    transfer: Transfer
    matched: list[match.PlateMatch]
    """for each frame of the performance"""
    grain: grain.Grain
    """what the heads lack of the plate's"""

    def record(self, frames: Sequence[int]) -> Record:
        """As plain values; `frames` are the numbers of the performance's."""
        kept = {name: np.asarray(value).tolist() for name, value in asdict(self.grain).items()}
        rows = [list(map(float, (*m.gain, *m.offset, m.softness, m.support))) for m in self.matched]
        matched = dict(zip(map(str, frames), rows, strict=True))
        return {"gain": float(self.transfer.gain), "white": float(self.transfer.white), "matched": matched, "grain": kept}


def shot_look(record: Record, space: str | Chromaticities, frames: Sequence[int]) -> ShotLook | None:
    """The shot of a record, for the frames of those numbers; one that is new takes after the nearest. None for a record that
    is damaged."""
    try:
        return _look(record, space, frames)
    except (KeyError, ValueError, TypeError, IndexError, AttributeError):
        return None


def _look(record: Record, space: str | Chromaticities, frames: Sequence[int]) -> ShotLook:
    known = np.array(sorted(int(number) for number in record["matched"]))
    matched = []
    for number in frames:
        r, g, b, *rest = record["matched"][str(known[np.abs(known - number).argmin()])]
        matched.append(match.PlateMatch((r, g, b), (rest[0], rest[1], rest[2]), rest[3], rest[4]))
    arrays = {name: np.array(value) for name, value in record["grain"].items() if name != "lasting"}
    lacking = grain.Grain(**arrays, lasting=record["grain"]["lasting"])
    return ShotLook(Transfer(space, record["gain"], record["white"]), matched, lacking)
