# SPDX-License-Identifier: GPL-3.0-or-later
"""Photos looked at before a Likeness is made of them: what is wrong with any, and a thumbnail of the head in each."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..arrays import Picture
from ..errors import UnreadableImageError
from ..imaging import crop, resample
from ..imaging.face_area import Portrait
from ..imaging.names import find_photos
from ..imaging.preview import write_thumbnail
from ..imaging.read import read_photo
from ..judging.identity import FaceDescriptor, open_describer
from ..landmarks.detectors import Detector, open_detector
from ..progress import Reporter
from ..settings import AdaptSettings
from .adapt import find_head
from .flaws import STRANGER, flaws_of, strangers

SIDE = 128
"""Side of a thumbnail in pixels."""


@dataclass(frozen=True)
class Inspection:
    """One photo."""

    path: Path
    thumbnail: Path
    problems: tuple[str, ...]
    """in words; none is good"""
    usable: bool
    """False where no likeness can be made with it"""


def inspect(photo_names: list[str], folder: Path, settings: AdaptSettings, reporter: Reporter) -> list[Inspection]:
    """Look at each photo as `adapt` would, and write its thumbnail into `folder`, which exists.

    Raises UnreadableImageError where there is no photo at all, UnwritableError, and what the detector does.
    """
    paths = find_photos(photo_names)
    describer = open_describer(reporter)
    seen = []
    with closing(open_detector(settings.detector, settings.device)) as detector:
        for i, path in enumerate(paths):
            reporter.step("photos", i, len(paths))
            seen.append(_look(path, detector, describer, settings))
    unlike = strangers([photo.descriptor for photo in seen])
    found = []
    for i, (path, photo) in enumerate(zip(paths, seen, strict=True)):
        thumbnail = folder / f"{i:04d}.npy"
        write_thumbnail(thumbnail, photo.thumbnail)
        problems = (*photo.problems, STRANGER) if unlike[i] else photo.problems
        found.append(Inspection(path, thumbnail, problems, photo.usable))
    reporter.step("photos", len(paths), len(paths))
    return found


@dataclass(frozen=True)
class _Look:
    """The findings about one photo."""

    thumbnail: Picture
    problems: tuple[str, ...] = ()
    usable: bool = True
    descriptor: NDArray[np.float64] | None = None
    """[128] of the face; None for no face, or nobody to describe it"""


def _look(path: Path, detector: Detector, describer: FaceDescriptor | None, settings: AdaptSettings) -> _Look:
    try:
        photo = read_photo(path)
    except UnreadableImageError:
        return _Look(np.zeros((SIDE, SIDE, 3), np.uint8), ("damaged, or no picture",), usable=False)
    head = find_head(detector, photo, settings)
    if head is None:
        whole = crop.full_crop(photo.shape[1], photo.shape[0])
        return _Look(resample.cut(photo, whole, SIDE), ("no face",), usable=False)
    landmarks = crop.to_crop(head.landmarks, head.where, settings.side)
    portrait = Portrait(resample.cut(photo, head.where, settings.side), landmarks)
    problems = [f"{head.faces} faces: the largest is taken"] if head.faces > 1 else []
    problems += flaws_of(head.landmarks, portrait)
    return _Look(
        resample.cut(photo, head.where, SIDE),
        tuple(problems),
        descriptor=describer.describe(*portrait) if describer else None,
    )
