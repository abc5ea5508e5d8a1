# SPDX-License-Identifier: GPL-3.0-or-later
"""A head's matte in a photo: face, hair, ears and neck.

A network says which pixels show a person, the 3D head that is fitted to the landmarks where the head ends and the
shoulders begin. Long hair fades out there.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from ..arrays import Floats
from ..landmarks.head import fit_pose, head_model
from .clothing import bare
from .foreground import matte_by_colour
from .segmenter import SIDE, person_matte

LEAST, MOST = 0.3, 0.8
"""How surely a pixel is a person's where the matte begins, and from where it is whole."""
SOFT = 1.0
"""Pixels of 256 by which the matte is softened: the network knows an edge no better."""
NECK_START, NECK_END = 1.95, 2.6
"""Where the matte begins to fade and where it ends, below the eyes in distances between the eye centres: under the chin."""
CHEEK = 1.2
"""From where on down, likewise, shoulders may stand beside the head."""
COLLAR = 0.85
"""From where on down, likewise, a collar may stand."""
NEAR, FAR = 0.15, 0.45
"""How far from the head, in the same unit, a pixel down there still counts in full, and from where on not at all."""


def head_matte(picture: NDArray[np.uint8], landmarks: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Matte [S, S] (0 to 255) of the head in `picture` [S, S, 3], sRGB, with `landmarks` [70, 2] in its pixels.

    Raises MissingWeightsError where the segmenter's model is not installed.
    """
    size = picture.shape[0]
    points = landmarks.astype(np.float64) * (SIDE / size)
    person = _ramp(person_matte(picture), LEAST, MOST)
    person = cv2.GaussianBlur(_with_face(person, points), (0, 0), SOFT)
    share = _head_share(cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_AREA), person, points)
    person = matte_by_colour(picture, cv2.resize(person, (size, size), interpolation=cv2.INTER_LINEAR))
    return np.round(person * cv2.resize(share, (size, size), interpolation=cv2.INTER_LINEAR) * 255).astype(np.uint8)


def _head_share(picture: NDArray[np.uint8], person: Floats, points: NDArray[np.float64]) -> Floats:
    """[256, 256] 1 over head and hair, fading to 0 down the head's own vertical, beside the neck to the shoulders, and below
    the cheeks where the `person` [256, 256] wears something."""
    pose = fit_pose(points[None])
    unit = float(pose.scale[0])
    down = pose.rotation[0, :2, 1] / max(float(np.linalg.norm(pose.rotation[0, :2, 1])), 1e-6)
    y, x = np.mgrid[0:SIDE, 0:SIDE] + 0.5
    depth = ((x - pose.offset[0, 0]) * down[0] + (y - pose.offset[0, 1]) * down[1]) / unit
    model = head_model()
    outline = np.concatenate([points, *(pose.project(part)[0] for part in (model.cranium, model.neck))])
    head = np.ones((SIDE, SIDE), np.uint8)
    cv2.fillConvexPoly(head, cv2.convexHull(outline.astype(np.float32)).astype(np.int32), 0)
    beside = _ramp(cv2.distanceTransform(head, cv2.DIST_L2, 5) / unit, NEAR, FAR)
    worn = 1 - bare(picture, person, points, depth.astype(np.float32))
    share = (1 - _ramp(depth, NECK_START, NECK_END)) * (1 - beside * _ramp(depth, CHEEK, NECK_START))
    return share * (1 - worn * _ramp(depth, COLLAR, CHEEK))


def _with_face(matte: Floats, points: NDArray[np.float64]) -> Floats:
    """The part of the matte that holds the face: nobody else's head, nothing in the background."""
    _, parts = cv2.connectedComponents((matte > 0).astype(np.uint8))
    x, y = np.clip(points.astype(np.intp), 0, SIDE - 1).T
    return np.where(parts == np.bincount(parts[y, x]).argmax(), matte, np.float32(0))


def _ramp(values: NDArray[np.floating], low: float, high: float) -> Floats:
    """0 below `low`, 1 above `high`, smooth between."""
    part = np.clip((values - low) / (high - low), 0.0, 1.0)
    return np.asarray(part * part * (3 - 2 * part), np.float32)
