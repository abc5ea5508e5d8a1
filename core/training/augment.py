# SPDX-License-Identifier: GPL-3.0-or-later
"""Augmentation, from clean heads to footage: frame, background, grade, camera, occluders, unsteady landmarks.

What an edit or a camera does to a clip is the same in all its frames; a source's own share of it is small, and rare. Every
function takes some frames of one clip and a generator of random numbers. Strengths were chosen by eye, on contact sheets.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from ..arrays import Bytes, Floats
from ..landmarks import ibug68
from ..learning.made import Random

OWN = 0.5
"""How often a source has something of its own: a small shift, a slightly different grade."""
OCCLUDED, ROUGH = 0.1, 0.5
"""How often a source has something before it, and a matte less exact than a render's."""
SCALE, SHIFT, ROLL = 0.12, 0.06, np.radians(8.0)
"""Largest affine jitter; the shift is a fraction of the picture."""
CLOSE, CLOSEST = 0.7, 2.5
"""How often the crop goes closer to mouth or eyes, and how much at most: whole heads in small pictures show no teeth."""
NOISY = 0.1
"""How often sources have a camera's noise, and how often JPEG's. It is rare, for a painter that is to take it away learns to
smooth, and smooths clean photos too: with 0.6 real mouths got worse by as much as they now get better."""
OWN_JITTER, OWN_GRADE = 0.4, 0.2
"""A source's own share, as a part of what is done to the clip."""
BIAS, FLUTTER, POINT_NOISE = 0.012, 0.006, 0.006
"""Standard deviations of a detector's error over the eye distance: of a feature in the whole clip, of a feature in one
frame, of a point in one frame."""
FEATURES = (
    ibug68.JAW,
    ibug68.RIGHT_BROW,
    ibug68.LEFT_BROW,
    range(ibug68.NOSE_BRIDGE.start, ibug68.NOSTRILS.stop),
    ibug68.RIGHT_EYE,
    ibug68.LEFT_EYE,
    range(ibug68.OUTER_LIPS.start, ibug68.INNER_LIPS.stop),
    ibug68.PUPILS,
)
"""Groups of landmarks that a detector moves together when it errs."""


class Shots(NamedTuple):
    """N frames of one clip: the sources, and last the target."""

    pictures: Bytes
    """[N, S, S, 3] sRGB"""
    mattes: Bytes
    """[N, S, S]"""
    landmarks: Floats
    """[N, 70, 2] pixels"""


def augment(shots: Shots, size: int, random: Random) -> Shots:
    """Everything but the background and the landmarks' noise, which need more than the frames; pictures at `size`."""
    return camera(grade(occlude(rough_mattes(reframe(shots, size, random), random), random), random), random)


