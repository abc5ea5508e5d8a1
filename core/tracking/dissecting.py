# SPDX-License-Identifier: GPL-3.0-or-later
"""Faces taken apart for a rig that an artist moves: who it is, and how each frame turns the head and what it does."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..arrays import Doubles
from ..landmarks.face_model import face_model
from ..landmarks.fitting import fit_faces, precision
from ..landmarks.frontal import with_own_rest
from ..landmarks.head import fit_pose, rotation_vectors
from ..likeness import Likeness
from ..performance import Performance
from .retiming import retimed


class Dissected(NamedTuple):
    """One person in F frames."""

    rest: Doubles
    """[70, 3] the face doing nothing, in model units"""
    frames: NDArray[np.int32]
    """[F] those with a face; photos are numbered from 1"""
    turn: Doubles
    """[F, 3] rotation vectors of `head.HeadPose`"""
    scale: Doubles
    """[F] pixels per model unit: square ones, as the plate is shown"""
    offset: Doubles
    """[F, 2] pixels: where the point between the eyes lies"""
    expression: Doubles
    """[F, 52] 0 to 1 in the order of `arkit.EXPRESSIONS`, by which the rest acts as the landmarks do"""
    residual: Doubles
    """[1] the mean distance, in eye distances, of the landmarks from what all this makes"""


def dissect_likeness(path: Path) -> Dissected:
    """Take the photos of a Likeness apart. Raises WrongFileError."""
    landmarks = Likeness.load(path).landmarks
    return _dissect(landmarks, np.arange(1, len(landmarks) + 1, dtype=np.int32))


def dissect_performance(path: Path, rate: Fraction | None = None) -> Dissected:
    """Take the frames of a Performance apart, retimed to `rate` frames a second if one is given. Raises WrongFileError."""
    performance = Performance.load(path)
    performance = (retimed(performance, rate) if rate else performance).in_square_pixels()
    if performance.rest is not None:
        return _of_model(performance)
    return _dissect(performance.landmarks[performance.seen], performance.frames[performance.seen])


def _of_model(performance: Performance) -> Dissected:
    """One that the face model acts: what it does is known, and need not be found."""
    landmarks, weights = performance.landmarks[performance.seen], performance.expression[performance.seen]
    points = face_model().acted(weights)
    pose = fit_pose(landmarks, points, precision())
    away = np.linalg.norm(pose.project(points) - landmarks, axis=-1) / pose.scale[:, None]
    return Dissected(
        rest=face_model().neutral,
        frames=performance.frames[performance.seen],
        turn=rotation_vectors(pose.rotation),
        scale=pose.scale,
        offset=pose.offset,
        expression=weights.astype(np.float64),
        residual=np.array([away.mean()]),
    )


def _dissect(landmarks: NDArray[np.float32], frames: NDArray[np.int32]) -> Dissected:
    fitted = with_own_rest(landmarks, fit_faces(landmarks))
    pose = fitted.pose
    away = np.linalg.norm(pose.project(fitted.points) - landmarks, axis=-1) / pose.scale[:, None]
    return Dissected(
        rest=fitted.neutral,
        frames=frames,
        turn=rotation_vectors(pose.rotation),
        scale=pose.scale,
        offset=pose.offset,
        expression=np.minimum(fitted.expression, 1.0),
        residual=np.array([away.mean()]),
    )
