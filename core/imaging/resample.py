# SPDX-License-Identifier: GPL-3.0-or-later
"""Pixels into a crop and back into the plate, to a fraction of a pixel."""

from __future__ import annotations

from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from ..arrays import Doubles, Floats
from .crop import full_crop, sides

Pixel = TypeVar("Pixel", np.uint8, np.float32)
ALIGNED = 64
"""Pixels at which a part of a picture may begin."""
LEAST_SIGMA = 0.01
"""Blurs nothing: OpenCV takes 0 for something else."""


def _plate_to_crop(crop: Doubles, size: int) -> Doubles:
    """2x3 matrix between pixel centres, as OpenCV counts them."""
    scale = size / sides(crop)
    shift = (0.5 - (crop[:2] - sides(crop) / 2)) * scale - 0.5
    return np.array([[scale[0], 0.0, shift[0]], [0.0, scale[1], shift[1]]])


def _sigmas(shrink: Doubles) -> Doubles:
    """[2] how far to blur along x and y what is about to be made so many times smaller: not at all where it grows."""
    return 0.5 * np.sqrt(np.maximum(shrink**2 - 1.0, 0.0))


def _blurred(picture: NDArray[Pixel], sigmas: Doubles) -> NDArray[Pixel]:
    across, down = np.maximum(sigmas, LEAST_SIGMA)
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigmaX=float(across), sigmaY=float(down)), picture.dtype)


def cut(picture: NDArray[Pixel], crop: Doubles, size: int) -> NDArray[Pixel]:
    """The crop [3] of `picture` [H, W, C] at [size, size, C]; beyond the edge, the edge repeats.

    A crop that is the picture at its own size comes back untouched.
    """
    height, width = picture.shape[:2]
    if (width, height) == (size, size) and np.array_equal(crop, full_crop(width, height)):
        return picture
    matrix = _plate_to_crop(crop, size)
    shrink = sides(crop) / size
    if shrink.max() > 1.0:
        # Detail finer than the smaller grid would alias: blur it away first.
        picture = _blurred_there(picture, crop, _sigmas(shrink))
    mode = cv2.INTER_LINEAR if shrink.max() > 1.0 else cv2.INTER_CUBIC
    cropped = cv2.warpAffine(picture, matrix, (size, size), flags=mode, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(cropped, picture.dtype)


def _blurred_there(picture: NDArray[Pixel], crop: Doubles, sigmas: Doubles) -> NDArray[Pixel]:
    """`picture` blurred where the crop sees it, with the bytes that it has when all of it is blurred; the rest is undefined.

    A crop is a small part of a plate in 4K, and the blur is what takes the time.
    """
    margin = int(np.ceil(4.0 * sigmas.max())) + 3
    there = []
    for centre, side, length in zip(crop[:2], sides(crop), picture.shape[1::-1], strict=True):
        low, high = np.clip([centre - side / 2, centre + side / 2], 0, length)
        # Vectors begin where they would for the whole: their last bits depend on it.
        there.append(slice(max(int(low) - margin, 0) // ALIGNED * ALIGNED, min(int(np.ceil(high)) + margin, length)))
    part = np.s_[there[1], there[0]]
    blurred = np.empty_like(picture)
    blurred[part] = _blurred(picture[part], sigmas).reshape(picture[part].shape)
    return blurred


def place(head: Floats, crop: Doubles, width: int, height: int) -> Floats:
    """Put `head` [S, S, 4] (premultiplied) back where `crop` [3] saw it, in a plate [height, width, 4] that is transparent
    elsewhere."""
    return _onto_plate(head, crop, width, height, cv2.BORDER_CONSTANT)


def spread(picture: Floats, crop: Doubles, width: int, height: int) -> Floats:
    """`picture` [S, S, C], which has no alpha, where `crop` [3] saw it; beyond the crop its edge repeats."""
    return _onto_plate(picture, crop, width, height, cv2.BORDER_REPLICATE)


def _onto_plate(picture: Floats, crop: Doubles, width: int, height: int, border: int) -> Floats:
    matrix = cv2.invertAffineTransform(_plate_to_crop(crop, picture.shape[0]))
    shrink = picture.shape[0] / sides(crop)
    if shrink.max() > 1.0:
        picture = _blurred(picture, _sigmas(shrink))
    placed = cv2.warpAffine(picture, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=border)
    return np.asarray(placed, np.float32)
