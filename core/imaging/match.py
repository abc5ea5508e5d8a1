# SPDX-License-Identifier: GPL-3.0-or-later
"""The head's colour, tone and sharpness brought to the plate's: measured in each frame, smoothed over the shot, applied.

All pictures are scene-linear in the plate's space and at its resolution; the head is not premultiplied and goes on beyond
its matte (`resample.spread`). Two passes, `measure` over all frames and `smooth`, keep the match from lagging or flickering.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ..arrays import Doubles, Floats
from .colour import LUMINANCE
from .edge import bounds

RING = 0.12
"""Width of the ring inside the matte's edge in which colours are compared, as a part of the head's size."""
ENOUGH = 400.0
"""Pixels of the ring, counted by their weight, that make a measurement whole; a quarter of them is the least."""
MOST_COUNTED = 50_000
"""Pixels of the ring that are compared: medians of so many are sure to a thousandth, and neighbours tell the same."""
DARKEST = 1e-4
"""Light below which a pixel tells nothing of colour."""
MOST_GAIN = 2.0
"""Colour is brought no further than this, and its inverse: another person's hair is not the plate's light."""
MOST_OFFSET = 0.1
"""The same for black, as a part of the plate's median in the ring."""
LEAST_SPAN = 1.5
"""How much brighter the ring's bright third is than its dark third, for black to be told from gain."""
BLURS = (0.0, 0.3, 0.5, 0.7, 0.9, 1.2, 1.6, 2.1, 2.8)
"""Standard deviations in plate pixels that the head is tried with."""
MOST_SHARPENING = 0.5
FINE, COARSE = 1.0, 3.0
"""Blurs between which a picture's structure is called fine (up to the first) and coarse (up to the second)."""
FLAT = 25.0
"""Percentile of local energy that counts as grain or skin without structure."""
STEADY_SECONDS = 0.5
"""Standard deviation of the smoothing over time."""


@dataclass(frozen=True)
class PlateMatch:
    """Changes that make a head look as if it was filmed with the plate. By default: none."""

    gain: tuple[float, float, float] = (1.0, 1.0, 1.0)
    """For scene-linear red, green and blue."""
    offset: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Added after the gain."""
    softness: float = 0.0
    """Above 0: standard deviation of a blur in pixels. Below: amount of sharpening, at most MOST_SHARPENING."""
    support: float = 0.0
    """How much of the frame speaks for it, 0 (nothing could be measured) to 1."""


def measure_match(plate: Floats, head: Floats, matte: Floats, confidence: Floats | float = 1.0) -> PlateMatch:
    """How `head` [H, W, 3] differs from `plate` [H, W, 3] in the ring within the edge of `matte` [H, W], and how sharp both
    are within. confidence: how far the head is to be trusted, 0 to 1, in one or for each pixel [H, W].

    A frame with too little ring gives a PlateMatch of no support.
    """
    window = bounds(matte > 0)
    if window is None:
        return PlateMatch()
    trust = np.broadcast_to(np.asarray(confidence, np.float32), matte.shape)[window]
    plate, head, matte = plate[window], head[window], matte[window]
    finite = np.isfinite(plate).all(axis=-1) & np.isfinite(head).all(axis=-1)
    weight = _ring(matte) * trust * finite
    support = float(weight.sum()) / ENOUGH
    if support < 0.25:
        return PlateMatch()
    plate, head = (np.where(finite[..., None], picture, 0.0).astype(np.float32) for picture in (plate, head))
    # Grain and small misfits would scatter the ratios.
    calm = [cv2.GaussianBlur(picture, (0, 0), 1.5) for picture in (plate, head)]
    lines = [_line(calm[0][..., i], calm[1][..., i], weight) for i in range(3)]
    gain, offset = zip(*lines, strict=True)
    return PlateMatch(gain, offset, _softness(plate, head, (matte > 0.95) & finite), min(support, 1.0))


def smooth(measured: Sequence[PlateMatch], rate: float) -> list[PlateMatch]:
    """The same for each frame of a shot at `rate` frames per second, without lag, each weighted by its support.

    Frames without borrow from their neighbours; a shot without is left alone.
    """
    support = np.array([m.support for m in measured])
    known = np.flatnonzero(support)
    if not len(known):
        return list(measured)
    values = np.array([[*np.log(m.gain), *m.offset, m.softness] for m in measured])
    frames = np.arange(len(measured))
    filled = np.column_stack([np.interp(frames, known, column[known]) for column in values.T])
    # Borrowed values weigh little, so that they do not hold back measured ones.
    even = _weighted_smoothing(filled, np.maximum(support, 1e-3), STEADY_SECONDS * rate)
    return [
        PlateMatch(_triple(np.exp(v[:3])), _triple(v[3:6]), float(v[6]), float(s))
        for v, s in zip(even, np.maximum(support, 1e-3), strict=True)
    ]


def apply(head: Floats, measured: PlateMatch) -> Floats:
    """`head` [H, W, 3] as it was measured to be; untouched where there was no support."""
    if measured.support == 0.0:
        return head
    graded = head * np.array(measured.gain, np.float32) + np.array(measured.offset, np.float32)
    return _softened(graded, measured.softness)


def _ring(matte: Floats) -> Floats:
    """[H, W] weight of the pixels: full at the matte's edge, fading inwards; outside the matte the head is a guess."""
    width = RING * float(np.sqrt(np.maximum(matte.sum(), 1.0)))
    inside = np.pad((matte >= 0.5).astype(np.uint8), 1)
    depth = cv2.distanceTransform(inside, cv2.DIST_L2, 5)[1:-1, 1:-1]
    return np.asarray(matte * np.clip(1.0 - depth / width, 0.0, 1.0), np.float32)


