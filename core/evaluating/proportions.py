# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose face it is by its proportions: what driving by another person's landmarks spoils first."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..landmarks.fitting import fit_faces
from ..landmarks.frontal import frontal_faces, neutral_face

SPANS = {"jaw width": (4, 12), "eye distance": (39, 42), "nose length": (27, 33)}
"""Each between two landmarks; the eyes' inner corners stay put when lids move."""
HEIGHT = (27, 8)
"""From the nasion to the chin."""


def proportions(landmarks: NDArray[np.floating]) -> NDArray[np.float64]:
    """[3] the spans over the height of the face at rest, as the frames [F, 70, 2] show it, the head turned to the front."""
    face = neutral_face(frontal_faces(landmarks, fit_faces(landmarks)))[:, :2]
    spans = [np.linalg.norm(face[a] - face[b]) for a, b in (*SPANS.values(), HEIGHT)]
    return np.array(spans[:-1]) / spans[-1]


def change_of_proportions(found: NDArray[np.floating], own: NDArray[np.floating]) -> float:
    """The mean of the three changes from the person's `own` faces to those `found`, in parts: .03 is three per cent."""
    before = proportions(own)
    return float(np.mean(np.abs(proportions(found) - before) / before))
