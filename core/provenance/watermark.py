# SPDX-License-Identifier: GPL-3.0-or-later
"""A mark in a head that is hard to see, and still there when the picture was saved again, made smaller or cut.

Two networks of RivaGAN (K. A. Zhang and others, "Robust Invisible Video Watermarking with Attention", 2019) put 32 bits into
a picture and hear them. They are in the wheel of invisible-watermark (MIT), of which nothing else is used. What they hear
depends on the size: so the head is marked and heard at one size, in the square that its landmarks tell. A mark that is made
there and enlarged is coarse enough to outlive a JPEG.
"""

from __future__ import annotations

import numpy as np

from ..arrays import Doubles, Floats, Picture, Points
from ..fetching import MARK_READER, MARKER
from ..imaging.crop import head_crops
from ..imaging.resample import cut, place
from ..inference import open_session
from .payload import word_of

SIDE = 160
"""Pixels of the square that is marked and heard. Of 128 to 256, the smaller, the better a mark outlives a JPEG, and the more
bits are heard wrong from the start."""
BIT_WEIGHTS = np.array(
    [
        [0.8, 1.2, 1.1, 0.8, 1.1, 0.7, 0.9, 1.3, 0.9, 0.9, 1.0, 0.7, 0.9, 1.2, 1.2, 0.9],
        [1.3, 0.9, 1.0, 1.2, 0.9, 1.0, 0.8, 1.0, 0.8, 0.8, 1.3, 0.8, 0.7, 1.2, 1.3, 1.0],
    ],
    np.float32,
).ravel()
"""[32] the root of how loudly the network hears each bit, in the mean of 50 marked heads; a quadratic mean of about 1."""


def head_square(landmarks: Points) -> Doubles:
    """[3] the square crop round the head of a picture by its landmarks [70, 2]; the same in each copy of the picture."""
    return np.asarray(head_crops(landmarks[None], np.array([True]), rate=1.0)[0])


def ensure_marker() -> None:
    """Raise MissingPackageError or MissingWeightsError where nothing can be marked."""
    open_session(MARKER)


def marked(picture: Picture, matte: Floats, square: Doubles, number: int, strength: float) -> Picture:
    """`picture` [H, W, 3] with a number from 0 to 2047 in the head: where `matte` [H, W], 0 to 1, and the square [3] are.

    strength: 1 is as the network has it. Raises what `ensure_marker` does.
    """
    height, width = picture.shape[:2]
    small = cut(picture, square, SIDE)
    made = open_session(MARKER).run(None, {"frame": _fed(small), "data": word_of(number)[None]})[0][0, :, 0]
    change = (np.clip(made.transpose(1, 2, 0), -1.0, 1.0) + 1.0) * 127.5 - small
    placed = place(np.dstack([change, np.ones((SIDE, SIDE))]).astype(np.float32), square, width, height)
    whole = picture + placed[..., :3] * (matte * strength)[..., None]
    return np.asarray(np.clip(np.rint(whole), 0, 255), np.uint8)


def listen(picture: Picture, square: Doubles) -> Floats:
    """[32] how surely each bit of the mark in a head is 1 (above 0) or 0 (below), marked or not.

    Raises MissingPackageError, MissingWeightsError.
    """
    heard = open_session(MARK_READER).run(None, {"frame": _fed(cut(picture, square, SIDE))})[0][0]
    return np.asarray(heard, np.float32)


def _fed(picture: Picture) -> Floats:
    """[1, 3, 1, S, S] as the networks want one: a film of one frame, -1 to 1."""
    scaled = picture.astype(np.float32) / 127.5 - 1.0
    return np.asarray(scaled.transpose(2, 0, 1)[None, :, None], np.float32)
