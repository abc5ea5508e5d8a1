"""From photos to a Likeness: each face is found, cropped and matted, the person embedded, the network fine-tuned."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import NoFaceError
from ..files import ensure_writable
from ..imaging import crop, resample
from ..imaging.matte import head_matte
from ..imaging.names import find_photos
from ..imaging.read import Picture, read_photo
from ..landmarks.detectors import Detector, open_detector
from ..likeness import Likeness
from ..progress import Reporter
from ..settings import AdaptSettings
from ..tracking.track import look_again

WORTH_CARRYING = 1.2
"""How much larger than the network's picture a head must be in the sharpest photo for its detail to be kept."""


class FoundHead(NamedTuple):
    """Where the person is in a photo."""

    landmarks: NDArray[np.float32]
    """[70, 2] pixels of the photo"""
    where: crop.Array
    """[3] the head's crop"""
    faces: int
    """how many the photo has: this is the largest"""


def adapt(photo_names: list[str], output: Path, settings: AdaptSettings, reporter: Reporter) -> Likeness:
    """Make the Likeness of the person in the photos and save it.

    A photo with several faces counts for its largest; one with none stops the job. Raises HeadcastError.
    """
    # torch takes a second to import: what needs it comes after what can fail without.
    ensure_writable(output)
    paths = find_photos(photo_names)
    pictures, mattes, landmarks, fine = [], [], [], []
    sharpest = 0.0
    with closing(open_detector(settings.detector, settings.device)) as detector:
        for i, path in enumerate(paths):
            reporter.step("photos", i, len(paths))
            photo = read_photo(path)
            head = find_head(detector, photo, settings)
            if head is None:
                raise NoFaceError(f"No face in {path}", "Leave it out, or take a photo in which the face is larger and seen")
            if head.faces > 1:
                reporter.note(f"{head.faces} faces in {path}: the largest was taken")
            pictures.append(resample.cut(photo, head.where, settings.side))
            fine.append(resample.cut(photo, head.where, max(settings.detail, 1)))
            sharpest = max(sharpest, float(head.where[2]))
            landmarks.append(crop.to_crop(head.landmarks, head.where, settings.side))
            mattes.append(head_matte(pictures[-1], landmarks[-1]))
    reporter.step("photos", len(paths), len(paths))

    from .personal import learn_person

    embedding, weights, tuned = learn_person(np.stack(pictures), np.stack(mattes), np.stack(landmarks), settings, reporter)
    likeness = Likeness(
        preset=settings.preset,
        weights=weights,
        pictures=np.stack(pictures),
        mattes=np.stack(mattes),
        landmarks=np.stack(landmarks),
        embedding=embedding,
        names=tuple(path.name for path in paths),
        fine=np.stack(fine) if settings.detail > settings.side and sharpest > settings.side * WORTH_CARRYING else None,
        adapted=tuned.weights,
        gain=tuned.gain,
    )
    likeness.save(output)
    return likeness


def find_head(detector: Detector, photo: Picture, settings: AdaptSettings) -> FoundHead | None:
    """The largest face of the photo [H, W, 3]; None where there is none."""
    faces = detector.detect(photo)
    if not faces:
        return None
    if settings.crop != "auto":
        return FoundHead(faces[0].landmarks, crop.full_crop(photo.shape[1], photo.shape[0]), len(faces))
    face = look_again(detector, photo, faces[0], settings.side)
    return FoundHead(face.landmarks, crop.head_crops(face.landmarks[None], np.array([True]), 1.0)[0], len(faces))
