# SPDX-License-Identifier: GPL-3.0-or-later
"""Square crops round the head, steady over a clip, and their exact inverse.

A crop is (x, y, side): its centre and its side in plate pixels, so [F, 3] for a clip. Where pixels are not square it is
(x, y, side, aspect): `side` is its height, and it is as wide as high when each pixel is shown `aspect` as wide as high.
"auto" crops follow the rigid head (not the jaw or the brows, so speaking does not make them pulse) and are smoothed in time;
"full" crops are the picture.
Arithmetic alone, so that Blender's own Python can do it; `resample` moves the pixels.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..arrays import Doubles, Floats
from ..landmarks.head import fit_pose

SIDE = 4.6
"""Side of an automatic crop, in distances between the eye centres of a frontal face: head, hair and neck fit."""
BELOW_EYES = 0.25
"""How far below the eyes the crop's centre lies, in the same unit."""
JUMP, JUMP_IN_SIZE = 1.5, 1.35
"""From one frame to the next: how far a head that is filmed in one go may move, in mean distances of its points from their
middle, and how often its size it may be."""
STEADY_SECONDS = 0.4
"""Standard deviation of the smoothing over time."""


def full_crop(width: int, height: int) -> Doubles:
    """[3] the smallest centred square that holds the whole picture; what lies outside the picture repeats its edge."""
    return np.array([width / 2, height / 2, max(width, height)], np.float64)


def head_crops(landmarks: NDArray[np.floating], seen: NDArray[np.bool_], rate: float) -> Doubles:
    """Steady crops [F, 3] for landmarks [F, 70, 2]; frames with no face (`seen` [F] false) borrow from their neighbours."""
    pose = fit_pose(landmarks[seen])
    down = np.einsum("fij,j->fi", pose.rotation, np.array([0.0, BELOW_EYES, 0.45]))[:, :2]
    raw = np.column_stack([pose.offset + pose.scale[:, None] * down, np.log(pose.scale * SIDE)])
    frames = np.arange(len(seen))
    filled = np.column_stack([np.interp(frames, frames[seen], raw[:, i]) for i in range(3)])
    smooth = smooth_over_time(filled, STEADY_SECONDS * rate)
    smooth[:, 2] = np.exp(smooth[:, 2])
    return smooth


def crops_of_shots(
    landmarks: NDArray[np.floating], seen: NDArray[np.bool_], rate: float, starts: Sequence[int] = ()
) -> Doubles:
    """The same, steady within each shot. A shot begins at `starts` (places of frames), and where the head jumps further
    than one could go: the crop of one shot is not the other's business. A shot without a face has the last crop before it.
    """
    cuts = sorted({0, *starts, *_jumps(landmarks, seen)})
    crops = np.full((len(seen), 3), np.nan)
    for begin, end in zip(cuts, [*cuts[1:], len(seen)], strict=True):
        if seen[begin:end].any():
            crops[begin:end] = head_crops(landmarks[begin:end], seen[begin:end], rate)
    known = np.flatnonzero(np.isfinite(crops[:, 0]))
    before = np.searchsorted(known, np.arange(len(seen)), side="right") - 1
    return np.asarray(crops[known[np.maximum(before, 0)]])


def _jumps(landmarks: NDArray[np.floating], seen: NDArray[np.bool_]) -> list[int]:
    """The frames in which the head is elsewhere, or of another size, than in the frame before."""
    at = np.flatnonzero(seen)
    if len(at) < 2:
        return []
    middle = landmarks[at].mean(axis=1)
    size = np.linalg.norm(landmarks[at] - middle[:, None], axis=-1).mean(axis=1)
    smaller = np.minimum(size[1:], size[:-1])
    moved = np.linalg.norm(np.diff(middle, axis=0), axis=1) / smaller
    grown = np.maximum(size[1:], size[:-1]) / smaller
    cut = (np.diff(at) == 1) & ((moved > JUMP) | (grown > JUMP_IN_SIZE))
    return (at[1:][cut]).tolist()


def with_room(crops: Doubles, factor: float) -> Doubles:
    """`crops` [..., 3] made larger, upwards and to both sides: what is below stays as it is."""
    grown = crops.copy()
    grown[..., 2] *= factor
    grown[..., 1] -= (grown[..., 2] - crops[..., 2]) / 2
    return grown


def smooth_over_time(values: Doubles, sigma: float) -> Doubles:
    """Gaussian smoothing of [F, C] along F without lag; the ends are mirrored about their last value."""
    radius = int(np.ceil(3 * sigma))
    if radius < 1 or len(values) < 2:
        return values.copy()
    offsets = np.arange(-radius, radius + 1)
    kernel = np.exp(-0.5 * (offsets / sigma) ** 2)
    padded = np.pad(values, ((radius, radius), (0, 0)), mode="reflect", reflect_type="odd")
    return np.column_stack([np.convolve(column, kernel / kernel.sum(), "valid") for column in padded.T])


def sides(crop: Doubles) -> Doubles:
    """[..., 2] width and height of a crop [..., 3 or 4] in plate pixels."""
    width = crop[..., 2] / crop[..., 3] if crop.shape[-1] > 3 else crop[..., 2]
    return np.stack([width, crop[..., 2]], axis=-1)


def to_crop(points: NDArray[np.floating], crop: Doubles, size: int) -> Floats:
    """Plate pixels [..., N, 2] to pixels of the crop [..., 3 or 4] drawn at `size`."""
    side = sides(crop)
    corner = crop[..., :2] - side / 2
    return ((points - corner[..., None, :]) * (size / side[..., None, :])).astype(np.float32)


def to_plate(points: NDArray[np.floating], crop: Doubles, size: int) -> Floats:
    """The inverse of `to_crop`."""
    side = sides(crop)
    corner = crop[..., :2] - side / 2
    return (points * (side[..., None, :] / size) + corner[..., None, :]).astype(np.float32)
