# SPDX-License-Identifier: GPL-3.0-or-later
"""How skin moves between the landmarks, measured in footage: cheeks, brows and chin follow the actor, not a guess.

Of each shot a few frames that differ most are bent to every other one, by splines and by what is known of faces
(`network.residual`), and optical flow says how far each place is still off. The mean over those few, less the mean over the
shot, is how the skin lies in that frame.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..arrays import Bytes, Floats
from ..imaging.crop import to_crop
from ..imaging.optical_flow import optical_flow
from ..imaging.read import Frame
from ..imaging.resample import cut
from ..landmarks.head import fit_pose
from ..network.bending import bent_faces, correspond
from ..network.closeup import FACE_MIDDLE, FACE_SIDE, sample
from ..network.residual import ResidualFlow
from ..network.shots import Photos, Pose
from ..network.skin import lying
from ..painting.feed import feed_photos, feed_pose
from ..painting.player import known_flow
from ..performance import SKIN_STEPS
from ..progress import Reporter

GRID = 64
"""Places a side, in the face's window."""
CROP, ROOM, SIDE = 256, 1.3, 192
"""Pixels of what is kept of each face; its side in sides of the window; pixels of the window in which faces are compared."""
REFERENCES = 3
"""Frames of a shot that are bent to all others; of 2 to 16 none is better."""
NEAR = 2.0
"""Places of the grid over which it is looked at how far they agree, and over which the face ends."""
TINY = 1e-9
BEYOND = 5
"""Places by which a face is larger than its landmarks' hull: if it ended there, mouths would gain a sixth less."""
CPU = torch.device("cpu")
FOREHEAD, FARTHEST = 0.3, 0.05
"""Half windows: how far a face goes above its brows, and how far skin moves at most; 99 of 100 places stay within .045."""
LOST = 0.06
"""Half windows: where the flow is longer on average, the optical flow is lost, and that pair says nothing."""


class ShotFaces(NamedTuple):
    """The faces of a shot."""

    places: list[int]
    """of their frames"""
    pictures: list[Bytes]
    """[CROP, CROP] grey"""
    landmarks: list[Floats]
    """[70, 2] pixels of those"""


def measure_skin(
    frames: Iterable[Frame], landmarks: NDArray[np.float32], starts: Sequence[int], reporter: Reporter
) -> NDArray[np.int8]:
    """[F, 2, GRID, GRID] how much farther skin lies than landmarks say, in SKIN_STEPS of half a face's window, less its mean
    over the shot; 0 where there is no face.

    frames: F pictures; landmarks: [F, 70, 2] their pixels, NaN where there is no face; starts: where each shot begins.
    """
    found = np.zeros((len(landmarks), 2, GRID, GRID), np.int8)
    residual, shot, begun = known_flow(), ShotFaces([], [], []), set(starts)
    for place, (frame, face) in enumerate(zip(frames, landmarks, strict=False)):
        if place in begun:
            _measure_shot(shot, residual, found, reporter)
            shot = ShotFaces([], [], [])
        if np.isfinite(face).all():
            where = _around(face)
            shot.places.append(place)
            shot.pictures.append(cv2.cvtColor(cut(frame.picture, where, CROP), cv2.COLOR_RGB2GRAY))
            shot.landmarks.append(to_crop(face, where, CROP))
    _measure_shot(shot, residual, found, reporter)
    reporter.step("skin", len(landmarks), len(landmarks))
    return found


def _around(face: Floats) -> NDArray[np.float64]:
    """[3] a crop that holds the face's window, however the head is held."""
    side = FACE_SIDE * ROOM * fit_pose(face[None]).scale[0]
    return np.array([*face[list(FACE_MIDDLE)].mean(axis=0), side], np.float64)


