# SPDX-License-Identifier: GPL-3.0-or-later
"""The guide's sheet of heads from one photo: `python tools/heads.py SHEET.jpg PHOTO...`, each in three short performances.

A row a photo and performance: the photo, then six moments. The performances are made of ARKit weights, so no actor is in
them; the face at rest is the photo's own.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np
from headcast.core.adapting.adapt import adapt
from headcast.core.arrays import Picture
from headcast.core.imaging.preview import contact_sheet
from headcast.core.landmarks.arkit import EXPRESSIONS, INDEX
from headcast.core.landmarks.face_model import face_model
from headcast.core.landmarks.fitting import fit_faces
from headcast.core.painting.player import Player
from headcast.core.progress import Silent
from headcast.core.settings import AdaptSettings
from numpy.typing import NDArray

Expression = dict[str, float]
SPEAKS: list[Expression] = [
    {},
    {"jawOpen": 0.25, "mouthFunnel": 0.2},
    {"jawOpen": 0.45},
    {"mouthPucker": 0.7, "jawOpen": 0.1},
    {"mouthPressLeft": 0.5, "mouthPressRight": 0.5},
    {"jawOpen": 0.2, "mouthStretchLeft": 0.4, "mouthStretchRight": 0.4},
]
LAUGHS: list[Expression] = [
    {"mouthSmileLeft": 0.4, "mouthSmileRight": 0.4},
    {"mouthSmileLeft": 0.8, "mouthSmileRight": 0.8, "mouthUpperUpLeft": 0.3, "mouthUpperUpRight": 0.3, "jawOpen": 0.06},
    {"mouthSmileLeft": 0.9, "mouthSmileRight": 0.9, "jawOpen": 0.2, "eyeSquintLeft": 0.5, "eyeSquintRight": 0.5},
    {"mouthSmileLeft": 0.9, "mouthSmileRight": 0.9, "jawOpen": 0.45, "eyeSquintLeft": 0.6, "eyeSquintRight": 0.6},
    {"jawOpen": 0.7, "eyeWideLeft": 0.5, "eyeWideRight": 0.5, "browInnerUp": 0.7},
    {"mouthFrownLeft": 0.6, "mouthFrownRight": 0.6, "browDownLeft": 0.6, "browDownRight": 0.6},
]
LOOKS: list[Expression] = [
    {"eyeLookOutLeft": 0.8, "eyeLookInRight": 0.8},
    {"eyeLookInLeft": 0.8, "eyeLookOutRight": 0.8},
    {"eyeLookUpLeft": 0.6, "eyeLookUpRight": 0.6, "browInnerUp": 0.6},
    {"eyeBlinkLeft": 0.5, "eyeBlinkRight": 0.5},
    {"eyeBlinkLeft": 1.0, "eyeBlinkRight": 1.0},
    {"eyeBlinkRight": 1.0, "mouthSmileRight": 0.5},
]


def acted(landmarks: NDArray[np.float32], moment: Expression) -> NDArray[np.float32]:
    """The face [70, 2] of a photo doing what `moment` says, head and proportions its own."""
    weights = np.zeros(len(EXPRESSIONS))
    for name, weight in moment.items():
        weights[INDEX[name]] = weight
    fitted = fit_faces(landmarks[None])
    rest = fitted.pose.project(fitted.points)
    moved = fitted.pose.project(fitted.points + np.tensordot(weights, face_model().expressions, axes=1))
    return np.asarray(landmarks + (moved - rest)[0], np.float32)


def rows_of(photo: Path, weights: str) -> list[list[Picture]]:
    """Three rows of bytes."""
    with tempfile.TemporaryDirectory() as folder:
        settings = AdaptSettings(steps=0, weights=weights)
        likeness = adapt([str(photo)], Path(folder) / "x.likeness", settings, Silent())
    player = Player(likeness, weights)
    shown = likeness.pictures[0] if likeness.fine is None else likeness.fine[0]
    rows = []
    for performance in (SPEAKS, LAUGHS, LOOKS):
        heads = [player.paint(acted(likeness.landmarks[0], moment)).picture for moment in performance]
        rows.append([shown, *(np.round(head * 255).astype(np.uint8) for head in heads)])
    return rows


def main(sheet: str, *photos: str, weights: str = "") -> None:
    rows = [row for photo in photos for row in rows_of(Path(photo), weights)]
    cv2.imwrite(sheet, contact_sheet(rows, side=192)[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 88])


if __name__ == "__main__":
    main(*sys.argv[1:])
