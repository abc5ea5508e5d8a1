# SPDX-License-Identifier: GPL-3.0-or-later
"""A mark in a head that nobody sees, and that is still there when the picture was saved again, made smaller or cut.

The head's texture is changed as little as it takes to be heard as the take's number (`texture`, `listening`): the change
is computed from this very picture (informed embedding: M. L. Miller, G. J. Doerr, I. J. Cox, "Applying Informed Coding and
Embedding to Design a Robust High-Capacity Watermark", 2004), at the place near the head's square where it is least. It
is in grey alone, as eyes see a tint sooner, and stronger where there is texture that hides it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..arrays import Doubles, Floats, Picture, Points
from ..imaging.crop import head_crops
from ..imaging.resample import place as put_back
from .listening import heard_near
from .payload import LENGTH, word_of
from .texture import FLOOR, SIDE, heard_in, in_band, looked_at, moved, near_head, patterns, texture_of

SURE = 0.72
"""Cosine from which on a head is taken for marked. Measured: see the guide's page on provenance."""
HEADROOM, MOST_LIKE = 0.12, 0.98
"""How much more like its word a head is made, for a strength of 1; and at most."""
SMALL, MOST_MORE = 300.0, 1.5
"""Side of a head's square, in pixels, below which the strength grows, as copies lose more of a small head; and how far."""
LOUD = 0.3
"""Least length of what is heard for a strength of 1, a bit, where there is hardly any texture."""
HIDING = 0.8
"""How much stronger the mark is where there is more texture: 0 is the same all over, 1 is just as much."""
SMOOTHEST = 1.5
"""Steps of 8 bits: texture fainter than that hides as much as this does."""
OWN_REACH, OWN_OUTWARD = 3, (-1.0, -0.5, 0.0, 0.5, 1.0)
"""Pixels of the grid: where it may be put. Some less than it is looked for."""
STAYS = 1.5
"""How much worse the last frame's place may be than the best: a mark that stays costs a movie less and never flickers."""
ROUNDS = 3
"""The change is made, looked at and mended, as steps of 8 bits and the picture's own grid take some of it away."""
FAINT = 3e-3
"""Directions that can hardly be changed are left, as the part that this is of those that can be changed most."""


class Marked(NamedTuple):
    """A picture with a mark, and where that is."""

    picture: Picture
    place: Doubles
    """[3] pixels of the grid across, down and outward"""
    is_heard: bool
    """whether it is; not in a head that is very small, or of which hardly anything is there"""


def head_square(landmarks: Points) -> Doubles:
    """[3] the square crop round the head of a picture by its landmarks [70, 2]; the same in each copy of the picture."""
    return np.asarray(head_crops(landmarks[None], np.array([True]), rate=1.0)[0])


def marked(
    picture: Picture, matte: Floats, square: Doubles, number: int, strength: float, last: Doubles | None = None
) -> Marked:
    """`picture` [H, W, 3] with a number from 0 to 2047 in the head: where `matte` [H, W], 0 to 1, and the square [3] are.

    strength: above 0; 1 outlives JPEG 70, half size, a 10 % crop and H.264 at crf 23. last: the place in the frame before.
    """
    height, width = picture.shape[:2]
    word = word_of(number)
    strength *= float(np.clip(SMALL / square[2], 1.0, MOST_MORE))
    luma, there = near_head(picture, square)
    place = _place(luma, there, word, strength, last)
    seen = looked_at(luma, there, place)
    hidden = looked_at(matte.astype(np.float32)[..., None], square, place)
    even, around, slope = texture_of(seen)
    # What the change [S, S] does is, for small ones, patterns @ (slope * in_band(change)); the least change that does a
    # thing, weighed by how well it is hidden, is a sum of these:
    flat = patterns().reshape(LENGTH, SIDE, SIDE)
    texture = np.sqrt(around**2 - FLOOR**2 + SMOOTHEST**2)
    parts = in_band(flat * slope) * (hidden * texture**HIDING) ** 2
    inverse = np.linalg.pinv(patterns() @ (in_band(parts) * slope).reshape(LENGTH, -1).T, rcond=FAINT)
    wanted = _goal(heard_in(even)[None], word, strength)[0]
    amounts, made = np.zeros(LENGTH, np.float32), picture
    for _ in range(ROUNDS):
        heard = heard_in(texture_of(looked_at(near_head(made, square)[0], there, place)).even)
        amounts += inverse @ (wanted - heard)
        change = np.tensordot(amounts, parts, axes=1)
        placed = put_back(np.dstack([change, np.ones_like(change)]), moved(square, place), width, height)[..., 0]
        made = np.clip(np.rint(picture + (placed * matte)[..., None]), 0, 255).astype(np.uint8)
    heard = heard_in(texture_of(looked_at(near_head(made, square)[0], there, place)).even)
    return Marked(made, place, bool(heard @ word >= SURE * np.linalg.norm(heard)))


def _place(luma: Floats, square: Doubles, word: Floats, strength: float, last: Doubles | None) -> Doubles:
    """[3] where the least has to be changed."""
    places, heard = heard_near(luma, square, OWN_REACH, OWN_OUTWARD, step=1.0)
    costs = np.linalg.norm(_goal(heard, word, strength) - heard, axis=1)
    best = int(costs.argmin())
    if last is not None:
        kept = heard_in(texture_of(looked_at(luma, square, last)).even)[None]
        if np.linalg.norm(_goal(kept, word, strength) - kept) <= STAYS * costs[best]:
            return last
    return places[best]


def _goal(heard: Floats, word: Floats, strength: float) -> Floats:
    """[N, 64] the nearest that is enough like the word, and loud enough, to each `heard` [N, 64]."""
    like = min(SURE + HEADROOM * strength, MOST_LIKE)
    spread = np.sqrt(1.0 - like**2) / like
    along = heard @ word
    across = heard - along[:, None] * word
    far = np.linalg.norm(across, axis=1)
    length = np.maximum((along + spread * far) / (1.0 + spread**2), LOUD * strength * np.sqrt(LENGTH))
    kept = np.minimum(1.0, spread * length / np.maximum(far, 1e-6))
    return np.asarray(length[:, None] * word + kept[:, None] * across, np.float32)
