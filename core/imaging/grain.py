# SPDX-License-Identifier: GPL-3.0-or-later
"""The plate's grain: measured where the plate is smooth, and made anew as a layer of its own for the clean head.

Pictures are scene-linear. Grain is what is left above a wide blur; its strength depends on light, its clumps on lens, film
or codec (the autocorrelation over two pixels), its tint on how the channels go together. Codecs hold grain over
frames, so part of this grain stays where it is too. The layer is added to the comp.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from ..arrays import Doubles, Floats
from .colour import LUMINANCE
from .edge import bounds

WIDE = 4.0
"""Standard deviation in pixels of the blur that grain is what is left above."""
TILE = 128
"""Side of the squares in which noise that lies still is made."""
KEPT_TILES = 256
"""That are kept: as many as a head has that is 2,000 pixels high, in 50 MB."""
BLOCK = 16
"""Side of the squares that are judged as smooth or not."""
SMOOTHEST = 0.15
"""Part of the squares of one brightness that surely is smooth."""
ALIKE = 2.0
"""How much more energy than those a square may have: so much it scatters by itself."""
MOST_BLOCKS = 2000
"""That are measured in a frame."""
ROUNDING = 1e-5
"""Smallest grain, in scene-linear values: less is the blur's rounding, in a part that is clipped or was never filmed."""
BINS = 6
"""Bins of luminance, each with the same number of pixels."""
REACH = 2
"""Pixels over which grain hangs together."""
TO_SIGMA = 1.4826
"""Median absolute deviation to standard deviation, of a normal distribution."""


@dataclass(frozen=True)
class Grain:
    """A plate's grain."""

    levels: Doubles
    """[B] luminance, rising"""
    spread: Doubles
    """[B, 3] standard deviation of red, green and blue at those"""
    clumps: Doubles
    """[5, 5] autocorrelation at -2 to 2 pixels down and across; 1 in the middle"""
    tint: Doubles
    """[3, 3] correlation between the channels"""
    lasting: float = 0.0
    """correlation of a frame's grain with the next one's, 0 to 1"""

    @cached_property
    def kernel(self) -> Floats:
        """[15, 15] the filter that clumps white noise so."""
        return _kernel(self.clumps)


class _Smooth(NamedTuple):
    """The smooth squares of a picture."""

    light: Doubles
    """[K] their level"""
    rest: NDArray[np.float32]
    """[K, BLOCK, BLOCK, 3] what is above the blur"""
    chosen: NDArray[np.intp]
    """[K] their numbers"""


NO_GRAIN = Grain(np.zeros(1), np.zeros((1, 3)), np.pad(np.ones((1, 1)), REACH), np.eye(3))


def measure_grain(frames: Iterable[Floats]) -> Grain:
    """The grain of pictures [H, W, 3], a few of a shot; NO_GRAIN where no part of them is smooth and has any."""
    return _grain_of([_smooth_blocks(frame) for frame in frames])


def measure_grain_in_time(pairs: Iterable[tuple[Floats, Floats | None]]) -> Grain:
    """The same of plate frames, each with the one after it where there is one, and how far it lasts."""
    found, lasting = [], []
    for frame, following in pairs:
        found.append(_smooth_blocks(frame))
        if following is not None:
            lasting += _lasting(found[-1], following)
    grain = _grain_of(found)
    return replace(grain, lasting=float(np.clip(np.median(lasting), 0.0, 1.0))) if lasting else grain


def _grain_of(found: Sequence[_Smooth]) -> Grain:
    light = np.concatenate([blocks.light for blocks in found])
    rest = np.concatenate([blocks.rest for blocks in found])
    parts = [part for part in np.array_split(np.argsort(light), BINS) if len(part)]
    strengths = [TO_SIGMA * np.median(np.abs(rest[part]), axis=(0, 1, 2)) for part in parts]
    grained = [i for i, strength in enumerate(strengths) if (strength > 0).all()]
    if not grained:
        return NO_GRAIN
    levels = np.array([light[parts[i]].mean() for i in grained])
    spread = np.array([strengths[i] for i in grained])
    # A few pixels of structure that were taken for grain must not make the clumps.
    rest = np.concatenate([np.clip(rest[parts[i]] / strengths[i], -4.0, 4.0) for i in grained])
    covariance = _undo_blur(_autocovariance(rest))
    lost = np.sqrt(covariance[REACH, REACH] / (rest**2).mean())
    tint = np.corrcoef(rest.reshape(-1, 3).T)
    return Grain(levels, spread * lost, covariance / covariance[REACH, REACH], tint)


