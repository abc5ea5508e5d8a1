"""Another person's motion on this person's face: pose, expression and gaze of the driver, the face of the likeness.

A face is split by `fitting` into the pose of the head, the person's own face at rest, and what it does. Only what it does
is carried over, so the driver's proportions stay with the driver. What the linear model cannot say of an expression goes
along as it was seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from . import ibug68
from .fitting import FittedFaces, fit_faces
from .frontal import EYES, MOUTH, eye_opening, eye_width, frontal_faces, gaze, looking_ahead, neutral_face
from .head import LIDS, Array, HeadPose, rotation_vectors, rotations

LIPS = ((61, 67), (62, 66), (63, 65))
"""Upper and lower points of the inner lips that meet when the mouth closes."""
BROWS = [*ibug68.RIGHT_BROW, *ibug68.LEFT_BROW]


@dataclass(frozen=True)
class Strength:
    """How much of the driver's motion is taken of each region: 0 none, 1 as it was seen, 2 twice as much."""

    pose: float = 1.0
    """of the head's turn away from the camera"""
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
    how far each person's eyes are open at rest, so that a blink closes the eye; pupils in proportion to the eye's width.
    """
    strength = strength or Strength()
    (driver, moving), (person, photos) = _fitted(drive), _fitted(likeness)
    own = neutral_face(photos)
    rest = neutral_face(moving) if neutral is None else moving[neutral]
    change = (moving - rest) * _weights(strength)
    for eye, pupil in EYES:
        lids = list(eye)
        change[:, lids, :2] *= np.clip(eye_opening(own, eye) / np.maximum(eye_opening(rest, eye), 1e-3), 0.5, 2.0)
        change[:, pupil] = strength.gaze * eye_width(own, eye) * gaze(moving, driver, eye, pupil)
        own[pupil] = looking_ahead(own, person, eye, pupil)
    wanted = own + change
    _keep_apart(wanted, LIPS)
    _keep_apart(wanted, LIDS)
    return _with_turn(driver.pose, strength.pose).project(wanted).astype(np.float32)


def _fitted(landmarks: NDArray[np.floating]) -> tuple[FittedFaces, Array]:
    """The linear face fitted to `landmarks` [F, 70, 2], and their frontal faces [F, 70, 3]."""
    exact = np.ascontiguousarray(landmarks, np.float32)
    return _fitted_once(exact.tobytes(), len(exact))


@lru_cache(maxsize=4)
def _fitted_once(content: bytes, faces: int) -> tuple[FittedFaces, Array]:
    """Kept for the next call: the preview asks anew at every step of a strength's slider."""
    landmarks = np.frombuffer(content, np.float32).reshape(faces, ibug68.COUNT, 2)
    fitted = fit_faces(landmarks)
    return fitted, frontal_faces(landmarks, fitted)


def _weights(strength: Strength) -> Array:
    """[70, 1] of each point's change."""
    weights = np.ones((ibug68.COUNT, 1))
    weights[BROWS], weights[MOUTH] = strength.brows, strength.mouth
    weights[[*ibug68.RIGHT_EYE, *ibug68.LEFT_EYE]] = strength.eyes
    return weights


def _keep_apart(faces: Array, pairs: tuple[tuple[int, int], ...]) -> None:
    """Where an upper point of `faces` [F, 70, 3] lies below its lower one, both meet half way."""
    for upper, lower in pairs:
        crossed = np.maximum(faces[:, upper, 1] - faces[:, lower, 1], 0.0) / 2
        faces[:, upper, 1] -= crossed
        faces[:, lower, 1] += crossed


def _with_turn(pose: HeadPose, strength: float) -> HeadPose:
    """The pose with its rotation made so much of what it is."""
    return pose if strength == 1.0 else pose._replace(rotation=rotations(strength * rotation_vectors(pose.rotation)))