def reframe(shots: Shots, size: int, random: Random) -> Shots:
    """Mirrored or not, closer or not; then one shift, scale and turn for all frames, at times small ones of a source's own.

    Half of the items follow the head more or less, as the crops of footage do: then it is the background that moves.
    """
    shared, faces = _jitter(random, 1.0), shots.landmarks / shots.pictures.shape[1]
    if random.random() < 0.5:
        shared = shared @ np.array([[-1.0, 0.0, 1.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
        shots = shots._replace(landmarks=shots.landmarks[:, ibug68.MIRROR])
    own = [_jitter(random, OWN_JITTER) if random.random() < OWN else np.eye(3) for _ in shots.pictures[1:]]
    middles = faces[:, ibug68.NOSE_BRIDGE].mean(axis=1)
    follow = max(random.uniform(-1, 1), 0.0) * (middles.mean(axis=0) - middles)
    shared = shared @ _closer(faces[-1] + follow[-1], random)
    matrices = [shared @ _shift(by) @ matrix for by, matrix in zip(follow, (*own, np.eye(3)), strict=True)]
    return resize_shots(shots, size, matrices)


def _closer(face: NDArray[np.floating], random: Random) -> NDArray[np.float64]:
    """[3, 3] by chance a zoom of the unit square to between mouth and eyes of the `face` [70, 2]."""
    zoom = CLOSEST ** random.random() if random.random() < CLOSE else 1.0
    between = random.random()
    middle = between * face[ibug68.OUTER_LIPS].mean(axis=0) + (1 - between) * face[ibug68.PUPILS].mean(axis=0)
    aim = 0.5 + (middle - 0.5) * min(1.0, 2 * (zoom - 1))
    matrix = np.diag([zoom, zoom, 1.0])
    matrix[:2, 2] = 0.5 - zoom * aim
    return matrix


def _shift(by: NDArray[np.floating]) -> NDArray[np.float64]:
    """[3, 3] a shift of the unit square."""
    matrix = np.eye(3)
    matrix[:2, 2] = by
    return matrix


def _jitter(random: Random, strength: float) -> NDArray[np.float64]:
    """[3, 3] a similarity of the unit square that leaves its centre nearly where it was."""
    scale = 1 + strength * random.uniform(-SCALE, SCALE)
    roll = strength * random.uniform(-ROLL, ROLL)
    turn = scale * np.array([[np.cos(roll), -np.sin(roll)], [np.sin(roll), np.cos(roll)]])
    matrix = np.eye(3)
    matrix[:2, :2] = turn
    matrix[:2, 2] = 0.5 - turn @ (0.5, 0.5) + strength * random.uniform(-SHIFT, SHIFT, 2)
    return matrix


def resize_shots(shots: Shots, size: int, matrices: list[NDArray[np.float64]] | None = None) -> Shots:
    """The frames at `size`, each under its matrix [3, 3] of the unit square; beyond the edge, the edge repeats."""
    side = shots.pictures.shape[1]
    matrices = matrices or [np.eye(3)] * len(shots.pictures)
    points = np.concatenate([shots.landmarks / side, np.ones_like(shots.landmarks[..., :1])], axis=-1)
    return Shots(
        np.stack([_warp(picture, matrix, size) for picture, matrix in zip(shots.pictures, matrices, strict=True)]),
        np.stack([_warp(matte, matrix, size) for matte, matrix in zip(shots.mattes, matrices, strict=True)]),
        np.stack([(p @ m.T)[:, :2] * size for p, m in zip(points, matrices, strict=True)]).astype(np.float32),
    )


def _warp(picture: Bytes, matrix: NDArray[np.float64], size: int) -> Bytes:
    side = picture.shape[0]
    # Between pixel centres, as OpenCV counts them.
    inward = np.array([[1 / side, 0.0, 0.5 / side], [0.0, 1 / side, 0.5 / side], [0.0, 0.0, 1.0]])
    outward = np.array([[size, 0.0, -0.5], [0.0, size, -0.5], [0.0, 0.0, 1.0]])
    shrink = side / size / np.sqrt(abs(np.linalg.det(matrix[:2, :2])))
    if shrink > 1.0:
        # Detail finer than the smaller grid would alias: blur it away first.
        picture = cv2.GaussianBlur(picture, (0, 0), max(0.5 * float(np.sqrt(shrink**2 - 1.0)), 0.05))
    mode = cv2.INTER_LINEAR if shrink > 1.0 else cv2.INTER_CUBIC
    whole = (outward @ matrix @ inward)[:2]
    return np.asarray(cv2.warpAffine(picture, whole, (size, size), flags=mode, borderMode=cv2.BORDER_REPLICATE), np.uint8)


def swap_background(pictures: Bytes, alphas: Bytes, old: Bytes, new: Bytes) -> Bytes:
    """pictures [N, S, S, 3] with `new` [S, S, 3] where they showed `old` by 1 - alphas [N, S, S]."""
    behind = (255 - alphas[..., None]).astype(np.int32)
    gap = new.astype(np.int32) - old
    return np.clip(pictures + (behind * gap + 127) // 255, 0, 255).astype(np.uint8)


def procedural_background(size: int, random: Random) -> Bytes:
    """[size, size, 3] random colours on a coarse grid, smoothed: from a gradient to blotches as of a room out of focus."""
    cells = int(random.choice((2, 3, 5, 9)))
    middle = random.uniform(20, 235) + random.uniform(-40, 40, 3)
    # Rooms differ in light more than in colour.
    blotches = random.uniform(-1, 1, (cells, cells, 1)) + 0.4 * random.uniform(-1, 1, (cells, cells, 3))
    colours = np.clip(middle + random.uniform(5, 100) * blotches, 0, 255)
    return np.asarray(cv2.resize(colours.astype(np.uint8), (size, size), interpolation=cv2.INTER_CUBIC), np.uint8)


def rough_mattes(shots: Shots, random: Random) -> Shots:
    """At times the sources' mattes are rough: their outline wanders off by up to a twentieth of the picture."""
    mattes = shots.mattes.copy()
    size = mattes.shape[1]
    for i in range(len(mattes) - 1):
        if random.random() < ROUGH:
            soft = cv2.GaussianBlur(mattes[i].astype(np.float32) / 255, (0, 0), random.uniform(0.005, 0.03) * size)
            cells = int(random.integers(3, 10))
            wander = cv2.resize(random.normal(0, 0.2, (cells, cells)).astype(np.float32), (size, size))
            mattes[i] = np.clip((soft + wander - 0.5) * random.uniform(3, 15) + 0.5, 0, 1) * 255
    return shots._replace(mattes=mattes)


def occlude(shots: Shots, random: Random) -> Shots:
    """At times something before a source's head: an ellipse that hides part of it. Never before the target."""
    pictures = shots.pictures.copy()
    size = pictures.shape[1]
    for i in range(len(pictures) - 1):
        if random.random() < OCCLUDED:
            mask = np.zeros((size, size), np.float32)
            centre = shots.landmarks[i, random.integers(ibug68.COUNT)] + random.normal(0, 0.08 * size, 2)
            axes = random.uniform(0.05, 0.2, 2) * size
            cv2.ellipse(
                mask, (tuple(map(float, centre)), tuple(map(float, 2 * axes)), float(random.uniform(0, 180))), 1.0, -1
            )
            mask = cv2.GaussianBlur(mask, (0, 0), 0.008 * size)[..., None]
            pictures[i] = pictures[i] * (1 - mask) + procedural_background(size, random) * mask
    return shots._replace(pictures=pictures)


def grade(shots: Shots, random: Random) -> Shots:
    """Exposure, white balance, gamma, contrast and saturation of the clip; at times a source's differ a little."""
    shared = random.uniform(-1, 1, 6) * random.random()
    graded = []
    for i, picture in enumerate(shots.pictures):
        own = i < len(shots.pictures) - 1 and random.random() < OWN
        graded.append(_graded(picture, shared + own * OWN_GRADE * random.uniform(-1, 1, 6)))
    return shots._replace(pictures=np.stack(graded))


def _graded(picture: Bytes, amount: NDArray[np.float64]) -> Bytes:
    """`amount` [6], about -1 to 1: exposure, red, blue, gamma, contrast, saturation."""
    exposure, red, blue, gamma, contrast, saturation = amount
    gain = 1.35**exposure * np.array([1.15**red, 1.0, 1.15**blue])
    curve = np.clip(np.arange(256)[:, None] / 255 * gain, 0, 1) ** 1.35**gamma
    curve = np.clip(0.5 + (curve - 0.5) * 1.25**contrast, 0, 1)
    strength = 1.4**saturation
    grey = np.tile((0.2126, 0.7152, 0.0722), (3, 1))
    mixed = cv2.transform(picture, grey + strength * (np.eye(3) - grey))
    return np.asarray(cv2.LUT(mixed, np.round(curve * 255).astype(np.uint8)[None]), np.uint8)


def camera(shots: Shots, random: Random) -> Shots:
    """Lens blur and a coarser sensor, the same for all frames; noise and JPEG on the sources alone, for nobody wants those
    painted, and no network can foresee them.
    """
    size = shots.pictures.shape[1]
    blur = random.uniform(0.3, 1.2) * size / 256 if random.random() < 0.4 else 0.0
    shrunk = round(size / random.uniform(1.0, 2.0)) if random.random() < 0.4 else size
    noise = random.uniform(1.0, 8.0) if random.random() < NOISY else 0.0
    quality = int(random.integers(40, 96)) if random.random() < NOISY else 0
    taken = []
    for i, picture in enumerate(shots.pictures):
        source = i < len(shots.pictures) - 1
        if blur:
            picture = cv2.GaussianBlur(picture, (0, 0), blur)
        if shrunk < size:
            picture = cv2.resize(picture, (shrunk, shrunk), interpolation=cv2.INTER_AREA)
        if noise and source:
            grain = random.standard_normal(picture.shape, np.float32)
            picture = np.clip(picture + noise * grain + 0.5, 0, 255).astype(np.uint8)
        if quality and source:
            content = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
            picture = cv2.imdecode(content, cv2.IMREAD_COLOR)[..., ::-1]
        if shrunk < size:
            picture = cv2.resize(picture, (size, size), interpolation=cv2.INTER_CUBIC)
        taken.append(picture)
    return shots._replace(pictures=np.stack(taken))


def unsteady(landmarks: Floats, random: Random) -> Floats:
    """Exact landmarks [N, 70, 2] of one clip as a detector might have seen them: features err together, points a little."""
    eyes = np.linalg.norm(landmarks[:, 42:48].mean(axis=1) - landmarks[:, 36:42].mean(axis=1), axis=-1)
    error = random.normal(0, POINT_NOISE, landmarks.shape)
    for feature in FEATURES:
        error[:, list(feature)] += random.normal(0, BIAS, 2) + random.normal(0, FLUTTER, (len(landmarks), 1, 2))
    return (landmarks + error * eyes[:, None, None]).astype(np.float32)
