# SPDX-License-Identifier: GPL-3.0-or-later
"""The watermark of a take is put into the frames that are shared, where they show the head."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from ..arrays import Picture
from ..errors import MissingPackageError, MissingWeightsError
from ..landmarks.detectors import Detector, open_detector
from ..progress import Reporter
from .heads import SharedFrame, located
from .watermark import Marker

DETECTOR = "mediapipe"


class Marking:
    """Marks the frames of a take."""

    def __init__(self, number: int, strength: float, detector: Detector) -> None:
        self.detector = detector
        self.heard = 0
        """frames with a mark that can be heard"""
        self.unheard: list[Path] = []
        self._marker = Marker(number, strength)

    def marked(self, frames: Iterable[SharedFrame]) -> Iterator[Picture]:
        """The frames' pictures, in their order, with the mark where they show the head."""
        for frame, head in located(frames, self.detector):
            if head.square is None:
                if head.extent[2]:
                    self.unheard.append(frame.path)
                yield frame.picture
                continue
            made = self._marker(frame.picture, frame.matte, head.square)
            if made.is_heard:
                self.heard += 1
            else:
                self.unheard.append(frame.path)
            yield made.picture


@contextmanager
def stamping(number: int, strength: float, reporter: Reporter) -> Iterator[Marking | None]:
    """Gives what marks frames with `number`; None where nothing is to be marked, or a note says why
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
