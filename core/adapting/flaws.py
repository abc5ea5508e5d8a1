# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with a photo of a face, in words: by itself, and beside the others."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..imaging.face_area import Portrait, sharpness
from ..judging.identity import SAME_PERSON
from ..landmarks.head import fit_pose
from ..settings import PrepareSettings

LEAST = PrepareSettings()
"""A face must be as sharp and large to be painted from as to be learned from."""
UPRIGHT = 60.0
"""Degrees by which a head leans at most; beyond, the photo lies on its side."""
STRANGER = "perhaps another person"


def flaws_of(landmarks: NDArray[np.float32], portrait: Portrait) -> list[str]:
    """Of a face with `landmarks` [70, 2] in pixels of its photo, and the head's crop; none is good."""
    pose = fit_pose(landmarks[None])
    eyes = float(pose.scale[0])
    lean = float(np.degrees(np.arctan2(pose.rotation[0, 1, 0], pose.rotation[0, 0, 0])))
    found = ["lies on its side: turn the photo upright"] if abs(lean) > UPRIGHT else []
    if eyes < LEAST.eyes:
        found.append(f"face too small: {eyes:.0f} pixels between the eyes, {LEAST.eyes:.0f} are needed")
    elif sharpness(*portrait) < LEAST.sharpness:
        found.append("blurred")
    return found


def strangers(descriptors: Sequence[NDArray[np.float64] | None]) -> list[bool]:
    """Whether most of the other faces are another person's, for each face's descriptor [128]; None for one without."""
    unlike = []
    for i, own in enumerate(descriptors):
        others = [other for j, other in enumerate(descriptors) if j != i and other is not None]
        far = [float(np.linalg.norm(own - other)) for other in others] if own is not None else []
        unlike.append(bool(far) and float(np.median(far)) > SAME_PERSON)
    return unlike
