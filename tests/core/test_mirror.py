# SPDX-License-Identifier: GPL-3.0-or-later
"""The side of a face that no photo shows."""

from __future__ import annotations

import numpy as np
import torch
from headcast.core.landmarks.fitting import fit_faces
from headcast.core.landmarks.head import rotations
from headcast.core.network.bending import correspond
from headcast.core.network.warp import bent_head
from headcast.core.painting.feed import feed_mirrored, feed_photos, feed_pose

CPU = torch.device("cpu")
SIZE = 256


def turned(face: np.ndarray, degrees: float) -> np.ndarray:
    """The face, its head turned about the vertical."""
    fitted = fit_faces(face[None])
    turn = rotations(np.array([[0.0, np.radians(degrees), 0.0]]))
    return fitted.pose._replace(rotation=turn).project(fitted.points)[0].astype(np.float32)


def test_a_torn_cheek_gets_the_detail_of_the_other(face: np.ndarray) -> None:
    """Pores all over a photo that is turned away by 40 degrees: seen from the front, both cheeks have them."""
    photo = turned(face, 40.0)
    pores = np.random.default_rng(0).integers(100, 156, (1, SIZE, SIZE, 3), dtype=np.uint8)
    photos = feed_photos(pores, np.full((1, SIZE, SIZE), 255, np.uint8), photo[None], CPU)
    front = turned(face, 0.0)
    pose = feed_pose(front[None], SIZE, 0, CPU)
    mirrored = feed_mirrored(photos, photo[None], SIZE)
    cheeks = [front[[2, 3, 31]].mean(0), front[[14, 13, 35]].mean(0)]

    def across(picture: torch.Tensor, centre: np.ndarray) -> float:
        """How much neighbours along a row differ: a stretched cheek is smooth that way."""
        x, y = (int(v) for v in centre)
        part = picture[0, :, y - 8 : y + 8, x - 8 : x + 8]
        return float((part[..., 1:] - part[..., :-1]).abs().mean())

    plain = [across(bent_head(correspond(photos, pose)).picture, cheek) for cheek in cheeks]
    mended = [across(bent_head(correspond(photos, pose), mirrored).picture, cheek) for cheek in cheeks]
    torn = int(np.argmin(plain))
    assert plain[torn] < 0.75 * plain[1 - torn]
    assert mended[torn] > 1.2 * plain[torn]
    assert mended[1 - torn] == plain[1 - torn], "the cheek that the photo shows stays as it is"


def test_at_the_photos_own_pose_nothing_is_mirrored(face: np.ndarray) -> None:
    photo = turned(face, 40.0)
    pictures = np.random.default_rng(0).integers(0, 256, (1, SIZE, SIZE, 3), dtype=np.uint8)
    photos = feed_photos(pictures, np.full((1, SIZE, SIZE), 255, np.uint8), photo[None], CPU)
    pose = feed_pose(photo[None], SIZE, 0, CPU)
    mirrored = feed_mirrored(photos, photo[None], SIZE)
    assert torch.equal(bent_head(correspond(photos, pose), mirrored).picture, bent_head(correspond(photos, pose)).picture)
