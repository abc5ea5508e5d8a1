# SPDX-License-Identifier: GPL-3.0-or-later
"""A likeness in a performance: where its landmarks are to be in each frame, and what its skin does between them."""

from __future__ import annotations

from threading import Lock

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..arrays import Floats
from ..network.skin import lying, measured_in_photos, skin_of_photos
from ..skin import SKIN_STEPS, References, Skin
from .comparing import compare
from .feed import feed_pose
from .player import Head, Player

SAME_FACE = 0.042
"""Half windows: where most photos of a likeness lie no farther off than this, they show the actor of the footage. Frames of
the same clip lie at up to .036, of 1,320 pairs of different people none at less than .046."""


class Role:
    """F frames that a player can paint, in any order and in several threads."""

    def __init__(
        self, player: Player, wanted: Floats, skin: Skin | None = None, strength: float = 1.0, own: bool = False
    ) -> None:
        """wanted: landmarks [F, 70, 2] in pixels of the likeness' crop, NaN where there is no face; skin: the performance's;
        strength: how much of it is taken; own: the landmarks are the footage's own, and photos can be held against it."""
        self.player, self.wanted = player, wanted
        self.seen = np.isfinite(wanted).all(axis=(1, 2))
        self._skin: Skin | None = None
        self._unit, self._own = strength / SKIN_STEPS, own
        self._in_photos: dict[int, Tensor] = {}
        self._comparing = Lock()
        photos = None if skin is None or not strength else player.photos_for_skin
        if skin is not None and photos is not None and self.seen.any():
            self._skin, self._photos = skin, photos
            with torch.inference_mode():
                poses = feed_pose(wanted[self.seen], player.size, 0, player.device)
                moves = torch.from_numpy(skin.moves[self.seen]).to(player.device)
                self._guess = skin_of_photos(photos, lying(poses.points, poses.projection), moves)

    @property
    def follows_skin(self) -> bool:
        """Whether the skin was measured, and counts."""
        return self._skin is not None

    def paint(self, i: int, landmarks: Floats | None = None, sources: NDArray[np.intp] | None = None) -> Head:
        """Frame number `i`, which has a face; with other `landmarks` [70, 2], and from other photos, if they are given."""
        since = None
        if self._skin is not None:
            there = self._of_photos(self._skin, int(self._skin.shots[i]))
            since = (torch.from_numpy(self._skin.moves[i]).to(there) - there) * self._unit
        return self.player.paint(self.wanted[i] if landmarks is None else landmarks, sources, since)

    def _of_photos(self, skin: Skin, shot: int) -> Tensor:
        """[K, 2, G, G] how the skin lies in all the likeness' photos, in SKIN_STEPS, against the mean of that shot."""
        if not self._own or skin.references is None:
            return self._guess
        with self._comparing:
            if shot not in self._in_photos:
                references = skin.references.of_shot(shot)
                self._in_photos[shot] = self._measured(references) if len(references.shots) else self._guess
            return self._in_photos[shot]

    @torch.inference_mode()
    def _measured(self, references: References) -> Tensor:
        """The same, as the photos themselves show it where they are the actor's."""
        pictures = self._photos.pictures[0].permute(0, 2, 3, 1).add(1).mul(127.5).round().byte().cpu().numpy()
        faces = self.player.landmarks * np.float32(pictures.shape[1] / self.player.size)
        measured, off = compare(pictures, faces, references)
        same = off < SAME_FACE
        if 2 * same.sum() < len(same):
            return self._guess
        counts = torch.from_numpy(same).to(self._guess)
        return measured_in_photos(self._photos, torch.from_numpy(measured).to(self._guess), counts, self._guess)
