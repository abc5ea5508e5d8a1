# SPDX-License-Identifier: GPL-3.0-or-later
"""Where one shot ends and the next begins."""

from __future__ import annotations

from collections import deque

import cv2
import numpy as np
from numpy.typing import NDArray

from ..arrays import Picture

THUMBNAIL = (32, 18)
CUT = 0.06
"""Mean change of a thumbnail's pixels, as a part of white, that can be a cut."""
JUMP = 4.0
"""How often the mean of the last changes a cut's must be: a fast pan changes every frame."""
REMEMBERED = 8


class CutFinder:
    """Tells where one shot ends and the next begins: one change far above those before it."""

    def __init__(self) -> None:
        self._last: NDArray[np.float32] | None = None
        self._changes: deque[float] = deque(maxlen=REMEMBERED)

    def begins_shot(self, picture: Picture) -> bool:
        """True where `picture` begins a new shot; the first one does not."""
        thumbnail = cv2.resize(picture, THUMBNAIL, interpolation=cv2.INTER_AREA).astype(np.float32) / 255.0
        last, self._last = self._last, thumbnail
        if last is None:
            return False
        change = float(np.abs(thumbnail - last).mean())
        usual = float(np.mean(self._changes)) if self._changes else 0.0
        found = change > max(CUT, JUMP * usual)
        if found:
            self._changes.clear()
        else:
            self._changes.append(change)
        return found
