# SPDX-License-Identifier: GPL-3.0-or-later
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

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from ..arrays import Linear, Picture
from . import broadcast, colour
from .decoding import Stream, alpha_of, knows_matrix, pixels_of, read_frames, read_stream

USUAL_RATES = (
    *(Fraction(rate) for rate in (8, 10, 12, 12.5, 15, 24, 25, 30, 48, 50, 60, 90, 100, 120, 240)),
    *(Fraction(rate * 1000, 1001) for rate in (24, 30, 48, 60, 120)),
)
SLACK = 0.3
"""How far a picture of a constant rate may be from its place, as a fraction of a frame's time."""
ROUNDING = 0.03
"""How much rates that fit equally well may differ, as a fraction of a frame's time: containers round to milliseconds."""
NEAR = 0.1
"""How far, as a part of it, an interval may be from a rate's and still be one of it."""

HDR = {broadcast.PQ: "PQ", broadcast.HLG: "HLG"}


class Timing(NamedTuple):
    """A movie's pictures at a constant rate."""

    rate: Fraction
    """Frames per second."""
    shown: Sequence[int]
    """For each frame the picture it shows, counted from 0; the same one again where it is held."""
    note: str
    """The changes made, in words; empty for none."""


class Movie(NamedTuple):
    """A movie whose headers and time stamps were read; its pictures are decoded as they are asked for."""

    path: Path
    timing: Timing
    stream: Stream

    @property
    def note(self) -> str:
        """The changes made or left undone, in words; may be empty."""
        stream, said = self.stream, [self.timing.note]
        if stream.transfer in HDR:
            said.append(f"{HDR[stream.transfer]} of {stream.bits} bits, read as light")
        elif stream.primaries in broadcast.WIDE:
            said.append("wide primaries, brought to Rec.709's")
        if not (knows_matrix(stream.matrix) and broadcast.is_known(stream.primaries, stream.transfer)):
            said.append(
                f"its colours (H.273: primaries {stream.primaries}, transfer {stream.transfer}, matrix {stream.matrix}) are "
                "not known here, and may be wrong"
            )
        if stream.alpha:
            said.append("its alpha is read, and its colour not taken to be multiplied by it")
        if stream.pixel_aspect != 1:
            said.append(f"its pixels are {float(stream.pixel_aspect):.4g} times as wide as high")
        if stream.beside:
            said.append(f"it holds {stream.beside + 1} streams of pictures, of which the largest is read")
        if stream.interlaced:
            said.append("interlaced: its fields are not taken apart")
        return "; ".join(filter(None, said))

    def pictures(self, shown: Sequence[int]) -> Iterator[tuple[Picture, bool]]:
        """The picture of each frame of `shown` [H, W, 3] (sRGB, upright), and whether it is the one before, held.

        Ends early where the movie does. HDR is cut at its white.
        """
        for frame, held in self._frames(shown):
            if not held:
                picture = self._picture(frame)
            yield picture, held

    def linear_frames(self, shown: Sequence[int]) -> Iterator[Linear]:
        """The same as scene-linear Rec.709, at the depth of the movie; [H, W, 4] where that has a matte. A picture that is
        held comes again."""
        for frame, held in self._frames(shown):
            if not held:
                light = self._light(frame, self.stream.bits > 8)
                if self.stream.alpha:
                    light = np.concatenate([light, alpha_of(frame)[..., None]], axis=-1)
            yield light

    def _picture(self, frame: VideoFrame) -> Picture:
        if broadcast.says_more(self.stream.primaries, self.stream.transfer):
            return colour.to_bytes(colour.encode_srgb(self._light(frame, True)))
        return np.asarray(pixels_of(frame)[0], np.uint8)

    def _light(self, frame: VideoFrame, deep: bool) -> Linear:
        pixels, white = pixels_of(frame, deep)
        return broadcast.signal_to_linear(pixels, white, self.stream.primaries, self.stream.transfer)

    def _frames(self, shown: Sequence[int]) -> Iterator[tuple[VideoFrame, bool]]:
        """The picture on the screen for each of `shown`; one that cannot be decoded leaves the one before there."""
        coming = read_frames(self.path, self.stream.stamps)
        current, following = -1, next(coming, None)
        frame = following[1] if following else None
        for wanted, frames in groupby(shown):
            before = current
            while following is not None and following[0] <= wanted:
                (current, frame), following = following, next(coming, None)
            if frame is None or (following is None and current < wanted):
                return
            for i, _ in enumerate(frames):
                yield frame, i > 0 or (current == before and before >= 0)


def open_movie(path: Path) -> Movie:
    """Walk the movie's time stamps. Raises EmptyClipError where it cannot be opened or holds no picture."""
    stream = read_stream(path)
    claimed = stream.claimed.limit_denominator(1001) or Fraction(24)
    if not stream.stamps:
        return Movie(path, Timing(claimed, range(stream.pictures), ""), stream)
    return Movie(path, conform(np.array(stream.stamps, np.float64), claimed), stream)


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
