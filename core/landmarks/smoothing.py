# SPDX-License-Identifier: GPL-3.0-or-later
"""Landmarks without the detector's tremble: offline, so that nothing lags behind.

A face is split into where the head is (place, tilt, size) and where each point is in the head's frame, so that lids are
steadied while the head moves. Every curve is then fitted by a parabola over the frames round each frame (Savitzky and Golay
1964), which is symmetric in time, first over few, then over more. What each fit takes away is noise or motion: where a
feature's points together leave it by more than the clip's own noise, they keep it (a Wiener gain), so blinks and fast turns
stay.

Where frames lie far apart in time, a lively face jumps from each to the next as noise would. But it moves in few ways at
once, and all its points together: what is left when the strongest of them are taken out says how much noise there can be.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from ..arrays import Doubles
from . import ibug68
from .head import fit_pose

REACH_SECONDS = 0.32
"""Half the window at full strength."""
FEATURES: tuple[Sequence[int], ...] = (
    ibug68.JAW,
    ibug68.RIGHT_BROW,
    ibug68.LEFT_BROW,
    (*ibug68.NOSE_BRIDGE, *ibug68.NOSTRILS),
    ibug68.RIGHT_EYE,
    ibug68.LEFT_EYE,
    (*ibug68.OUTER_LIPS, *ibug68.INNER_LIPS),
    ibug68.PUPILS,
)
"""Points that move together."""
PLACE = ((0, 1), (2,), (3,))
"""Columns of the head's frame that move together: x and y, tilt, size."""
NARROWEST = 2
"""Frames to both sides of the first fit."""
STILL = 0.3
"""Part of the frames that is taken to show nothing but noise."""
CAUTION = 1.5
"""How many times the noise's energy counts as noise: it varies from frame to frame. Chosen on invented motion with the
noise of real clips: more of it steadies a still face, and eats into blinks and fast turns."""
WAYS = 6
"""In which a face moves at once, over all its points."""
NOISIER = 2.5
"""How many times the noise beside these ways that of a feature, or of the head's place, may be: on seven real clips it is at
most 2.4 times, and in every sixth of their frames seems up to 20."""
EXPRESSION_NOISE = 0.03
"""Most standard deviation that is taken for noise of an expression's weight: on real clips it is .035 at most."""


def smooth_landmarks(
    landmarks: NDArray[np.float32], runs: Sequence[slice], rate: float, strength: float
) -> NDArray[np.float32]:
    """Faces [F, 70, 2] with less tremble, at `rate` frames per second. `runs` are the stretches without a gap or a cut:
    nothing passes between them, and what lies in none stays. `rate` is that of the frames that are there: a tenth of the
    clip's where every tenth is. `strength` 0 gives back the same array, 1 reaches REACH_SECONDS to both sides; frames too
    far apart for that stay as they are."""
    reach = _reach(rate, strength)
    if not reach or not runs:
        return landmarks
    frames, lengths = _frames(runs)
    place, turn = _head_frames(landmarks[frames])
    within = np.einsum("fij,fnj->fni", turn, landmarks[frames] - place[:, None, :2]) / np.exp(place[:, None, 3:])
    columns = [[2 * point + axis for point in feature for axis in (0, 1)] for feature in FEATURES]
    curves = within.reshape(len(frames), -1)
    most = NOISIER**2 * _noise_beside_motion(curves, lengths)
    within = smooth_curves(curves, columns, lengths, reach, most).reshape(within.shape)
    # In eye distances, as the points are.
    unit = np.array([np.exp(np.median(place[:, 3]))] * 2 + [1.0, 1.0])
    place = smooth_curves(place / unit, PLACE, lengths, reach, most) * unit
    smooth = landmarks.copy()
    back = _turn(place[:, 2]).transpose(0, 2, 1)
    smooth[frames] = np.einsum("fij,fnj->fni", back, within) * np.exp(place[:, None, 3:]) + place[:, None, :2]
    return smooth


def smooth_expression(
    expression: NDArray[np.float32], runs: Sequence[slice], rate: float, strength: float
) -> NDArray[np.float32]:
    """Expressions [F, 52], each curve by itself, as `smooth_landmarks` does; 0 to 1."""
    reach = _reach(rate, strength)
    smooth = expression.copy()
    if reach and runs:
        frames, lengths = _frames(runs)
        each = [(i,) for i in range(expression.shape[1])]
        curves = expression[frames].astype(np.float64)
        smooth[frames] = smooth_curves(curves, each, lengths, reach, EXPRESSION_NOISE**2).clip(0.0, 1.0)
    return smooth


def tremble(landmarks: NDArray[np.float32], runs: Sequence[slice]) -> float:
    """Pixels by which points [F, 70, 2] shake from frame to frame: of the second differences, as large as noise of that
    standard deviation would make them, in the middle one of all frames."""
    bends = [np.square(np.diff(landmarks[run], n=2, axis=0)).mean(axis=(1, 2)) for run in runs]
    every = np.concatenate(bends) if bends else np.zeros(0)
    return float(np.sqrt(np.median(every) / 6)) if len(every) else 0.0


def _reach(rate: float, strength: float) -> int:
    """Frames to both sides of the widest fit; 0 where that is one, as a parabola goes through any three."""
    reach = round(strength * REACH_SECONDS * rate)
    return reach if reach > 1 else 0


def _frames(runs: Sequence[slice]) -> tuple[NDArray[np.intp], list[int]]:
    """The frames of all runs, and how many each has."""
    return np.concatenate([np.arange(run.start, run.stop) for run in runs]), [run.stop - run.start for run in runs]


