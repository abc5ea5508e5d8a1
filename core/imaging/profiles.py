# SPDX-License-Identifier: GPL-3.0-or-later
"""ICC profiles of pictures: their colours in sRGB. 8 bits go through LittleCMS, whose Pillow binding knows no more.

16 bits are converted here where the profile is curves and a matrix, as the working spaces of photo programs are (Display P3,
Adobe RGB, ProPhoto); with another profile they are as exact as 8 bits.
"""

from __future__ import annotations

import io
import struct
from functools import cache
from typing import Any

import numpy as np
from PIL import Image, ImageCms

from ..arrays import Doubles
from .colour import encode_srgb

SRGB_TO_XYZ = np.array(
    [[0.4360747, 0.3850649, 0.1430804], [0.2225045, 0.7168786, 0.0606169], [0.0139322, 0.0971045, 0.7141733]]
)
"""Linear sRGB to XYZ of D50, in which profiles are connected (IEC 61966-2-1, by the Bradford adaptation)."""
PARAMETERS = (1, 3, 4, 5, 7)
"""How many numbers a parametric curve of each kind has (ICC.1:2022, 10.18)."""
MODES = {"RGB": "RGB", "GRAY": "L"}
"""Pillow's modes by a profile's colours."""
STEPS = 1 << 16


def to_srgb(pixels: Any, profile: bytes | None) -> Any:
    """`pixels` [H, W, 3] (uint8 or uint16) of `profile` in sRGB. What has none, or a damaged one, is left as it is."""
    transform = _transform(profile) if profile else None
    if transform is None or profile is None:
        return pixels
    if pixels.dtype == np.uint8:
        return _by_littlecms(pixels, transform)
    shape = _curves_and_matrix(profile)
    if shape is None:
        return _by_littlecms((pixels >> 8).astype(np.uint8), transform).astype(np.uint16) * 257
    curves, matrix = shape
    light = np.stack([curve[pixels[..., i]] for i, curve in enumerate(curves)], axis=-1) @ matrix.T
    encoded = np.clip(encode_srgb(light.astype(np.float32)), 0.0, 1.0)
    return np.round(encoded * 65535.0).astype(np.uint16)


def cmyk_to_srgb(picture: Image.Image) -> Image.Image:
    """A picture of inks, by its profile where it has a good one."""
    profile = picture.info.get("icc_profile")
    try:
        there = ImageCms.ImageCmsProfile(io.BytesIO(profile or b""))
        converted = ImageCms.profileToProfile(picture, there, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError):
        return picture.convert("RGB")
    return converted or picture.convert("RGB")


def lab_to_srgb(picture: Image.Image) -> Image.Image:
    """A picture in CIE L*a*b* of D50."""
    there, here = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
    return ImageCms.profileToProfile(picture, there, here, outputMode="RGB") or picture.convert("RGB")


def _by_littlecms(pixels: Any, transform: ImageCms.ImageCmsTransform) -> Any:
    if transform.input_mode == "L":
        pixels = pixels[..., 0]
    return np.asarray(ImageCms.applyTransform(Image.fromarray(np.ascontiguousarray(pixels)), transform))


@cache
def _transform(profile: bytes) -> ImageCms.ImageCmsTransform | None:
    """From `profile` to sRGB; None where it is sRGB itself, of inks, or damaged."""
    try:
        there = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        mode = MODES.get(there.profile.xcolor_space.strip())
        if mode is None or "srgb" in ImageCms.getProfileDescription(there).lower():
            return None
        return ImageCms.buildTransform(there, ImageCms.createProfile("sRGB"), mode, "RGB")
    except (ImageCms.PyCMSError, OSError):
        return None


@cache
def _curves_and_matrix(profile: bytes) -> tuple[list[Doubles], Doubles] | None:
    """The light of every 16-bit value, for each colour, and the matrix from there to linear sRGB [3, 3]; None where the
    profile has none."""
    try:
        count = int.from_bytes(profile[128:132], "big")
        entries = [struct.unpack_from(">4sII", profile, 132 + 12 * i) for i in range(min(count, 100))]
        tags = {name: profile[at : at + size] for name, at, size in entries}
        if b"A2B0" in tags:
            return None
        columns = [struct.unpack_from(">3i", tags[name], 8) for name in (b"rXYZ", b"gXYZ", b"bXYZ")]
        curves = [_curve(tags[name]) for name in (b"rTRC", b"gTRC", b"bTRC")]
    except (struct.error, KeyError, IndexError, ValueError):
        return None
    return curves, np.linalg.inv(SRGB_TO_XYZ) @ (np.array(columns).T / 65536.0)


def _curve(tag: bytes) -> Doubles:
    """[STEPS] light from 0 to 1 of signals from 0 to 1."""
    signal = np.linspace(0.0, 1.0, STEPS)
    if tag[:4] == b"para":
        kind = int.from_bytes(tag[8:10], "big")
        g, a, b, c, d, e, f = (*_numbers(tag, PARAMETERS[kind]), *([0.0] * 7))[:7]
        if kind == 0:
            return np.asarray(signal**g)
        power = np.maximum(a * signal + b, 0.0) ** g
        if kind < 3:
            return np.asarray(np.where(signal >= -b / a, power, 0.0) + (c if kind == 2 else 0.0))
        return np.asarray(np.where(signal >= d, power + e, c * signal + f))
    count = int.from_bytes(tag[8:12], "big")
    if count == 0:
        return signal
    if count == 1:
        return np.asarray(signal ** (struct.unpack_from(">H", tag, 12)[0] / 256.0))
    table = np.frombuffer(tag, ">u2", count, 12) / 65535.0
    return np.interp(signal, np.linspace(0.0, 1.0, count), table)


def _numbers(tag: bytes, count: int) -> tuple[float, ...]:
    return tuple(value / 65536.0 for value in struct.unpack_from(f">{count}i", tag, 12))
