# SPDX-License-Identifier: GPL-3.0-or-later
"""The background where the old head shows beside the new one: from a plate without it, or from the plate's other frames.

The new head ends at its neck, so the old neck stays. Nothing is invented: what no frame shows stays as it is, and so does
everything where the camera moves.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from ..arrays import Doubles, Floats
from ..errors import SettingError
from ..imaging import crop, resample
from ..imaging.edge import bounds
from ..imaging.matte import head_matte
from ..imaging.segmenter import SIDE, person_matte
from ..imaging.transfer import Transfer
from ..landmarks.head import fit_pose
from ..performance import Performance
from .plate import Plate

SHOTS = 12
"""Frames of a shot that are searched for what others hide."""
SURE = 2
"""How many of them must show a pixel."""
WIDER = 0.03
"""How much wider than its matte the old head is taken to be, in parts of the crop's side: hair, blur, shadow."""
NECK_START, NECK_END = 1.1, 1.6
"""Over which depth below the eyes, in eye distances, the old head begins to stay: its neck goes on under the new one."""
BESIDE = 0.06
"""Width of the ring round the old head in which what is behind it must agree with the plate, in parts of the crop's side."""
AGREES = 0.012
"""Mean difference there, in sRGB, up to which it does; at twice as much it does not at all."""
STILL = 0.02
"""Median change of the background, in sRGB, up to which the camera stands still; grain is in it."""


class Behind(NamedTuple):
    """The background of a shot."""

    rows: slice
    columns: slice
    light: NDArray[np.float16]
    """[h, w, 3] in the plate's space"""
    known: Floats
    """[h, w] 0 to 1: how far it was seen"""

    def put_into(self, part: Floats, corner: tuple[int, int]) -> tuple[Floats, Floats]:
        """A part of a plate [h, w, 3] that begins at x and y of it, with the background where it is known; and how far it
        was seen there [h, w]."""
        behind, seen = part.copy(), np.zeros(part.shape[:2], np.float32)
        rows, own_rows = _shared(self.rows, corner[1], part.shape[0])
        columns, own_columns = _shared(self.columns, corner[0], part.shape[1])
        known = self.known[own_rows, own_columns]
        behind[rows, columns] = np.where(known[..., None] > 0, self.light[own_rows, own_columns], part[rows, columns])
        seen[rows, columns] = known
        return behind, seen


def _shared(own: slice, start: int, length: int) -> tuple[slice, slice]:
    """What a side of the plate from `own` start to stop has in common with one of a `length` from `start` on: as a part of
    this one, and of its own."""
    low, high = max(own.start, start), min(own.stop, start + length)
    high = max(low, high)
    return slice(low - start, high - start), slice(low - own.start, high - own.start)


def seen_behind(plate: Plate, performance: Performance, frames: Sequence[int], transfer: Transfer) -> Behind | None:
    """The background behind the head in `frames` (places in the performance, with a face); None where the camera moves.

    Raises MissingWeightsError without the segmenter's model, and what reading the plate does.
    """
    around = np.zeros((performance.height, performance.width), bool)
    for i in frames:
        where = performance.crops[i]
        low, high = (np.maximum((where[:2] + sign * crop.sides(where) / 2).round().astype(int), 0) for sign in (-1, 1))
        around[low[1] : high[1], low[0] : high[0]] = True
    box = bounds(around)
    if box is None or len(frames) <= SURE:
        return None
    seen = []
    for i in frames:
        light = np.ascontiguousarray(plate.read(int(performance.frames[i]))[box])
        where = performance.crops[i].copy()
        where[:2] -= box[1].start, box[0].start
        hidden = _person_in(transfer.encode(light), where)
        seen.append(np.where(hidden[..., None], np.nan, light).astype(np.float16))
    shows = np.stack([np.isfinite(light).all(axis=-1) for light in seen])
    if not shows.any() or _moves(seen, transfer):
        return None
    count = shows.sum(axis=0)
    middle = np.zeros_like(seen[0])
    enough = count >= SURE
    middle[enough] = np.nanmedian(np.stack([light[enough] for light in seen]).astype(np.float32), axis=0)
    known = cv2.GaussianBlur(cv2.erode(enough.astype(np.float32), np.ones((5, 5))), (0, 0), 1.5)
    return Behind(*box, middle, np.minimum(known, enough).astype(np.float32))


