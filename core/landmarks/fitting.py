# SPDX-License-Identifier: GPL-3.0-or-later
"""Who a face is, how it is turned and what it does, from its points: the linear face model fitted to what was seen.

Alternating least squares with the model's own spreads as priors. The shape of the face is one for all frames; pose and
expression are each frame's own. Points that nobody saw are NaN, and the model says where they are.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..arrays import Doubles
from . import ibug68
from .arkit import EXPRESSIONS
from .face_model import face_model
from .head import HeadPose, fit_pose, pose_jacobian

ROUNDS = 5
NOISE, SLIDING = 0.03, 0.15
"""Standard deviations, in eye distances, of a point from where the model has it; of the jaw line, which slides."""
ACTING = 0.35
"""Standard deviation of an expression's weight."""
FORBIDDEN = 1e3
"""How much more it costs a weight to be negative."""
FRAMES = 20
"""As many frames at most say who a person is: the errors of more are the same errors."""
REACH = 0.35
"""In eye distances: how far the error of the model at a seen point is believed of its neighbours."""


class FittedFaces(NamedTuple):
    """One person in F frames."""

    pose: HeadPose
    neutral: Doubles
    """[70, 3] the person at rest, in model units"""
    expression: Doubles
    """[F, 52] weights in the order of `arkit.EXPRESSIONS`, 0 to about 1"""
    points: Doubles
    """[F, 70, 3] the person acting, the head not turned, in model units"""


def fit_faces(landmarks: NDArray[np.floating]) -> FittedFaces:
    """Fit one person to `landmarks` [F, 70, 2] in pixels, NaN where a point was not seen."""
    model, weight = face_model(), precision()
    known = np.isfinite(landmarks).all(axis=-1)
    seen = np.where(known[..., None], landmarks, 0.0).astype(np.float64)
    neutral, expression = model.neutral, np.zeros((len(seen), len(EXPRESSIONS)))
    prior = np.full(expression.shape, ACTING**-2)
    for _ in range(ROUNDS):
        points = neutral + np.tensordot(expression, model.expressions, axes=1)
        pose = fit_pose(landmarks, points, weight)
        rest = (seen - pose.offset[:, None]) / pose.scale[:, None, None] - _across(pose, model.neutral)
        shape, expression = _solve(rest, pose, points, np.where(known, weight, 0.0), prior)
        neutral = model.neutral + np.tensordot(shape, model.shapes, axes=1)
        prior = np.where(expression < 0, prior * FORBIDDEN, prior)
    expression = np.maximum(expression, 0.0)
    points = neutral + np.tensordot(expression, model.expressions, axes=1)
    return FittedFaces(fit_pose(landmarks, points, weight), neutral, expression, points)


def _solve(rest: Doubles, pose: HeadPose, points: Doubles, weight: Doubles, prior: Doubles) -> tuple[Doubles, Doubles]:
    """The shape [S] of all frames and the expression [F, 52] of each that explain `rest` [F, 70, 2], poses left free.

    What is each frame's own (pose and expression) is eliminated from the normal equations, so that a tilt of the head is
    not taken for a face of another shape.
    """
    shapes, acts = face_model().shapes, face_model().expressions
    turned = np.einsum("fij,fnj->fni", pose.rotation, points)
    moves = pose_jacobian(turned, np.ones(len(rest)))
    frames, rows = len(rest), rest.shape[1] * 2
    root = np.repeat(np.sqrt(weight), 2, axis=1)[..., None]
    own = np.concatenate([moves.reshape(frames, rows, -1), _columns(pose, acts).reshape(frames, rows, -1)], axis=-1) * root
    shared = _columns(pose, shapes).reshape(frames, rows, -1) * root
    left = rest.reshape(frames, rows, 1) * root
    normal = own.transpose(0, 2, 1) @ own
    normal[:, range(6), range(6)] += 1e-6
    expressed = np.arange(6, normal.shape[-1])
    normal[:, expressed, expressed] += prior
    from_shared, from_left = (np.linalg.solve(normal, own.transpose(0, 2, 1) @ side) for side in (shared, left))
    often = min(1.0, FRAMES / frames)
    kept = shared - own @ from_shared
    gain = often * np.einsum("frs,frt->st", shared, kept, optimize=True) + np.eye(len(shapes))
    shape = np.linalg.solve(gain, often * np.einsum("frs,fri->s", kept, left, optimize=True))
    return shape, (from_left[..., 0] - from_shared @ shape)[:, 6:]


def _across(pose: HeadPose, points: Doubles) -> Doubles:
    """Model points [70, 3] turned, in the picture's plane: [F, 70, 2] in model units."""
    return np.asarray(np.einsum("fij,nj->fni", pose.rotation[:, :2], points))


def _columns(pose: HeadPose, modes: Doubles) -> Doubles:
    """Modes [M, 70, 3] turned, in the picture's plane: [F, 70, 2, M]."""
    return np.asarray(np.einsum("fij,mnj->fnim", pose.rotation[:, :2], modes, optimize=True))


def complete(landmarks: NDArray[np.floating]) -> NDArray[np.float32]:
    """`landmarks` [F, 70, 2] with the points that are NaN put where the model has them; what was seen stays as it is.

    A few points do (eye corners, nose, mouth corners, chin); a frame in which all are seen tells who it is. A point between
    seen ones takes part in their departure from the model.
    """
    fitted = fit_faces(landmarks)
    guessed = fitted.pose.project(fitted.points)
    known = np.isfinite(landmarks).all(axis=-1)
    gap = np.where(known[..., None], landmarks - guessed, 0.0)
    away = np.linalg.norm(fitted.neutral[:, None] - fitted.neutral[None], axis=-1)
    near = np.exp(-np.square(away / REACH))
    share = near[None] * known[:, None, :]
    departure = np.einsum("fnm,fmi->fni", share, gap) / (share.sum(axis=-1) + 0.2)[..., None]
    return np.where(known[..., None], landmarks, guessed + departure).astype(np.float32)


def precision() -> Doubles:
    """[70] how much each point counts: one over its variance."""
    spread = np.full(ibug68.COUNT, NOISE)
    spread[list(ibug68.JAW)] = SLIDING
    return 1.0 / spread**2
