# SPDX-License-Identifier: GPL-3.0-or-later
"""A likeness in a performance: where its landmarks are to be in each frame, and what its skin does between them."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from ..arrays import Floats
from ..network.skin import lying, skin_of_photos
from ..performance import SKIN_STEPS
from .feed import feed_pose
from .player import Head, Player


class Role:
    """F frames that a player can paint, in any order and in several threads."""

    def __init__(self, player: Player, wanted: Floats, skin: NDArray[np.int8] | None = None, strength: float = 1.0) -> None:
        """wanted: landmarks [F, 70, 2] in pixels of the likeness' crop, NaN where there is no face; skin: [F, 2, G, G],
        that of the `Performance`; strength: how much of it is taken."""
        self.player, self.wanted = player, wanted
        self.seen = np.isfinite(wanted).all(axis=(1, 2))
        self._skin: NDArray[np.int8] | None = None
        self._unit = strength / SKIN_STEPS
        photos = None if skin is None or not strength else player.photos_for_skin
        if skin is not None and photos is not None and self.seen.any():
            self._skin = skin
            with torch.inference_mode():
                poses = feed_pose(wanted[self.seen], player.size, 0, player.device)
                fields = torch.from_numpy(skin[self.seen]).to(player.device)
                self._of_photos = skin_of_photos(photos, lying(poses.points, poses.projection), fields)

    @property
    def follows_skin(self) -> bool:
        """Whether the skin was measured, and counts."""
        return self._skin is not None

    def paint(self, i: int, landmarks: Floats | None = None, sources: NDArray[np.intp] | None = None) -> Head:
        """Frame number `i`, which has a face; with other `landmarks` [70, 2], and from other photos, if they are given."""
        since = None
        if self._skin is not None:
            since = (torch.from_numpy(self._skin[i]).to(self._of_photos) - self._of_photos) * self._unit
        return self.player.paint(self.wanted[i] if landmarks is None else landmarks, sources, since)
