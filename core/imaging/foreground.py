# SPDX-License-Identifier: GPL-3.0-or-later
"""The head's share of each pixel at its edge: how much it covers (the matte) and its colour, without the backdrop's.

A pixel at the edge is alpha * head + (1 - alpha) * backdrop. Where the colours of both nearby are known, and lie apart, the
pixel's own colour says alpha: single hairs, too. Where alpha is known, the head's colour follows (blur fusion, Forte 2021),
so that no rim of the backdrop goes along into another picture.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from ..arrays import Floats

SURE = 0.02
"""A matte within so much of 0 or 1 is not doubted."""
BAND = 6 / 256
"""How far on both sides of the matte's edge pixels are doubted, in parts of the side: hair stands out so far."""
NEAR = 10 / 256
"""Over how far the colours of head and backdrop are taken together, in parts of the side."""
GRAIN = 0.02
"""Standard deviation of a colour (0 to 1) that says nothing: noise and compression."""
WIDE, CLOSE = 90 / 512, 6 / 512
"""Radii of the two fusions, in parts of the side."""
COARSE = 4
"""How much smaller the picture is for the wide one."""


def matte_by_colour(picture: NDArray[np.uint8], matte: Floats) -> Floats:
    """`matte` [S, S] (0 to 1) of `picture` [S, S, 3] with its doubtful band decided by the picture's colours, as far as head
    and backdrop differ there; elsewhere it stays as it is."""
    side = len(matte)
    light = picture.astype(np.float32) / 255
    reach = 2 * round(BAND * side) + 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
    inside = cv2.erode((matte > 0.5).astype(np.uint8), disc, borderValue=1).astype(np.float32)
    outside = cv2.erode((matte < 0.5).astype(np.uint8), disc, borderValue=1).astype(np.float32)
    head, head_spread = _colour_near(light, inside, NEAR * side)
    backdrop, backdrop_spread = _colour_near(light, outside, NEAR * side)
    apart = head - backdrop
    distance = np.square(apart).sum(axis=-1)
    own = ((light - backdrop) * apart).sum(axis=-1) / np.maximum(distance, 1e-6)
    # How much of the difference is more than what either colour varies by itself.
    told = distance / (distance + 4 * (head_spread + backdrop_spread) + 12 * GRAIN**2)
    doubted = cv2.GaussianBlur(1 - inside - outside, (0, 0), 0.25 * BAND * side)
    share = told**2 * doubted
    return np.asarray((1 - share) * matte + share * _steeper(own), np.float32)


def foreground(picture: Floats, matte: Floats) -> Floats:
    """`picture` [S, S, 3] (0 to 1) with the head's own colour where its `matte` [S, S] is below 1, and beyond its edge;
    where it is 1, bit for bit as it is."""
    # Channel by channel: all three against one matte take NumPy half as long again.
    own = np.stack([_foreground(channel, matte) for channel in cv2.split(picture)], axis=-1)
    return np.where(matte[..., None] >= 1, picture, own)


def _foreground(channel: Floats, alpha: Floats) -> Floats:
    """[S, S] of one channel."""
    side = len(alpha)
    small = max(side // COARSE, 1)
    coarse, part = (cv2.resize(image, (small, small), interpolation=cv2.INTER_AREA) for image in (channel, alpha))
    far = _round_about(coarse, coarse, part, WIDE * small)
    nearby, behind = (cv2.resize(image, (side, side), interpolation=cv2.INTER_LINEAR) for image in far)
    nearby, behind = _round_about(_own(channel, nearby, behind, alpha), behind, alpha, CLOSE * side)
    return _own(channel, nearby, behind, alpha)


def _round_about(head: Floats, backdrop: Floats, alpha: Floats, radius: float) -> tuple[Floats, Floats]:
    """The colours of head and backdrop [S, S] within a radius of each pixel."""
    width = 2 * round(radius) + 1
    part = _blurred(alpha, width)
    nearby = _blurred(head * alpha, width) / np.maximum(part, 1e-5)
    return nearby, _blurred(backdrop * (1 - alpha), width) / np.maximum(1 - part, 1e-5)


def _own(picture: Floats, nearby: Floats, behind: Floats, alpha: Floats) -> Floats:
    """The head's colour: that round about, and what the pixel itself says beyond it."""
    return np.clip(nearby + alpha * (picture - alpha * nearby - (1 - alpha) * behind), 0, 1)


def _blurred(image: Floats, width: int) -> Floats:
    return np.asarray(cv2.blur(image, (width, width), borderType=cv2.BORDER_REPLICATE), np.float32)


def _colour_near(light: Floats, sure: Floats, sigma: float) -> tuple[Floats, Floats]:
    """[S, S, 3] the colour of the nearest pixels of [S, S, 3] that are `sure` [S, S], and its variance [S, S], summed over
    the channels."""
    total = np.zeros((*sure.shape, 5), np.float32)
    known = np.concatenate([light, np.square(light).sum(axis=-1, keepdims=True), np.ones_like(light[..., :1])], axis=-1)
    # Near pixels count most; farther ones fill in only where no nearer one is known.
    for scale, weight in ((1.0, 1.0), (3.0, 1e-2), (9.0, 1e-4)):
        total += weight * cv2.GaussianBlur(known * sure[..., None], (0, 0), scale * sigma)
    mean = total[..., :4] / np.maximum(total[..., 4:], 1e-9)
    colour = mean[..., :3]
    return colour, np.maximum(mean[..., 3] - np.square(colour).sum(axis=-1), 0)


def _steeper(alpha: Floats) -> Floats:
    """0 to 1: noise at both ends is cut off."""
    return np.clip((alpha - 0.08) / 0.84, 0.0, 1.0).astype(np.float32)
