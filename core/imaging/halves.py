# SPDX-License-Identifier: GPL-3.0-or-later
"""Floats to half floats and back, with the bits that NumPy gives.

OpenCV 4 uses the processor's instructions for it, and takes a fifteenth of the time of NumPy's loop; OpenCV 5 has no such
function. Pictures that hold a NaN are left to NumPy, as OpenCV changes the bits of some.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from ..arrays import Floats

HALF_MOST = 65504.0
"""The largest finite half; anything above is held there, so that no infinity reaches a compositor."""
_convert = getattr(cv2, "convertFp16", None)


def to_halves(light: Floats) -> NDArray[np.float16]:
    """[H, W] in halves. Light beyond HALF_MOST is held there; NaN and infinity stay."""
    if _convert is not None and light.size and light.min() >= -HALF_MOST and light.max() <= HALF_MOST:  # no NaN is either
        halves: NDArray[np.float16] = _convert(np.ascontiguousarray(light)).view(np.float16)
        return halves
    with np.errstate(over="ignore"):
        halves = light.astype(np.float16)
    beyond = np.isinf(halves) & np.isfinite(light)
    halves[beyond] = np.copysign(np.float16(HALF_MOST), light[beyond])
    return halves


def put_floats(pixels: NDArray[np.float16] | Floats, plane: Floats) -> None:
    """Write `pixels` [H, W], halves or floats, into `plane` [H, W], whose rows lie one after the other."""
    if _convert is not None and pixels.dtype == np.float16 and pixels.size:
        _convert(np.ascontiguousarray(pixels).view(np.int16), plane)
        if not np.isnan(plane.max()):
            return
    plane[:] = pixels
