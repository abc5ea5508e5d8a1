# SPDX-License-Identifier: GPL-3.0-or-later
"""Tracks of the Movie Clip Editor to a Performance.

Its frames are the scene's, so that a take lies under the clip on the timeline: the clip's frame 1 is the scene's frame
`clip.frame_start`, whatever number its file bears. Plates from 1001 keep their numbers where the clip starts at 1001. The
clip's `frame_offset` moves the footage below its tracks, and Blender's markers and we stay where we are.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from fractions import Fraction
from typing import NamedTuple, TypeVar

import bpy
import numpy as np
from numpy.typing import NDArray

from ..core.arrays import Doubles
from ..core.errors import EmptyClipError, NoFaceError, RigError
from ..core.imaging.crop import crops_of_shots
from ..core.landmarks import ibug68
from ..core.landmarks.fitting import complete
from ..core.landmarks.naming import LANDMARKS, Match, landmark_labels, track_presets
from ..core.listing import shortened, stretches
from ..core.performance import Performance, performance_from_points
from ..jobs import Step
from .timing import clip_rate

MOST_SPARSE = 8
"""As many landmarks at least say where a face is."""
NEEDED = ((*ibug68.RIGHT_EYE, *ibug68.LEFT_EYE), (*ibug68.NOSE_BRIDGE, *ibug68.NOSTRILS, *ibug68.OUTER_LIPS))
"""One of each is among them: the eyes; nose or mouth."""
NEEDED_TEXT = f"at least {MOST_SPARSE} landmarks, eyes and nose or mouth among them"
PAUSE = 0.005
"""Seconds to wait for the fit at a time."""

Result = TypeVar("Result")


class Share(NamedTuple):
    """A track's part in a landmark."""

    places: Doubles
    """[F, 2] from 0 to 1, from the bottom left corner; NaN where the track has no marker"""
    weight: float


def track_names(clip: bpy.types.MovieClip) -> dict[str, bpy.types.MovieTrackingTrack]:
    """Every track of the clip by the name that a match gives it: its own, or "Object/track" for the track of an object
    whose name another track has too."""
    objects = sorted(clip.tracking.objects, key=lambda item: not item.is_camera)
    times = Counter(track.name for item in objects for track in item.tracks)
    return {
        track.name if item.is_camera or times[track.name] == 1 else f"{item.name}/{track.name}": track
        for item in objects
        for track in item.tracks
    }


def read_tracks(
    scene: bpy.types.Scene, clip: bpy.types.MovieClip, matches: Sequence[Match]
) -> Generator[Step, None, Performance]:
    """The face that the clip's tracks follow, in every frame of the clip, in pixels of the clip. Yields what it does.

    A landmark is seen where every track that makes it has a marker; the face model puts the others. Frames with too few
    are gaps, which a note names. Raises RigError where too few landmarks have a track, NoFaceError where too few are seen in
    every frame, EmptyClipError where Blender cannot read the clip.
    """
    width, height = clip.size
    frames, rate = clip.frame_duration, clip_rate(clip, scene)
    if not (frames and width and height):
        raise EmptyClipError(f"Blender cannot read the clip {clip.name}", "Choose its file anew in the Movie Clip Editor")
    tracks = track_names(clip)
    absent = sorted({match.source for match in matches} - tracks.keys())
    if absent:
        yield f"{clip.name} has no track {shortened(absent)}: passed over"
    places = _places(tracks, matches, frames)
    aspect = Fraction(clip.tracking.camera.pixel_aspect).limit_denominator(1000)
    landmarks = np.stack([places[..., 0] * float(width * aspect), (1.0 - places[..., 1]) * height], axis=-1)
    known = np.isfinite(places).all(axis=-1)
    _check_assigned(clip.name, {match.target for match in matches if match.source in tracks})
    seen = _enough(known)
    numbers = np.arange(frames, dtype=np.int32) + clip.frame_start
    if not seen.any():
        raise NoFaceError(f"No frame of {clip.name} has {NEEDED_TEXT}", "Track them over the same frames")
    if not seen.all():
        gaps = f"{int((~seen).sum())} of {frames} frames of {clip.name} are marked as gaps"
        yield f"{gaps} ({stretches(numbers, ~seen)}): they have less than {NEEDED_TEXT}"
    whole, crops = yield from _beside_blender(lambda: _completed(landmarks, seen, float(rate)))
    size = round(width * aspect), height
    performance = performance_from_points(numbers, whole, crops, size, rate, f"tracks of '{clip.name}'")
    return performance.in_pixels_of(aspect, width)