def _lasting(smooth: _Smooth, following: Floats) -> list[float]:
    """How the grain of a frame's squares goes together with that in the frame after it; empty where nobody can tell."""
    beside = _blocks(following - cv2.GaussianBlur(following, (0, 0), WIDE))[smooth.chosen]
    finite = np.isfinite(beside).all(axis=(1, 2, 3))
    a, b = smooth.rest[finite].ravel(), beside[finite].ravel()
    return [float(np.corrcoef(a, b)[0, 1])] if len(a) and a.std() > 0 and b.std() > 0 else []


def lacking(wanted: Grain, own: Grain) -> Grain:
    """The grain to add to pictures that have grain of their `own`, as photos do, so that they have the `wanted` one."""
    has = np.stack([np.interp(wanted.levels, own.levels, column) for column in own.spread.T], axis=-1)
    return replace(wanted, spread=np.sqrt(np.maximum(wanted.spread**2 - has**2, 0.0)))


def synthesise(
    grain: Grain, picture: Floats, matte: Floats, seed: int, frame: int, corner: tuple[int, int] = (0, 0)
) -> Floats:
    """Grain [H, W, 3] for the light of `picture` [H, W, 3] within `matte` [H, W]; the same for the same seed and frame.
    corner: row and column of the plate at which the picture begins.

    Where the head covers the plate by a part a, (1 - a) of the plate's own grain is left: the weight sqrt(1 - (1 - a)^2)
    makes the two together as strong as the plate's. It is 0 where the matte is 0, and 1 where it is 1.
    """
    layer = np.zeros((*matte.shape, 3), np.float32)
    window = bounds(matte > 0)
    if window is None:
        return layer
    matte, picture = matte[window], picture[window]
    white = np.sqrt(1 - grain.lasting, dtype=np.float32) * _white(matte.shape, (seed, frame % 2**32))
    if grain.lasting:  # it lies still in the plate, wherever the head is
        rows, columns = (slice(part.start + at, part.stop + at) for part, at in zip(window, corner, strict=True))
        white += np.sqrt(grain.lasting, dtype=np.float32) * _lying_still(rows, columns, seed)
    tinted = white @ np.linalg.cholesky(grain.tint + 1e-6 * np.eye(3)).T.astype(np.float32)
    clumped = cv2.filter2D(tinted, -1, grain.kernel, borderType=cv2.BORDER_REFLECT)
    light = np.nan_to_num(picture) @ LUMINANCE
    strength = np.stack([np.interp(light, grain.levels, column) for column in grain.spread.T], axis=-1)
    weight = np.sqrt(np.maximum(1.0 - (1.0 - matte) ** 2, 0.0))
    layer[window] = clumped * strength * weight[..., None]
    return layer


