# SPDX-License-Identifier: GPL-3.0-or-later
"""Made pairs: a portrait changed so that it lacks something that the portrait itself shows.

A still then teaches what a clip teaches: the changed picture is the photo, the portrait as it is the truth. Mouths are shut
over their teeth, lids opened or lowered, eyes turned elsewhere. Everything is drawn by chance from `random`.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from ..arrays import Bytes, Points
from ..landmarks import ibug68
from ..network.spline import picture_grid, thin_plate_splines

Random = np.random.Generator

GRID = 48
"""Side of the grid on which a region is bent."""
PINS = 8
"""Points along each side of a region that stay where they are."""
MEETING = (0.15, 0.45)
"""Part of the gap between the inner lips that the upper lip goes down when a mouth is shut; the lower lip does the rest."""
AJAR = 0.012
"""Gap that may be left, in eye distances: at times lips stay apart a little."""
LID_FACTORS = (0.35, 1.25)
"""How far lids are opened, as a part of how far they were."""
GLANCE = (0.05, 0.025)
"""Standard deviations of an eye's turn across and down, in eye distances."""


class Changed(NamedTuple):
    """A picture [S, S, 3] and its landmarks [70, 2]."""

    picture: Bytes
    landmarks: Points


def eye_distance(landmarks: Points) -> float:
    """Between the eyes' middles, in pixels."""
    right, left = (landmarks[list(eye)].mean(0) for eye in (ibug68.RIGHT_EYE, ibug68.LEFT_EYE))
    return float(np.linalg.norm(right - left))


def shut_mouth(picture: Bytes, landmarks: Points, random: Random) -> Changed:
    """The mouth shut: its inside filled with lip, then bent until the lips meet, at times from a smile to rest."""
    unit, old = eye_distance(landmarks), landmarks.astype(np.float64)
    inside = np.zeros(picture.shape[:2], np.uint8)
    cv2.fillPoly(inside, [np.round(old[list(ibug68.INNER_LIPS)] * 8).astype(np.int32)], 255, shift=3)
    grow = 2 * max(1, round(unit * 0.02)) + 1
    filled = cv2.inpaint(picture, cv2.dilate(inside, np.ones((grow, grow), np.uint8)), 3, cv2.INPAINT_TELEA)

    new, down = old.copy(), random.uniform(*MEETING)
    left_open = random.uniform(0, AJAR) * unit if random.random() < 0.5 else 0.0
    for upper, lower in ((61, 67), (62, 66), (63, 65)):
        gap = old[lower] - old[upper]
        closed = gap * max(0.0, 1 - left_open / max(float(np.linalg.norm(gap)), 1e-6))
        new[upper] += down * closed
        new[lower] -= (1 - down) * closed
    for outer, inner, share in (*_OUTER_LIPS, *_CHIN):
        slack = random.uniform(0.5, 1.0) if outer in ibug68.JAW else 1.0
        new[outer] += (new[inner] - old[inner]) * share * slack
    if random.random() < 0.5:
        _relax(new, old, unit, random)
    moving = [*range(3, 14), *ibug68.NOSE_BRIDGE, *ibug68.NOSTRILS, *ibug68.OUTER_LIPS, *ibug68.INNER_LIPS]
    middle = old[list(ibug68.OUTER_LIPS)].mean(0) + np.array([0.0, 0.1 * unit])
    return Changed(_bend(filled, old[moving], new[moving], middle, 2.4 * unit, 5e-3), new.astype(np.float32))


_OUTER_LIPS = (
    *((outer, inner, 0.95) for outer, inner in ((50, 61), (51, 62), (52, 63), (56, 65), (57, 66), (58, 67))),
    *((outer, inner, 0.5) for outer, inner in ((49, 61), (53, 63), (55, 65), (59, 67))),
)
"""How far each point of the outer lips goes with one of the inner ones."""
_CHIN = tuple(
    (point, 66, share) for point, share in ((5, 0.3), (6, 0.6), (7, 0.85), (8, 0.9), (9, 0.85), (10, 0.6), (11, 0.3))
)
_CORNERS = ((48, 1.0), (60, 1.0), (49, 0.6), (59, 0.6), (61, 0.55), (67, 0.55))
"""How far each point of one half of the mouth goes with its corner."""


