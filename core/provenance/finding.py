# SPDX-License-Identifier: GPL-3.0-or-later
"""The watermark in a picture or a movie, and the take that it is of."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np

from ..arrays import Picture
from ..imaging.names import MOVIE_ENDINGS
from ..imaging.read import open_clip, read_photo
from ..landmarks.detectors import Detector, open_detector
from ..take import ENDING, LIKENESS, SIDECAR, read_records
from .heads import head_square
from .listening import listen
from .payload import BITS, Heard
from .signing import stated_in
from .stamping import DETECTOR
from .watermark import SURE

HEARD_FRAMES = 8
"""Of a movie, those that are listened to."""


def take_number(name: str, likeness: str) -> int:
    """0 to 2047, for a take called `name` (its files without numbers and endings) of a likeness with that hash."""
    return int.from_bytes(hashlib.sha256(f"{name}\n{likeness}".encode()).digest()[:4]) % (1 << BITS)


def in_words(number: int) -> str:
    """A take's number as people read it, such as `3f0`."""
    return f"{number:03x}"


def find_watermark(path: Path) -> Heard | None:
    """The mark in the heads of a picture or a movie; None where none is sure enough.

    Raises MissingPackageError, MissingWeightsError (of the detector of faces), UnreadableImageError, EmptyClipError.
    """
    with closing(open_detector(DETECTOR)) as detector:
        return hear(_pictures(path), detector)


def hear(pictures: Iterable[Picture], detector: Detector) -> Heard | None:
    """The same of pictures: of all heads in all of them the one that is heard most surely."""
    heads = ((picture, face) for picture in pictures for face in detector.detect(picture))
    heard = [listen(picture, head_square(face.landmarks)) for picture, face in heads]
    return max((one for one in heard if one.likeness >= SURE), key=lambda one: one.likeness, default=None)


def takes_with(number: int, folder: Path, deep: bool) -> list[str]:
    """The names of takes in `folder`, or however deep in it, that the number is of; more than one may be."""
    where = "**/*" if deep else "*"
    return sorted({name for name, likeness in _takes(folder, where) if take_number(name, likeness) == number})


def _takes(folder: Path, where: str) -> Iterator[tuple[str, str]]:
    """The name of each take, and the hash of each likeness that it was ever painted from."""
    for manifest in folder.glob(f"{where}{ENDING}"):
        for record in read_records(manifest)[0]:
            if LIKENESS in record:
                yield manifest.name.removesuffix(ENDING), str(record[LIKENESS])
    for sidecar in folder.glob(f"{where}{SIDECAR}"):
        yield sidecar.name.removesuffix(SIDECAR), str(stated_in(sidecar).get(LIKENESS, ""))


def _pictures(path: Path) -> Iterator[Picture]:
    """A picture, or those of a movie that are listened to, spread over its length."""
    if path.suffix.lower() not in MOVIE_ENDINGS:
        yield read_photo(path)
        return
    clip = open_clip(str(path))
    wanted = set(np.linspace(0, len(clip.numbers) - 1, HEARD_FRAMES).round().astype(int).tolist())
    for i, frame in enumerate(clip.frames()):
        if i in wanted:
            yield frame.picture
