# SPDX-License-Identifier: GPL-3.0-or-later
"""A linear model of faces: 70 points in three dimensions, by who it is and what the face does.

`face.json` beside this module was made by `core/synthetic/face_points.py` from MakeHuman's CC0 data; no real person is in
it. Units and axes are those of `head`: the eyes lie 1 apart round the origin; x to the picture's right, y down, z away.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..arrays import Doubles


class FaceModel(NamedTuple):
    """The mean person and what may be added to it."""

    neutral: Doubles
    """[70, 3]"""
    shapes: Doubles
    """[S, 70, 3] by which people differ, the widest spread first; scaled so that their weights have a deviation of 1"""
    expressions: Doubles
    """[52, 70, 3] what each ARKit expression adds at a weight of 1, in the order of `arkit.EXPRESSIONS`"""

    def acted(self, weights: NDArray[np.floating]) -> Doubles:
        """The mean person's points [..., 70, 3] with expression weights [..., 52]."""
        return np.asarray(self.neutral + np.tensordot(weights, self.expressions, axes=1))


@cache
def face_model() -> FaceModel:
    """The model that ships beside this module."""
    data = json.loads((Path(__file__).parent / "face.json").read_text())
    return FaceModel(*(np.array(data[name], np.float64) for name in FaceModel._fields))
