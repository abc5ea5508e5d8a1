# SPDX-License-Identifier: GPL-3.0-or-later
"""How loud and how high a voice is, moment by moment, and where it pauses."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..arrays import Doubles, Floats
from ..imaging.crop import smooth_over_time
from .sound import RATE, loudness

RATE_OF_CURVES = 100
"""Moments a second."""
HOP = RATE // RATE_OF_CURVES
RANGE = 30.0
"""Decibels below a voice's own loudness that count as nothing."""
PAUSE, ABOVE_NOISE = 0.25, 0.3
"""Loudness, 0 to 1, below which nobody speaks; and, in noise, how far above it, on the way to 1, a voice begins."""
QUIETEST = 10
"""Percentile of the loudness that is the noise."""
LEAST_PAUSE = 0.12
"""Seconds: shorter silences are those before plosives."""
LOWEST, HIGHEST = 70.0, 400.0
"""Hertz of voices."""
FRAME, PADDED = 512, 1024
"""Samples, of every second one, over which a pitch is found: 64 ms."""
VOICED = 0.45
"""Of an autocorrelation of 1 at most."""
BLOCK = 4096


class Prosody(NamedTuple):
    """N moments, RATE_OF_CURVES a second."""

    loud: Doubles
    """[N] loudness: 1 is the voice's own, 0 is RANGE below it"""
    pitch: Doubles
    """[N] semitones from the voice's own pitch, held where there is none; all 0 where nothing is voiced"""
    speaking: NDArray[np.bool_]
    """[N] false in pauses"""


def prosody_of(samples: Floats) -> Prosody:
    """The prosody of `samples` [N] at sound.RATE."""
    level = loudness(samples, HOP).astype(np.float64)
    if not len(level):
        level = np.zeros(1)
    decibels = 20 * np.log10(np.maximum(level, 1e-6))
    own = np.percentile(decibels[decibels > decibels.max() - 40], 80)
    loud = np.clip((decibels - own + RANGE) / RANGE, 0.0, 1.2)
    smooth = smooth_over_time(loud[:, None], 2.0)[:, 0]
    return Prosody(np.clip(smooth, 0.0, 1.2), _pitch(samples, len(level), loud), _speaking(smooth))


def _speaking(loud: Doubles) -> NDArray[np.bool_]:
    """[N] false where it is quiet for LEAST_PAUSE or longer."""
    noise = float(np.percentile(loud, QUIETEST))
    least = max(PAUSE, min(noise, 0.5) + ABOVE_NOISE * (1.0 - noise))
    quiet = np.concatenate([[False], loud < least, [False]])
    edges = np.flatnonzero(np.diff(quiet.astype(np.int8)))
    speaking = np.ones(len(loud), bool)
    for begin, end in edges.reshape(-1, 2).tolist():
        if end - begin >= LEAST_PAUSE * RATE_OF_CURVES or begin == 0 or end == len(loud):
            speaking[begin:end] = False
    return speaking


def _pitch(samples: Floats, moments: int, loud: Doubles) -> Doubles:
    """By the highest peak of the normalized autocorrelation, in semitones; smoothed."""
    halved = samples[: len(samples) // 2 * 2].reshape(-1, 2).mean(axis=1)
    rate, hop = RATE // 2, HOP // 2
    padded = np.pad(halved, (FRAME // 2, FRAME + hop))
    frames = np.lib.stride_tricks.sliding_window_view(padded, FRAME)[::hop][:moments]
    frames = np.pad(frames, ((0, moments - len(frames)), (0, 0)))
    shortest, longest = int(rate / HIGHEST), int(rate / LOWEST)
    window = np.hanning(FRAME).astype(np.float32)
    own = np.fft.irfft(np.abs(np.fft.rfft(window, PADDED)) ** 2)[: longest + 1]
    hertz, clear = np.zeros(moments), np.zeros(moments)
    for begin in range(0, moments, BLOCK):
        part = frames[begin : begin + BLOCK] * window
        spectrum = np.fft.rfft(part - part.mean(axis=1, keepdims=True), PADDED)
        same = np.fft.irfft(np.abs(spectrum) ** 2)[:, : longest + 1] / own * own[0]
        peaks = same[:, shortest:] / np.maximum(same[:, :1], 1e-9)
        # The first of peaks that are nearly as high: the later ones are periods of two.
        good = peaks >= 0.9 * peaks.max(axis=1, keepdims=True)
        at = good.argmax(axis=1)
        rows = np.arange(len(peaks))
        while True:
            higher = (at + 1 < peaks.shape[1]) & (peaks[rows, np.minimum(at + 1, peaks.shape[1] - 1)] > peaks[rows, at])
            if not higher.any():
                break
            at = at + higher
        hertz[begin : begin + BLOCK], clear[begin : begin + BLOCK] = rate / (at + shortest), peaks[rows, at]
    voiced = (clear > VOICED) & (loud > PAUSE)
    if not voiced.any():
        return np.zeros(moments)
    tones = 12 * np.log2(np.maximum(hertz, 1.0))
    tones -= np.median(tones[voiced])
    voiced &= np.abs(tones) < 10
    held = np.interp(np.arange(moments), np.flatnonzero(voiced), tones[voiced])
    return smooth_over_time(held[:, None], 4.0)[:, 0]
