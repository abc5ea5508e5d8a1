# SPDX-License-Identifier: GPL-3.0-or-later
"""Another person's motion on this person's face: pose, expression and gaze of the driver, the face of the likeness.

A face is split by `fitting` into the pose of the head, the person's own face at rest, and what it does. Only what it does
is carried over, so the driver's proportions stay with the driver. What the linear model cannot say of an expression goes
along as it was seen.

`relative_motion` turns the head as the driver's is turned, which registers with the driver's picture. `motion_from_photo`
begins at a photo's own pose and adds how the driver's head moved since it was at rest, as LivePortrait does: a driver at
rest leaves the photo as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ..arrays import Doubles
from . import ibug68
from .fitting import FittedFaces, fit_faces
from .frontal import EYES, MOUTH, eye_opening, eye_width, frontal_faces, gaze, looking_ahead, neutral_face
from .head import LIDS, HeadPose, rotation_vectors, rotations

LIPS = ((61, 67), (62, 66), (63, 65))
"""Upper and lower points of the inner lips that meet when the mouth closes."""
BROWS = [*ibug68.RIGHT_BROW, *ibug68.LEFT_BROW]
TURNED, MOVED = 0.1, 0.05
"""Weights of a turn of a radian, and of a way of an eye distance, beside an expression's mean way in eye distances, where a
photo or a frame at rest is looked for."""


@dataclass(frozen=True)
class Strength:
    """How much of the driver's motion is taken of each region: 0 none, 1 as it was seen, 2 twice as much."""

    pose: float = 1.0
    """of the head's turn away from the camera; from a photo's pose, of its turn, drift and distance since rest"""
    eyes: float = 1.0
    """of the lids"""
    gaze: float = 1.0
    brows: float = 1.0
    mouth: float = 1.0
    """with the jaw"""


def relative_motion(
    drive: NDArray[np.float32],
    likeness: NDArray[np.float32],
    strength: Strength | None = None,
    neutral: int | None = None,
) -> NDArray[np.float32]:
    """The motion of `drive` [F, 70, 2] on the face of `likeness` [N, 70, 2], in the drive's pixels: [F, 70, 2].

    neutral: which frame of the drive is the face at rest; found from all of them without. Eyelids travel in proportion to
    how far each person's eyes are open at rest, so that a blink closes the eye; pupils in proportion to the eye's width,
    from straight ahead.
    """
    strength = strength or Strength()
    (driver, moving), (person, photos) = _fitted(drive), _fitted(likeness)
    own = neutral_face(photos)
    rest = neutral_face(moving) if neutral is None else moving[neutral]
    for eye, pupil in EYES:
        own[pupil] = looking_ahead(own, person, eye, pupil)
    looks = [gaze(moving, driver, eye, pupil) for eye, pupil in EYES]
    acting = _acted(own, rest, moving, looks, strength)
    return _with_turn(driver.pose, strength.pose).project(acting).astype(np.float32)


def motion_from_photo(
    drive: NDArray[np.float32],
    likeness: NDArray[np.float32],
    strength: Strength,
    neutral: int,
    facing: bool = False,
) -> NDArray[np.float32]:
    """The motion of `drive` [F, 70, 2] since its frame `neutral`, from the pose and face that one photo of `likeness`
    [N, 70, 2] has (see `calmest_photo`), in the likeness' pixels: [F, 70, 2]. Where the driver is as in `neutral`, these are
    the photo's landmarks.

    Turns go round the head's own axes. Drift and distance count in the size that the head has in the photo. Gaze is the
    photo's, and what the driver's changed. facing: the head is held alike in all frames, which say nothing of its rest:
    there it faces the camera.
    """
    (driver, moving), (person, photos) = _fitted(drive), _fitted(likeness)
    photo = calmest_photo(likeness)
    looks = []
    for eye, pupil in EYES:
        seen = gaze(moving, driver, eye, pupil)
        looks.append(seen - seen[neutral])
    acting = _acted(photos[photo], moving[neutral], moving, looks, strength)
    start, first = (HeadPose(*(part[i] for part in pose)) for pose, i in ((person.pose, photo), (driver.pose, neutral)))
    # A mouth that opens looks a little like a nod: where all heads are held alike, the one at rest says how.
    now = HeadPose(*(np.repeat(part[None], len(drive), axis=0) for part in first)) if facing else driver.pose
    turn = now.rotation if facing else first.rotation.T @ now.rotation
    nearer = strength.pose * np.log(now.scale / first.scale)
    drift = strength.pose * (now.offset - first.offset) * (start.scale / first.scale)
    pose = HeadPose(
        start.rotation @ rotations(strength.pose * rotation_vectors(turn)),
        start.scale * np.exp(nearer),
        start.offset + drift,
    )
    return pose.project(acting).astype(np.float32)