def _measure_shot(shot: ShotFaces, residual: ResidualFlow, found: NDArray[np.int8], reporter: Reporter) -> None:
    """Writes the shot's frames into `found` [F, 2, GRID, GRID]."""
    if len(shot.places) < 2:
        return
    poses = feed_pose(np.stack(shot.landmarks), CROP, 0, CPU)
    faces = lying(poses.points, poses.projection)
    chosen = _unlike(faces.flatten(1))
    pictures = np.stack([shot.pictures[i] for i in chosen])[..., None]
    whole = np.full(pictures.shape[:3], 255, np.uint8)
    references = feed_photos(pictures, whole, np.stack([shot.landmarks[i] for i in chosen]), CPU)

    def left(i: int) -> NDArray[np.float16]:
        pose = Pose(*(part[i : i + 1] for part in (poses.points, poses.stiffness, poses.projection)))
        return _left(references, pose, shot.pictures[i], residual)

    flows = []
    with ThreadPoolExecutor(os.cpu_count(), "skin", torch.set_num_threads, (1,)) as workers:
        for place, flow in zip(shot.places, workers.map(left, range(len(shot.places))), strict=True):
            reporter.step("skin", place, len(found))
            flows.append(flow)
    counts = np.array([np.abs(flow).mean((1, 2, 3), dtype=np.float32) < LOST for flow in flows])
    # How a reference's own skin lies is the same in all that it says.
    own = np.zeros(flows[0].shape, np.float32)
    for flow, known in zip(flows, counts, strict=True):
        own[known] += flow[known]
    own /= np.maximum(counts.sum(0), 1)[:, None, None, None]
    for place, flow, known, face in zip(shot.places, flows, counts, faces.numpy(), strict=True):
        if known.any():
            skin = _agreed(flow[known] - own[known]) * _within(face)
            found[place] = np.rint(skin.clip(-FARTHEST, FARTHEST) * SKIN_STEPS)


def _within(face: Floats) -> Floats:
    """[GRID, GRID] 1 on the face whose landmarks [70, 2] lie so in its window, 0 beside it."""
    brow = face[17:27] - np.array([0, FOREHEAD], np.float32)
    hull = cv2.convexHull(((np.concatenate([face, brow]) + 1) * (GRID / 2) - 0.5).round().astype(np.int32))
    inside = cv2.fillConvexPoly(np.zeros((GRID, GRID), np.float32), hull, 1.0)
    round_it = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * BEYOND + 1, 2 * BEYOND + 1))
    return cv2.GaussianBlur(cv2.dilate(inside, round_it), (0, 0), NEAR)


def _agreed(said: Floats) -> Floats:
    """[2, GRID, GRID] what K references say of a frame, [K, 2, GRID, GRID], as far as they agree on it."""
    skin = said.mean(0)
    # Of a mean of few, part is chance: so much of its square as their spread says (Wiener's filter).
    chance = np.square(said - skin).sum((0, 1)) / (len(said) * max(len(said) - 1, 1))
    length, chance = (cv2.GaussianBlur(field, (0, 0), NEAR) for field in (np.square(skin).sum(0), chance))
    return np.asarray(skin * np.clip(1 - chance / np.maximum(length, TINY), 0, 1), np.float32)


def _unlike(faces: Tensor) -> list[int]:
    """The numbers of up to REFERENCES of `faces` [N, D]: the one in the middle, then each time the one most unlike those."""
    apart = (faces - faces.median(dim=0).values).square().sum(1)
    chosen = [int(apart.argmin())]
    nearest = (faces - faces[chosen[0]]).square().sum(1)
    while len(chosen) < REFERENCES and float(nearest.max()) > 0:
        chosen.append(int(nearest.argmax()))
        nearest = torch.minimum(nearest, (faces - faces[chosen[-1]]).square().sum(1))
    return chosen


@torch.inference_mode()
def _left(references: Photos, pose: Pose, picture: Bytes, residual: ResidualFlow) -> NDArray[np.float16]:
    """[K, 2, GRID, GRID] half windows: how far places of `picture` still lie off in each reference that is bent to it."""
    shown, window = bent_faces(correspond(references, pose, residual), SIDE)
    truth = torch.from_numpy(picture)[None, None].float() / 127.5 - 1
    wanted = sample(truth, window.grid(SIDE))[0, 0].numpy()
    flows = [optical_flow(wanted, one) * (2 / SIDE) for one in shown[0, :, 0].numpy()]
    small = [cv2.resize(flow, (GRID, GRID), interpolation=cv2.INTER_AREA) for flow in flows]
    return np.stack(small).transpose(0, 3, 1, 2).astype(np.float16)
