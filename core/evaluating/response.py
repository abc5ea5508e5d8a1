# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a painted face goes when it is asked to move: gaze, lids and lips, painted against asked for.

A slope of 1 does what was asked, .3 a third of it. A correlation would not tell: a face that does a third of everything
correlates perfectly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import nan

import numpy as np
from numpy.typing import NDArray

from ..arrays import Doubles
from ..landmarks.expression import LOWER_INNER, UPPER_INNER
from ..landmarks.head import fit_pose
from ..landmarks.ibug68 import PUPILS

Landmarks = NDArray[np.floating]

RIGHT_CORNERS, LEFT_CORNERS = (36, 39), (42, 45)
"""The corners of each eye, from the picture's left to its right."""
UPPER_LIDS, LOWER_LIDS = ((37, 38), (43, 44)), ((41, 40), (47, 46))
FEWEST = 8
"""Frames below which there is no slope."""
LEAST_GAZE, LEAST_LIDS, LEAST_OPENING = 0.05, 0.03, 0.02
"""Standard deviations of what was asked for below which the detector's noise, .02 of a gaze, would make the slope."""
PUPIL_SEEN = 0.12
"""Height of an eye over its width below which its pupil tells nothing."""
LIDS_SHUT = 0.1
"""Height over width of an eye that is asked to be shut."""
LIPS_SHUT = 0.02
"""Gap of lips that are asked to be shut, in eye distances."""


@dataclass(frozen=True)
class Response:
    """Slopes by least squares; NaN where too few frames, or too little that was asked for, say nothing.

    A `spread` is the standard deviation of what was asked for, each eye about its own mean; eyes are counted together, so
    `frames` are frames.
    """

    gaze: float = nan
    """of the pupil's place between the eye's corners, in widths of the eye, along the line through them"""
    gaze_spread: float = nan
    gaze_frames: float = nan
    lids: float = nan
    """of the eye's height over its width"""
    lids_spread: float = nan
    lids_frames: float = nan
    opening: float = nan
    """of the gap of the inner lips over the eye distance"""
    opening_spread: float = nan
    opening_frames: float = nan
    lips_left_open: float = nan
    """mean gap of the painted lips in the frames that ask for shut ones, in eye distances"""
    lips_left_open_frames: float = nan
    lids_left_open: float = nan
    """mean height over width of the painted eyes in the frames that ask for shut ones"""
    lids_left_open_frames: float = nan


def respond(found: Sequence[Landmarks | None], wanted: Landmarks) -> Response:
    """found: [F] of [70, 2] by the detector in the painted frames, None where it saw no face; wanted: [F, 70, 2]."""
    seen = [i for i, points in enumerate(found) if points is not None]
    if not seen:
        return Response()
    painted = np.stack([points for points in found if points is not None])
    asked = np.asarray(wanted)[seen]
    lids, asked_lids = lid_heights(painted), lid_heights(asked)
    shown = np.minimum(lids, asked_lids) > PUPIL_SEEN
    gap, asked_gap = openings(painted), openings(asked)
    shut_lids, shut_lips = asked_lids < LIDS_SHUT, asked_gap < LIPS_SHUT
    return Response(
        *slope(np.where(shown, gazes(painted), nan), np.where(shown, gazes(asked), nan), LEAST_GAZE),
        *slope(lids, asked_lids, LEAST_LIDS),
        *slope(gap[:, None], asked_gap[:, None], LEAST_OPENING),
        _mean(gap[shut_lips]),
        int(shut_lips.sum()),
        _mean(lids[shut_lids]),
        int(shut_lids.any(axis=1).sum()),
    )


def slope(found: Doubles, wanted: Doubles, least: float) -> tuple[float, float, int]:
    """How `found` follows `wanted`, both [F, E], each of the E parts about its own mean: slope, standard deviation of
    what was wanted, and how many frames there are. NaN is a part that a frame does not show.

    The slope is NaN where the standard deviation is below `least`, or the frames fewer than FEWEST.
    """
    known = np.isfinite(found) & np.isfinite(wanted)
    frames = int(known.any(axis=1).sum())
    if not frames:
        return nan, nan, 0
    count = np.maximum(known.sum(axis=0), 1)
    a, b = (np.where(known, part - np.where(known, part, 0).sum(axis=0) / count, 0) for part in (found, wanted))
    spread = float(np.sqrt(np.square(b).sum() / known.sum()))
    if frames < FEWEST or spread < least:
        return nan, spread, frames
    return float((a * b).sum() / np.square(b).sum()), spread, frames


def openings(landmarks: Landmarks) -> Doubles:
    """[F] gap of the inner lips, down the head, over the eye distance, of [F, 70, 2]."""
    pose = fit_pose(landmarks)
    down = pose.scale[:, None] * pose.rotation[:, :2, 1]
    gap = (landmarks[:, LOWER_INNER] - landmarks[:, UPPER_INNER]).mean(axis=1)
    return np.asarray((gap * down).sum(axis=-1) / np.square(down).sum(axis=-1))


def lid_heights(landmarks: Landmarks) -> Doubles:
    """[F, 2] height of the subject's right and left eye over its width; crossed lids are below 0."""
    heights = []
    for corners, upper, lower in zip((RIGHT_CORNERS, LEFT_CORNERS), UPPER_LIDS, LOWER_LIDS, strict=True):
        along = landmarks[:, corners[1]] - landmarks[:, corners[0]]
        gap = landmarks[:, lower].mean(axis=1) - landmarks[:, upper].mean(axis=1)
        heights.append((along[:, 0] * gap[:, 1] - along[:, 1] * gap[:, 0]) / _squared(along))
    return np.stack(heights, axis=-1)


def gazes(landmarks: Landmarks) -> Doubles:
    """[F, 2] where each pupil lies between its eye's corners: 0 at the picture's left one, 1 at the right one."""
    places = []
    for corners, pupil in zip((RIGHT_CORNERS, LEFT_CORNERS), PUPILS, strict=True):
        along = landmarks[:, corners[1]] - landmarks[:, corners[0]]
        places.append(((landmarks[:, pupil] - landmarks[:, corners[0]]) * along).sum(axis=-1) / _squared(along))
    return np.stack(places, axis=-1)


def _squared(vectors: Doubles) -> Doubles:
    return np.asarray(np.maximum(np.square(vectors).sum(axis=-1), 1e-6))


def _mean(values: Doubles) -> float:
    return float(values.mean()) if values.size else nan
