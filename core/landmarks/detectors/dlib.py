# SPDX-License-Identifier: GPL-3.0-or-later
"""dlib's frontal face detector and its 68 points: the packages `dlib-bin` (Boost) and `face-recognition-models`.

The points were learned from the 300-W data set, whose terms bar commercial use. It sees no pupils: they are put into the
middles of the eyes.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...errors import MissingPackageError
from ..ibug68 import with_pupils
from . import Face, sorted_by_extent
from .files import verify

WEIGHTS = Path("models") / "shape_predictor_68_face_landmarks.dat"
SHA256 = "fbdc2cb80eb9aa7a758672cbfdda32ba6300efe9b6e6c7a299ff7e736b11b92f"
SURE = 1.0
"""Score of the detector's support vectors from which a face is certain; it reports faces from 0 on."""


class DlibDetector:
    """Runs on the CPU wherever it is, 80 ms for a picture of 640 x 480; faces from 80 pixels, frontal ones alone."""

    def __init__(self, device: str = "cpu") -> None:
        """Raises MissingPackageError, and MissingWeightsError where the points' file is not the one that was tested."""
        models = find_spec("face_recognition_models")
        if find_spec("dlib") is None or models is None or models.origin is None:
            raise MissingPackageError(
                "dlib's landmarks need the packages dlib-bin and face-recognition-models",
                "Run: pip install dlib-bin face-recognition-models",
            )
        import dlib

        self._find = dlib.get_frontal_face_detector()
        # The package cannot be imported without setuptools; its file can be read.
        path = Path(models.origin).parent / WEIGHTS
        verify(path, SHA256, "Run: pip install --force-reinstall face-recognition-models==0.3.0")
        self._points_of = dlib.shape_predictor(str(path))

    def detect(self, picture: NDArray[np.uint8]) -> list[Face]:
        whole = np.ascontiguousarray(picture)
        boxes, scores, _ = self._find.run(whole, 0, 0.0)
        faces = []
        for box, score in zip(boxes, scores, strict=True):
            # dlib numbers pixels by their centres; ours start at the corner.
            points = np.array([(p.x, p.y) for p in self._points_of(whole, box).parts()], np.float32) + 0.5
            faces.append(Face(with_pupils(points), float(np.clip(score / SURE, 0.05, 1.0))))
        return sorted_by_extent(faces)

    def close(self) -> None:
        """Let the models' memory go."""
        del self._find, self._points_of
