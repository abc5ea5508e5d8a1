# SPDX-License-Identifier: GPL-3.0-or-later
"""The rigid 3D head behind the landmarks: its pose in the picture, and points of skull and neck that no detector sees.

Model units: the distance of the eye centres is 1, the origin lies between them; x to the picture's right, y down, z away
from the camera. A pose is weak perspective (scaled orthographic): picture = scale * (R @ point)[:2] + offset.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..arrays import Doubles
from . import ibug68

ITERATIONS, SETTLED = 12, 1e-6
"""Steps at most, and the longest step after which no more are taken."""
SKULL_MARGIN = 1.12
"""Hair stands off the skull: the modelled cranium is this much larger than the bare one."""


STIFFNESS = (
    ((*range(0, 6), *range(11, 17)), 0.4),
    (range(6, 11), 0.02),
    (range(17, 27), 0.05),
    (range(27, 36), 0.05),
    (range(36, 48), 1e-3),
    (range(48, 68), 1e-3),
    (range(68, 70), 1e-2),
)
"""How little each feature bends the picture: the jaw line slides over the cheek, chin, lids and lips move freely. Chosen on
real clips for the lowest landmark error at one photo."""
LIDS = ((37, 41), (38, 40), (43, 47), (44, 46))
"""Upper and lower lid points that meet when an eye closes."""
LEAST_OPENING = 0.025
"""Smallest opening of an eye, in model units: detectors let lids cross, which would fold the picture over."""
SKULL_STIFFNESS = 3.0
HIDDEN_STIFFNESS = 1e3
SHUT, OPEN = 0.08, 0.2
"""Height of an eye over its width at which its pupil is hidden, and from which it is all there."""


class HeadModel(NamedTuple):
    """A neutral average head (MakeHuman's base mesh, CC0), in model units."""

    landmarks: Doubles
    """[70, 3]"""
    cranium: Doubles
    """[M, 3], spread over scalp and skull"""
    neck: Doubles
    """[N, 3]"""


class HeadPose(NamedTuple):
    """Poses of F faces."""

    rotation: Doubles
    """[F, 3, 3]"""
    scale: Doubles
    """[F], pixels per model unit"""
    offset: Doubles
    """[F, 2], pixels: where the point between the eyes lies"""

    def project(self, points: Doubles) -> Doubles:
        """Model points [N, 3] or [F, N, 3] to pixels [F, N, 2]."""
        turned = np.einsum("fij,...nj->fni" if points.ndim == 2 else "fij,fnj->fni", self.rotation, points)
        return self.scale[:, None, None] * turned[..., :2] + self.offset[:, None, :]


@cache
def head_model() -> HeadModel:
    """The model that ships beside this module; `core/synthetic/head_points.py` made it."""
    data = json.loads((Path(__file__).parent / "head.json").read_text())
    model = HeadModel(*(np.array(data[name]) for name in HeadModel._fields))
    centre = model.cranium.mean(axis=0)
    return model._replace(cranium=centre + (model.cranium - centre) * SKULL_MARGIN)


@cache
def _rigidity() -> Doubles:
    """[70] how far each point says where the skull is: expression moves lips, brows and chin; the jaw line slides."""
    weight = np.full(ibug68.COUNT, 0.01)
    weight[list(ibug68.NOSE_BRIDGE)] = 1.0
    weight[list(ibug68.NOSTRILS)] = 0.7
    weight[[36, 39, 42, 45]] = 1.0
    weight[[*ibug68.RIGHT_BROW, *ibug68.LEFT_BROW]] = 0.15
    weight[33] = 0.7
    weight[list(ibug68.PUPILS)] = 0.0
    return weight


def rotations(vectors: Doubles) -> Doubles:
    """Rodrigues' formula for [F, 3] rotation vectors."""
    angle = np.linalg.norm(vectors, axis=-1)[:, None, None]
    axis = vectors / np.maximum(angle[..., 0], 1e-12)
    zero = np.zeros(len(vectors))
    cross = np.stack([zero, -axis[:, 2], axis[:, 1], axis[:, 2], zero, -axis[:, 0], -axis[:, 1], axis[:, 0], zero], -1)
    cross = cross.reshape(-1, 3, 3)
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross


def rotation_vectors(rotation: Doubles) -> Doubles:
    """The inverse of `rotations`, for [F, 3, 3] that turn by less than half a circle."""
    angle = np.arccos(np.clip((np.trace(rotation, axis1=1, axis2=2) - 1) / 2, -1.0, 1.0))
    skew = np.stack([rotation[:, i, j] - rotation[:, j, i] for i, j in ((2, 1), (0, 2), (1, 0))], axis=-1)
    return np.asarray(skew * (0.5 / np.maximum(np.sinc(angle / np.pi), 1e-6))[:, None])


def fit_pose(landmarks: NDArray[np.floating], head: Doubles | None = None, weight: Doubles | None = None) -> HeadPose:
    """The pose of each face in `landmarks` [F, 70, 2] (pixels), by Gauss-Newton from the frontal head.

    head: [70, 3] or [F, 70, 3] in model units, the person's own; the average head without. weight: [70] how much each point
    counts; by how rigid it is without. NaN is a point that nobody saw.
    """
    known = np.isfinite(landmarks).all(axis=-1)
    seen = np.where(known[..., None], landmarks, 0.0).astype(np.float64)
    model = np.broadcast_to(head_model().landmarks if head is None else head, (*seen.shape[:2], 3))
    weight = (_rigidity() if weight is None else weight) * known
    root = np.sqrt(weight)[..., None]
    scale, tilt, offset = _similarity(model[..., :2], seen, weight)
    rotation = rotations(np.stack([np.zeros_like(tilt), np.zeros_like(tilt), tilt], axis=-1))
    for _ in range(ITERATIONS):
        turned = np.einsum("fij,fnj->fni", rotation, model)
        residual = scale[:, None, None] * turned[..., :2] + offset[:, None] - seen
        jacobian = pose_jacobian(turned, scale) * root[..., None]
        rows = jacobian.reshape(len(seen), -1, 6)
        normal = rows.transpose(0, 2, 1) @ rows + 1e-9 * np.eye(6)
        step = -np.linalg.solve(normal, rows.transpose(0, 2, 1) @ (residual * root).reshape(len(seen), -1, 1))[..., 0]
        step[:, :3] = np.clip(step[:, :3], -0.5, 0.5)
        rotation = rotations(step[:, :3]) @ rotation
        scale = scale * np.exp(np.clip(step[:, 3], -0.5, 0.5))
        offset = offset + step[:, 4:]
        if np.abs(step).max(initial=0.0) < SETTLED:
            break
    return HeadPose(rotation, scale, offset)


def pose_jacobian(turned: Doubles, scale: Doubles) -> Doubles:
    """[F, N, 2, 6] how the picture of points [F, N, 3], turned already, changes with the pose: by a further rotation vector,
    the logarithm of the scale [F], and the offset."""
    s = scale[:, None]
    x, y, z = turned[..., 0], turned[..., 1], turned[..., 2]
    zero, one = np.zeros_like(x), np.ones_like(x)
    across = np.stack([zero, s * z, -s * y, s * x, one, zero], axis=-1)
    down = np.stack([-s * z, zero, s * x, s * y, zero, one], axis=-1)
    return np.stack([across, down], axis=2)


def _similarity(source: Doubles, target: Doubles, weight: Doubles) -> tuple[Doubles, Doubles, Doubles]:
    """Scale [F], tilt [F] and offset [F, 2] that bring flat points [F, N, 2] nearest to others, by weights [F, N]."""
    share = weight / np.maximum(weight.sum(axis=1, keepdims=True), 1e-9)
    middles = [np.einsum("fn,fni->fi", share, points) for points in (source, target)]
    a, b = source - middles[0][:, None], target - middles[1][:, None]
    along = np.einsum("fn,fni,fni->f", share, a, b)
    across = np.einsum("fn,fn->f", share, a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0])
    scale = np.hypot(along, across) / np.maximum(np.einsum("fn,fni,fni->f", share, a, a), 1e-9)
    tilt = np.arctan2(across, along)
    turn = np.stack([np.cos(tilt), -np.sin(tilt), np.sin(tilt), np.cos(tilt)], axis=-1).reshape(-1, 2, 2)
    moved = scale[:, None] * np.einsum("fij,fj->fi", turn, middles[0])
    return np.maximum(scale, 1e-6), tilt, middles[1] - moved


