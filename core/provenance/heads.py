# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the head of a take is in each of the frames that are shared, one after the other.

Faces are looked for in every sixth frame. Between two of them the head's square moves evenly, which is calmer than what a
detector says, too. Where the head's matte does not move evenly (a cut, a quick turn), faces are looked for in each frame.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..arrays import Doubles, Floats, Picture, Points
from ..imaging.crop import head_crops
from ..landmarks.detectors import Detector, Face

EVERY = 6
"""Frames from one in which faces are looked for to the next."""
UNEVEN = 0.02
"""Sides of the head's square: how far a matte's middle, and its size, may be from where even movement has them."""
COARSE = 4
"""Of the matte every fourth pixel tells where it is."""
IN_HEAD = 0.5
"""The part of a face that is in the head's matte where the face is the head's and not somebody's in the plate."""


class SharedFrame(NamedTuple):
    """A frame that is shared."""

    path: Path
    picture: Picture
    matte: Floats
    """[H, W] where the head is, 0 to 1"""


class LocatedHead(NamedTuple):
    """Where the head of a frame is."""

    square: Doubles | None
    """[3] round the head; None where no face is found in the matte"""
    extent: Doubles
    """[3] of the matte: its middle, and the side of a square as large as it is, which is 0 where there is none"""


def head_square(landmarks: Points) -> Doubles:
    """[3] the square crop round the head of a picture by its landmarks [70, 2]; the same in each copy of the picture."""
    return np.asarray(head_crops(landmarks[None], np.array([True]), rate=1.0)[0])


def located(frames: Iterable[SharedFrame], detector: Detector) -> Iterator[tuple[SharedFrame, LocatedHead]]:
    """Each frame, and where its head is."""
    before: LocatedHead | None = None
    for some in _groups(frames):
        last = _looked_for(some[-1], detector)
        for i, frame in enumerate(some[:-1], 1):
            yield frame, _between(before, last, i / len(some), frame) or _looked_for(frame, detector)
        yield some[-1], last
        before = last


def _groups(frames: Iterable[SharedFrame]) -> Iterator[list[SharedFrame]]:
    """The first frame, and then as many at a time as lie between two that are looked at."""
    some: list[SharedFrame] = []
    for i, frame in enumerate(frames):
        some.append(frame)
        if i % EVERY == 0:
            yield some
            some = []
    if some:
        yield some


def _looked_for(frame: SharedFrame, detector: Detector) -> LocatedHead:
    extent = _extent(frame.matte)
    face = _of_head(detector.detect(frame.picture), frame.matte) if extent[2] else None
    return LocatedHead(None if face is None else head_square(face.landmarks), extent)


def _between(before: LocatedHead | None, after: LocatedHead, part: float, frame: SharedFrame) -> LocatedHead | None:
    """The head of a frame that is that part of the way from one to another; None where it does not move evenly."""
    if before is None or before.square is None or after.square is None:
        return None
    square, extent = (a + part * (b - a) for a, b in ((before.square, after.square), (before.extent, after.extent)))
    found = _extent(frame.matte)
    return LocatedHead(square, found) if np.abs(found - extent).max() <= UNEVEN * square[2] else None


def _extent(matte: Floats) -> Doubles:
    coarse = matte[::COARSE, ::COARSE]
    area = float(coarse.sum())
    if not area:
        return np.zeros(3)
    down, across = (coarse.sum(axis=axis) @ np.arange(coarse.shape[1 - axis]) / area for axis in (1, 0))
    return np.array([across, down, np.sqrt(area)]) * float(COARSE)


def _of_head(faces: Sequence[Face], matte: Floats) -> Face | None:
    """The face that is in the matte [H, W], if any is."""
    height, width = matte.shape
    for face in faces:
        across, down = np.rint(face.landmarks).astype(int).T
        inside = matte[np.clip(down, 0, height - 1), np.clip(across, 0, width - 1)]
        if np.mean(inside > IN_HEAD) > IN_HEAD:
            return face
    return None
