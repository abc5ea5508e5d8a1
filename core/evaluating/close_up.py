# SPDX-License-Identifier: GPL-3.0-or-later
"""Painted frames against true ones where a viewer looks: in the face, in close-ups of mouth and eyes, between the lips.

All squares and masks are placed by the true landmarks, in both pictures.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import nan
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from ..arrays import Picture, Points
from ..landmarks import ibug68
from ..learning.perceptual import HED_VGG16, PerceptualLoss, load_perceptual
from .response import openings
from .squares import Squares, between, find_squares
from .teeth import change_of_teeth

TRUNK = HED_VGG16._replace(layers=HED_VGG16.layers[:3])
"""conv1 to conv3: what lies above hardly sees a close-up of 80 pixels."""
FACE_SIZE, MOUTH_SIZE, EYE_SIZE = 128, 80, 64
"""Pixels of the squares that the network sees."""
INSIDE_SIZE, AVERAGED = 64, 4
"""Pixels of the close-up in which the inside of the lips is compared, and over how many it is averaged."""
OPENED = 0.06
"""In eye distances: a mouth open by so much more than the photo's shows what the photo does not."""
FINEST = 1.0
"""Standard deviation in pixels of the blur that takes the finest scale away."""
LASHES = 0.05
"""In eye distances: as far round the lids the eye's crispness is looked at."""
HELD = 1e-3
"""Least energy, of 255 squared, that a truth has: below it there is nothing that could be crisp."""


@dataclass(frozen=True)
class CloseScores:
    """Over all frames measured. NaN is what was not measured."""

    face: float = nan
    """relative L1 of VGG16's conv1 to conv3, inside the landmarks' hull"""
    mouth_close_up: float = nan
    """the same of a square of 1.6 eye distances round the lips"""
    eyes_close_up: float = nan
    """the same of squares of one eye distance round each eye"""
    inside_error: float = nan
    """mean |difference| of colour between the true inner lips, both averaged over 4 of 64 pixels, 0 to 255; over the frames
    whose mouth is open by OPENED more than the photo's that lies nearest"""
    inside_error_frames: float = nan
    """how many those are"""
    crisp_mouth: float = nan
    """energy of the finest scale within the outer lips, over the truth's: 1 is as crisp, 0.5 soft"""
    crisp_eyes: float = nan
    """the same of the eyes with their lashes"""
    teeth: float = nan
    """see `change_of_teeth`"""
    teeth_frames: float = nan
    """pairs of frames that it was measured on"""


class CloseTruth(NamedTuple):
    """A true frame and its measures."""

    picture: Picture
    landmarks: Points
    squares: Squares
    opening: float
    """of the lips, in eye distances"""
    features: list[Tensor]
    """of face, mouth and eyes, as half floats; none where no network looks"""
    face_mask: Tensor
    """[1, 1, FACE_SIZE, FACE_SIZE]"""


