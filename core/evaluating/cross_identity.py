# SPDX-License-Identifier: GPL-3.0-or-later
"""Cross-identity: one person's likeness plays another's performance. There is no true frame; what can be asked is whether
the person is still the same and does what the driver does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import nan

import numpy as np
from numpy.typing import NDArray

from ..arrays import Picture
from ..judging.identity import FaceDescriptor
from ..landmarks.detectors import Detector, Face
from ..likeness import Likeness
from .metrics import correlation
from .proportions import change_of_proportions
from .roads import MethodOutput
from .scores import Judge, mean_of_measured
from .subjects import RUN

EXPRESSIONS = {
    "jaw": ("jawOpen",),
    "pucker": ("mouthPucker",),
    "smile": ("mouthSmileLeft", "mouthSmileRight"),
    "blink": ("eyeBlinkLeft", "eyeBlinkRight"),
    "brows": ("browInnerUp",),
}
"""Movements that are followed, each the mean of the detector's scores named."""
MOVES = 0.02
"""Standard deviation of a score over the driver's frames below which there is nothing to follow."""


@dataclass(frozen=True)
class CrossScores:
    """Means over frames. NaN is what was not measured."""

    identity: float
    """distance of dlib's descriptors to the likeness' own photos, the mean over them; below 0.6 is the same person"""
    expression: float
    """mean of the correlations that follow, over what the driver moves"""
    jaw: float
    """correlation over frames of the detector's score on the driver's frame and on the painted one; NaN at no movement"""
    pucker: float
    smile: float
    blink: float
    brows: float
    shape: float
    """mean change of the face's proportions from the likeness' photos, by a detector that did not drive; .03 is 3 %"""
    found: float
    """part of the frames in which the detector finds a face"""


def score_cross(likeness: Likeness, driver: Sequence[Picture], shown: MethodOutput, judge: Judge) -> CrossScores:
    """Score what `likeness` made of the frames `driver`."""
    wanted = [_first(judge, picture) for picture in driver]
    found = [_first(judge, picture) for picture in shown.pictures]
    both = [(a.expression, b.expression) for a, b in zip(wanted, found, strict=True) if a and b]
    followed = {name: _followed(both, shapes) for name, shapes in EXPRESSIONS.items()}
    close = list(zip(shown.pictures, found, strict=True))[::RUN]
    return CrossScores(
        identity=_identity(judge.describer, likeness, [(picture, face) for picture, face in close if face]),
        expression=mean_of_measured(list(followed.values())),
        shape=_shape_change(judge.second, likeness, shown.pictures),
        found=float(np.mean([face is not None for face in found])),
        **followed,
    )


def _first(judge: Judge, picture: Picture) -> Face | None:
    faces = judge.detector.detect(picture)
    return faces[0] if faces else None


def _shape_change(detector: Detector | None, likeness: Likeness, painted: Sequence[Picture]) -> float:
    if detector is None:
        return nan
    own, found = (
        [faces[0].landmarks for picture in pictures if (faces := detector.detect(picture))]
        for pictures in (likeness.pictures, painted)
    )
    return change_of_proportions(np.stack(found), np.stack(own)) if own and found else nan


def _followed(both: Sequence[tuple[Mapping[str, float], Mapping[str, float]]], shapes: Sequence[str]) -> float:
    """The correlation of what the driver does with what the likeness does, of one expression."""
    if not both or any(shape not in seen for seen in both[0] for shape in shapes):
        return nan
    wanted, found = (np.array([np.mean([seen[i][shape] for shape in shapes]) for seen in both]) for i in (0, 1))
    return correlation(found, wanted) if wanted.std() > MOVES else nan


def _identity(describer: FaceDescriptor | None, likeness: Likeness, painted: Sequence[tuple[Picture, Face]]) -> float:
    if describer is None or not painted:
        return nan
    pairs = zip(likeness.pictures, likeness.landmarks, strict=True)
    photos = np.stack([describer.describe(picture, landmarks) for picture, landmarks in pairs])
    frames = np.stack([describer.describe(picture, face.landmarks) for picture, face in painted])
    gaps: NDArray[np.float64] = np.linalg.norm(frames[:, None] - photos, axis=-1)
    return float(gaps.mean())
