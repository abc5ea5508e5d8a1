# SPDX-License-Identifier: GPL-3.0-or-later
"""Which pixels show a person: MediaPipe's Selfie Segmentation (Apache-2.0), run by OpenCV.

The model's file is 250 KB. It is looked for at `$HEADCAST_SEGMENTER`, then in our cache folder, then beside the Python that
runs, where `fetch` puts it: PyPI has it inside the wheel of an older MediaPipe, of which nothing else is used.
"""

from __future__ import annotations

import hashlib
import os
import sys
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from ..errors import MissingWeightsError
from ..fetching import SEGMENTER, installed_models
from ..paths import cache_folder

MODEL_SHA256 = "9ee168ec7c8f2a16c56fe8e1cfbc514974cbbb7e434051b455635f1bd1462f5c"
SIDE = 256


def find_segmenter() -> Path:
    """The model's file, by the order in this module's docstring. Raises MissingWeightsError where there is none."""
    named = os.environ.get("HEADCAST_SEGMENTER")
    places = [Path(named)] if named else [folder / SEGMENTER for folder in (cache_folder(), installed_models())]
    for place in places:
        if place.is_file():
            return place
    raise MissingWeightsError(
        f"The model that finds people, {SEGMENTER}, is not at {places[0]}",
        f"Run: {sys.executable} -m headcast.core.fetching",
    )


@lru_cache(maxsize=1)
def _network(path: Path) -> cv2.dnn.Net:
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != MODEL_SHA256:
        raise MissingWeightsError(
            f"{path} is not the model that was tested", f"Run: {sys.executable} -m headcast.core.fetching"
        )
    return cv2.dnn.readNetFromTFLite(np.frombuffer(content, np.uint8))


def person_matte(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    """How surely each pixel of an sRGB `picture` [H, W, 3] is a person's, 0 to 1 [256, 256]. Raises MissingWeightsError."""
    network = _network(find_segmenter())
    small = cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    network.setInput(cv2.dnn.blobFromImage(small, 1 / 255))
    return np.asarray(network.forward(), np.float32).reshape(SIDE, SIDE)
