# SPDX-License-Identifier: GPL-3.0-or-later
"""Where each place of a picture lies in another one that is nearly the same."""

from __future__ import annotations

import cv2
import numpy as np

from ..arrays import Floats

STRIDE = 4
"""Pixels between the patches that are sought: of 3 it takes half as long again, and finds hardly more."""


def optical_flow(wanted: Floats, shown: Floats) -> Floats:
    """[S, S, 2] pixels: `wanted` [S, S] at a place is `shown` at that place and so much farther. Of any range of values.

    DIS (T. Kroeger et al., "Fast Optical Flow using Dense Inverse Search", 2016), down to the finest scale: halves of
    pixels count here.
    """
    low = float(wanted.min())
    scale = 255 / max(float(wanted.max()) - low, 1e-3)
    grey = [((picture - low) * scale).clip(0, 255).astype(np.uint8) for picture in (wanted, shown)]
    seeker = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)  # type: ignore[attr-defined]
    seeker.setFinestScale(0)
    seeker.setPatchStride(STRIDE)
    return np.asarray(seeker.calc(*grey, None), np.float32)
