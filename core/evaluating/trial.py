# SPDX-License-Identifier: GPL-3.0-or-later
"""A likeness tried by itself, without a driver: at rest, asked to stand still, and asked to move by numbers.

The first photo's landmarks are asked for as they are, as a detector sees them again and again, and with the mouth opened,
the eyes shut and the pupils moved.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import nan
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from ..arrays import Picture, Points
from ..imaging.colour import to_bytes
from ..imaging.face_area import face_mask
from ..landmarks.detectors import Detector
from ..landmarks.expression import with_expression
from ..landmarks.ibug68 import PUPILS
from ..likeness import Likeness
from ..painting.player import Player, open_player
from ..settings import EvaluateSettings
from .metrics import psnr
from .response import LEFT_CORNERS, RIGHT_CORNERS, respond
from .teeth import change_of_teeth

PHOTOS = 10
"""As many as `render` paints a frame from, at most."""
AT_REST = 3
"""As many photos are asked for, spread over all."""
STILL, ACTED = 6, 18
"""Frames."""
WIDEST = 0.25
"""Gap of the inner lips that is asked for at most, in eye distances: a mouth that speaks loudly."""
SHUT = 0.9
"""How far the eyes are shut at most: that is where a detector sees shut eyes."""
LOOK = 0.2
"""How far the pupils move to either side, in widths of the eye."""
EXACT = 60.0
"""dB: less than 8 bits can tell is no difference."""
JPEG_QUALITY, GRAIN, SHIFT = 85, 2.0, 0.5
"""Changes that a detector should not mind: quality, standard deviation of the noise (of 255), shift in pixels."""


@dataclass(frozen=True)
class Trial:
    """NaN is what was not measured."""

    at_rest: float = nan
    """dB, PSNR in the face of a photo painted at its own landmarks, the least of up to AT_REST photos; EXACT is all of it"""
    still_flicker: float = nan
    """mean |second difference| in the face of frames that one photo's landmarks with a detector's noise ask for, 0 to 255"""
    acted_teeth: float = nan
    """see `change_of_teeth`, while the mouth opens to WIDEST and shuts again, in ACTED frames"""
    acted_gaze: float = nan
    """slope, as in `Response`, of what the same frames ask for"""
    acted_lids: float = nan
    acted_opening: float = nan
    acted_lips_left_open: float = nan


def try_likeness(path: Path, weights: str, settings: EvaluateSettings, detector: Detector) -> Trial:
    """Play the likeness at `path` with `weights`."""
    likeness, player = open_player(path, weights, settings.device, PHOTOS)
    photo, landmarks = likeness.pictures[0], likeness.landmarks[0]
    still = paint_trial(player, noisy_landmarks(photo, landmarks, detector))
    asked = acted_landmarks(landmarks)
    acted = paint_trial(player, asked)
    response = respond([faces[0].landmarks if (faces := detector.detect(picture)) else None for picture in acted], asked)
    return Trial(
        at_rest(likeness, player),
        second_differences(still, face_mask(landmarks, likeness.size)),
        change_of_teeth(acted, list(asked), range(len(asked)))[0],
        response.gaze,
        response.lids,
        response.opening,
        response.lips_left_open,
    )


def paint_trial(player: Player, landmarks: NDArray[np.float32]) -> list[Picture]:
    """The player's frames for [F, 70, 2], pixels of the likeness' crop."""
    return [to_bytes(player.paint(points).picture) for points in landmarks]


def at_rest(likeness: Likeness, player: Player) -> float:
    """dB; see `Trial`."""
    chosen = np.unique(np.linspace(0, len(likeness) - 1, AT_REST).round().astype(int))
    painted = paint_trial(player, likeness.landmarks[chosen])
    return min(
        EXACT,
        *(
            psnr(picture, likeness.pictures[i], face_mask(likeness.landmarks[i], likeness.size))
            for i, picture in zip(chosen, painted, strict=True)
        ),
    )


def noisy_landmarks(photo: Picture, landmarks: Points, detector: Detector) -> NDArray[np.float32]:
    """[STILL, 70, 2] the photo's landmarks, each time with the noise that the detector has on it."""
    generator = np.random.default_rng(0)
    seen = [faces[0].landmarks for _ in range(STILL) if (faces := detector.detect(disturbed(photo, generator)))]
    if not seen:
        return np.repeat(landmarks[None], STILL, axis=0)
    noise = np.stack(seen)
    return np.asarray(landmarks + noise - noise.mean(axis=0), np.float32)


def disturbed(picture: Picture, generator: np.random.Generator) -> Picture:
    """A little noisier, shifted by SHIFT pixels to the right and down, and through JPEG."""
    side = picture.shape[0]
    noisy = picture + generator.normal(0.0, GRAIN, picture.shape)
    shift = np.array([[1.0, 0.0, SHIFT], [0.0, 1.0, SHIFT]])
    shifted = cv2.warpAffine(noisy, shift, (side, side), borderMode=cv2.BORDER_REPLICATE)
    quality = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
    content = cv2.imencode(".jpg", shifted.clip(0, 255).round().astype(np.uint8), quality)[1]
    return np.asarray(cv2.imdecode(content, cv2.IMREAD_COLOR), np.uint8)


def acted_landmarks(landmarks: Points) -> NDArray[np.float32]:
    """[ACTED, 70, 2] the face with its mouth opening and shutting; its pupils look either way, then its eyes shut once."""
    time = np.arange(ACTED) / (ACTED - 1)
    frames = []
    for mouth, shut, look in zip(
        WIDEST * (1 - np.cos(2 * np.pi * time)) / 2,
        np.where(time < 0.5, 0, SHUT * (1 - np.cos(4 * np.pi * time)) / 2),
        np.where(time < 0.5, LOOK * np.sin(4 * np.pi * time), 0),
        strict=True,
    ):
        face = with_expression(landmarks, float(mouth), float(shut))
        for corners, pupil in zip((RIGHT_CORNERS, LEFT_CORNERS), PUPILS, strict=True):
            face[pupil] += np.float32(look) * (landmarks[corners[1]] - landmarks[corners[0]])
        frames.append(face)
    return np.stack(frames)


def second_differences(frames: Sequence[Picture], mask: NDArray[np.bool_]) -> float:
    """Mean |a - 2 b + c| of three frames in a row, over the mask [S, S] and the channels, 0 to 255."""
    inside = np.stack([frame[mask] for frame in frames]).astype(np.float32)
    return float(np.abs(inside[:-2] - 2 * inside[1:-1] + inside[2:]).mean())
