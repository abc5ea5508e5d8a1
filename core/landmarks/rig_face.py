# SPDX-License-Identifier: GPL-3.0-or-later
"""The 70 points of a rig that gives some of them, or only the weights of expressions: the linear model gives the rest.

Needs numpy alone, a fraction of a millisecond a frame: it runs inside Blender for every frame that is read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from ..arrays import Doubles
from . import arkit, ibug68
from .face_model import face_model
from .naming import Match

LEAST_POINTS = 6
"""Fewer points of a rig say neither how large a face is nor how it is turned."""
SPREAD = 0.05
"""Standard deviation, in eye distances, of an artist's points from where the model has them."""
ACTING = 0.35
REACH = 0.35
"""In eye distances: how far the departure of a known point from the model is believed of its neighbours."""
ROUNDS = 4
PEAK = 4
"""Power of the way that a vertex goes by which it counts for where a shape key acts: the peak, not the slopes."""
STILL = 0.02
"""A vertex goes with the skull if no shape key moves it by more than this, in eye distances."""
HEAD = 1.5
"""Half the head, in eye distances round the eyes."""


class Similarity(NamedTuple):
    """target = scale * rotation @ source + offset."""

    rotation: Doubles
    """[3, 3]"""
    scale: float
    offset: Doubles
    """[3]"""

    def __call__(self, points: Doubles) -> Doubles:
        """Points [N, 3] moved."""
        return np.asarray(self.scale * points @ self.rotation.T + self.offset)

    def undo(self, points: Doubles) -> Doubles:
        """The inverse."""
        return np.asarray((points - self.offset) @ self.rotation / self.scale)


def similarity(source: Doubles, target: Doubles, weight: Doubles | None = None) -> Similarity:
    """The similarity that brings points [N, 3] nearest to others, by weights [N] (Umeyama 1991). Never mirrors."""
    share = np.full(len(source), 1 / len(source)) if weight is None else weight / weight.sum()
    from_middle, to_middle = share @ source, share @ target
    a, b = source - from_middle, target - to_middle
    u, spread, v = np.linalg.svd((b * share[:, None]).T @ a)
    signs = np.array([1.0, 1.0, np.sign(np.linalg.det(u @ v)) or 1.0])
    rotation = (u * signs) @ v
    scale = float((spread * signs).sum() / max(float(share @ np.square(a).sum(axis=1)), 1e-12))
    return Similarity(rotation, scale, to_middle - scale * rotation @ from_middle)


class RigFace:
    """A face of which some points are known. `rest` [70, 3] is the face doing nothing, NaN where a point is not known."""

    def __init__(self, rest: Doubles) -> None:
        model = face_model()
        self.known = np.isfinite(rest).all(axis=1)
        seen = rest[self.known]
        self._firm = _firmness()[self.known]
        shapes = model.shapes[:, self.known]
        columns = shapes.reshape(len(shapes), -1).T
        neutral = model.neutral
        for _ in range(ROUNDS):
            placed = similarity(neutral[self.known], seen, self._firm)
            left = (placed.undo(seen) - model.neutral[self.known]).ravel()
            weights = np.linalg.solve(columns.T @ columns / SPREAD**2 + np.eye(len(shapes)), columns.T @ left / SPREAD**2)
            neutral = model.neutral + np.tensordot(weights, model.shapes, axes=1)
        away = np.linalg.norm(neutral[:, None] - neutral[None, self.known], axis=-1)
        near = np.exp(-np.square(away / REACH))
        self._shared = near / (near.sum(axis=1, keepdims=True) + 0.2)
        own = placed.undo(seen)
        self._rest = neutral + self._shared @ (own - neutral[self.known])
        self._rest[self.known] = own
        acts = model.expressions[:, self.known].reshape(len(model.expressions), -1).T
        normal = acts.T @ acts / SPREAD**2 + np.eye(len(acts.T)) / ACTING**2
        self._read = np.linalg.solve(normal, acts.T / SPREAD**2)

    def complete(self, points: Doubles) -> Doubles:
        """All points [70, 3] of a frame in which the known ones stand at `points` [70, 3]; these stay where they are."""
        if self.known.all():
            return points
        seen = points[self.known]
        placed = similarity(self._rest[self.known], seen, self._firm)
        moved = placed.undo(seen) - self._rest[self.known]
        acted = np.tensordot(self._read @ moved.ravel(), face_model().expressions, axes=1)
        acted += self._shared @ (moved - acted[self.known])
        whole = placed(self._rest + acted)
        whole[self.known] = seen
        return whole

    def at_rest(self, points: Doubles) -> Doubles:
        """All points [70, 3] of the face doing nothing, its head where the known ones of `points` [70, 3] have it."""
        return similarity(self._rest[self.known], points[self.known], self._firm)(self._rest)