class Close:
    """Holds the network, where there is one."""

    def __init__(self, perceptual: str, device: torch.device) -> None:
        """Raises MissingWeightsError or WrongFileError for what `perceptual` names; without a name it does without."""
        self._device = device
        self._network: PerceptualLoss | None = None
        if perceptual:
            self._network = load_perceptual(TRUNK, Path(perceptual)).to(device)

    def look(self, picture: Picture, landmarks: Points) -> CloseTruth:
        """A true frame [S, S, 3] and its landmarks [70, 2]."""
        squares = find_squares(landmarks)
        hull = cv2.convexHull(squares.face.locate(landmarks, FACE_SIZE))[:, 0]
        mask = torch.from_numpy(between(hull, FACE_SIZE))[None, None].to(self._device)
        features = [layer.half() for layer in self._features(picture, squares)]
        return CloseTruth(picture, landmarks, squares, float(openings(landmarks[None])[0]), features, mask)

    def score(
        self, painted: Sequence[Picture], truths: Sequence[CloseTruth], photos: Sequence[float], numbers: Sequence[int]
    ) -> CloseScores:
        """painted: [F] of [S, S, 3]; photos: [F] how far the lips are open in the photo nearest to each frame, in eye
        distances; numbers: [F] of the frames."""
        gaps = np.array([self._gaps(*pair) for pair in zip(painted, truths, strict=True)]).reshape(-1, 3)
        opened = [
            inside_error(picture, truth.picture, truth.landmarks, truth.squares)
            for picture, truth, photo in zip(painted, truths, photos, strict=True)
            if truth.opening > photo + OPENED
        ]
        teeth, pairs = change_of_teeth(painted, [truth.landmarks for truth in truths], numbers)
        face, mouth, eyes = gaps.mean(axis=0).tolist() if len(gaps) else [nan] * 3
        return CloseScores(
            face,
            mouth,
            eyes,
            float(np.mean(opened)) if opened else nan,
            len(opened),
            crispness(painted, truths, mouth_area),
            crispness(painted, truths, eyes_area),
            teeth,
            pairs,
        )

    def _gaps(self, painted: Picture, truth: CloseTruth) -> tuple[float, float, float]:
        """The gaps of face, mouth and eyes."""
        if self._network is None:
            return nan, nan, nan
        layers = len(TRUNK.layers)
        pairs = list(zip(self._features(painted, truth.squares), truth.features, strict=True))
        face, mouth, eyes = (pairs[i * layers : (i + 1) * layers] for i in range(3))
        return _gap(face, truth.face_mask), _gap(mouth), _gap(eyes)

    def _features(self, picture: Picture, squares: Squares) -> list[Tensor]:
        """Three layers of the face, three of the mouth, three of both eyes."""
        if self._network is None:
            return []
        cuts = (
            [squares.face.cut(picture, FACE_SIZE)],
            [squares.mouth.cut(picture, MOUTH_SIZE)],
            [eye.cut(picture, EYE_SIZE) for eye in squares.eyes],
        )
        with torch.inference_mode():
            found = []
            for pictures in cuts:
                tensor = torch.from_numpy(np.stack(pictures)).to(self._device).permute(0, 3, 1, 2).float() / 127.5 - 1.0
                found += self._network.features(tensor)
            return found


def _gap(pairs: Sequence[tuple[Tensor, Tensor]], mask: Tensor | None = None) -> float:
    """Mean over the layers of |a - b| / |b|, of what the mask [1, 1, H, W] keeps."""
    gaps = []
    for a, b in pairs:
        weight = 1.0 if mask is None else functional.interpolate(mask, size=a.shape[-2:], mode="area")
        gaps.append(((a - b.float()).abs() * weight).sum() / (b.float().abs() * weight).sum())
    return float(torch.stack(gaps).mean())


def inside_error(painted: Picture, truth: Picture, landmarks: Points, squares: Squares) -> float:
    """Mean |difference| of colour between the inner lips, 0 to 255: is it dark, teeth or lip where it should be?"""
    a, b = (
        cv2.blur(squares.mouth.cut(picture, INSIDE_SIZE).astype(np.float32), (AVERAGED, AVERAGED))
        for picture in (painted, truth)
    )
    inside = between(squares.mouth.locate(landmarks[list(ibug68.INNER_LIPS)], INSIDE_SIZE), INSIDE_SIZE)
    return float((np.abs(a - b).mean(axis=-1) * inside).sum() / max(float(inside.sum()), 1e-6))


def mouth_area(truth: CloseTruth) -> NDArray[np.float32]:
    """[S, S] the lips and what is between them."""
    return between(truth.landmarks[list(ibug68.OUTER_LIPS)], len(truth.picture))


def eyes_area(truth: CloseTruth) -> NDArray[np.float32]:
    """[S, S] both eyes with their lashes."""
    size = len(truth.picture)
    reach = LASHES * 2 * float(np.linalg.norm(truth.squares.eyes[0].right))
    wide = 2 * round(reach) + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (wide, wide))
    lids = [between(truth.landmarks[list(eye)], size) for eye in (ibug68.RIGHT_EYE, ibug68.LEFT_EYE)]
    return np.asarray(cv2.dilate(np.maximum(*lids), kernel), np.float32)


def crispness(
    painted: Sequence[Picture], truths: Sequence[CloseTruth], area: Callable[[CloseTruth], NDArray[np.float32]]
) -> float:
    """Energy of the finest scale of all painted frames within their `area`, over that of the true ones."""
    sums = np.zeros(2)
    for picture, truth in zip(painted, truths, strict=True):
        inside = area(truth)
        sums += [
            float((_finest(seen) ** 2 * inside).sum() / max(float(inside.sum()), 1e-6)) for seen in (picture, truth.picture)
        ]
    return float(sums[0] / sums[1]) if sums[1] > HELD * len(truths) else nan


def _finest(picture: Picture) -> NDArray[np.float32]:
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
    return np.asarray(grey - cv2.GaussianBlur(grey, (0, 0), FINEST), np.float32)
