# SPDX-License-Identifier: GPL-3.0-or-later
"""What skin does between the landmarks, as footage showed it, and grey pictures of the actor to hold photos against.

Needs numpy alone, as a performance does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .reading import Reader

SKIN_STEPS = 1024
"""In half the side of a face's window (`network.closeup`): a tenth of a pixel of the pictures in which skin is measured."""


class References(NamedTuple):
    """R frames, up to three of each shot, with which the others were compared."""

    pictures: NDArray[np.uint8]
    """[R, S, S] the face, grey"""
    landmarks: NDArray[np.float32]
    """[R, 70, 2] in pixels of those"""
    shots: NDArray[np.int32]
    """[R]"""
    off: NDArray[np.int8]
    """[R, 2, G, G] how far off, in the mean, the shot's frames still are in each of them that is bent to them, in
    SKIN_STEPS"""

    def of_shot(self, shot: int) -> References:
        """Those of one shot alone."""
        return References(*(part[self.shots == shot] for part in self))


@dataclass(frozen=True)
class Skin:
    """Of F frames. Where nobody measured it, a performance has none."""

    moves: NDArray[np.int8]
    """[F, 2, G, G] how much farther skin lies than landmarks say, less the mean of the shot: across and down, on a grid over
    the face's window, in SKIN_STEPS; 0 where it was not seen"""
    shots: NDArray[np.int32]
    """[F] the shot of each frame, counted from 0"""
    references: References | None
    """None where no shot shows two faces"""

    def digest(self) -> str:
        """The hash of all of it."""
        parts = [self.moves, self.shots, *(self.references or ())]
        return sha256(b"".join(np.ascontiguousarray(part).tobytes() for part in parts)).hexdigest()

    def arrays(self) -> dict[str, NDArray[Any]]:
        """By the names that `read_skin` looks for."""
        named = {} if self.references is None else self.references._asdict()
        return {
            "skin": self.moves,
            "skin shots": self.shots,
            **{f"reference {name}": part for name, part in named.items()},
        }


def read_skin(reader: Reader, arrays: Mapping[str, NDArray[Any]]) -> Skin | None:
    """What `arrays` hold of it, for F frames. Within `reader.opened`."""
    if "skin" not in arrays:
        return None
    kinds = {
        "skin": (np.int8, ("F", 2, "G", "G")),
        "skin shots": (np.int32, ("F",)),
        "reference pictures": (np.uint8, ("R", "S", "S")),
        "reference landmarks": (np.float32, ("R", 70, 2)),
        "reference shots": (np.int32, ("R",)),
        "reference off": (np.int8, ("R", 2, "G", "G")),
    }
    parts = [reader.array(name, arrays[name], *kind) for name, kind in kinds.items() if name in arrays]
    if len(parts) == 1:  # as it was kept before photos were held against it
        parts.append(np.zeros(len(parts[0]), np.int32))
    reader.ensure(len(parts) in (2, len(kinds)), "of what skin is compared with a part is missing")
    return Skin(parts[0], parts[1], References(*parts[2:]) if parts[2:] else None)