def _line(plate: Floats, head: Floats, weight: Floats) -> tuple[float, float]:
    """Gain and offset that bring one channel of `head` to `plate` (all [H, W]), within what is allowed.

    The gain is the weighted median ratio. Where the ring spans enough light, both come from the medians of its dark and
    bright thirds: Tukey's resistant line (Exploratory Data Analysis, 1977), which a third of outliers does not move far.
    """
    known = (weight > 0) & (head > DARKEST) & (plate > DARKEST)
    x, y, w = head[known], plate[known], weight[known]
    step = len(x) // MOST_COUNTED + 1
    x, y, w = x[::step], y[::step], w[::step]
    if not len(x):
        return 1.0, 0.0
    low, middle, high = (_weighted_quantile(x, w, part) for part in (1 / 3, 1 / 2, 2 / 3))
    gain = _weighted_quantile(y / x, w, 0.5)
    offset = 0.0
    dark, bright = x <= low, x >= high
    x0, x1 = _weighted_quantile(x[dark], w[dark], 0.5), _weighted_quantile(x[bright], w[bright], 0.5)
    if x1 > LEAST_SPAN * x0:
        y0 = x0 * _weighted_quantile(y[dark] / x[dark], w[dark], 0.5)
        y1 = x1 * _weighted_quantile(y[bright] / x[bright], w[bright], 0.5)
        most = MOST_OFFSET * gain * middle
        offset = float(np.clip(y0 - (y1 - y0) / (x1 - x0) * x0, -most, most))
        gain = _weighted_quantile((y - offset) / x, w, 0.5)
    return float(np.clip(gain, 1.0 / MOST_GAIN, MOST_GAIN)), offset


def _weighted_quantile(values: Floats, weights: Floats, part: float) -> float:
    order = np.argsort(values)
    sums = np.cumsum(weights[order], dtype=np.float64)
    return float(values[order[np.searchsorted(sums, part * sums[-1])]])


def _softness(plate: Floats, head: Floats, face: NDArray[np.bool_]) -> float:
    """The softness of `head` [H, W, 3] at which its share of fine structure in `face` [H, W] is the plate's."""
    if face.sum() < ENOUGH:
        return 0.0
    wanted, light = _fine_share(plate @ LUMINANCE, face), head @ LUMINANCE
    tried = [-MOST_SHARPENING, *BLURS]

    def share(place: int) -> float:
        return _fine_share(_softened(light, tried[place]), face)

    # Softer is less, so the two between which the plate lies are found by halves.
    low, high = 0, len(tried) - 1
    most, least = share(low), share(high)
    if not np.isfinite([wanted, most, least]).all():
        return 0.0
    if not least < wanted < most:
        return tried[low if wanted >= most else high]
    while high - low > 1:
        middle = (low + high) // 2
        found = share(middle)
        if not np.isfinite(found):
            return 0.0
        if found > wanted:
            low, most = middle, found
        else:
            high, least = middle, found
    return float(np.interp(-wanted, (-most, -least), (tried[low], tried[high])))


def _fine_share(luminance: Floats, face: NDArray[np.bool_]) -> float:
    """Logarithm of fine by coarse energy in `face`; contrast, exposure and grain do not move it. NaN where there is none.

    Of each, what stands out above the flat parts: grain lies in those as everywhere.
    """
    light = np.sqrt(np.maximum(luminance, 0.0))
    finer, coarser = cv2.GaussianBlur(light, (0, 0), FINE), cv2.GaussianBlur(light, (0, 0), COARSE)
    energies = [cv2.GaussianBlur(band**2, (0, 0), COARSE)[face] for band in (light - finer, finer - coarser)]
    fine, coarse = (float(energy.mean() - np.percentile(energy, FLAT)) for energy in energies)
    return float(np.log(fine / coarse)) if fine > 0 and coarse > 0 else float("nan")


def _softened(picture: Floats, softness: float) -> Floats:
    if softness > 0.05:
        return np.asarray(cv2.GaussianBlur(picture, (0, 0), softness), np.float32)
    if softness < 0.0:
        return picture - np.float32(softness) * (picture - cv2.GaussianBlur(picture, (0, 0), FINE))
    return picture


def _weighted_smoothing(values: Doubles, weights: Doubles, sigma: float) -> Doubles:
    """Gaussian means of [F, C] along F, each frame counting by its weight [F]."""
    radius = max(1, int(np.ceil(3 * sigma)))
    kernel = np.exp(-0.5 * (np.arange(-radius, radius + 1) / max(sigma, 1e-3)) ** 2)

    def spread(column: Doubles) -> Doubles:
        return np.convolve(column, kernel, "full")[radius : radius + len(column)]

    return np.column_stack([spread(column * weights) for column in values.T]) / spread(weights)[:, None]


def _triple(values: Doubles) -> tuple[float, float, float]:
    return float(values[0]), float(values[1]), float(values[2])
