# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of a head's picture that its watermark is in: fine texture, evened out, and the patterns it is compared with.

A head's square, as its landmarks tell it, is looked at in grey and at one size, so a copy of another size is heard alike.
Only detail of 14 to 30 waves across the square counts: coarser detail is the face itself, finer detail is lost when a copy
is made smaller. It is divided by how much of it there is round about, so that hair and skin count alike. Sixty-four patterns
of such detail, each of them all over the head, are the bits: how like the texture is to each, is what is heard.

This is spread spectrum: I. J. Cox and others, "Secure Spread Spectrum Watermarking for Multimedia", 1997.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import NamedTuple

import cv2
import numpy as np

from ..arrays import Doubles, Floats, Picture
from ..imaging.resample import cut
from .payload import LENGTH

SIDE = 128
"""Pixels of the grid across what is looked at."""
ROOM = 1.125
"""How often the head's square goes into it, along a side."""
AROUND, ENOUGH = 1.4, 384
"""What may be looked at is so often the head's square, and needs no more pixels across."""
MARGIN = (1.02, 8.0)
"""The box in which that lies is so often as large, and so many pixels of the picture wider, as the rim is blurred too."""
RIM = 0.35 * SIDE
"""Pixels from the middle to where the head ends, more or less: by so many is growing counted."""
LOWEST, HIGHEST = 14.0, 30.0
"""Waves across the head's square."""
NEAR = 4.0
"""Pixels: standard deviation of what is round about."""
FLOOR = 4.0
"""Steps of 8 bits: texture fainter than that is not made stronger."""
MOST = 1.0
"""How far texture counts, in its own measure: an outline is much stronger than texture."""
SEED = b"Headcast, the watermark of heads, 1"
LUMA = np.array([0.299, 0.587, 0.114], np.float32)


class Texture(NamedTuple):
    """Of one head, [SIDE, SIDE] each."""

    even: Floats
    """the texture, evened out"""
    around: Floats
    """how much texture is round about, in steps of 8 bits"""
    slope: Floats
    """by how much `even` changes with the band's picture"""


def grey(picture: Picture) -> Floats:
    """Luma [H, W, 1] of a picture [H, W, 3], 0 to 255."""
    return (picture.astype(np.float32) @ LUMA)[..., None]


def box_of(picture: Picture, square: Doubles) -> tuple[slice, slice]:
    """Rows and columns of a picture [H, W, 3] that are enough to look at the head with the `square` [3]."""
    reach = MARGIN[0] * AROUND * square[2] / 2 + MARGIN[1]
    lengths = np.array(picture.shape[1::-1])
    left, top = np.clip(np.floor(square[:2] - reach), 0, lengths - 1).astype(int).tolist()
    right, bottom = np.clip(np.ceil(square[:2] + reach), (left + 1, top + 1), lengths).astype(int).tolist()
    return slice(top, bottom), slice(left, right)


def near_head(luma: Floats, square: Doubles) -> tuple[Floats, Doubles]:
    """Luma [H, W, 1] to look at, and the head's square [3] there. A large head is made smaller: it is looked at often."""
    if square[2] * AROUND <= ENOUGH:
        return luma, square
    part = np.array([*square[:2], square[2] * AROUND])
    return cut(luma, part, ENOUGH), np.array([ENOUGH / 2, ENOUGH / 2, ENOUGH / AROUND])


def moved(square: Doubles, place: Doubles) -> Doubles:
    """[3] the part of the picture that is looked at, for the head's `square` [3]: moved by `place` [3], pixels of the grid
    across, down and outward (at the head's rim)."""
    side = square[2] * ROOM * np.exp(place[2] / RIM)
    return np.array([*(square[:2] + place[:2] * side / SIDE), side])


def looked_at(luma: Floats, square: Doubles, place: Doubles) -> Floats:
    """[SIDE, SIDE] that part of luma [H, W, 1]."""
    return cut(luma, moved(square, place), SIDE).reshape(SIDE, SIDE)


def texture_of(seen: Floats) -> Texture:
    """The texture in [SIDE, SIDE] of luma."""
    band = in_band(seen)
    around = np.sqrt(cv2.GaussianBlur(band * band, (0, 0), NEAR) + FLOOR**2)
    bent = np.tanh(band / (around * MOST))
    return Texture(bent * MOST, around, (1.0 - bent * bent) / around)


def in_band(pictures: Floats) -> Floats:
    """Only the detail that counts, of [..., SIDE, SIDE]; the finer, the more, as there is less of it in pictures."""
    kept = np.empty(pictures.shape, np.float32)
    for picture, out in zip(pictures.reshape(-1, SIDE, SIDE), kept.reshape(-1, SIDE, SIDE), strict=True):
        waves = cv2.dft(picture)
        cv2.idft(cv2.multiply(waves, _packed_band(), dst=waves), dst=out, flags=cv2.DFT_SCALE | cv2.DFT_REAL_OUTPUT)
    return kept


def heard_in(texture: Floats) -> Floats:
    """[64] how like an even texture [SIDE, SIDE] is to each pattern."""
    return np.asarray(patterns() @ texture.ravel(), np.float32)


@lru_cache(maxsize=1)
def patterns() -> Floats:
    """[64, SIDE * SIDE] the patterns, of length 1; the same on every machine, for ever."""
    drawn = np.frombuffer(hashlib.shake_256(SEED).digest(LENGTH * SIDE * SIDE), np.uint8)
    noise = drawn.reshape(LENGTH, SIDE, SIDE) - np.float32(127.5)
    middle = (np.arange(SIDE) + 0.5) / SIDE - 0.5
    head = np.clip(1.6 - (middle / 0.30) ** 2 - (middle[:, None] / 0.38) ** 2, 0.0, 1.0)
    made = np.fft.irfft2(np.fft.rfft2(noise) * _band(False), s=(SIDE, SIDE)) * head
    flat = made.reshape(LENGTH, -1)
    return np.asarray(flat / np.linalg.norm(flat, axis=1, keepdims=True), np.float32)


@lru_cache(maxsize=1)
def _packed_band() -> Floats:
    """[SIDE, SIDE] the same for the waves of a real picture as `cv2.dft` packs them: real and imaginary parts side by side,
    those of its first and last column one below the other."""
    band = _band(True)
    packed = np.empty((SIDE, SIDE), np.float32)
    ends = np.arange(1, SIDE + 1) // 2
    packed[:, 1:-1] = band[:, ends[1:-1]]
    packed[:, 0], packed[:, -1] = band[ends, 0], band[ends, -1]
    return packed


@lru_cache(maxsize=2)
def _band(rising: bool) -> Floats:
    """[SIDE, SIDE // 2 + 1] the part of each wave that is kept."""
    waves = np.hypot(np.fft.fftfreq(SIDE)[:, None], np.fft.rfftfreq(SIDE)[None]) * SIDE / ROOM
    kept = (waves >= LOWEST) & (waves <= HIGHEST)
    return np.asarray(kept * (waves / LOWEST if rising else 1.0), np.float32)
