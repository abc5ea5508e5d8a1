# SPDX-License-Identifier: GPL-3.0-or-later
"""The `face-alignment` package (BSD-3): iBUG 68 directly, as Zakharov et al. used.

Left to itself the package fetches its weights at first use. Here it must find them where it looks for them, and they must be
the right ones: nothing goes online without being asked, and a file of torch's may hold any program.

It sees no pupils: they are put into the middles of the eyes.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...errors import MissingPackageError
from ..ibug68 import with_pupils
from . import Face, sorted_by_extent
from .files import verify

ADDRESS = "https://www.adrianbulat.com/downloads/python-fan"
WEIGHTS = {"s3fd-619a316812.pth": "619a316812", "2DFAN4-cd938726ad.zip": "cd938726ad"}
"""Files, and the SHA-256 that their names give the beginning of."""


class FaceAlignmentDetector:
    """2D landmarks of the FAN network; its own score of the points, averaged, is the confidence."""

    def __init__(self, device: str = "cpu") -> None:
        """Raises MissingPackageError, and MissingWeightsError where its files are not there, or others."""
        try:
            import face_alignment
        except ImportError as error:
            raise MissingPackageError(
                "The package face-alignment is not installed", "Run: pip install face-alignment"
            ) from error
        import torch

        folder = Path(torch.hub.get_dir()) / "checkpoints"
        for name, sha256 in WEIGHTS.items():
            verify(folder / name, sha256, f"Put {ADDRESS}/{name} there, or use --detector mediapipe")
        self._network = face_alignment.FaceAlignment(face_alignment.LandmarksType.TWO_D, device=device, flip_input=False)

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