def _head_frames(landmarks: NDArray[np.float32]) -> tuple[Doubles, Doubles]:
    """Where the head is in each frame [F, 4]: x, y (pixels), tilt (radians), log of the size; and the tilt undone
    [F, 2, 2]."""
    pose = fit_pose(landmarks)
    tilt = np.unwrap(np.arctan2(pose.rotation[:, 1, 0], pose.rotation[:, 0, 0]))
    return np.column_stack([pose.offset, tilt, np.log(pose.scale)]), _turn(tilt)


def _turn(tilt: Doubles) -> Doubles:
    """[F, 2, 2] rotations by minus `tilt` [F]."""
    cos, sin = np.cos(tilt), np.sin(tilt)
    return np.stack([np.stack([cos, sin], -1), np.stack([-sin, cos], -1)], -2)


def smooth_curves(
    curves: Doubles, groups: Sequence[Sequence[int]], lengths: Sequence[int], reach: int, most: float
) -> Doubles:
    """Curves [F, C], fitted over up to `reach` frames to both sides; `groups` are the columns that are judged together,
    `lengths` those of the runs that F is made of. most: the variance above which nothing is believed to be noise."""
    runs = _runs(lengths)
    noise = np.minimum(_noise(curves, groups, lengths), most)
    smooth, last, width = curves.copy(), curves, 1
    for wider in _widths(reach):
        fitted = np.concatenate([_parabolas(curves[run], wider) for run in runs])
        share = np.concatenate([_noise_between(length, width, wider) for length in lengths])
        for i, group in enumerate(map(list, groups)):
            taken = (last - fitted)[:, group]
            energy = (taken**2).mean(axis=1)
            moved = np.concatenate([_spread(energy[run]) for run in runs])
            gain = np.clip(1 - CAUTION * noise[i] * share / np.maximum(moved, 1e-12), 0.0, 1.0)
            smooth[:, group] -= (1 - gain[:, None]) * taken
        last, width = fitted, wider
    return smooth


def _noise(curves: Doubles, groups: Sequence[Sequence[int]], lengths: Sequence[int]) -> Doubles:
    """[G] variance of what looks like noise in each group of columns: what the first fit leaves in the stillest frames."""
    left = _left(curves, lengths)
    energy = [(left[:, list(group)] ** 2).mean(axis=1) for group in groups]
    return np.array([np.quantile(e, STILL) / _least(len(group)) for e, group in zip(energy, groups, strict=True)])


def _noise_beside_motion(curves: Doubles, lengths: Sequence[int]) -> float:
    """Variance of what the first fit leaves of curves [F, C], the WAYS in which they move together taken out; too little of
    few frames, never too much."""
    left = _left(curves, lengths)
    strength = np.linalg.svd(left, compute_uv=False)[WAYS:]
    free = np.prod(np.maximum(np.array(left.shape) - WAYS, 1))
    return float(np.square(strength).sum() / free)


def _left(curves: Doubles, lengths: Sequence[int]) -> Doubles:
    """[F, C] what the first fit takes away, as large as noise that leaves it so was."""
    narrow = 2 * NARROWEST + 1
    fitted = np.concatenate([_parabolas(curves[run], narrow) for run in _runs(lengths)])
    share = np.concatenate([_noise_between(length, 1, narrow) for length in lengths])
    return np.asarray((curves - fitted) / np.sqrt(np.maximum(share, 1e-9))[:, None])


def _runs(lengths: Sequence[int]) -> list[slice]:
    ends = np.cumsum(lengths).tolist()
    return [slice(end - length, end) for end, length in zip(ends, lengths, strict=True)]


def _least(count: int) -> float:
    """The STILL quantile of the mean energy of `count` independent noises, over its mean (Wilson and Hilferty 1931)."""
    spread = 2 / (9 * count)
    return float((1 - spread + NormalDist().inv_cdf(STILL) * np.sqrt(spread)) ** 3)


def _widths(reach: int) -> list[int]:
    """Frames in each window, twice as far from one to the next, up to `reach`."""
    reaches = [reach]
    while reaches[0] > NARROWEST:
        reaches.insert(0, max(NARROWEST, reaches[0] // 2))
    return [2 * frames + 1 for frames in reaches]


def _parabolas(curves: Doubles, width: int) -> Doubles:
    """Curves [F, C] fitted over `width` frames round each frame; at the ends the window leans inwards."""
    first, weights = _windows(len(curves), width)
    seen = curves[first[:, None] + np.arange(weights.shape[1])]
    return np.einsum("fw,fwc->fc", weights, seen)


def _windows(length: int, width: int) -> tuple[NDArray[np.intp], Doubles]:
    """For each of `length` frames the first frame of its window [F], and what each frame in it counts [F, W]."""
    width = min(width, length)
    frames = np.arange(length)
    first = np.clip(frames - width // 2, 0, length - width)
    time = np.linspace(-1.0, 1.0, width)
    basis, _ = np.linalg.qr(np.stack([np.ones(width), time, time**2], axis=-1)[:, :width])
    return first, (basis @ basis.T)[frames - first]


def _noise_between(length: int, width: int, wider: int) -> Doubles:
    """[F] the part of white noise's energy that the fit over `width` frames keeps and that over `wider` frames takes away:
    what each frame counts in its own fit says it, as the windows nest and a fit leaves a parabola as it is."""
    frames = np.arange(length)
    own = []
    for first, weights in (_windows(length, width), _windows(length, wider)):
        own.append(weights[frames, frames - first])
    return np.maximum(own[0] - own[1], 0.0)


def _spread(energy: Doubles) -> Doubles:
    """The largest of each frame and its neighbours: fast motion is kept whole, from its first frame to its last."""
    padded = np.pad(energy, 1, mode="edge")
    return np.maximum(np.maximum(padded[:-2], padded[2:]), energy)
