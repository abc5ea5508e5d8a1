# SPDX-License-Identifier: GPL-3.0-or-later
"""The picture that Blender and the worker share: a file that both hold in their memory. Needs NumPy alone.

Blender makes it and names it in a request; the worker fills it before it answers. Blender reads it before it asks again, so
that nobody reads what is being written.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path

import numpy as np

from ..arrays import Floats
from ..errors import writing

MOST = 1024
"""Largest side of a picture, in pixels."""
CHANNELS = 4
MEMORY = Path("/dev/shm")
"""Where Linux has files that are on no disk. What is not written of them takes no memory."""


class Canvas:
    """Room for one square picture of up to MOST pixels a side."""

    def __init__(self, path: Path) -> None:
        """Open a canvas that was made. Raises FileNotFoundError."""
        self.path = path
        self._values = np.memmap(path, np.float32, "r+", shape=(MOST * MOST * CHANNELS,))

    @classmethod
    def make(cls) -> Canvas:
        """A new one, where the system keeps what is temporary. Raises UnwritableError or DiskFullError."""
        folder = MEMORY if os.access(MEMORY, os.W_OK) else Path(tempfile.gettempdir())
        with writing(folder):
            handle, name = tempfile.mkstemp(prefix="headcast-preview-", dir=folder)
            with open(handle, "wb") as file:
                file.truncate(MOST * MOST * CHANNELS * np.dtype(np.float32).itemsize)
            return cls(Path(name))

    def write(self, picture: Floats) -> None:
        """Put a picture [S, S, 4] on it, S at most MOST."""
        self._values[: picture.size] = picture.ravel()

    def read(self, side: int) -> Floats:
        """A copy of the picture [side, side, 4] that was put there."""
        return np.array(self._values[: side * side * CHANNELS]).reshape(side, side, CHANNELS)

    def remove(self) -> None:
        """Delete the file; the canvas is not to be used any more."""
        del self._values
        with suppress(OSError):
            self.path.unlink()