def _relax(new: NDArray[np.float64], old: NDArray[np.float64], unit: float, random: Random) -> None:
    """Draw the corners of the mouth in, as from a smile to rest."""
    inward = random.uniform(0, 0.125) * (old[54] - old[48])
    lower = np.array([0.0, random.uniform(-0.03, 0.08) * unit])
    for point, share in _CORNERS:
        new[point] += (inward + lower) * share
        new[ibug68.MIRROR[point]] += (lower - inward) * share


def move_lids(picture: Bytes, landmarks: Points, random: Random) -> Changed:
    """Both eyes opened wider or less; pupils stay."""
    new, factor = landmarks.astype(np.float64), random.uniform(*LID_FACTORS)
    for upper, lower in ((37, 41), (38, 40), (43, 47), (44, 46)):
        gap = new[lower] - new[upper]
        new[upper] += 0.8 * (1 - factor) * gap
        new[lower] -= 0.2 * (1 - factor) * gap
    for eye, brow in ((ibug68.RIGHT_EYE, ibug68.RIGHT_BROW), (ibug68.LEFT_EYE, ibug68.LEFT_BROW)):
        moving, side = [*eye, *brow], 1.1 * eye_distance(landmarks)
        picture = _bend(picture, landmarks[moving], new[moving], landmarks[list(eye)].mean(0), side, 2e-3)
    return Changed(picture, new.astype(np.float32))


def glance(landmarks: Points, random: Random) -> Points:
    """The face [70, 2] with both eyes turned somewhere else."""
    turned = landmarks.copy()
    turned[list(ibug68.PUPILS)] += (random.normal(0, GLANCE) * eye_distance(landmarks)).astype(np.float32)
    return turned


def _bend(
    picture: Bytes,
    old: NDArray[np.floating],
    new: NDArray[np.floating],
    middle: NDArray[np.floating],
    side: float,
    stiffness: float,
) -> Bytes:
    """`picture` with its points `old` [N, 2] moved to `new` inside a square, whose edge stays."""
    half = round(side / 2)
    corner = np.round(middle).astype(int) - half
    own = picture_grid(GRID, torch.zeros(1))
    along = torch.arange(PINS) * (2.0 / PINS) - 1.0
    edge = torch.ones_like(along)
    sides = ((along, -edge), (edge, along), (-along, edge), (-edge, -along))
    pins = torch.cat([torch.stack(ends, dim=-1) for ends in sides])
    target, source = (
        torch.cat([torch.from_numpy(((points - corner - half) / half).astype(np.float32)), pins])[None]
        for points in (new, old)
    )
    splines = thin_plate_splines(target, source[:, None], torch.full((1, 1, target.shape[1]), stiffness))
    flow = splines.at(own[None])[0, 0]
    fade = (8 * (1 - own.abs().amax(-1, keepdim=True))).clamp(max=1.0)
    offset = cv2.resize(((flow - own) * fade * half).numpy(), (2 * half, 2 * half), interpolation=cv2.INTER_CUBIC)
    y, x = np.mgrid[0 : 2 * half, 0 : 2 * half].astype(np.float32)
    places = np.stack([x, y], axis=-1) + offset + corner.astype(np.float32)
    bent = cv2.remap(picture, places[..., 0], places[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    low, high = np.clip(corner, 0, picture.shape[0]), np.clip(corner + 2 * half, 0, picture.shape[0])
    whole = picture.copy()
    whole[low[1] : high[1], low[0] : high[0]] = bent[
        low[1] - corner[1] : high[1] - corner[1], low[0] - corner[0] : high[0] - corner[0]
    ]
    return whole
