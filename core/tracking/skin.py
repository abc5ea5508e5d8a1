# SPDX-License-Identifier: GPL-3.0-or-later
"""How skin moves between the landmarks, measured in footage: cheeks, brows and chin follow the actor, not a guess.

Of each shot a few frames that differ most are bent to every other one, by splines and by what is known of faces
(`network.residual`), and optical flow says how far each place is still off (`painting.comparing`). The mean over those few,
less the mean over the shot, is how the skin lies in that frame.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..arrays import Bytes, Floats
from ..imaging.read import Frame
from ..network.shots import Pose
from ..network.skin import lying
from ..painting.comparing import CPU, CROP, GRID, close_up, how_far_off, references_of, skin_of
from ..painting.feed import feed_pose
from ..progress import Reporter
from ..skin import SKIN_STEPS, References, Skin

REFERENCES = 3
"""Frames of a shot that are bent to all others; of 2 to 16 none is better."""
LOST = 0.06
"""Half windows: where the flow is longer on average, the optical flow is lost, and that pair says nothing."""


class ShotFaces(NamedTuple):
    """The faces of a shot."""

    number: int
    """counted from 0"""
    places: list[int]
    """of their frames"""
    pictures: list[Bytes]
    """[CROP, CROP] grey"""
    landmarks: list[Floats]
    """[70, 2] pixels of those"""


def measure_skin(frames: Iterable[Frame], landmarks: NDArray[np.float32], starts: Sequence[int], reporter: Reporter) -> Skin:
    """The skin of F frames, each shot for itself.

    frames: F pictures; landmarks: [F, 70, 2] their pixels, NaN where there is no face; starts: where each shot begins.
    """
    moves = np.zeros((len(landmarks), 2, GRID, GRID), np.int8)
    shots = (np.searchsorted(starts, np.arange(len(landmarks)), side="right") - 1).astype(np.int32)
    shot, begun = ShotFaces(0, [], [], []), set(starts)
    references = []
    for place, (frame, face) in enumerate(zip(frames, landmarks, strict=False)):
        if place in begun:
            references.append(_measure_shot(shot, moves, reporter))
            shot = ShotFaces(int(shots[place]), [], [], [])
        if np.isfinite(face).all():
            picture, points = close_up(frame.picture, face)
            shot.places.append(place)
            shot.pictures.append(picture)
            shot.landmarks.append(points)
    references.append(_measure_shot(shot, moves, reporter))
    reporter.step("skin", len(landmarks), len(landmarks))
    known = [one for one in references if one is not None]
    joined = References(*(np.concatenate(part) for part in zip(*known, strict=True))) if known else None
    return Skin(moves, shots, joined)


def _measure_shot(shot: ShotFaces, moves: NDArray[np.int8], reporter: Reporter) -> References | None:
    """Writes the shot's frames into `moves` [F, 2, GRID, GRID], and says with which they were compared. None where there is
    nothing to compare."""
    if len(shot.places) < 2:
        return None
    poses = feed_pose(np.stack(shot.landmarks), CROP, 0, CPU)
    faces = lying(poses.points, poses.projection)
    chosen = _unlike(faces.flatten(1))
    pictures = np.stack([shot.pictures[i] for i in chosen])
    landmarks = np.stack([shot.landmarks[i] for i in chosen])
    references = references_of(pictures, landmarks)

    def off(i: int) -> NDArray[np.float16]:
        pose = Pose(*(part[i : i + 1] for part in (poses.points, poses.stiffness, poses.projection)))
        return how_far_off(references, shot.pictures[i], pose)

    flows = []
    with ThreadPoolExecutor(os.cpu_count(), "skin", torch.set_num_threads, (1,)) as workers:
        for place, flow in zip(shot.places, workers.map(off, range(len(shot.places))), strict=True):
            reporter.step("skin", place, len(moves))
            flows.append(flow)
    counts = np.array([np.abs(flow).mean((1, 2, 3), dtype=np.float32) < LOST for flow in flows])
    # How a reference's own skin lies is the same in all that it says.
    own = np.zeros(flows[0].shape, np.float32)
    for flow, known in zip(flows, counts, strict=True):
        own[known] += flow[known]
    own /= np.maximum(counts.sum(0), 1)[:, None, None, None]
    for place, flow, known, face in zip(shot.places, flows, counts, faces.numpy(), strict=True):
        if known.any():
            moves[place] = np.rint(skin_of(flow[known] - own[known], face))
    numbers = np.full(len(chosen), shot.number, np.int32)
    steps = np.rint((own * SKIN_STEPS).clip(-127, 127)).astype(np.int8)
    return References(pictures, landmarks, numbers, steps)


def _unlike(faces: Tensor) -> list[int]:
    """The numbers of up to REFERENCES of `faces` [N, D]: the one in the middle, then each time the one most unlike those."""
    apart = (faces - faces.median(dim=0).values).square().sum(1)
    chosen = [int(apart.argmin())]
    nearest = (faces - faces[chosen[0]]).square().sum(1)
    while len(chosen) < REFERENCES and float(nearest.max()) > 0:
        chosen.append(int(nearest.argmax()))
        nearest = torch.minimum(nearest, (faces - faces[chosen[-1]]).square().sum(1))
    return chosen
