# SPDX-License-Identifier: GPL-3.0-or-later
"""A mark in a head that nobody sees, and that is still there when the picture was saved again, made smaller or cut.

The head's texture is changed as little as it takes to be heard as the take's number (`texture`, `listening`): the change
is computed from this very picture (informed embedding: M. L. Miller, G. J. Doerr, I. J. Cox, "Applying Informed Coding and
Embedding to Design a Robust High-Capacity Watermark", 2004), at the place near the head's square where it is least. It
is in grey alone, as eyes see a tint sooner, and stronger where there is texture that hides it. In a movie the change goes
with the head from frame to frame: it fades, and is mended from what is heard. So it is calm, and costs little.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np

from ..arrays import Doubles, Floats, Picture
from ..imaging.resample import place as put_back
from .listening import heard_near
from .payload import LENGTH, word_of
from .texture import FLOOR, SIDE, Texture, box_of, grey, heard_in, in_band, looked_at, moved, near_head, patterns, texture_of

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
ANOTHER = 0.6
"""Likeness below which the last frame's mark is not the one for this frame: another shot, or another face."""
FADES = 0.9
"""The part of the last frame's change that stays. More is calmer, and outlives encoders, which copy from frame to frame;
less changes the picture less. Measured on the sample: see the guide's page on provenance."""
LASTS = 8
"""Frames for which the ways of changing the texture are taken for the same."""
ROUNDS, FORWARD = 3, 1.2
"""A change is made, listened to and mended, each time with so much more than should be enough: steps of 8 bits and the
picture's own grid take some of it away."""
NEARLY = 0.02
"""Part of what is to be heard that may be missing."""
FAINT = 3e-3
"""Directions that can hardly be changed are left, as the part that this is of those that can be changed most."""


class Marked(NamedTuple):
    """A picture with a mark."""

    picture: Picture
    is_heard: bool
    """whether it is; not in a head that is very small, or of which hardly anything is there"""


class Ways(NamedTuple):
    """How a head's texture can be changed."""

    parts: Floats
    """[64, SIDE * SIDE] the least change that does a thing is a sum of these"""
    inverse: Floats
    """[64, 64] how much of each makes each bit sound differently by 1"""


class Box(NamedTuple):
    """The part of a frame that the head is in."""

    picture: Picture
    luma: Floats
    """[H, W, 1] of it"""
    matte: Floats
    square: Doubles
    """[3] the head's, in it"""


class Listened(NamedTuple):
    """The texture of a head, with its mark, and how that sounds."""

    texture: Texture
    bits: Floats
    """[64]"""
    like: float
    """cosine with the word"""


@dataclass
class Imprint:
    """The mark in a head, which stays there from frame to frame."""

    place: Doubles
    """[3] pixels of the grid across, down and outward"""
    change: Floats
    """[SIDE, SIDE] of luma there, in steps of 8 bits"""
    ways: Ways | None = None
    age: int = 0
    """frames for which the ways have served"""

    def in_steps(self, box: Box) -> Floats:
        """[H, W] the change in the box, in whole steps of 8 bits."""
        height, width = box.matte.shape
        return np.rint(put_back(self.change, moved(box.square, self.place), width, height) * box.matte)


def marked(picture: Picture, matte: Floats, square: Doubles, number: int, strength: float) -> Marked:
    """`picture` [H, W, 3] with a number from 0 to 2047 in the head: where `matte` [H, W], 0 to 1, and the square [3] are.

    strength: above 0; 1 outlives JPEG 70, half size, a 10 % crop and H.264 at crf 23.
    """
    return Marker(number, strength)(picture, matte, square)


