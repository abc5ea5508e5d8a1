# SPDX-License-Identifier: GPL-3.0-or-later
"""The watermark of a take is put into the frames that are shared, where they show the head."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np

from ..arrays import Doubles, Floats, Picture
from ..errors import MissingPackageError, MissingWeightsError
from ..imaging import exr
from ..landmarks.detectors import Detector, Face, open_detector
from ..progress import Reporter
from .watermark import head_square, marked

DETECTOR = "mediapipe"
IN_HEAD = 0.5
"""The part of a face that is in the head's matte where the face is the head's and not somebody's in the plate."""


class Marking:
    """Marks one frame after the other."""

    def __init__(self, number: int, strength: float, detector: Detector) -> None:
        self.number, self.strength, self.detector = number, strength, detector
        self.heard = 0
        """frames with a mark that can be heard"""
        self.unheard: list[Path] = []
        self._place: Doubles | None = None

    def __call__(self, path: Path, picture: Picture) -> Picture:
        """The picture that is shown of a frame's file, with the mark where it shows the head."""
        matte = exr.read_head(path)[..., 3]
        if not matte.any():
            return picture
        face = _of_head(self.detector.detect(picture), matte)
        if face is None:
            self.unheard.append(path)
            return picture
        square = head_square(face.landmarks)
        made = marked(picture, np.clip(matte, 0.0, 1.0), square, self.number, self.strength, self._place)
        self._place = made.place
        if made.is_heard:
            self.heard += 1
        else:
            self.unheard.append(path)
        return made.picture


@contextmanager
def stamping(number: int, strength: float, reporter: Reporter) -> Iterator[Marking | None]:
    """Gives what marks one frame after the other with `number`; None where nothing is to be marked, or a note says why
    nothing can be. At the end a note says how many heads have no mark."""
    detector = _ready(reporter) if strength else None
    if detector is None:
        yield None
        return
    stamp = Marking(number, strength, detector)
    with closing(detector):
        yield stamp
    if stamp.unheard:
        reporter.note(
            f"No watermark is in {len(stamp.unheard)} frames, where the head is not found, too small or hardly there: "
            f"{stamp.unheard[0].name} is one"
        )


def _ready(reporter: Reporter) -> Detector | None:
    try:
        return open_detector(DETECTOR)
    except (MissingPackageError, MissingWeightsError) as error:
        reporter.note(f"No watermark is put in: {error}")
        return None


def _of_head(faces: Sequence[Face], matte: Floats) -> Face | None:
    """The face that is in the matte [H, W], if any is."""
    height, width = matte.shape
    for face in faces:
        across, down = np.rint(face.landmarks).astype(int).T
        inside = matte[np.clip(down, 0, height - 1), np.clip(across, 0, width - 1)]
        if np.mean(inside > IN_HEAD) > IN_HEAD:
            return face
    return None
