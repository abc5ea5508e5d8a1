# SPDX-License-Identifier: GPL-3.0-or-later
"""From photos to a Likeness: each face is found, cropped and matted, the person embedded, the network fine-tuned."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..arrays import Doubles, Picture
from ..consent import NO_CONSENT, Consent, read_consent
from ..errors import NoFaceError, UnreadableImageError
from ..files import ensure_writable, sha256_of
from ..imaging import crop, resample
from ..imaging.face_area import Portrait
from ..imaging.matte import head_matte
from ..imaging.names import find_photos, left_out_of
from ..imaging.pictures import read_alpha
from ..imaging.read import read_photo, several_in
from ..judging.identity import open_describer
from ..landmarks.detectors import Detector, open_detector
from ..likeness import Likeness
from ..listing import shortened
from ..progress import Reporter, Silent
from ..settings import AdaptSettings
from ..tracking.following import LARGEST, parse_face
from ..tracking.searching import find_faces
from ..tracking.track import look_again
from .flaws import STRANGER, flaws_of, strangers

ROOM = 1.15
"""How much larger a crop becomes, up to three times, whose border cuts the crown."""
LEAST_CUT = 0.05
"""Part of the border that hair must cross for that, and part of the crop's side that the photo must go on beyond it."""
WORTH_CARRYING = 1.2
"""How much larger than the network's picture a head must be in the sharpest photo for its detail to be kept."""


class FoundHead(NamedTuple):
    """Where the person is in a photo."""

    landmarks: NDArray[np.float32]
    """[70, 2] pixels of the photo"""
    where: Doubles
    """[3] the head's crop"""
    faces: int
    """how many the photo has: this is the largest"""


class CutPortrait(NamedTuple):
    """A photo's head crop."""

    picture: NDArray[np.uint8]
    """[S, S, 3] sRGB"""
    matte: NDArray[np.uint8]
    """[S, S] 0 to 255"""
    landmarks: NDArray[np.float32]
    """[70, 2] pixels of the crop"""
    where: Doubles
    """[3] in the photo"""


def adapt(
    photo_names: list[str],
    output: Path,
    settings: AdaptSettings,
    reporter: Reporter,
    consent: Consent = NO_CONSENT,
) -> Likeness:
    """Make the Likeness of the person in the photos and save it, with the consent that `settings` names, else with this one.

    Of several faces in a photo the largest counts, or the one nearest to `settings.face`. A photo that is damaged or shows
    no face is left out with a word; with `settings.strict`, or where it is the only one, it stops the job. Raises
    HeadcastError.
    """
    # torch takes a second to import: what needs it comes after what can fail without.
    ensure_writable(output)
    if settings.consent:
        consent = read_consent(Path(settings.consent))
    paths = find_photos(photo_names)
    strange = left_out_of(photo_names)
    if strange:
        reporter.note(f"{len(strange)} pictures of kinds that are not read are left out: {shortened(strange)}; export them")
    pictures, mattes, landmarks, fine, names, sources = [], [], [], [], [], []
    from ..painting.weights import needed_weights

    needed_weights(settings.preset, settings.weights)  # found out now, and not after all photos
    left_out: list[str] = []
    flaws: list[list[str]] = []
    sharpest, room = 0.0, 1.0
    with closing(open_detector(settings.detector, settings.device)) as detector:
        for i, path in enumerate(paths):
            reporter.step("photos", i, len(paths))
            try:
                photo, head = _found(detector, path, settings)
            except (UnreadableImageError, NoFaceError) as error:
                if settings.strict or len(paths) == 1:
                    raise
                left_out.append(error.message)
                continue
            if head.faces > 1:
                which = "largest" if settings.face == LARGEST else f"one nearest to {settings.face}"
                reporter.note(f"{head.faces} faces in {path}: the {which} was taken")
            several = several_in(path)
            if several:
                reporter.note(f"{path} is {several}")
            portrait = cut_portrait(photo, read_alpha(path), head, settings)
            pictures.append(portrait.picture)
            fine.append(resample.cut(photo, portrait.where, max(settings.detail, 1)))
            sharpest = max(sharpest, float(portrait.where[2]))
            room = max(room, float(portrait.where[2] / head.where[2]))
            landmarks.append(portrait.landmarks)
            mattes.append(portrait.matte)
            flaws.append(flaws_of(head.landmarks, Portrait(portrait.picture, portrait.landmarks)))
            names.append(path.name)
            sources.append(sha256_of(path))
    if not pictures:
        raise NoFaceError(f"None of {len(paths)} photos can be used: {shortened(left_out, '; ')}", "Give photos of one face")
    if left_out:
        reporter.note(f"{len(left_out)} of {len(paths)} photos are left out: {'; '.join(left_out)}")
    for name, found in zip(names, _with_strangers(flaws, pictures, landmarks), strict=True):
        if found:
            reporter.note(f"{name}: {', '.join(found)}")
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
        names=tuple(names),
        fine=np.stack(fine) if settings.detail > settings.side and sharpest > settings.side * WORTH_CARRYING else None,
        adapted=tuned.weights,
        gain=tuned.gain,
        room=room,
        sources=tuple(sources),
        consent=consent,
    )
    likeness.save(output)
    return likeness