class Marker:
    """Marks one frame after the other. The mark stays with the head, and is mended as far as it has to be."""

    def __init__(self, number: int, strength: float) -> None:
        self._word, self._strength = word_of(number), strength
        self._mark: Imprint | None = None

    def __call__(self, picture: Picture, matte: Floats, square: Doubles) -> Marked:
        """As `marked`."""
        rows, columns = box_of(picture, square)
        part = picture[rows, columns]
        box = Box(part, grey(part), matte[rows, columns], square - (columns.start, rows.start, 0.0))
        strength = self._strength * float(np.clip(SMALL / square[2], 1.0, MOST_MORE))
        mark, heard = self._stayed(box) or self._begun(box, strength)
        for _ in range(ROUNDS):
            missing = _goals(heard.bits[None], self._word, strength)[0] - heard.bits
            if np.linalg.norm(missing) <= NEARLY * np.linalg.norm(heard.bits):
                break
            _mend(mark, box, heard, missing)
            if heard.like >= SURE:
                break  # it was heard before it was mended, so there is no need to listen again
            heard = self._listen(mark, box)
        mark.age += 1
        self._mark = mark
        whole = picture.copy()
        steps = mark.in_steps(box).astype(np.int16)
        whole[rows, columns] = cv2.add(part, cv2.merge([steps] * 3), dtype=cv2.CV_8U)
        return Marked(whole, heard.like >= SURE)

    def _stayed(self, box: Box) -> tuple[Imprint, Listened] | None:
        """The last frame's mark, and how it sounds in this one; None where it is not the one for it."""
        if self._mark is None:
            return None
        self._mark.change *= FADES
        heard = self._listen(self._mark, box)
        return (self._mark, heard) if heard.like >= ANOTHER else None

    def _begun(self, box: Box, strength: float) -> tuple[Imprint, Listened]:
        """A mark that changes nothing yet, where the least has to be changed."""
        luma, square = near_head(box.luma, box.square)
        places, bits = heard_near(luma, square, OWN_REACH, OWN_OUTWARD, step=1.0)
        best = np.linalg.norm(_goals(bits, self._word, strength) - bits, axis=1).argmin()
        mark = Imprint(places[best], np.zeros((SIDE, SIDE), np.float32))
        return mark, self._listen(mark, box)

    def _listen(self, mark: Imprint, box: Box) -> Listened:
        luma = np.clip(box.luma + mark.in_steps(box)[..., None], 0.0, 255.0)
        texture = texture_of(looked_at(*near_head(luma, box.square), mark.place))
        bits = heard_in(texture.even)
        return Listened(texture, bits, float(bits @ self._word / max(float(np.linalg.norm(bits)), 1e-6)))


def _mend(mark: Imprint, box: Box, heard: Listened, missing: Floats) -> None:
    """Add the least change by which what is `missing` [64] is heard too."""
    if mark.ways is None or mark.age >= LASTS or heard.like < ANOTHER:
        mark.ways, mark.age = ways(heard.texture, looked_at(box.matte[..., None], box.square, mark.place)), 0
    mark.change += (FORWARD * (mark.ways.inverse @ missing) @ mark.ways.parts).reshape(SIDE, SIDE)


def ways(texture: Texture, hidden: Floats) -> Ways:
    """The ways of changing a texture, best where `hidden` [SIDE, SIDE], 0 to 1, lets it.

    A small change [S, S] makes heard patterns @ (slope * in_band(change)). The least change that does a thing, weighed by
    how well it is hidden, is a sum of the patterns taken back through that, as `in_band` is its own transpose.
    """
    back = in_band(patterns().reshape(LENGTH, SIDE, SIDE) * texture.slope).reshape(LENGTH, -1)
    depth = np.sqrt(texture.around**2 - FLOOR**2 + SMOOTHEST**2)
    parts = back * np.square(hidden * depth**HIDING).ravel()
    inverse = np.linalg.pinv(back @ parts.T, rcond=FAINT, hermitian=True)
    return Ways(parts, np.asarray(inverse, np.float32))


def _goals(heard: Floats, word: Floats, strength: float) -> Floats:
    """[N, 64] the nearest that is enough like the word, and loud enough, to each `heard` [N, 64]."""
    like = min(SURE + HEADROOM * strength, MOST_LIKE)
    spread = np.sqrt(1.0 - like**2) / like
    along = heard @ word
    across = heard - along[:, None] * word
    far = np.linalg.norm(across, axis=1)
    length = np.maximum((along + spread * far) / (1.0 + spread**2), LOUD * strength * np.sqrt(LENGTH))
    kept = np.minimum(1.0, spread * length / np.maximum(far, 1e-6))
    return np.asarray(length[:, None] * word + kept[:, None] * across, np.float32)
