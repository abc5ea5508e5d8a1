# SPDX-License-Identifier: GPL-3.0-or-later
"""Broadcast signals to light: HLG and PQ (ITU-R BT.2100) and wide primaries, by the numbers of ITU-T H.273.

White of the graphics is 1, which is 75 % of an HLG signal and 203 cd/m2 of PQ (ITU-R BT.2408). Everything else is taken as
displayed, and so for sRGB, as editing programs take it: the camera's own curve is not undone.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from ..arrays import Floats
from .colour import decode_srgb
from .colour_space import P3_D65, P3_THEATRE, REC2020, Chromaticities, matrix_to_rec709

PQ, HLG = 16, 18
"""Transfers."""
LINEAR = 8
WIDE: dict[int, Chromaticities] = {9: REC2020, 11: P3_THEATRE, 12: P3_D65}
"""Primaries that are brought to Rec.709's."""
DISPLAYED = frozenset({0, 1, 2, 3, 4, 5, 6, 7, 11, 12, 13, 14, 15})
"""Transfers of what is meant to be displayed as it is, and none named."""
USUAL = frozenset({0, 1, 2, 3, 5, 6, 7})
"""Primaries of television, which differ by less than its screens do, and none named."""
HLG_WHITE, PQ_WHITE = 0.75, 203.0
"""A part of the signal; cd/m2."""


def says_more(primaries: int, transfer: int) -> bool:
    """True where the signal is not sRGB as it stands."""
    return primaries in WIDE or transfer in (PQ, HLG, LINEAR)


def is_known(primaries: int, transfer: int) -> bool:
    """Whether signals of these are read as they are meant: a camera's logarithm, film, or XYZ are not."""
    return (primaries in WIDE or primaries in USUAL) and (transfer in (PQ, HLG, LINEAR) or transfer in DISPLAYED)


def signal_to_linear(signal: NDArray[np.uint8] | NDArray[np.uint16], white: int, primaries: int, transfer: int) -> Floats:
    """R'G'B' [H, W, 3], from 0 to `white`, as scene-linear Rec.709; colours out of its gamut are negative."""
    light = _curve(transfer, signal.dtype.itemsize, white)[signal]
    if primaries in WIDE:
        light = light @ matrix_to_rec709(WIDE[primaries]).T.astype(np.float32)
    return light


@cache
def _curve(transfer: int, size: int, white: int) -> Floats:
    """The light of every value that `size` bytes can have."""
    signal = np.arange(1 << 8 * size) / white
    if transfer == HLG:
        light = _hlg(signal) / _hlg(np.array([HLG_WHITE]))
    elif transfer == PQ:
        light = _pq(signal) / PQ_WHITE
    elif transfer == LINEAR:
        light = signal
    else:
        light = decode_srgb(signal.astype(np.float32))
    return light.astype(np.float32)


def _hlg(signal: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scene light, 0 to 1 (BT.2100, table 5: the inverse OETF)."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    return np.where(signal <= 0.5, signal**2 / 3.0, (np.exp((signal - c) / a) + b) / 12.0)


def _pq(signal: NDArray[np.float64]) -> NDArray[np.float64]:
    """Displayed light in cd/m2 (BT.2100, table 4: the EOTF)."""
    m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
    power = signal ** (1 / m2)
    return np.asarray(10000.0 * (np.maximum(power - c1, 0.0) / (c2 - c3 * power)) ** (1 / m1))
