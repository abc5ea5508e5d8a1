# SPDX-License-Identifier: GPL-3.0-or-later
"""From the network's sRGB to scene-linear Rec.709 and back (IEC 61966-2-1, piecewise, in float)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..arrays import Floats

SCENE_LINEAR = "lin_rec709_scene"
"""The `colorInteropID` of what `decode_srgb` gives."""

LUMINANCE: Floats = np.array([0.2126, 0.7152, 0.0722], np.float32)
"""Luminance of linear Rec.709 (ITU-R BT.709)."""


def decode_srgb(encoded: Floats) -> Floats:
    """sRGB (0 to 1) to linear Rec.709 light; negative values keep their sign."""
    size = np.abs(encoded)
    linear = np.where(size <= 0.04045, size / 12.92, ((size + 0.055) / 1.055) ** 2.4)
    return np.copysign(linear, encoded).astype(np.float32)


def encode_srgb(linear: Floats) -> Floats:
    """Linear Rec.709 light to sRGB; the inverse of `decode_srgb`."""
    size = np.abs(linear)
    encoded = np.where(size <= 0.0031308, size * 12.92, 1.055 * size ** (1 / 2.4) - 0.055)
    return np.copysign(encoded, linear).astype(np.float32)


def to_bytes(picture: Floats) -> NDArray[np.uint8]:
    """Floats 0 to 1 to 0-255, rounded and clipped; NaN becomes 0."""
    clean = np.nan_to_num(picture, nan=0.0, posinf=1.0, neginf=0.0)
    return np.round(np.clip(clean, 0.0, 1.0) * 255.0).astype(np.uint8)


def to_floats(picture: NDArray[np.uint8]) -> Floats:
    """0-255 to floats 0 to 1."""
    return picture.astype(np.float32) / 255.0