def _places(tracks: Mapping[str, bpy.types.MovieTrackingTrack], matches: Iterable[Match], frames: int) -> Doubles:
    """[F, 70, 2] where the landmarks are, from 0 to 1, from the bottom left corner; NaN where nobody says."""
    shares: dict[str, list[Share]] = defaultdict(list)
    for match in matches:
        if match.source in tracks and match.weight > 0:
            shares[match.target].append(Share(_marked(tracks[match.source], frames), match.weight))
    places = np.full((frames, ibug68.COUNT, 2), np.nan)
    for target, parts in shares.items():
        weights = np.array([part.weight for part in parts])
        places[:, LANDMARKS.index(target)] = np.average([part.places for part in parts], axis=0, weights=weights)
    return places


def _marked(track: bpy.types.MovieTrackingTrack, frames: int) -> Doubles:
    """[F, 2] where the track's point is in the clip's frames 1 to F. A marker that is off counts as none, as for Blender."""
    count = len(track.markers)
    at, off, places = np.empty(count, np.int32), np.empty(count, bool), np.empty(count * 2, np.float32)
    track.markers.foreach_get("frame", at)
    track.markers.foreach_get("mute", off)
    track.markers.foreach_get("co", places)
    there = ~off & (at >= 1) & (at <= frames)
    marked = np.full((frames, 2), np.nan)
    # An offset track looks elsewhere (`co`), and still means the point that it was set on.
    marked[at[there] - 1] = places.reshape(-1, 2)[there] + np.array(track.offset)
    return marked


def _enough(known: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """[F] whether the landmarks that are `known` [F, 70] say where a face is."""
    enough = known.sum(axis=1) >= MOST_SPARSE
    for group in NEEDED:
        enough &= known[:, list(group)].any(axis=1)
    return enough


def _check_assigned(clip: str, targets: set[str]) -> None:
    assigned = np.array([landmark in targets for landmark in LANDMARKS])
    if not _enough(assigned[None])[0]:
        fewest = min(track_presets().values(), key=len)
        lacking = [landmark_labels()[i] for i in fewest if not assigned[i]]
        raise RigError(
            f"{int(assigned.sum())} landmarks have a track of {clip}, which is too few for a face",
            f"Assign tracks to {NEEDED_TEXT}, such as: {'; '.join(lacking)}",
        )


def _completed(landmarks: Doubles, seen: NDArray[np.bool_], rate: float) -> tuple[NDArray[np.float32], Doubles]:
    """Landmarks [F, 70, 2] of the frames that are `seen` [F], the missing ones put by the face model, and crops [F, 3]."""
    whole = np.full(landmarks.shape, np.nan, np.float32)
    whole[seen] = complete(landmarks[seen])
    return whole, crops_of_shots(whole, seen, rate)


def _beside_blender(work: Callable[[], Result]) -> Generator[Step, None, Result]:
    """What `work` returns, which goes on in a thread: it may take 2 ms a frame, and it touches nothing of Blender's."""
    pool = ThreadPoolExecutor(1)
    try:
        running = pool.submit(work)
        while not running.done():
            yield "fit the face", 0, 1
            wait([running], PAUSE)
        return running.result()
    finally:
        pool.shutdown(wait=False)
