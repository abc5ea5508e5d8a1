# SPDX-License-Identifier: GPL-3.0-or-later
"""The watermark in a picture or a movie, and the take that it is of."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np

from ..arrays import Floats, Picture
from ..imaging.names import MOVIE_ENDINGS
from ..imaging.read import open_clip, read_photo
from ..landmarks.detectors import Detector, open_detector
from ..take import ENDING, LIKENESS, SIDECAR, read_records
from .payload import BITS, Heard, nearest
from .signing import stated_in
from .stamping import DETECTOR
from .watermark import BIT_WEIGHTS, head_square, listen

LOUDNESS, LIKENESS_THERE = (2.0, 5.0), (0.8, 0.7)
"""A head is taken for marked where what is heard is at least as loud as the first, and like a word: how like, goes from the
first to the second as it is louder. Chosen on 400 heads without a mark, none of which came nearer than 0.05."""
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

    Raises MissingPackageError, MissingWeightsError, UnreadableImageError, EmptyClipError.
    """
    with closing(open_detector(DETECTOR)) as detector:
        return hear(_pictures(path), detector)


def hear(pictures: Iterable[Picture], detector: Detector) -> Heard | None:
    """The same of pictures in their order; the largest face of one is the same head as that of the next, and so on."""
    heard: dict[int, list[Floats]] = defaultdict(list)
    for picture in pictures:
        for rank, face in enumerate(detector.detect(picture)):
            heard[rank].append(listen(picture, head_square(face.landmarks)))
    found = [nearest(np.mean(frames, axis=0), BIT_WEIGHTS) for frames in heard.values()]
    return max(filter(is_sure, found), key=lambda one: one.likeness, default=None)


def is_sure(heard: Heard) -> bool:
    """Whether it is heard where a mark was put in, and not by chance."""
    least = float(np.interp(heard.loudness, LOUDNESS, LIKENESS_THERE))
    return heard.loudness >= LOUDNESS[0] and heard.likeness >= least


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
