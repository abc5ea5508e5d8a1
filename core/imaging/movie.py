"""Movies: when each picture is on the screen, and the pictures at a constant rate.

Phones and screen recorders write pictures at uneven times, while a Performance and a shot have one rate. So the times of a
movie are read before its pictures, and each output frame shows what was on the screen in the middle of its time: a picture
is held over several frames, or dropped. A movie of constant rate is left as it is, picture by picture.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from ..errors import EmptyClipError

USUAL_RATES = (
    *(Fraction(rate) for rate in (8, 10, 12, 12.5, 15, 24, 25, 30, 48, 50, 60, 90, 100, 120, 240)),
    *(Fraction(rate * 1000, 1001) for rate in (24, 30, 48, 60, 120)),
)
SLACK = 0.3
"""Of a frame's time: how far a picture of a constant rate may lie from its place."""
ROUNDING = 0.03
"""Of a frame's time: what rates that fit equally well may differ by, as containers round to milliseconds."""
NEAR = 0.1
"""How far, as a part of it, an interval may be from a rate's and still be one of it."""

Picture = NDArray[np.uint8]


class Timing(NamedTuple):
    """What a movie shows at a constant rate."""

    rate: Fraction
    """Frames per second."""
    shown: Sequence[int]
    """For each frame the picture it shows, counted from 0; the same one again where it is held."""
    note: str
    """What was done, in words; empty where nothing was."""


def read_timing(path: Path) -> Timing:
    """Walk the movie's time stamps. Raises EmptyClipError where it cannot be opened or holds no picture."""
    movie = _open(path)
    try:
        if not movie.isOpened():
            reason = "is empty" if path.stat().st_size == 0 else "cannot be opened as a movie"
            raise EmptyClipError(f"{path} {reason}", "Give a movie that plays, or a folder of pictures")
        claimed = Fraction(movie.get(cv2.CAP_PROP_FPS) or 0).limit_denominator(1001)
        stamps = []
        while movie.grab():
            stamps.append(movie.get(cv2.CAP_PROP_POS_MSEC) / 1000)
    finally:
        movie.release()
    if not stamps:
        raise EmptyClipError(f"{path} holds no frame that can be decoded", "Give a movie, or a folder of pictures")
    return conform(np.array(stamps), claimed or Fraction(24))


def _open(path: Path) -> cv2.VideoCapture:
    movie = cv2.VideoCapture(str(path))
    # Not every build of OpenCV turns a phone's movies upright by itself.
    movie.set(cv2.CAP_PROP_ORIENTATION_AUTO, 1)
    return movie


def conform(stamps: NDArray[np.float64], claimed: Fraction) -> Timing:
    """The timing of pictures that come on at `stamps` [N] (seconds), in a container that claims a rate of `claimed`.

    Stamps that do not rise tell nothing: then each picture is a frame.
    """
    every = range(len(stamps))
    since = stamps - stamps[0]
    intervals = np.diff(since)
    if len(stamps) < 2 or intervals.min() <= 0:
        return Timing(claimed, every, "")
    rate = _constant_rate(since, claimed)
    if rate is not None:
        return Timing(rate, every, "")
    rate = _nominal_rate(intervals)
    places = since * float(rate)
    middles = np.arange(round(places[-1]) + 1) + 0.5
    shown = (np.searchsorted(places, middles, side="right") - 1).tolist()
    different = len(set(shown))
    slowest, fastest = 1 / intervals.max(), 1 / intervals.min()
    note = (
        f"variable frame rate ({slowest:.1f} to {fastest:.1f}): conformed to {float(rate):.5g}, "
        f"{len(shown) - different} frames held, {len(stamps) - different} dropped"
    )
    return Timing(rate, shown, note)


def _constant_rate(since: NDArray[np.float64], claimed: Fraction) -> Fraction | None:
    """The rate that all pictures keep, which came on `since` the first [N] (seconds); None where there is none.

    What a container claims is off where it counts in how long the last picture stays: then it is a usual rate, or the mean.
    """

    def misfit(rate: Fraction) -> float:
        return float(np.abs(since * float(rate) - np.arange(len(since))).max())

    mean = Fraction((len(since) - 1) / float(since[-1])).limit_denominator(1001)
    candidates = (*(rate for rate in USUAL_RATES if rate == claimed), min(USUAL_RATES, key=misfit), claimed, mean)
    best = min(map(misfit, candidates))
    return next((rate for rate in candidates if misfit(rate) <= best + ROUNDING), None) if best < SLACK else None


def _nominal_rate(intervals: NDArray[np.float64]) -> Fraction:
    """The usual rate that most of the intervals (seconds) keep."""
    near = [np.abs(intervals * float(rate) - 1) < NEAR for rate in USUAL_RATES]
    most = max(near, key=np.count_nonzero)
    interval = float(intervals[most].mean() if most.any() else np.median(intervals))
    return min(USUAL_RATES, key=lambda rate: abs(float(rate) * interval - 1))


def read_pictures(path: Path, shown: Sequence[int]) -> Iterator[tuple[Picture, bool]]:
    """The picture of each frame of `shown` [H, W, 3] (sRGB, upright), and whether it is the one before, held.

    Ends early where the movie does.
    """
    movie = _open(path)
    decoded = -1
    try:
        for wanted, frames in groupby(shown):
            while decoded < wanted:
                if not movie.grab():
                    return
                decoded += 1
            there, raw = movie.retrieve()
            if not there:
                return
            picture = np.ascontiguousarray(raw[..., ::-1])
            for i, _ in enumerate(frames):
                yield picture, i > 0
    finally:
        movie.release()
