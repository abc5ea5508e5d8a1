# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a face's points are to be believed: by a second look at it, and by how far the head is turned away.

Measured with MediaPipe on 360 rendered heads, whose points are known. Two looks at a face differ by 0.014 of the eye
distance (median) near the front and by at most 0.05; beyond 55 degrees of yaw by 0.04 (median) to 0.17. The three faces
whose points were badly wrong turned further than 35 degrees, and two of them differed by 0.14 and more. Beyond 65 degrees
most faces are not found at all: those are gaps by themselves.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .head import fit_pose
from .ibug68 import IBUG

AGREED = 0.05
"""In eye distances, over the iBUG points: two looks at a face that differ by less say the same."""
AGREEMENT = 0.15
"""A face whose points move further when it is looked at again is not believed at all."""
TURNED = (50.0, 75.0)
"""Degrees of yaw, up to which points are believed as from the front, and from which on they are half guessed."""
GUESSED = 0.25
"""Belief in points of a profile."""
LOW = 0.5
"""Confidence below which a frame is named to the user."""


def disagreement(landmarks: NDArray[np.float32], again: NDArray[np.float32]) -> float:
    """Mean distance between two looks at a face [70, 2], in eye distances, the head turned to the front."""
    gaps = np.linalg.norm(landmarks - again, axis=-1)[:IBUG]
    return float(gaps.mean() / fit_pose(again[None]).scale[0])


def belief_by_looks(landmarks: NDArray[np.float32], again: NDArray[np.float32]) -> float:
    """0 to 1, falling from AGREED to AGREEMENT."""
    return float(np.interp(disagreement(landmarks, again), (AGREED, AGREEMENT), (1.0, 0.0)))


def belief_by_turn(landmarks: NDArray[np.float32]) -> float:
    """0 to 1, falling over TURNED to GUESSED."""
    towards = fit_pose(landmarks[None]).rotation[0, :, 2]
    yaw = np.degrees(np.arctan2(abs(towards[0]), towards[2]))
    return float(np.interp(yaw, TURNED, (1.0, GUESSED)))
