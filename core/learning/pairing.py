# SPDX-License-Identifier: GPL-3.0-or-later
"""A photo and a truth, from bytes and landmarks to the batch that regions are learnt from."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from ..landmarks import ibug68
from ..landmarks.head import control_points
from ..network.bending import correspond
from ..network.regions import both_eyes_windows, eye_shots, view_eyes
from ..network.shots import Photos, Pose
from ..network.warp import paste
from .made import Changed, Random, eye_distance, glance, move_lids, shut_mouth
from .regions import PairBatch

OPEN_MOUTH = 0.06
"""Gap between the inner lips over the eye distance from which a portrait shows what lies behind them."""
GLANCES = 0.5
"""How often a made photo's eyes look elsewhere; else its lids are moved."""


def made_photo(truth: Changed, random: Random) -> Changed:
    """A photo that lacks what `truth` shows: an open mouth is shut, the eyes look elsewhere or open more or less."""
    photo = truth
    if np.linalg.norm(truth.landmarks[66] - truth.landmarks[62]) > OPEN_MOUTH * eye_distance(truth.landmarks):
        photo = shut_mouth(*photo, random)
    return look_elsewhere(photo, random) if random.random() < GLANCES else move_lids(*photo, random)


def look_elsewhere(shown: Changed, random: Random) -> Changed:
    """The eyes turned, by the same geometry that paints them; wholly, however small the turn is."""
    turned = glance(shown.landmarks, random)
    photos, pose = photos_of([shown]), pose_of(Changed(shown.picture, turned))
    floats = photos._replace(pictures=photos.pictures.float() / 127.5 - 1)
    view = view_eyes(correspond(floats, pose), eye_shots(floats), both_eyes_windows(floats))
    picture = paste(floats.pictures[:, 0], view.window, view.picture, view.reach)
    seen = ((picture[0].clamp(-1, 1) + 1) * 127.5).round().byte().permute(1, 2, 0).numpy()
    return Changed(np.ascontiguousarray(seen), turned)


def like(one: Changed, other: Changed) -> Changed:
    """`one` in the light of `other`: the mean and the spread of the face's colours made alike."""
    (middle, spread), (wanted, wanted_spread) = _face_colour(one), _face_colour(other)
    ratio = np.clip(wanted_spread / spread, 0.7, 1.4)
    graded = np.clip((one.picture - middle) * ratio + wanted, 0, 255).astype(np.uint8)
    return one._replace(picture=graded)


def _face_colour(shown: Changed) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    mask = np.zeros(shown.picture.shape[:2], np.uint8)
    outline = cv2.convexHull(shown.landmarks[[1, 3, 5, 8, 11, 13, 15, 24, 19]].astype(np.int32))
    cv2.fillConvexPoly(mask, outline, 1)
    colours = shown.picture[mask > 0].astype(np.float64)
    return colours.mean(0), colours.std(0) + 8


def mirrored(shown: Changed) -> Changed:
    """The picture and its points as in a mirror."""
    points = shown.landmarks[list(ibug68.MIRROR)].copy()
    points[:, 0] = shown.picture.shape[1] - points[:, 0]
    return Changed(np.ascontiguousarray(shown.picture[:, ::-1]), points)


def photos_of(shown: Sequence[Changed]) -> Photos:
    """A batch of one: [1, K, ...]; pictures are bytes."""
    control = control_points(np.stack([one.landmarks for one in shown]))
    size = shown[0].picture.shape[0]
    pictures = torch.from_numpy(np.stack([one.picture for one in shown]).transpose(0, 3, 1, 2).copy())
    scaled = control.unit(size)
    whole = torch.ones(len(shown), 1, 1, 1)
    return Photos(pictures[None], whole[None], *(torch.from_numpy(part)[None] for part in scaled))


def pose_of(shown: Changed) -> Pose:
    """A batch of one."""
    scaled = control_points(shown.landmarks[None]).unit(shown.picture.shape[0])
    return Pose(*(torch.from_numpy(part) for part in scaled))


def pack(photos: Sequence[Changed], truth: Changed, made: bool, say: float = 0.0) -> PairBatch:
    """An item with no batch axis, all pictures of one size and still bytes."""
    shown, pose = photos_of(photos), pose_of(truth)
    target = torch.from_numpy(truth.picture.transpose(2, 0, 1).copy())
    return PairBatch(
        Photos(*(part[0] for part in shown)),
        Pose(*(part[0] for part in pose if part is not None)),
        target,
        torch.tensor(float(made)),
        torch.tensor(say),
    )


def stack(items: Sequence[PairBatch]) -> PairBatch:
    """Items with as many photos each as one batch, still bytes."""
    photos, poses, targets, made, say = zip(*items, strict=True)
    return PairBatch(
        Photos(*(torch.stack(parts) for parts in zip(*photos, strict=True))),
        Pose(*(torch.stack(parts) for parts in zip(*([p for p in pose if p is not None] for pose in poses), strict=True))),
        torch.stack(targets),
        torch.stack(made),
        torch.stack(say),
    )