def _with_strangers(
    flaws: list[list[str]], pictures: list[Picture], landmarks: list[NDArray[np.float32]]
) -> list[list[str]]:
    """The photos' flaws, and which of them show another person, where there is a network that can tell."""
    describer = open_describer(Silent()) if len(pictures) > 2 else None
    if describer is None:
        return flaws
    unlike = strangers([describer.describe(*seen) for seen in zip(pictures, landmarks, strict=True)])
    return [[*found, STRANGER] if strange else found for found, strange in zip(flaws, unlike, strict=True)]


def cut_portrait(photo: Picture, alpha: NDArray[np.float32] | None, head: FoundHead, settings: AdaptSettings) -> CutPortrait:
    """The head's crop of the photo [H, W, 3], with more room where the usual crop cuts the crown off. Its matte is the
    photo's own `alpha` [H, W], where it brings one, else found. Raises MissingWeightsError."""
    where = head.where
    for room in (True, True, True, False):
        picture = resample.cut(photo, where, settings.side)
        landmarks = crop.to_crop(head.landmarks, where, settings.side)
        if alpha is None or alpha.shape != photo.shape[:2]:
            matte = head_matte(picture, landmarks)
        else:
            own = resample.cut(alpha[..., None], where, settings.side).reshape(picture.shape[:2])
            matte = np.round(np.clip(own, 0.0, 1.0) * 255).astype(np.uint8)
        if not room or settings.crop != "auto" or not _cuts_crown(matte, landmarks, where, photo.shape):
            break
        where = crop.with_room(where, ROOM)
    return CutPortrait(picture, matte, landmarks, where)


def _cuts_crown(matte: NDArray[np.uint8], landmarks: NDArray[np.float32], where: Doubles, shape: tuple[int, ...]) -> bool:
    """Whether hair goes on beyond the crop's top, or beyond its sides above the chin, and the photo [H, W, 3] too."""
    left, top = where[:2] - where[2] / 2
    spare = where[2] * LEAST_CUT
    chin = int(np.clip(landmarks[8, 1], 1, len(matte)))
    beyond = (
        (top > spare, matte[0]),
        (left > spare, matte[:chin, 0]),
        (left + where[2] < shape[1] - spare, matte[:chin, -1]),
    )
    return any(goes_on and float((border > 127).mean()) > LEAST_CUT for goes_on, border in beyond)


def _found(detector: Detector, path: Path, settings: AdaptSettings) -> tuple[Picture, FoundHead]:
    """A photo and the head in it. Raises UnreadableImageError or NoFaceError."""
    photo = read_photo(path)
    head = find_head(detector, photo, settings)
    if head is None:
        raise NoFaceError(f"No face in {path}", "Leave it out, or take a photo in which the face is larger and seen")
    return photo, head


def find_head(detector: Detector, photo: Picture, settings: AdaptSettings) -> FoundHead | None:
    """The face of the photo [H, W, 3] that is meant, the largest or the one nearest to a click; None where there is none."""
    faces = find_faces(detector, photo)
    if not faces:
        return None
    click = parse_face(settings.face)
    if click is not None:
        place = np.array([click.x, click.y])
        faces = sorted(faces, key=lambda face: float(np.linalg.norm(face.landmarks.mean(axis=0) - place)))
    if settings.crop != "auto":
        return FoundHead(faces[0].landmarks, crop.full_crop(photo.shape[1], photo.shape[0]), len(faces))
    face = look_again(detector, photo, faces[0], settings.side)
    return FoundHead(face.landmarks, crop.head_crops(face.landmarks[None], np.array([True]), 1.0)[0], len(faces))
