# SPDX-License-Identifier: GPL-3.0-or-later
"""Expressions that nobody showed: a face's landmarks with the mouth opened or closed and the eyes shut, its pose kept."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from . import ibug68
from .head import LIDS, fit_pose

UPPER_INNER, LOWER_INNER = [61, 62, 63], [67, 66, 65]
DROP = {
    **dict.fromkeys((56, 57, 58, 65, 66, 67), 1.0),
    **dict.fromkeys((55, 59), 0.8),
    **dict.fromkeys((48, 54, 60, 64), 0.3),
    **{8: 1.0, 7: 0.9, 9: 0.9, 6: 0.7, 10: 0.7, 5: 0.45, 11: 0.45, 4: 0.2, 12: 0.2},
}
"""How far each point goes with the jaw. Ours, by eye."""
MEETING = 0.75
"""Where the lids of an eye meet, on the way from the upper to the lower: the upper one does most of it."""


def with_expression(landmarks: NDArray[np.float32], mouth: float, shut: float) -> NDArray[np.float32]:
    """The face [70, 2], in any unit, with its inner lips `mouth` apart, in distances between the eye centres, and its eyes
    shut by `shut`, from 0 (as they are) to 1."""
    pose = fit_pose(landmarks[None])
    down = pose.scale[0] * pose.rotation[0, :2, 1]
    gap = (landmarks[LOWER_INNER] - landmarks[UPPER_INNER]).mean(axis=0) @ down / (down @ down)
    weights = np.zeros(ibug68.COUNT)
    weights[list(DROP)] = list(DROP.values())
    acted = landmarks + weights[:, None] * (mouth - gap) * down
    for upper, lower in LIDS:
        meeting = landmarks[upper] + MEETING * (landmarks[lower] - landmarks[upper])
        acted[[upper, lower]] += shut * (meeting - landmarks[[upper, lower]])
    return acted.astype(np.float32)