def calmest_photo(likeness: NDArray[np.float32]) -> int:
    """Which of the photos [N, 70, 2] a head at rest looks like: the one most at rest, and turned the least."""
    person, photos = _fitted(likeness)
    return int(np.argmin(_unrest(photos) + TURNED * _angles(person.pose.rotation)))


def calmest_frame(drive: NDArray[np.float32]) -> int:
    """Which frame of `drive` [F, 70, 2] is the driver at rest: the face at rest, and head and gaze where they mostly are."""
    driver, moving = _fitted(drive)
    vectors, offset, size = rotation_vectors(driver.pose.rotation), driver.pose.offset, np.log(driver.pose.scale)
    turned = _angles(rotations(np.median(vectors, axis=0)[None]).transpose(0, 2, 1) @ driver.pose.rotation)
    away = np.linalg.norm(offset - np.median(offset, axis=0), axis=-1) / driver.pose.scale
    return int(np.argmin(_unrest(moving) + TURNED * turned + MOVED * (away + np.abs(size - np.median(size)))))


def _unrest(frontal: Doubles) -> Doubles:
    """[F] how far each of the faces [F, 70, 3] is from the face at rest, in model units."""
    away = (frontal - neutral_face(frontal))[..., :2]
    return np.asarray(np.sqrt(np.square(away).sum(axis=-1).mean(axis=-1)))


def _angles(rotation: Doubles) -> Doubles:
    """[F] by how much each of [F, 3, 3] turns, in radians."""
    return np.asarray(np.linalg.norm(rotation_vectors(rotation), axis=-1))


def _acted(own: Doubles, rest: Doubles, moving: Doubles, looks: list[Doubles], strength: Strength) -> Doubles:
    """The face `own` [70, 3] doing what a driver does from `rest` [70, 3] to `moving` [F, 70, 3]: [F, 70, 3], heads not
    turned. looks: for each eye [F, 3] how far its pupil goes, in widths of the eye."""
    change = (moving - rest) * _weights(strength)
    for (eye, pupil), look in zip(EYES, looks, strict=True):
        lids = list(eye)
        change[:, lids, :2] *= np.clip(eye_opening(own, eye) / np.maximum(eye_opening(rest, eye), 1e-3), 0.5, 2.0)
        change[:, pupil] = strength.gaze * eye_width(own, eye) * look
    wanted = own + change
    _keep_apart(wanted, own, LIPS)
    _keep_apart(wanted, own, LIDS)
    return wanted


def _fitted(landmarks: NDArray[np.floating]) -> tuple[FittedFaces, Doubles]:
    """The linear face fitted to `landmarks` [F, 70, 2], and their frontal faces [F, 70, 3]."""
    exact = np.ascontiguousarray(landmarks, np.float32)
    return _fitted_once(exact.tobytes(), len(exact))


@lru_cache(maxsize=4)
def _fitted_once(content: bytes, faces: int) -> tuple[FittedFaces, Doubles]:
    """Kept for the next call: the preview asks anew at every step of a strength's slider."""
    landmarks = np.frombuffer(content, np.float32).reshape(faces, ibug68.COUNT, 2)
    fitted = fit_faces(landmarks)
    return fitted, frontal_faces(landmarks, fitted)


def _weights(strength: Strength) -> Doubles:
    """[70, 1] of each point's change."""
    weights = np.ones((ibug68.COUNT, 1))
    weights[BROWS], weights[MOUTH] = strength.brows, strength.mouth
    weights[[*ibug68.RIGHT_EYE, *ibug68.LEFT_EYE]] = strength.eyes
    return weights


def _keep_apart(faces: Doubles, own: Doubles, pairs: tuple[tuple[int, int], ...]) -> None:
    """Where an upper point of `faces` [F, 70, 3] lies below its lower one, both meet half way; or cross by no more than they
    do in the person's `own` face [70, 3]."""
    for upper, lower in pairs:
        allowed = max(float(own[upper, 1] - own[lower, 1]), 0.0)
        crossed = np.maximum(faces[:, upper, 1] - faces[:, lower, 1] - allowed, 0.0) / 2
        faces[:, upper, 1] -= crossed
        faces[:, lower, 1] += crossed


def _with_turn(pose: HeadPose, strength: float) -> HeadPose:
    """The pose with its rotation made so much of what it is."""
    return pose if strength == 1.0 else pose._replace(rotation=rotations(strength * rotation_vectors(pose.rotation)))