class ControlPoints(NamedTuple):
    """The control points of the head's warp."""

    points: NDArray[np.float32]
    """[F, 70 + M, 2], pixels: the landmarks, then the skull carried by the head's pose"""
    stiffness: NDArray[np.float32]
    """[F, 70 + M], how little each bends the picture: detectors are noisy, the average skull only a likelihood, and a
    point behind the head is ignored"""
    projection: NDArray[np.float32]
    """[F, 2, 4] from model units (x, y, z, 1) to pixels: the head's pose"""

    def unit(self, size: int) -> ControlPoints:
        """The same in a square picture of `size` pixels whose edges are -1 and 1."""
        scale = np.float32(2.0 / size)
        return ControlPoints(
            self.points * scale - 1, self.stiffness, self.projection * scale - np.array((0, 0, 0, 1), np.float32)
        )


def control_points(landmarks: NDArray[np.float32]) -> ControlPoints:
    """Landmarks [F, 70, 2] and the skull's points round them, which carry hair and outline through a turn of the head."""
    model = head_model()
    pose = fit_pose(landmarks)
    landmarks = _with_lids_apart(landmarks, pose)
    outward = model.cranium - model.cranium.mean(axis=0)
    outward /= np.linalg.norm(outward, axis=-1, keepdims=True)
    facing = np.einsum("fj,nj->fn", pose.rotation[:, 2], outward)  # -1 towards the camera, 1 away
    hidden = np.clip((facing + 0.2) / 0.6, 0.0, 1.0)
    points = np.concatenate([landmarks, pose.project(model.cranium)], axis=1)
    seen = np.empty(landmarks.shape[:2])
    for points_of, value in STIFFNESS:
        seen[:, list(points_of)] = value
    seen[:, list(ibug68.PUPILS)] += HIDDEN_STIFFNESS * _lids_over_pupils(landmarks) ** 2
    stiffness = np.concatenate([seen, SKULL_STIFFNESS + HIDDEN_STIFFNESS * hidden**2], axis=1)
    projection = np.concatenate([pose.scale[:, None, None] * pose.rotation[:, :2], pose.offset[..., None]], axis=-1)
    return ControlPoints(points.astype(np.float32), stiffness.astype(np.float32), projection.astype(np.float32))


