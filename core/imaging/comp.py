# SPDX-License-Identifier: GPL-3.0-or-later
"""The head over the plate, and where in the plate the crop lies. Pictures are scene-linear, in the plate's own space.

Where the matte is 0 the plate comes through bit for bit, whatever it holds; so it does where a pixel of the plate is not
finite, and, in the delta comp, where the network changed nothing.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..arrays import Doubles, Floats
from .crop import sides


def delta_comp(plate: Floats, matte: Floats, painted: Floats, seen: Floats) -> Floats:
    """plate + matte * (painted - seen): [H, W, 3] each, matte [H, W].

    painted is what the network made of `seen`, both decoded and placed alike. What cutting and placing took from the plate
    is in neither, so the comp keeps it: grain, highlights, detail finer than the crop.
    """
    changed = (painted != seen).any(axis=-1)
    with np.errstate(invalid="ignore"):
        combined = plate + matte[..., None] * (painted - seen)
    return _touched(plate, combined, (matte > 0) & changed)


def over_comp(plate: Floats, matte: Floats, painted: Floats) -> Floats:
    """The head covers the plate: [H, W, 3] each, painted not premultiplied, matte [H, W]."""
    alpha = np.repeat(matte[..., None], 3, axis=-1)  # of one shape, NumPy multiplies four times as fast
    with np.errstate(invalid="ignore"):
        combined = (1.0 - alpha) * plate + alpha * painted
    return _touched(plate, combined, matte > 0)


def _touched(plate: Floats, comp: Floats, where: NDArray[np.bool_]) -> Floats:
    """`comp` at `where` [H, W] if it is finite there, else the plate's own bits."""
    # Most pictures are finite everywhere, which is soon said; to say it of each pixel takes ten times as long.
    if not (np.isfinite(plate).all() and np.isfinite(comp).all()):
        where = where & np.isfinite(plate).all(axis=-1) & np.isfinite(comp).all(axis=-1)
    return np.where(where[..., None], comp, plate).astype(np.float32, copy=False)


def st_map(crop: Doubles, width: int, height: int) -> Floats:
    """[height, width, 3] where in `crop` [3] each plate pixel's centre lies: u from the left, v from below, 0 to 1 in the
    crop and beyond it outside; then 0. Nuke's STMap takes the network's picture through it back to the plate, as
    `resample.spread` does."""
    across_side, down_side = sides(crop)
    left, top = crop[:2] - sides(crop) / 2
    across = (np.arange(width) + 0.5 - left) / across_side
    down = (np.arange(height) + 0.5 - top) / down_side
    placed = np.empty((3, height, width), np.float32)
    placed[0], placed[1], placed[2] = across, 1.0 - down[:, None], 0.0
    return np.moveaxis(placed, 0, -1)


def crop_window(crop: Doubles, width: int, height: int, margin: float) -> Floats:
    """[height, width] 1 well within `crop` [3], falling to 0 over `margin` pixels of the plate's height towards each of its
    sides that lies in the plate. Times the matte, so that the crop's border never shows."""
    across, down = sides(crop)
    left, top = crop[:2] - sides(crop) / 2
    columns = _ramps(width, left, left + across, margin * across / down)
    return np.outer(_ramps(height, top, top + down, margin), columns).astype(np.float32)


def _ramps(length: int, low: float, high: float, margin: float) -> Doubles:
    at = np.arange(length) + 0.5
    ramp = np.ones(length)
    if low > 0:
        ramp = np.minimum(ramp, np.clip((at - low) / margin, 0.0, 1.0))
    if high < length:
        ramp = np.minimum(ramp, np.clip((high - at) / margin, 0.0, 1.0))
    return ramp * ramp * (3 - 2 * ramp)