def _firmness() -> Doubles:
    """[70] how far a point goes with the skull."""
    firm = np.full(ibug68.COUNT, 0.02)
    firm[list(ibug68.NOSE_BRIDGE)] = 1.0
    firm[[*ibug68.NOSTRILS, 36, 39, 42, 45]] = 0.7
    firm[[0, 1, 15, 16]] = 0.5
    return firm


class Placed(NamedTuple):
    """The linear model on a mesh whose shape keys alone are known."""

    face: Similarity
    """from the model to the mesh at rest"""
    skull: np.ndarray
    """[N] the numbers of vertices that go with the head and that no key moves"""

    def points(self, weights: Doubles) -> Doubles:
        """[70, 3] on the mesh at rest, for expression weights [52]."""
        return self.face(face_model().acted(weights))


def place_model(basis: Doubles, keys: Mapping[str, Doubles], matches: Sequence[Match]) -> Placed:
    """Find the face on a mesh by where its shape keys move it.

    basis: [V, 3] the mesh at rest; keys: by name, [V, 3] the mesh with a key at 1; matches: what the keys mean. Each key's
    strongest movement lies where the model's does. Keys of one side tell left from right; without any, the face looks
    along -Y with Z up, as Blender's characters do.
    """
    model = face_model()
    meaning: dict[str, Doubles] = {}
    for match in matches:
        acts = meaning.setdefault(match.source, np.zeros(model.neutral.shape))
        acts += match.weight * model.expressions[arkit.INDEX[match.target]]
    ours, theirs = [], []
    reach = np.zeros(len(basis))
    for name, acts in meaning.items():
        way, own = np.linalg.norm(keys[name] - basis, axis=1), np.linalg.norm(acts, axis=1)
        if way.max() < 1e-9 or own.max() < 1e-9:
            continue
        reach = np.maximum(reach, way)
        ours.append(_peak(model.neutral, own))
        theirs.append(_peak(basis, way))
    a, b = np.array(ours), np.array(theirs)
    sided = np.ptp(a[:, 0]) > 0.3 if len(a) else False
    face = _robust(a, b) if sided else _facing_us(a, b)
    between_eyes = face(np.zeros((1, 3)))[0]
    near = np.linalg.norm(basis - between_eyes, axis=1) < HEAD * face.scale
    skull = np.flatnonzero(near & (reach < STILL * face.scale))
    return Placed(face, skull[:: max(1, len(skull) // 200)])


def _robust(source: Doubles, target: Doubles) -> Similarity:
    """A similarity that keys which act elsewhere than the model's do not spoil: a key counts less the worse it fits."""
    found = similarity(source, target)
    for _ in range(ROUNDS):
        gap = np.linalg.norm(found(source) - target, axis=1) / found.scale
        found = similarity(source, target, 1.0 / (gap**2 + SPREAD**2))
    return found


def _peak(points: Doubles, way: Doubles) -> Doubles:
    """[3] the middle of points [N, 3] that go a `way` [N], by its PEAKth power."""
    share = (way / way.max()) ** PEAK
    return np.asarray(share @ points / share.sum())


def _facing_us(source: Doubles, target: Doubles) -> Similarity:
    """Scale and place alone: model axes (x left of the subject, y down, z back) to Blender's for one who looks along -Y."""
    rotation = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])
    turned = source @ rotation.T
    a, b = turned - turned.mean(axis=0), target - target.mean(axis=0)
    scale = float(np.sqrt(np.square(b[:, 2]).sum() / max(float(np.square(a[:, 2]).sum()), 1e-12)))
    return Similarity(rotation, scale, target.mean(axis=0) - scale * turned.mean(axis=0))