def _lids_over_pupils(landmarks: NDArray[np.float32]) -> Doubles:
    """[F, 2] how much of each pupil the lids hide, 0 to 1: where a shut eye looks, nobody sees."""
    eyes = landmarks[:, 36:48].reshape(-1, 2, 6, 2).astype(np.float64)
    height = np.linalg.norm(eyes[:, :, [1, 2]] - eyes[:, :, [5, 4]], axis=-1).mean(axis=-1)
    width = np.maximum(np.linalg.norm(eyes[:, :, 3] - eyes[:, :, 0], axis=-1), 1e-6)
    return 1.0 - np.clip((height / width - SHUT) / (OPEN - SHUT), 0.0, 1.0)


def _with_lids_apart(landmarks: NDArray[np.float32], pose: HeadPose) -> NDArray[np.float32]:
    """The same faces [F, 70, 2], crossed lids moved apart along the head's vertical to LEAST_OPENING."""
    apart = landmarks.copy()
    down = pose.rotation[:, :2, 1]
    for upper, lower in LIDS:
        opening = np.einsum("fi,fi->f", apart[:, lower] - apart[:, upper], down)
        lacking = np.maximum(LEAST_OPENING * pose.scale - opening, 0.0)[:, None] * down / 2
        apart[:, upper] -= lacking.astype(np.float32)
        apart[:, lower] += lacking.astype(np.float32)
    return apart
