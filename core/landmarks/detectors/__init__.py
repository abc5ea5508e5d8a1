# SPDX-License-Identifier: GPL-3.0-or-later
"""Landmark detectors behind one interface: a picture in, the faces in it out, the largest first.

Each detector is one module with one class; `REGISTRY` names it, and it is imported when asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from ...errors import SettingError


class Face(NamedTuple):
    """One face in a picture."""

    landmarks: NDArray[np.float32]
    """[70, 2], pixels from the top left corner."""
    confidence: float
    """0 to 1."""
    expression: Mapping[str, float] = MappingProxyType({})
    """0 to 1 by ARKit's names, seen in the picture and not in the points; empty where the detector reads none."""

    @property
    def extent(self) -> float:
        """Diagonal of the box round the landmarks, in pixels."""
        return float(np.linalg.norm(np.ptp(self.landmarks, axis=0)))


class Detector(Protocol):
    """The interface of every detector."""

    def detect(self, picture: NDArray[np.uint8]) -> list[Face]:
        """Find the faces in `picture` [H, W, 3] (sRGB, 0-255), the largest first."""

    def close(self) -> None:
        """Let go of what it holds. Use it in `with closing(open_detector(...)) as detector`."""


REGISTRY: dict[str, tuple[str, str]] = {
    "mediapipe": ("mediapipe", "MediaPipeDetector"),
    "face-alignment": ("face_alignment", "FaceAlignmentDetector"),
    "dlib": ("dlib", "DlibDetector"),
}
"""Name -> (module in this package, class). Classes take the device's name."""


def open_detector(name: str, device: str = "cpu") -> Detector:
    """Load the detector called `name` on `device`.

    Raises SettingError for an unknown name, MissingPackageError or MissingWeightsError where it cannot run.
    """
    if name not in REGISTRY:
        raise SettingError(f"There is no detector '{name}'", f"Choose one of: {', '.join(REGISTRY)}")
    module, class_name = REGISTRY[name]
    detector: Detector = getattr(import_module(f".{module}", __package__), class_name)(device)
    return detector


def sorted_by_extent(faces: list[Face]) -> list[Face]:
    """The same faces, the largest first."""
    return sorted(faces, key=lambda face: face.extent, reverse=True)
