# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of one face compared: bent by landmarks to another picture of it, how far is each place still off?

Frames of footage are compared with a few of their own shot (`tracking.skin`), and photos of the actor with the same.
"""

from __future__ import annotations

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from ..arrays import Bytes, Floats
from ..imaging.crop import to_crop
from ..imaging.optical_flow import optical_flow
from ..imaging.resample import cut
from ..landmarks.head import fit_pose
from ..network.bending import bent_faces, correspond
from ..network.closeup import FACE_MIDDLE, FACE_SIDE, sample
from ..network.shots import Photos, Pose
from ..network.skin import lying
from ..skin import SKIN_STEPS, References
from .feed import feed_photos, feed_pose
from .player import known_flow

GRID, SIDE = 64, 192
"""Places a side in the face's window, of what is found; pixels a side in which pictures are compared."""
NEAR = 2.0
"""Places of the grid over which it is looked at how far pictures agree, and over which the face ends."""
LEAST_SHARE = 1e-3
"""Of places nearby, so few are none."""
TINY = 1e-9
BEYOND = 5
"""Places by which a face is larger than its landmarks' hull: if it ended there, mouths would gain a sixth less."""
FOREHEAD, FARTHEST = 0.3, 0.05
"""Half windows: how far a face goes above its brows, and how far skin moves at most; 99 of 100 places stay within .045."""
CROP, ROOM = 256, 1.3
"""Pixels of the crop of a face that is compared; its side in sides of the window. Splines are pinned to the crop's edges, so
all faces have to be cut alike."""
CPU = torch.device("cpu")


def close_up(picture: Bytes, face: Floats) -> tuple[Bytes, Floats]:
    """[CROP, CROP] the face of `picture` [H, W, 3], grey, however the head is held; and its landmarks there, of `face`
    [70, 2] in the picture's pixels."""
    side = FACE_SIDE * ROOM * fit_pose(face[None]).scale[0]
    where = np.array([*face[list(FACE_MIDDLE)].mean(axis=0), side], np.float64)
    return np.asarray(cv2.cvtColor(cut(picture, where, CROP), cv2.COLOR_RGB2GRAY), np.uint8), to_crop(face, where, CROP)


def references_of(pictures: Bytes, landmarks: Floats) -> Photos:
    """R grey pictures [R, S, S] with landmarks [R, 70, 2] in their pixels, to be compared with others."""
    return feed_photos(pictures[..., None], np.full(pictures.shape, 255, np.uint8), landmarks, CPU)


@torch.inference_mode()
def how_far_off(references: Photos, picture: Bytes, pose: Pose) -> NDArray[np.float16]:
    """[R, 2, GRID, GRID] half windows: how far places of `picture` [CROP, CROP], a `close_up` in this `pose`, still lie off
    in each reference that is bent to it."""
    shown, window = bent_faces(correspond(references, pose, known_flow()), SIDE)
    wanted = sample(torch.from_numpy(picture)[None, None].float() / 127.5 - 1, window.grid(SIDE))[0, 0].numpy()
    flows = [optical_flow(wanted, one) * (2 / SIDE) for one in shown[0, :, 0].numpy()]
    small = [cv2.resize(flow, (GRID, GRID), interpolation=cv2.INTER_AREA) for flow in flows]
    return np.stack(small).transpose(0, 3, 1, 2).astype(np.float16)


def skin_of(off: Floats, face: Floats) -> Floats:
    """[2, GRID, GRID] how the skin of a face lies, in SKIN_STEPS, whose landmarks [70, 2] lie so in its window.

    off: [R, 2, GRID, GRID] half windows, `how_far_off` it is in each reference, less the same in the mean over the shot.
    """
    skin = off.mean(0)
    # Of a mean of few, part is chance: so much of its square as their spread says (Wiener's filter).
    chance = np.square(off - skin).sum((0, 1)) / (len(off) * max(len(off) - 1, 1))
    length, chance = (cv2.GaussianBlur(field, (0, 0), NEAR) for field in (np.square(skin).sum(0), chance))
    agreed = skin * np.clip(1 - chance / np.maximum(length, TINY), 0, 1) * _within(face)
    return np.asarray(agreed.clip(-FARTHEST, FARTHEST) * SKIN_STEPS, np.float32)


def _inside(face: Floats) -> Floats:
    """[GRID, GRID] 1 in the hull of a face whose landmarks [70, 2] lie so in its window, 0 beside it."""
    brow = face[17:27] - np.array([0, FOREHEAD], np.float32)
    hull = cv2.convexHull(((np.concatenate([face, brow]) + 1) * (GRID / 2) - 0.5).round().astype(np.int32))
    return np.asarray(cv2.fillConvexPoly(np.zeros((GRID, GRID), np.float32), hull, 1.0), np.float32)


def _within(face: Floats) -> Floats:
    """[GRID, GRID] 1 on that face and a little beyond, 0 farther off, softly."""
    round_it = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * BEYOND + 1, 2 * BEYOND + 1))
    return cv2.GaussianBlur(cv2.dilate(_inside(face), round_it), (0, 0), NEAR)


def _of_the_face(skin: Floats, face: Floats) -> Floats:
    """`skin` [2, GRID, GRID] of a photo, whose background is not the footage's: beside the face, and wherever it moves too
    far, as it moves in the face nearby."""
    known = _inside(face) * (np.hypot(*skin) < FARTHEST * SKIN_STEPS)
    share = np.maximum(cv2.GaussianBlur(known, (0, 0), NEAR), LEAST_SHARE)
    nearby = np.stack([cv2.GaussianBlur(part * known, (0, 0), NEAR) for part in skin]) / share
    return np.asarray(np.where(known > 0, skin, nearby * _within(face)), np.float32)


def compare(pictures: Bytes, faces: Floats, references: References) -> tuple[Floats, Floats]:
    """How the skin lies in K photos, [K, 2, GRID, GRID] in SKIN_STEPS, against the mean of the shot that the references are
    of; and how far off their faces are, [K] half windows in the mean.

    pictures: [K, S, S, 3]; faces: their landmarks [K, 70, 2], in pixels.
    """
    against, own = references_of(references.pictures, references.landmarks), references.off / np.float32(SKIN_STEPS)
    skins, lengths = [], []
    for picture, face in zip(pictures, faces, strict=True):
        grey, points = close_up(picture, face)
        pose = feed_pose(points[None], CROP, 0, CPU)
        off = how_far_off(against, grey, pose).astype(np.float32)
        place = lying(pose.points, pose.projection)[0].numpy()
        skins.append(_of_the_face(skin_of(off - own, place), place))
        lengths.append(np.hypot(*off.swapaxes(0, 1))[:, _within(place) > 0.5].mean())
    return np.stack(skins), np.array(lengths, np.float32)
