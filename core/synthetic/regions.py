# SPDX-License-Identifier: GPL-3.0-or-later
"""Where on the base mesh hair grows, and where the 68 landmarks lie."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np

from ..arrays import Doubles
from ..landmarks import ibug68
from ..landmarks.head import head_model
from .figure import EYES, Figure
from .mesh import Ints, neutral_mesh, read_target

CONTOUR = 17
CONTOUR_STEPS = 7
"""Points along each row of the jaw line, from the landmark towards the middle of the face."""
CONTOUR_END = 0.45
"""Where a row ends, as a part of the landmark's angle round the head's axis."""
PAIRS = ((37, 41), (38, 40), (43, 47), (44, 46), (61, 67), (62, 66), (63, 65))
"""Landmarks that meet when eyes or lips close."""
PUPIL_HEIGHT = 0.012
"""Height of a pupil above the middle of its lids (eye distances): where MediaPipe sees the irises in renders (63 frames)."""
HAIRLINE = np.array([[-1.2, 6.6], [0.0, 6.75], [0.3, 7.25], [0.75, 7.4], [1.0, 7.85], [1.4, 8.02], [2.0, 8.05]])
"""Depth (z) and height (y) of the hairline on the base mesh, decimetres."""


@dataclass(frozen=True)
class Attachment:
    """Points that ride on K vertices of the mesh each: their numbers [N, K] and weights [N, K]."""

    corners: Ints
    weights: Doubles

    def at(self, vertices: Doubles) -> Doubles:
        """The points [N, 3] on the vertices [V, 3]."""
        return np.einsum("nk,nkc->nc", self.weights, vertices[self.corners])


class MeshRegions:
    """Where each part lies on a figure's base mesh."""

    def __init__(self, figure: Figure) -> None:
        self.figure = figure

    @cached_property
    def neutral(self) -> Doubles:
        """The base mesh as a young adult of no race or sex: what `landmarks/head.json` was made from."""
        return neutral_mesh(self.figure.targets.parent).vertices

    @cached_property
    def _marks(self) -> Doubles:
        """[68, 3] the head model's landmarks in the frame of `neutral`.

        head.json is in distances between the eyes. Its cranium holds vertices of the mesh, which tell scale and place.
        """
        skull = np.array(json.loads((Path(__file__).parent.parent / "landmarks" / "head.json").read_text())["cranium"])
        flipped, body = np.array([1.0, -1.0, -1.0]), self.neutral[np.unique(self.figure.body[..., 0])]
        eyes = np.array([self.neutral[ball].mean(axis=0) for ball, _ in EYES.values()])
        scale, offset = float(np.linalg.norm(eyes[0] - eyes[1])), eyes.mean(axis=0)
        for _ in range(40):
            placed = skull * flipped * scale + offset
            nearest = body[np.linalg.norm(body[None] - placed[:, None], axis=-1).argmin(axis=1)]
            a, b = skull * flipped - (skull * flipped).mean(axis=0), nearest - nearest.mean(axis=0)
            scale = float((a * b).sum() / np.square(a).sum())
            offset = nearest.mean(axis=0) - scale * (skull * flipped).mean(axis=0)
        return np.asarray(head_model().landmarks[: ibug68.IBUG] * flipped * scale + offset)

    @cached_property
    def _triangles(self) -> Ints:
        """[T, 3] the skin of the head."""
        quads = self.figure.body[..., 0]
        quads = quads[(self.neutral[quads, 1] > 5.6).all(axis=1)]
        return np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])

    @cached_property
    def landmarks(self) -> Attachment:
        """The 68 points as the detectors place them on a frontal face."""
        return self._snapped(self._nearest(self._marks, self._triangles))

    def _nearest(self, points: Doubles, triangles: Ints) -> Attachment:
        """The vertex or triangle nearest to each point, by way of many samples on every triangle near it."""
        shares = np.array([(i, j, 6 - i - j) for i in range(7) for j in range(7 - i)]) / 6
        corners, weights = [], []
        for point in points:
            middle = self.neutral[triangles].mean(axis=1)
            near = triangles[np.linalg.norm(middle - point, axis=1).argsort()[:24]]
            samples = np.einsum("sk,tkc->tsc", shares, self.neutral[near])
            triangle, share = np.unravel_index(np.linalg.norm(samples - point, axis=-1).argmin(), samples.shape[:2])
            corners.append(near[triangle])
            weights.append(shares[share])
        return Attachment(np.array(corners), np.array(weights))

    def _snapped(self, found: Attachment) -> Attachment:
        """Lids and inner lips ride on the vertices that meet when they close, so that a closed eye is a line."""
        closing = np.zeros_like(self.neutral)
        for name in ("eyeBlinkLeft", "eyeBlinkRight"):
            at, by = read_target(self.figure.targets.parent.parent / f"faceunits01/targets/faceunits/{name}.target")
            closing[at] += by
        opening = np.zeros_like(self.neutral)
        at, by = read_target(self.figure.targets.parent.parent / "faceunits01/targets/faceunits/jawOpen.target")
        opening[at] += by
        skin = np.unique(self._triangles)
        corners, weights = found.corners.copy(), found.weights.copy()
        for upper, lower in PAIRS:
            lips = upper >= 48
            above, below = (skin[np.linalg.norm(self.neutral[skin] - self._marks[i], axis=1) < 0.12] for i in (upper, lower))
            if lips:
                drop = -opening[:, 1]
                above, below = above[drop[above] < 0.1], below[drop[below] > 0.2]
            else:
                above, below = above[-closing[above, 1] > 0.04], below[-closing[below, 1] < 0.03]
            closed = self.neutral + (0 if lips else closing)
            gap = np.linalg.norm(closed[above][:, None] - closed[below][None], axis=-1)
            away = [
                np.linalg.norm((self.neutral[v] - self._marks[i])[:, :2], axis=1)
                for v, i in ((above, upper), (below, lower))
            ]
            cost = (
                2 * gap + away[0][:, None] + away[1][None] - 0.3 * (self.neutral[above, 2][:, None] + self.neutral[below, 2])
            )
            a, b = np.unravel_index(cost.argmin(), cost.shape)
            for mark, vertex in ((upper, above[a]), (lower, below[b])):
                corners[mark], weights[mark] = vertex, (1.0, 0.0, 0.0)
        return Attachment(corners, weights)

    @cached_property
    def pupils(self) -> Attachment:
        """The middles of both pupils: the subject's right eye, then the left."""
        lids = self.landmarks.at(self.neutral)[36:48].reshape(2, 6, 3).mean(axis=1)
        places, triangles = [], []
        for lid, side in zip(lids, ("right", "left"), strict=True):
            ball = self.neutral[EYES[side][0]]
            up = PUPIL_HEIGHT * float(np.linalg.norm(lids[1] - lids[0]))
            places.append((ball[:, 0].mean(), lid[1] + up, ball[:, 2].max()))
            quads = self.figure.base.quads[f"helper-{side[0]}-eye"][..., 0]
            triangles += [quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]]
        return self._nearest(np.array(places), np.concatenate(triangles))

    @cached_property
    def contour(self) -> Attachment:
        """CONTOUR rows of CONTOUR_STEPS points from each point of the jaw line inward, row by row."""
        axis = np.array([0.0, 0.0, self._marks[[0, 16], 2].mean()])
        points = []
        for mark in self._marks[:CONTOUR]:
            arm = mark - axis
            angle, radius = np.arctan2(arm[0], arm[2]), np.hypot(arm[0], arm[2])
            for share in np.linspace(1.0, CONTOUR_END, CONTOUR_STEPS):
                place = (np.sin(angle * share) * radius, mark[1], np.cos(angle * share) * radius * 1.1)
                points.append(axis + np.array(place))
        return self._nearest(np.array(points), self._triangles)

    @cached_property
    def outward(self) -> Doubles:
        """[CONTOUR, 2] where each point of the jaw line lies from the nose of a frontal face: x to the right, y down."""
        away = (self._marks[:CONTOUR] - self._marks[27:36].mean(axis=0))[:, :2] * (1, -1)
        return np.asarray(away / np.linalg.norm(away, axis=1, keepdims=True))

    @cached_property
    def _centres(self) -> tuple[Doubles, Doubles]:
        """Centre and normal of every quad of the skin, on the neutral mesh."""
        corners = self.neutral[self.figure.body[..., 0]]
        normal = np.cross(corners[:, 2] - corners[:, 0], corners[:, 3] - corners[:, 1])
        return corners.mean(axis=1), normal / (np.linalg.norm(normal, axis=1, keepdims=True) + 1e-12)

    @cached_property
    def beard(self) -> Doubles:
        """[Q] how much beard grows on each quad of the skin."""
        centre, normal = self._centres
        marks = self._marks
        cheeks = np.concatenate([marks[2:15], marks[[35, 33, 31]]])[:, :2]
        grows = self._inside(centre, cheeks) & (normal[:, 2] > -0.3)
        lips = marks[48:60, :2]
        grows &= ~self._inside(centre, (lips - lips.mean(axis=0)) * 1.12 + lips.mean(axis=0))
        under = (centre[:, 1] < marks[8, 1]) & (centre[:, 1] > 6.0) & (normal[:, 1] < -0.2) & (centre[:, 2] > 0.55)
        grows |= under
        grows[grows] = self._outer(centre[grows])
        return grows.astype(float)

    @cached_property
    def scalp(self) -> Doubles:
        """[Q] 1 on the quads of the skin where hair grows."""
        centre, _ = self._centres
        grows = centre[:, 1] > np.interp(centre[:, 2], *HAIRLINE.T)
        ears = np.concatenate(
            [read_target(self.figure.targets / f"ears/{side}-ear-wing-incr.target.gz")[0] for side in "lr"]
        )
        return (grows & ~np.isin(self.figure.body[..., 0], ears).any(axis=1)).astype(float)

    def _inside(self, centre: Doubles, outline: Doubles) -> np.ndarray:
        shape = outline.astype(np.float32)[:, None]
        return np.array([cv2.pointPolygonTest(shape, (float(x), float(y)), False) >= 0 for x, y in centre[:, :2]])

    def _outer(self, centre: Doubles) -> np.ndarray:
        """True for quads [N, 3] that are not inside the mouth or nose: none of the others lies well in front of them."""
        near = np.linalg.norm(centre[:, None, :2] - centre[None, :, :2], axis=-1) < 0.05
        front = np.where(near, centre[:, 2][None], -np.inf).max(axis=1)
        return (centre[:, 2] > front - 0.15) | (centre[:, 1] < 6.2)
