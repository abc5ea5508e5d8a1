# SPDX-License-Identifier: GPL-3.0-or-later
"""Landmarks to tracks of the Movie Clip Editor, for artists to track and to correct.

They are tracks of the camera, which is what artists track, not of an object. A track is named as the landmark is for people
("Chin"), and one that bears that name, or the landmark's number ("lm_08"), is used again. Locked tracks are left alone.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import NamedTuple

import bpy
import numpy as np
from numpy.typing import NDArray

from ..core.arrays import Reals
from ..core.landmarks import ibug68
from ..core.landmarks.naming import LANDMARKS, Match, landmark_labels
from ..core.performance import Performance
from ..jobs import Step

PATTERN, SEARCH = 0.2, 0.8
"""Sides of what a track looks for and of where it looks for it, in distances between the eyes..."""
LEAST_PATTERN, LEAST_SEARCH = 11.0, 33.0
"""...and in pixels."""
MOTION_MODEL = "LocRotScale"
"""Heads nod and come nearer. On a rendered face that turns by 17 degrees Blender's tracker erred by a third less than with
its default, the location alone."""
CORNERS = np.array([(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)])
"""In Blender's order."""


class Footage(NamedTuple):
    """A clip's pictures as `core.imaging.read.open_clip` knows them."""

    name: str
    """The page that it opens"""
    first: int
    """Its number for what the clip's frame 1 shows, movies counted from 1"""


class MarkerSquares(NamedTuple):
    """A marker's squares: from 0 to 1 of the clip, round its place."""

    pattern: list[list[float]]
    search: list[list[float]]
    """The corners at the bottom left and at the top right"""


def footage_of(clip: bpy.types.MovieClip) -> Footage:
    """Where the clip's pictures are. Only pictures of the same sequence count, though others lie in the folder."""
    path = Path(bpy.path.abspath(clip.filepath, library=clip.library))
    digits = list(re.finditer(r"\d+", path.stem))
    if clip.source == "MOVIE":
        return Footage(str(path), 1 + clip.frame_offset)
    if not digits:
        return Footage(str(path), 1)
    start, end = digits[-1].span()
    name = str(path.with_name(path.stem[:start] + "#" * (end - start) + path.name[end:]))
    return Footage(name, int(digits[-1].group()) + clip.frame_offset)


def place_tracks(
    clip: bpy.types.MovieClip, frame: int, landmarks: Reals, size: tuple[int, int], chosen: Sequence[int]
) -> list[Match]:
    """Put the `chosen` of `landmarks` [70, 2] (pixels of a picture of `size`) on the clip's `frame`, and return the tracks.

    They alone are selected then, ready to be tracked.
    """
    squares = _squares(landmarks[None], size)
    places = _places(landmarks, size)
    free = _free_tracks(clip, frame, chosen)
    for track in clip.tracking.tracks:
        track.select = False
    for number, track in free:
        track.select = True
        _mark(track, frame, places[number], squares)
    return [Match(track.name, LANDMARKS[number]) for number, track in free]


def write_tracks(
    clip: bpy.types.MovieClip, performance: Performance, first: int, chosen: Sequence[int]
) -> Generator[Step, None, list[Match]]:
    """Write the `chosen` landmarks of a performance of the clip's footage as tracks, which it returns.

    first: the performance's number for the clip's frame 1. Each frame with a face has a marker; other markers of these
    tracks go. As Blender does, a marker that is off stands beside each run, lest it be shown in the gap. Markers count as
    tracked, not as keyed, so that those which an artist moves stand out.
    """
    frames = performance.frames - (first - 1)
    at = performance.seen & (frames >= 1) & (frames <= clip.frame_duration)
    there = frames[at].tolist()
    if not there:
        return []
    size = performance.width, performance.height
    squares = _squares(performance.landmarks[at], size)
    places = _places(performance.landmarks[at], size)
    free = _free_tracks(clip, there[0], chosen)
    for done, (number, track) in enumerate(free):
        yield "write tracks", done, len(free)
        for frame, place in zip(there, places[:, number], strict=True):
            _mark(track, frame, place, squares).is_keyed = False
        _clear_gaps(track, set(there))
    return [Match(track.name, LANDMARKS[number]) for number, track in free]


def _free_tracks(
    clip: bpy.types.MovieClip, frame: int, chosen: Sequence[int]
) -> list[tuple[int, bpy.types.MovieTrackingTrack]]:
    """The tracks of the landmarks that are not locked; a new one where there is none, which begins at `frame`."""
    tracks = clip.tracking.tracks
    found = []
    for number in chosen:
        label = landmark_labels()[number]
        track = tracks.get(label) or tracks.get(LANDMARKS[number])
        if track is None:
            track = tracks.new(name=label, frame=frame)
            track.motion_model = MOTION_MODEL
        if not track.lock:
            found.append((number, track))
    return found


def _places(landmarks: Reals, size: tuple[int, int]) -> NDArray[np.float64]:
    """Pixels [..., 2] from the top left corner as Blender's 0 to 1 from the bottom left one."""
    return np.array([0.0, 1.0]) + np.array([1.0, -1.0]) * landmarks / size


def _squares(landmarks: Reals, size: tuple[int, int]) -> MarkerSquares:
    """As the size of a face asks for, in `landmarks` [F, 70, 2]."""
    eyes = [landmarks[:, eye].mean(axis=1) for eye in (ibug68.RIGHT_EYE, ibug68.LEFT_EYE)]
    apart = float(np.median(np.linalg.norm(eyes[1] - eyes[0], axis=-1)))
    pattern = CORNERS * max(PATTERN * apart, LEAST_PATTERN) / size
    search = CORNERS[[0, 2]] * max(SEARCH * apart, LEAST_SEARCH) / size
    return MarkerSquares(pattern.tolist(), search.tolist())


def _mark(
    track: bpy.types.MovieTrackingTrack, frame: int, place: NDArray[np.float64], squares: MarkerSquares
) -> bpy.types.MovieTrackingMarker:
    """A marker, replacing one that may be there. Only good until the next one: Blender moves them."""
    marker = track.markers.insert_frame(frame, co=place - np.array(track.offset))
    marker.pattern_corners = squares.pattern
    marker.search_min, marker.search_max = squares.search
    return marker


def _clear_gaps(track: bpy.types.MovieTrackingTrack, there: set[int]) -> None:
    """Leave markers on the frames that are `there`, and ones that are off beside each run of them."""
    for frame in [marker.frame for marker in track.markers if marker.frame not in there]:
        track.markers.delete_frame(frame)
    for frame in sorted({frame + step for frame in there for step in (-1, 1)} - there):
        nearest = frame - 1 if frame - 1 in there else frame + 1
        track.markers.insert_frame(frame, co=track.markers.find_frame(nearest).co).mute = True
