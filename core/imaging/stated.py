# SPDX-License-Identifier: GPL-3.0-or-later
"""What a picture says of its colours where it has no ICC profile, by numbers: PNG's cICP, gAMA and cHRM (PNG, third edition,
11.3.2), the `colr` of HEIF and AVIF (ISO 14496-12), and a camera's word in EXIF that its JPEG is in Adobe RGB."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from ..arrays import Floats
from . import broadcast
from .colour_space import REC709, Chromaticities, matrix_to_rec709

ADOBE_RGB: Chromaticities = (0.64, 0.33, 0.21, 0.71, 0.15, 0.06, 0.3127, 0.3290)
ADOBE_GAMMA = 563 / 256
SCREEN_GAMMA = 2.2
"""The sRGB curve's, nearly: pictures that say 1/2.2 mean that."""
NEAR_GAMMA, NEAR_PRIMARIES = 0.05, 0.002
INTEROPERABILITY, INDEX, ADOBE = 0xA005, 1, "R03"
"""EXIF's directory and tag, and what cameras write there for Adobe RGB (DCF 2.0)."""
SIGNATURE = 8
"""Bytes before a PNG's first chunk."""


class Stated(NamedTuple):
    """Colours that are not sRGB as they stand."""

    primaries: int | Chromaticities
    """by H.273's number, or as they are"""
    curve: int | float
    """by H.273's number, or the power"""

    def to_light(self, pixels: Any) -> Floats:
        """`pixels` [H, W, 3] of 8 or 16 bits as scene-linear Rec.709."""
        white = int(np.iinfo(pixels.dtype).max)
        if isinstance(self.primaries, int):
            return broadcast.signal_to_linear(pixels, white, self.primaries, int(self.curve))
        light = ((np.arange(white + 1) / white) ** self.curve).astype(np.float32)[pixels]
        return np.asarray(light @ matrix_to_rec709(self.primaries).T, np.float32)


def stated_colours(kind: str, raw: bytes, picture: Image.Image) -> Stated | None:
    """The word of the file `raw`, of Pillow's `kind`; None where there is none, or where it is sRGB's."""
    if kind == "PNG":
        return _of_png(raw, picture.info)
    if kind in ("HEIF", "AVIF"):
        at = raw.find(b"colrnclx")
        return _numbered(raw[at + 9], raw[at + 11]) if 0 <= at < len(raw) - 11 else None
    if kind in ("JPEG", "MPO") and picture.getexif().get_ifd(INTEROPERABILITY).get(INDEX) == ADOBE:
        return Stated(ADOBE_RGB, ADOBE_GAMMA)
    return None


def _of_png(raw: bytes, info: Mapping[Any, Any]) -> Stated | None:
    for name, body in _chunks(raw):
        if name == b"cICP" and len(body) == 4:
            return _numbered(body[0], body[1])
    if "srgb" in info or "gamma" not in info or not 0.1 < float(info["gamma"]) <= 2:
        return None
    power = 1 / float(info["gamma"])
    x, y, *others = info.get("chromaticity", (*REC709[6:], *REC709[:6]))
    primaries = (*others, x, y)
    if abs(power - SCREEN_GAMMA) > NEAR_GAMMA or not np.allclose(primaries, REC709, atol=NEAR_PRIMARIES):
        return Stated(tuple(float(value) for value in primaries), power)
    return None


def _numbered(primaries: int, transfer: int) -> Stated | None:
    return Stated(primaries, transfer) if broadcast.says_more(primaries, transfer) else None


def _chunks(raw: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Names and contents of a PNG's chunks before its pixels."""
    at = SIGNATURE
    while at + 12 <= len(raw) and raw[at + 4 : at + 8] != b"IDAT":
        length = int.from_bytes(raw[at : at + 4], "big")
        yield raw[at + 4 : at + 8], raw[at + 8 : at + 8 + length]
        at += 12 + length
