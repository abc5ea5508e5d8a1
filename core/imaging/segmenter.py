# SPDX-License-Identifier: GPL-3.0-or-later
"""Which pixels show a person: MediaPipe's Selfie Segmentation (Apache-2.0), run by OpenCV.

The model's file is 250 KB. It is looked for at `$HEADCAST_SEGMENTER`, then in our cache folder, then beside the Python that
runs, where `fetch` puts it: PyPI has it inside the wheel of an older MediaPipe, of which nothing else is used.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from ..fetching import SEGMENTER

SIDE = 256


@lru_cache(maxsize=1)
def _network(path: Path) -> cv2.dnn.Net:
    content = SEGMENTER.verified(path)
    return cv2.dnn.readNetFromTFLite(np.frombuffer(content, np.uint8))


def person_matte(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    """How surely each pixel of an sRGB `picture` [H, W, 3] is a person's, 0 to 1 [256, 256]. Raises MissingWeightsError."""
    network = _network(SEGMENTER.find())
    small = cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    network.setInput(cv2.dnn.blobFromImage(small, 1 / 255))
    return np.asarray(network.forward(), np.float32).reshape(SIDE, SIDE)