def _lying_still(rows: slice, columns: slice, seed: int) -> Floats:
    """White noise of a part of the plate: each place has its own, whichever part is wanted."""
    down, across = (range(part.start // TILE, -(-part.stop // TILE)) for part in (rows, columns))
    tiles = [np.concatenate([_tile(seed, y, x) for x in across], axis=1) for y in down]
    top, left = rows.start % TILE, columns.start % TILE
    height, width = rows.stop - rows.start, columns.stop - columns.start
    return np.concatenate(tiles)[top : top + height, left : left + width]


@lru_cache(KEPT_TILES)
def _tile(seed: int, row: int, column: int) -> Floats:
    """A square of noise that lies still: the next frame shows it again."""
    return _white((TILE, TILE), (seed, row, column))


def _white(shape: tuple[int, ...], seed: tuple[int, ...]) -> Floats:
    return np.random.default_rng(seed).standard_normal((*shape, 3), np.float32)


def _smooth_blocks(frame: Floats) -> _Smooth:
    """The smooth squares of `frame` [H, W, 3].

    Grain is everywhere, so of squares that are as bright those with the least energy hold nothing else.
    """
    finite = np.isfinite(frame).all(axis=-1)
    clean = np.where(finite[..., None], frame, 0.0).astype(np.float32)
    rest = _blocks(clean - cv2.GaussianBlur(clean, (0, 0), WIDE))
    light = _blocks((clean @ LUMINANCE)[..., None]).mean(axis=(1, 2, 3))
    energy = (rest**2).mean(axis=(1, 2, 3))
    # A pixel that is not finite darkens the blur all round.
    reach = 2 * int(4 * WIDE) + 1
    spoilt = cv2.dilate((~finite).astype(np.float32), np.ones((reach, reach), np.uint8))
    usable = (_blocks(spoilt[..., None]).max(axis=(1, 2, 3)) == 0) & (energy > (ROUNDING * light) ** 2)
    found = np.flatnonzero(usable)
    if not len(found):
        return _Smooth(np.zeros(0), rest[:0], found)
    alike = [part for part in np.array_split(found[np.argsort(light[found])], BINS) if len(part)]
    smooth = np.concatenate([part[energy[part] <= ALIKE * np.quantile(energy[part], SMOOTHEST)] for part in alike])
    chosen = smooth[:: -(-len(smooth) // MOST_BLOCKS)]
    return _Smooth(light[chosen].astype(np.float64), rest[chosen], chosen)


def _blocks(picture: Floats) -> Floats:
    """[H, W, C] to squares [K, BLOCK, BLOCK, C]; what is left at the right and below is left out."""
    rows, columns = (side // BLOCK for side in picture.shape[:2])
    cut = picture[: rows * BLOCK, : columns * BLOCK].reshape(rows, BLOCK, columns, BLOCK, picture.shape[2])
    return cut.swapaxes(1, 2).reshape(rows * columns, BLOCK, BLOCK, picture.shape[2])


def _autocovariance(rest: NDArray[np.float32]) -> Doubles:
    """[5, 5] mean over blocks [K, BLOCK, BLOCK, 3] and channels of the product with the neighbour at each lag."""
    found = np.zeros((2 * REACH + 1, 2 * REACH + 1))
    for down in range(REACH + 1):
        for across in range(-REACH, REACH + 1):
            left, right = max(0, -across), BLOCK - max(0, across)
            here = rest[:, : BLOCK - down, left:right]
            there = rest[:, down:, left + across : right + across]
            found[REACH + down, REACH + across] = found[REACH - down, REACH - across] = float((here * there).mean())
    return found


def _undo_blur(measured: Doubles) -> Doubles:
    """The autocovariance before the blur was taken away, if it was 0 beyond REACH.

    Taking away a blur g filters by delta - g, whose own autocorrelation is delta - 2 g + g * g; g * g is a blur of sqrt 2
    times the width. One linear equation for each lag.
    """
    lags = np.arange(-REACH, REACH + 1)
    down, across = (axis.ravel() for axis in np.meshgrid(lags, lags, indexing="ij"))
    apart = (down[:, None] - down) ** 2 + (across[:, None] - across) ** 2

    def gauss(variance: float) -> Doubles:
        return np.exp(-apart / (2 * variance)) / (2 * np.pi * variance)

    response = np.eye(len(down)) - 2 * gauss(WIDE**2) + gauss(2 * WIDE**2)
    return np.asarray(np.linalg.solve(response, measured.ravel())).reshape(measured.shape)


def _kernel(clumps: Doubles) -> Floats:
    """The filter of unit energy that gives white noise the autocorrelation `clumps`: its spectrum's root.

    No noise may have those lags and 0 beyond them: what lies beyond is found by turns, the spectrum made positive and the
    known lags put back (Papoulis 1975, Gerchberg 1974).
    """
    side, turns = 32, 60
    lags = np.arange(-REACH, REACH + 1)
    table = np.zeros((side, side))
    for _ in range(turns):
        table[np.ix_(lags, lags)] = clumps
        spectrum = np.maximum(np.fft.fft2(table).real, 0.0)
        table = np.fft.ifft2(spectrum).real
    whole = np.fft.fftshift(np.fft.ifft2(np.sqrt(spectrum)).real)
    middle = slice(side // 2 - 7, side // 2 + 8)
    kernel = whole[middle, middle]
    return np.asarray(kernel / np.sqrt((kernel**2).sum()), np.float32)
