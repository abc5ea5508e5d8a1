# SPDX-License-Identifier: GPL-3.0-or-later
"""The quality gate: each painted frame is scored, and held against limits.

The limits' defaults were chosen on eight clips of `../shared/clips`, each played by its own likeness of eight photos without
trained weights, and on failures planted in six of them (means over three frames a clip). `identity` is dlib's distance,
`landmarks` and `mouth` are in eye distances, `sharpness` is a part of the photos', `flicker` is of 255.

| | identity | landmarks | mouth | sharpness | flicker |
| --- | --- | --- | --- | --- | --- |
| painted frames | .10 to .48 | to .022 | to .033 | from .70 | to 1.6 |
| true frames, with their camera's noise | .10 to .40 | 0 | 0 | from .92 | to 1.3 |
| another person's face | from .54 | to .036 | to .030 | .55 to 1.7 | from 15 |
| mouth .08 aside | to .41 | to .031 | from .051 | from .77 | from 1.7 |
| mouth and chin .12 lower | to .38 | to .028 | from .038 | from .82 | from 1.6 |
| moved by .06 | to .41 | from .057 | from .057 | from .77 | from 4.9 |
| blurred by 2 pixels of 256 | to .45 | to .024 | to .032 | to .57 | from 1.6 |
| 4 % brighter | to .41 | to .016 | to .021 | from .77 | from 2.2 |

Left out of the table's first row are eight of 192 frames that the limits flag: three for flicker of 2.0 to 2.7 and five for
looking unlike the photos by .50 to .52, with eyes shut, which no photo showed. On three clips that had no part in the choice
one of 66 frames is flagged, and all of 63 planted failures are caught, two of them by another score than their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf, isnan, nan

import cv2
import numpy as np
from numpy.typing import NDArray

from ..arrays import Picture, Points
from ..errors import MissingPackageError, MissingWeightsError
from ..imaging.face_area import Portrait, sharpness
from ..landmarks.agreement import landmark_error, mouth_error
from ..landmarks.detectors import Detector, open_detector
from ..likeness import Likeness
from ..progress import Reporter
from ..settings import GateSettings
from .flicker import flicker
from .identity import FaceDescriptor, open_describer


@dataclass(frozen=True)
class FrameScores:
    """The scores of one painted frame. NaN: not measured."""

    lost: bool
    """the detector finds no face"""
    identity: float = nan
    """distance of dlib's descriptors, the median over the likeness' photos; below 0.6 is the same person"""
    landmarks: float = nan
    """mean distance of the points found from those wanted, over the eye distance"""
    mouth: float = nan
    """the same of the lips"""
    sharpness: float = nan
    """how much of the face's contrast is fine detail, over the median of the likeness' photos"""
    flicker: float = nan
    """mean over the face, 0 to 255; see `flicker`. NaN without a neighbour on either side"""


@dataclass(frozen=True)
class Verdict:
    """Whether a frame is good enough."""

    reasons: Mapping[str, str]
    """what speaks against it: the name of the score, and a sentence"""
    total: float
    """how bad it is over all scores: the sum of each over its limit"""

    @property
    def passed(self) -> bool:
        return not self.reasons


def judge(scores: FrameScores, limits: GateSettings) -> Verdict:
    """Hold `scores` against `limits`; what was not measured passes."""
    if scores.lost:
        return Verdict({"lost": "no face can be found in it"}, inf)
    excess = {
        "identity": scores.identity / limits.identity_limit,
        "landmarks": scores.landmarks / limits.landmark_limit,
        "mouth": scores.mouth / limits.mouth_limit,
        "sharpness": limits.sharpness_limit / max(scores.sharpness, 1e-6),
        "flicker": scores.flicker / limits.flicker_limit,
    }
    excess = {name: value for name, value in excess.items() if not isnan(value)}
    away = "of the eye distance from where it should be"
    said = {
        "identity": f"looks {scores.identity:.2f} unlike the photos; limit {limits.identity_limit:g}",
        "landmarks": f"face {scores.landmarks:.2f} {away}; limit {limits.landmark_limit:g}",
        "mouth": f"mouth {scores.mouth:.2f} {away}; limit {limits.mouth_limit:g}",
        "sharpness": f"blurred: {scores.sharpness:.2f} times as sharp as the photos; limit {limits.sharpness_limit:g}",
        "flicker": f"flickers: {scores.flicker:.1f} of 255 off the frames beside it; limit {limits.flicker_limit:g}",
    }
    return Verdict({name: said[name] for name, value in excess.items() if value > 1}, sum(excess.values()))


class Gate:
    """Scores frames of one likeness, at its size. Takes 0.1 s a frame on one core, most of it for the identity."""

    def __init__(self, likeness: Likeness, detector: Detector | None, describer: FaceDescriptor | None) -> None:
        """A score without the package it needs stays unmeasured."""
        photos = [Portrait(*photo) for photo in zip(likeness.pictures, likeness.landmarks, strict=True)]
        self._size = likeness.size
        self._detector, self._describer = detector, describer
        self._sharpness = float(np.median([sharpness(*photo) for photo in photos]))
        self._descriptors = np.stack([describer.describe(*photo) for photo in photos]) if describer else np.zeros((0, 128))

    def portrait(self, picture: NDArray[np.float32], landmarks: Points) -> Portrait:
        """A painted picture [S, S, 3] (sRGB, 0 to 1) of whatever size, as the gate looks at it.

        landmarks: [70, 2] wanted, in pixels of the likeness' crop.
        """
        return Portrait(_bytes_at(picture, self._size), landmarks)

    def score(self, shown: Portrait, before: Portrait | None, after: Portrait | None) -> FrameScores:
        """Score a frame beside its neighbours, None where there is none right beside it."""
        faces = self._detector.detect(shown.picture) if self._detector else []
        found = faces[0].landmarks if faces else None
        return FrameScores(
            lost=self._detector is not None and found is None,
            identity=self._identity(shown),
            landmarks=nan if found is None else landmark_error(found, shown.landmarks),
            mouth=nan if found is None else mouth_error(found, shown.landmarks),
            sharpness=sharpness(*shown) / max(self._sharpness, 1e-6),
            flicker=nan if before is None or after is None else flicker(before, shown, after),
        )

    def close(self) -> None:
        """Let go of the detector."""
        if self._detector:
            self._detector.close()

    def _identity(self, shown: Portrait) -> float:
        if self._describer is None:
            return nan
        return float(np.median(np.linalg.norm(self._descriptors - self._describer.describe(*shown), axis=-1)))


def open_gate(likeness: Likeness, settings: GateSettings, device: str, reporter: Reporter) -> Gate:
    """A gate with whatever is installed here to look with; what is missing is said."""
    detector = None
    try:
        detector = open_detector(settings.detector, device)
    except (MissingPackageError, MissingWeightsError) as error:
        reporter.note(f"Whether frames follow the landmarks is not checked: {error}")
    return Gate(likeness, detector, open_describer(reporter))


def _bytes_at(picture: NDArray[np.float32], size: int) -> Picture:
    if len(picture) != size:
        picture = np.asarray(cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA), np.float32)
    return (picture.clip(0.0, 1.0) * 255).round().astype(np.uint8)
