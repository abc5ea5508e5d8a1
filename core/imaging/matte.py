"""A head's matte in a photo: face, hair, ears and neck, by GrabCut from what the landmarks promise.

Rother et al. 2004. The 3D head that is fitted to the landmarks says what is surely head, what may be hair, and what is
surely not; GrabCut finds the edge between by colour. Long hair beyond the shoulders is cut off.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from ..landmarks import ibug68
from ..landmarks.head import fit_pose, head_model

WORKING_SIZE = 256
ROUNDS = 4
HAIR_REACH = 0.75
"""How far hair may stand off the skull, in distances between the eye centres."""


def _hull(points: NDArray[np.floating], size: int, grow: float = 0.0) -> NDArray[np.uint8]:
    """Mask [size, size] of the convex hull of `points` [N, 2], grown by `grow` pixels."""
    mask = np.zeros((size, size), np.uint8)
    cv2.fillConvexPoly(mask, cv2.convexHull(points.astype(np.float32)).astype(np.int32), 1)
    reach = int(abs(grow))
    if reach:
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
        mask = (cv2.dilate if grow > 0 else cv2.erode)(mask, kernel)
    return mask


def head_matte(picture: NDArray[np.uint8], landmarks: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Matte [S, S] (0 to 255) of the head in `picture` [S, S, 3] with `landmarks` [70, 2] in its pixels."""
    size = picture.shape[0]
    small = cv2.resize(picture, (WORKING_SIZE, WORKING_SIZE), interpolation=cv2.INTER_AREA)
    points = landmarks.astype(np.float64) * (WORKING_SIZE / size)
    pose = fit_pose(points[None])
    unit = float(pose.scale[0])
    cranium = pose.project(head_model().cranium)[0]
    neck = pose.project(head_model().neck)[0]
    skull = np.concatenate([points, cranium])

    face = _hull(points, WORKING_SIZE, -0.04 * unit)
    maybe = _hull(skull, WORKING_SIZE, HAIR_REACH * unit)
    likely = _hull(skull, WORKING_SIZE, 0.12 * unit)
    throat = _hull(np.concatenate([points[list(ibug68.JAW)][3:14], neck]), WORKING_SIZE, -0.08 * unit)
    labels = np.full((WORKING_SIZE, WORKING_SIZE), cv2.GC_BGD, np.uint8)
    labels[maybe > 0] = cv2.GC_PR_BGD
    labels[likely > 0] = cv2.GC_PR_FGD
    labels[throat > 0] = cv2.GC_PR_FGD
    labels[face > 0] = cv2.GC_FGD
    cv2.setRNGSeed(0)
    cv2.grabCut(small[..., ::-1].copy(), labels, None, np.zeros((1, 65)), np.zeros((1, 65)), ROUNDS, cv2.GC_INIT_WITH_MASK)
    mask = ((labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD)).astype(np.uint8)
    count, parts = cv2.connectedComponents(mask)
    if count > 1:
        mask = (parts == np.bincount(parts[face > 0]).argmax()).astype(np.uint8)
    mask = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (7, 7)))
    soft = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 0.015 * WORKING_SIZE)
    soft = np.clip((soft - 0.25) / 0.6, 0.0, 1.0) * _above_shoulders(pose.rotation[0], pose.offset[0], unit)
    return np.round(cv2.resize(soft, (size, size), interpolation=cv2.INTER_LINEAR) * 255).astype(np.uint8)


def _above_shoulders(rotation: NDArray[np.float64], between_eyes: NDArray[np.float64], unit: float) -> NDArray[np.float32]:
    """[S, S], 1 over the head, fading to 0 down the neck along the head's own vertical."""
    down = rotation[:2, 1] / max(float(np.linalg.norm(rotation[:2, 1])), 1e-6)
    y, x = np.mgrid[0:WORKING_SIZE, 0:WORKING_SIZE] + 0.5
    depth = ((x - between_eyes[0]) * down[0] + (y - between_eyes[1]) * down[1]) / unit
    ramp = np.clip((NECK_END - depth) / (NECK_END - NECK_START), 0.0, 1.0)
    return np.asarray(ramp * ramp * (3 - 2 * ramp), np.float32)


NECK_START = 1.95
"""Where the matte begins to fade, below the eyes in distances between the eye centres: just under the chin."""
NECK_END = 2.6
