"""From photos to a Likeness: each face is found, cropped and matted, the person embedded, the network fine-tuned."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import numpy as np

from .errors import NoFaceError
from .files import ensure_writable
from .imaging import crop, resample
from .imaging.matte import head_matte
from .imaging.read import find_photos, read_photo
from .landmarks.detectors import open_detector
from .likeness import Likeness
from .progress import Reporter
from .settings import AdaptSettings
from .tracking.track import look_again

WORTH_CARRYING = 1.2
"""How much larger than the network's picture a head must be in the sharpest photo for its detail to be kept."""


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
            faces = detector.detect(photo)
            if not faces:
                raise NoFaceError(f"No face in {path}", "Leave it out, or take a photo in which the face is larger and seen")
            if len(faces) > 1:
                reporter.note(f"{len(faces)} faces in {path}: the largest was taken")
            face = faces[0]
            where = crop.full_crop(photo.shape[1], photo.shape[0])
            if settings.crop == "auto":
                face = look_again(detector, photo, face, settings.size)
                where = crop.head_crops(face.landmarks[None], np.array([True]), 1.0)[0]
            pictures.append(resample.cut(photo, where, settings.size))
            fine.append(resample.cut(photo, where, max(settings.detail, 1)))
            sharpest = max(sharpest, float(where[2]))
            landmarks.append(crop.to_crop(face.landmarks, where, settings.size))
            mattes.append(head_matte(pictures[-1], landmarks[-1]))
    reporter.step("photos", len(paths), len(paths))

    from .training.personal import learn_person

    embedding, weights, adapted = learn_person(np.stack(pictures), np.stack(mattes), np.stack(landmarks), settings, reporter)
    likeness = Likeness(
        preset=settings.preset,
        weights=weights,
        pictures=np.stack(pictures),
        mattes=np.stack(mattes),
        landmarks=np.stack(landmarks),
        embedding=embedding,
        names=tuple(path.name for path in paths),
        fine=np.stack(fine) if settings.detail > settings.size and sharpest > settings.size * WORTH_CARRYING else None,
        adapted=adapted,
    )
    likeness.save(output)
    return likeness
