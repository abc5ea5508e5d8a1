# SPDX-License-Identifier: GPL-3.0-or-later
"""Faces with their pose undone, and what can be read off them: the face at rest, lids, gaze."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..arrays import Doubles
from . import ibug68
from .face_model import face_model
from .fitting import FittedFaces, precision
from .head import fit_pose

QUIET = 0.25
"""Part of the frames, those with the mouth most closed, from which the neutral mouth is taken."""
SHUT = 0.03
"""In eye distances: mouths that are open by no more than this beyond the most closed one are as closed."""
EYES = ((ibug68.RIGHT_EYE, ibug68.RIGHT_PUPIL), (ibug68.LEFT_EYE, ibug68.LEFT_PUPIL))
MOUTH = [*range(3, 14), *ibug68.OUTER_LIPS, *ibug68.INNER_LIPS]
"""The lips, and the jaw that goes with them."""


def frontal_faces(landmarks: NDArray[np.floating], fitted: FittedFaces) -> Doubles:
    """[F, 70, 3] in model units: the faces with their pose undone. Depths are the model's.

    Good to about 50 degrees of yaw, beyond which foreshortened points grow noisy.
    """
    turn = fitted.pose.rotation[:, :2, :2]
    left = (landmarks - fitted.pose.project(fitted.points)) / fitted.pose.scale[:, None, None]
    faces = fitted.points.copy()
    faces[..., :2] += np.einsum("fij,fnj->fni", np.linalg.inv(turn), left)
    return faces


def neutral_face(frontal: Doubles) -> Doubles:
    """[70, 3] the face at rest, from frontal faces [F, 70, 3]: the median, the mouth and jaw from the quietest frames."""
    neutral = np.median(frontal, axis=0)
    opening = np.linalg.norm(frontal[:, 66] - frontal[:, 62], axis=-1)
    quiet = opening <= max(np.quantile(opening, QUIET), opening.min() + SHUT)
    neutral[MOUTH] = np.median(frontal[quiet], axis=0)[MOUTH]
    return np.asarray(neutral)


def with_own_rest(landmarks: NDArray[np.floating], fitted: FittedFaces) -> FittedFaces:
    """The faces `fitted` to `landmarks` [F, 70, 2], the person at rest as they are and not only as the model can say.

    What the model's face departs from the seen one in most frames is the person's. Depths are the model's; expressions stay
    as they were fitted.
    """
    departure = np.median(frontal_faces(landmarks, fitted) - fitted.points, axis=0)
    points = fitted.points + departure
    return FittedFaces(fit_pose(landmarks, points, precision()), fitted.neutral + departure, fitted.expression, points)


def eye_opening(face: Doubles, eye: range) -> Doubles:
    """[...] height of an eye in model units."""
    points = list(eye)
    return np.asarray(
        face[..., [points[4], points[5]], 1].mean(axis=-1) - face[..., [points[1], points[2]], 1].mean(axis=-1)
    )


def eye_width(face: Doubles, eye: range) -> Doubles:
    """[...] of an eye, from corner to corner."""
    return np.asarray(np.linalg.norm(face[..., eye[3], :2] - face[..., eye[0], :2], axis=-1))


def looking_ahead(face: Doubles, fitted: FittedFaces, eye: range, pupil: int) -> Doubles:
    """[..., 3] where the pupil lies when the eye looks straight ahead: by the model, from the middle of the corners."""
    corners = [eye[0], eye[3]]
    rest = face_model().neutral
    from_middle = (rest[pupil] - rest[corners].mean(axis=0)) * (eye_width(fitted.neutral, eye) / eye_width(rest, eye))
    return np.asarray(face[..., corners, :].mean(axis=-2) + from_middle)


def gaze(faces: Doubles, fitted: FittedFaces, eye: range, pupil: int) -> Doubles:
    """[F, 3] how far the pupil lies from straight ahead, in widths of the eye."""
    return np.asarray((faces[:, pupil] - looking_ahead(faces, fitted, eye, pupil)) / eye_width(fitted.neutral, eye))
