# SPDX-License-Identifier: GPL-3.0-or-later
"""The head of a frame just rendered, in a small file that whoever waits may look at."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np

from ..errors import UnwritableError
from ..imaging.preview import write_thumbnail
from ..painting.player import Head

SIDE = 192
"""Side of the picture in pixels."""
GREY = 0.2
"""sRGB behind the head."""
LEAST_SECONDS = 0.3
"""Between two pictures: frames may come faster than anybody sees."""


class Thumbnail:
    """Follows a render at `path`; shows nothing for None."""

    def __init__(self, path: Path | None) -> None:
        self._path, self._shown = path, 0.0

    def show(self, head: Head | None) -> None:
        """The head of a frame; None for a frame without. A picture that cannot be written costs no frame."""
        if self._path is None or head is None or time.monotonic() - self._shown < LEAST_SECONDS:
            return
        self._shown = time.monotonic()
        over = head.picture * head.matte[..., None] + GREY * (1 - head.matte[..., None])
        small = cv2.resize(over, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
        with suppress(UnwritableError):
            write_thumbnail(self._path, (small.clip(0, 1) * 255).round().astype(np.uint8))
