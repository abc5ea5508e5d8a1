# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a face lies from where it should be."""

from __future__ import annotations

import numpy as np

from ..arrays import Points
from . import ibug68

MOUTH = [*ibug68.OUTER_LIPS, *ibug68.INNER_LIPS]


def landmark_error(found: Points, wanted: Points) -> float:
    """Mean distance of the iBUG points of [70, 2], in distances between the eye centres."""
    return _point_error(found, wanted, slice(ibug68.IBUG))


def mouth_error(found: Points, wanted: Points) -> float:
    """The same of the lips alone, where they lie: nothing is aligned first."""
    return _point_error(found, wanted, MOUTH)


def _point_error(found: Points, wanted: Points, which: slice | list[int]) -> float:
    eyes = np.linalg.norm(wanted[ibug68.LEFT_EYE].mean(axis=0) - wanted[ibug68.RIGHT_EYE].mean(axis=0))
    return float(np.linalg.norm(found[which] - wanted[which], axis=-1).mean() / eyes)
