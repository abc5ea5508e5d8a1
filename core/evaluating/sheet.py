# SPDX-License-Identifier: GPL-3.0-or-later
"""Sheets to look at: the same few frames by every method, whole, then their mouths, then their eyes, enlarged."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..arrays import Picture
from ..imaging.preview import contact_sheet, write_png
from .response import openings
from .squares import Squares, find_squares

FRAMES = 6
SIDE = 192
"""Pixels of a picture on the sheet; either eye has half of that."""


class Strip(NamedTuple):
    """A row of the sheet."""

    pictures: Sequence[Picture]
    """[F] of [S, S, 3]"""
    landmarks: NDArray[np.floating]
    """[F, 70, 2] where its mouths and eyes are cut out"""


def write_sheet(path: Path, strips: Sequence[Strip], asked: NDArray[np.floating]) -> None:
    """The same FRAMES frames of every strip, chosen by the `asked` landmarks [F, 70, 2], with close-ups below. Raises
    UnwritableError."""
    chosen = choose_frames(openings(asked))
    wholes = [[strip.pictures[i] for i in chosen] for strip in strips]
    squares = [[find_squares(np.asarray(strip.landmarks[i], np.float32)) for i in chosen] for strip in strips]
    mouths = [
        [square.mouth.cut(picture, SIDE) for picture, square in zip(*row, strict=True)]
        for row in zip(wholes, squares, strict=True)
    ]
    eyes = [
        np.hstack([_eyes(picture, square) for picture, square in zip(*row, strict=True)])
        for row in zip(wholes, squares, strict=True)
    ]
    write_png(path, np.vstack([contact_sheet(wholes, SIDE), contact_sheet(mouths, SIDE), *eyes]))


def choose_frames(gaps: NDArray[np.floating]) -> list[int]:
    """FRAMES numbers of frames, rising, spread over the clip: of each part the frame whose lips are open most and, of every
    second part, least."""
    parts = np.array_split(np.arange(len(gaps)), FRAMES) if len(gaps) > FRAMES else [np.array([i]) for i in range(len(gaps))]
    known = np.nan_to_num(gaps)
    return [int(part[np.argmin(known[part]) if i % 2 else np.argmax(known[part])]) for i, part in enumerate(parts)]


def _eyes(picture: Picture, squares: Squares) -> Picture:
    """[SIDE / 2, SIDE, 3] both, as the picture has them beside one another."""
    return np.hstack([eye.cut(picture, SIDE // 2) for eye in squares.eyes])
