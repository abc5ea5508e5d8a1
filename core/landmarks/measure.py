# SPDX-License-Identifier: GPL-3.0-or-later
"""A face in numbers: how the head is turned, where the eyes look, how far lids and lips are open.

All are read from the landmarks, so that whoever corrects a point corrects these too.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..arrays import Doubles
from . import ibug68
from .fitting import fit_faces
from .frontal import EYES, eye_opening, eye_width, frontal_faces, gaze


class FaceMeasures(NamedTuple):
    """F frames."""

    yaw: Doubles
    """[F] degrees; positive turns the nose to the picture's right"""
    pitch: Doubles
    """[F] degrees; positive lifts the nose"""
    roll: Doubles
    """[F] degrees; positive tilts the head clockwise, as the picture shows it"""
    gaze: Doubles
    """[F, 2] of both eyes together, against the head: degrees to the picture's right, and up"""
    eyes: Doubles
    """[F, 2] height of the subject's right and left eye over its width: 0 is shut, about 0.3 is open"""
    lips: Doubles
    """[F] gap of the inner lips over the mouth's width"""


EYEBALL = 0.26
"""Radius in eye distances: MakeHuman's."""


def measure_faces(landmarks: NDArray[np.floating]) -> FaceMeasures:
    """Measure the frames of `landmarks` [F, 70, 2], pixels, each whole."""
    fitted = fit_faces(landmarks)
    faces = frontal_faces(landmarks, fitted)
    forward = -fitted.pose.rotation[:, :, 2]
    side = fitted.pose.rotation[:, :, 0]
    looks = np.mean([gaze(faces, fitted, eye, pupil)[:, :2] for eye, pupil in EYES], axis=0)
    widths = np.mean([eye_width(fitted.neutral, eye) for eye, _ in EYES])
    angles = np.degrees(np.arcsin(np.clip(looks * widths / EYEBALL, -1.0, 1.0)))
    heights = np.stack([eye_opening(faces, eye) / eye_width(faces, eye) for eye, _ in EYES], axis=-1)
    mouth = np.linalg.norm(faces[:, 64, :2] - faces[:, 60, :2], axis=-1)
    inner = list(ibug68.INNER_LIPS)
    gap = faces[:, inner[5:], 1].mean(axis=-1) - faces[:, inner[1:4], 1].mean(axis=-1)
    return FaceMeasures(
        yaw=np.degrees(np.arctan2(forward[:, 0], -forward[:, 2])),
        pitch=np.degrees(np.arcsin(np.clip(-forward[:, 1], -1.0, 1.0))),
        roll=np.degrees(np.arctan2(side[:, 1], side[:, 0])),
        gaze=angles * (1.0, -1.0),
        eyes=np.maximum(heights, 0.0),
        lips=np.maximum(gap, 0.0) / np.maximum(mouth, 1e-6),
    )
