# SPDX-License-Identifier: GPL-3.0-or-later
"""The `face-alignment` package (BSD-3): iBUG 68 directly, as Zakharov et al. used. Fetches its weights at first use.

It sees no pupils: they are put into the middles of the eyes.
"""

from __future__ import annotations

from urllib.error import URLError

import numpy as np
from numpy.typing import NDArray

from ...errors import MissingPackageError, MissingWeightsError
from ..ibug68 import with_pupils
from . import Face, sorted_by_extent


class FaceAlignmentDetector:
    """2D landmarks of the FAN network; its own score of the points, averaged, is the confidence."""

    def __init__(self, device: str = "cpu") -> None:
        try:
            import face_alignment
        except ImportError as error:
            raise MissingPackageError(
                "The package face-alignment is not installed", "Run: pip install face-alignment"
            ) from error
        try:
            self._network = face_alignment.FaceAlignment(face_alignment.LandmarksType.TWO_D, device=device, flip_input=False)
        except (URLError, OSError) as error:
            raise MissingWeightsError(
                f"face-alignment could not fetch its weights ({error})",
                "Connect once to the internet, or use --detector mediapipe",
            ) from error

    def detect(self, picture: NDArray[np.uint8]) -> list[Face]:
        points, scores, boxes = self._network.get_landmarks_from_image(
            picture, return_bboxes=True, return_landmark_score=True
        )
        if not boxes:
            return []
        # FAN numbers pixels by their centres; ours start at the corner.
        faces = [
            Face(with_pupils(np.asarray(p[:, :2], np.float32) + 0.5), float(np.clip(np.mean(s), 0.0, 1.0)))
            for p, s in zip(points, scores, strict=True)
        ]
        return sorted_by_extent(faces)

    def close(self) -> None:
        """Let the network's memory go."""
        del self._network