def _moves(seen: Sequence[NDArray[np.float16]], transfer: Transfer) -> bool:
    """Whether what two frames both show differs by more than noise, for most pairs of neighbours."""
    changes = []
    for before, after in pairwise(seen):
        both = np.isfinite(before).all(axis=-1) & np.isfinite(after).all(axis=-1)
        if both.any():
            pair = [transfer.encode(light[both][None, ::7].astype(np.float32)) for light in (before, after)]
            changes.append(float(np.median(np.abs(pair[0] - pair[1]))))
    return not changes or float(np.median(changes)) > STILL


def _person_in(picture: Floats, where: Doubles) -> NDArray[np.bool_]:
    """[H, W] where `picture` [H, W, 3] (sRGB) may show the person in the crop [3]."""
    height, width = picture.shape[:2]
    small = (np.clip(resample.cut(picture, where, SIDE), 0.0, 1.0) * 255).round().astype(np.uint8)
    person = cv2.dilate(person_matte(small), np.ones((2 * round(2 * WIDER * SIDE) + 1,) * 2))
    return resample.place(np.repeat(person[..., None], 4, axis=-1), where, width, height)[..., 0] > 0.1


def old_head(picture: Floats, landmarks: NDArray[np.float32], where: Doubles) -> Floats:
    """[H, W] 0 to 1 where `picture` [H, W, 3] (sRGB) shows the head with `landmarks` [70, 2] above its neck."""
    height, width = picture.shape[:2]
    small = (np.clip(resample.cut(picture, where, SIDE), 0.0, 1.0) * 255).round().astype(np.uint8)
    points = crop.to_crop(landmarks, where, SIDE)
    matte = head_matte(small, points).astype(np.float32) / 255
    reach = 2 * round(WIDER * SIDE) + 1
    wider = cv2.GaussianBlur(cv2.dilate(matte, np.ones((reach, reach))), (0, 0), 1.5)
    pose = fit_pose(points[None])
    y, x = np.mgrid[0:SIDE, 0:SIDE] + 0.5
    down = pose.rotation[0, :2, 1] / max(float(np.linalg.norm(pose.rotation[0, :2, 1])), 1e-6)
    depth = ((x - pose.offset[0, 0]) * down[0] + (y - pose.offset[0, 1]) * down[1]) / pose.scale[0]
    above = np.clip((NECK_END - depth) / (NECK_END - NECK_START), 0.0, 1.0)
    area = (wider * above).astype(np.float32)
    return resample.place(np.repeat(area[..., None], 4, axis=-1), where, width, height)[..., 0]


def agreeing(picture: Floats, behind: Floats, area: Floats, known: Floats, side: float) -> Floats:
    """`area` [H, W] of the `picture` [H, W, 3] that is to be covered with what is `behind` (both sRGB), as far as this is
    `known` [H, W] and agrees with the picture round about: a camera that drifts, or light that changes, leaves it. `side`:
    of the head's crop, in pixels."""
    ring = ((area < 0.01) & (cv2.dilate(area, np.ones((2 * round(BESIDE * side) + 1,) * 2)) > 0.5)).astype(
        np.float32
    ) * known
    differs = np.abs(cv2.blur(picture - behind, (3, 3))).max(axis=-1) * ring
    sigma = BESIDE * side
    near = cv2.GaussianBlur(ring, (0, 0), sigma)
    mean = cv2.GaussianBlur(differs, (0, 0), sigma) / np.maximum(near, 1e-3)
    trusted = np.clip(2.0 - mean / AGREES, 0.0, 1.0) * np.clip((near - 1e-3) / 0.02, 0.0, 1.0)
    return (area * known * trusted).astype(np.float32)


def clean_reader(clean: Plate, size: tuple[int, int]) -> Callable[[int], Floats]:
    """Reads frame `number` of the clean plate, or the one nearest to it: a still serves all. Raises SettingError where it is
    of another `size` (height, width) than the plate."""

    def read(number: int) -> Floats:
        light = clean.read(clean.nearest(number))
        if light.shape[:2] != size:
            raise SettingError(
                f"The clean plate {clean.name} has {light.shape[1]} x {light.shape[0]} pixels, "
                f"the plate {size[1]} x {size[0]}",
                "Give one of the plate's framing",
            )
        return light

    return read


def put_under(head: Floats, matte: Floats, behind: Floats, area: Floats) -> tuple[Floats, Floats]:
    """The `head` [H, W, 3] with its `matte` [H, W], and under it what is `behind` it in an `area` [H, W]: both as one, with
    one matte."""
    whole = matte + (1 - matte) * area
    share = (matte / np.maximum(whole, 1e-6))[..., None]
    light = np.where(share >= 1, head, share * head + (1 - share) * behind)
    return light.astype(np.float32), whole.astype(np.float32)
