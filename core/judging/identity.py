# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether two pictures show the same person: the distance between dlib's face descriptors. For scores only: no gradient.

The packages `dlib-bin` (Boost licence) and `face-recognition-models` (the descriptor's weights, CC0) are optional. dlib's
own landmarks, whose training set bars commercial use, are not touched: the face is cut out by ours.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import MissingPackageError
from ..imaging.crop import to_crop
from ..imaging.resample import cut
from ..landmarks.ibug68 import IBUG
from ..progress import Reporter

WEIGHTS = Path("models") / "dlib_face_recognition_resnet_model_v1.dat"
SAME_PERSON = 0.6
"""Distance below which dlib's authors call two faces the same person."""
CLOSE_UP = 1.5
"""Side of the square round the face that is looked at, in sizes of the face."""
SIZE = 512
"""Its side in pixels: dlib takes whole pixels, which on a small face already shift the descriptor by .07."""


class FaceDescriptor:
    """Describes faces by 128 numbers, whose distance tells people apart. 80 ms each."""

    def __init__(self) -> None:
        """Raises MissingPackageError."""
        models = find_spec("face_recognition_models")
        if find_spec("dlib") is None or models is None or models.origin is None:
            raise MissingPackageError(
                "The identity distance needs the packages dlib-bin and face-recognition-models",
                "Run: pip install dlib-bin face-recognition-models",
            )
        import dlib

        self._dlib = dlib
        # The package cannot be imported without setuptools; its file can be read.
        self._network = dlib.face_recognition_model_v1(str(Path(models.origin).parent / WEIGHTS))

    def describe(self, picture: NDArray[np.uint8], landmarks: NDArray[np.float32]) -> NDArray[np.float64]:
        """[128] of the face with `landmarks` [70, 2] in `picture` [H, W, 3]."""
        low, high = landmarks.min(axis=0), landmarks.max(axis=0)
        where = np.array([*(low + high) / 2, float((high - low).max()) * CLOSE_UP], np.float64)
        points = to_crop(landmarks, where, SIZE).round().astype(int)
        box = self._dlib.rectangle(*points.min(axis=0).tolist(), *points.max(axis=0).tolist())
        parts = [self._dlib.point(x, y) for x, y in points[:IBUG].tolist()]
        face = self._dlib.full_object_detection(box, parts)
        return np.array(self._network.compute_face_descriptor(cut(picture, where, SIZE), face))


def open_describer(reporter: Reporter) -> FaceDescriptor | None:
    """The network that describes faces; None, with a note, where its packages are not installed."""
    try:
        return FaceDescriptor()
    except MissingPackageError as error:
        reporter.note(str(error))
        return None
