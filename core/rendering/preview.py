# SPDX-License-Identifier: GPL-3.0-or-later
"""The head of one frame at once, for eyes alone: coarse while frames come fast, as it is rendered once they rest.

What was opened and worked out stays for the next call, as long as files and settings are the same. What goes round the head
in a take (plate, match, gate) is left out.
"""

from __future__ import annotations

import os
import time
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from ..arrays import Floats
from ..consent import ensure_allowed
from ..imaging import crop
from ..likeness import Likeness
from ..painting.player import Head, Player
from ..painting.role import Role
from ..performance import Performance, performance_from_points
from ..settings import RenderSettings
from ..tracking.retiming import at_rate
from .canvas import MOST, Canvas
from .frames import cut_out, directed, framed

DRAFT_SIDE = 128
"""Side of a draft in pixels: a quarter of the time of 256."""
DRAFT_PHOTOS = 2
REST, LIVE = 0, 1
"""Frames of the performance that a face of the scene is made into."""


class PreviewResult(NamedTuple):
    """The picture on the canvas."""

    side: int
    """of the picture in pixels; 0 where the frame shows no face"""
    crop: tuple[float, ...]
    """centre x, centre y and side of the square that it fills, in plate pixels"""
    width: int
    """of the plate in pixels"""
    height: int
    milliseconds: float
    """that it took"""


class Place(NamedTuple):
    """Where a head lies in a plate."""

    crop: NDArray[np.float64]
    """[3]"""
    width: int
    height: int


class Version(NamedTuple):
    """A file as it was at some time."""

    path: Path
    changed: int
    """nanoseconds; 0 where it is not there"""


def preview(
    likeness: Path,
    canvas: Path,
    drive: dict[str, Any],
    draft: bool,
    settings: RenderSettings,
    require_consent: bool = False,
) -> PreviewResult:
    """Paint the head of one frame onto the canvas: [S, S, 4] premultiplied with its matte, sRGB, from the top row.

    drive: `performance` (a path) and `frame`; or, of a face in the scene, `landmarks` and `rest` [70, 2] and the `width` and
    `height` of the plate: `rest` is the face doing nothing, its head turned alike. Raises HeadcastError for what is missing
    or does not go together, ConsentError where `render` would.
    """
    start = time.perf_counter()
    person = _version(likeness)
    ensure_allowed(_likeness(person).consent, likeness, require_consent)
    if "performance" in drive:
        found = _in_performance(_version(Path(drive["performance"])), drive["frame"], person, draft, settings)
    else:
        found = _of_points(**drive, person=person, draft=draft, settings=settings)
    if found is None:
        return PreviewResult(0, (), 0, 0, _milliseconds(start))
    head, place = found
    picture = _premultiplied(head, settings.opaque)
    Canvas(canvas).write(picture)
    return PreviewResult(len(picture), tuple(place.crop.tolist()), place.width, place.height, _milliseconds(start))


def get_ready(likeness: Path, settings: RenderSettings) -> None:
    """Open what the first draft of a likeness is painted with, and paint one, before anybody waits for it. Raises
    HeadcastError for a likeness that cannot be opened."""
    player = _player(_version(likeness), settings.weights, settings.device, settings.photos, draft=True)
    player.paint(player.landmarks[0])


def _milliseconds(start: float) -> float:
    return (time.perf_counter() - start) * 1000


def _version(path: Path) -> Version:
    try:
        return Version(path, path.stat().st_mtime_ns)
    except OSError:
        return Version(path, 0)


@lru_cache(maxsize=1)
def _likeness(file: Version) -> Likeness:
    return Likeness.load(file.path)


@lru_cache(maxsize=2)
def _player(file: Version, weights: str, device: str, photos: int, draft: bool) -> Player:
    """The draft's and the other."""
    likeness = _likeness(file)
    # Blender draws meanwhile: where every core paints, its window stutters, and the painters wait for one another.
    torch.set_num_threads(max(1, min(torch.get_num_threads(), (os.cpu_count() or 1) - 1)))
    if draft:
        return Player(reduced(likeness, DRAFT_SIDE), weights, device, min(photos, DRAFT_PHOTOS))
    return Player(likeness, weights, device, photos)


def reduced(likeness: Likeness, side: int) -> Likeness:
    """The likeness with crops of `side` pixels and no finer detail; as it is where its crops are no larger."""
    if likeness.size <= side:
        return replace(likeness, fine=None)

    def small(pictures: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return np.stack([cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA) for picture in pictures])

    return replace(
        likeness,
        pictures=small(likeness.pictures),
        mattes=small(likeness.mattes),
        landmarks=likeness.landmarks * np.float32(side / likeness.size),
        fine=None,
    )


def _in_performance(
    file: Version, frame: int, person: Version, draft: bool, settings: RenderSettings
) -> tuple[Head, Place] | None:
    """None for a frame without a face, or outside the performance."""
    performance, _ = _motion(file, person, settings)
    found = np.flatnonzero((performance.frames == frame) & performance.seen)
    if not len(found):
        return None
    at = int(found[0])
    place = Place(performance.crops[at], performance.width, performance.height)
    return _role(file, person, draft, settings).paint(at), place


@lru_cache(maxsize=2)
def _role(file: Version, person: Version, draft: bool, settings: RenderSettings) -> Role:
    """The draft's and the other."""
    performance, wanted = _motion(file, person, settings)
    player = _player(person, settings.weights, settings.device, settings.photos, draft)
    landmarks = crop.to_crop(wanted, performance.crops, player.size)
    return Role(player, landmarks, performance.skin, settings.skin_taken, not settings.relative)


@lru_cache(maxsize=1)
def _motion(file: Version, person: Version, settings: RenderSettings) -> tuple[Performance, Floats]:
    """The performance with its crops, and where the landmarks of all its frames are to be."""
    performance, likeness = at_rate(Performance.load(file.path), settings.rate), _likeness(person)
    return directed(framed(performance.in_square_pixels(), likeness, settings), likeness, settings)


def _of_points(
    landmarks: list[list[float]],
    rest: list[list[float]],
    width: int,
    height: int,
    person: Version,
    draft: bool,
    settings: RenderSettings,
) -> tuple[Head, Place]:
    likeness = _likeness(person)
    points = np.array([rest, landmarks], np.float32)
    crops = crop.head_crops(points, np.ones(len(points), bool), 1.0)
    frames = np.array([REST, LIVE], np.int32)
    performance = performance_from_points(frames, points, crops, (width, height), Fraction(1), "the scene")
    performance = framed(performance, likeness, settings)
    # No other frame says how the head is held at rest: it faces the camera.
    performance, wanted = directed(performance, likeness, replace(settings, neutral=str(REST)), facing=True)
    player = _player(person, settings.weights, settings.device, settings.photos, draft)
    head = player.paint(crop.to_crop(wanted[LIVE], performance.crops[LIVE], player.size))
    return head, Place(performance.crops[LIVE], width, height)


def _premultiplied(head: Head, opaque: bool) -> Floats:
    """[S, S, 4] of no more than a canvas holds."""
    head = head if opaque else cut_out(head)
    matte = (np.ones_like(head.matte) if opaque else head.matte)[..., None]
    picture = np.concatenate([head.picture * matte, matte], axis=-1)
    if len(picture) <= MOST:
        return picture
    return np.asarray(cv2.resize(picture, (MOST, MOST), interpolation=cv2.INTER_AREA))
