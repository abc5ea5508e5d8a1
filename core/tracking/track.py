# SPDX-License-Identifier: GPL-3.0-or-later
"""From a clip to a Performance: faces are found in each frame, one is followed and steadied, a crop goes round the head."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..arrays import Picture
from ..errors import EmptyClipError
from ..files import ensure_writable
from ..imaging import crop, resample
from ..imaging.read import Clip, open_clip
from ..imaging.shots import CutFinder
from ..landmarks import arkit, ibug68
from ..landmarks.detectors import Detector, Face, open_detector
from ..landmarks.smoothing import smooth_expression, smooth_landmarks, tremble
from ..landmarks.trust import LOW, belief_by_looks, belief_by_turn
from ..listing import shortened, stretches
from ..performance import Performance, performance_from_points
from ..progress import Reporter
from ..settings import TrackSettings
from .following import GAP_SECONDS, Choice, Click, ShotTracks, follow, link, parse_face
from .searching import QUICK, find_faces
from .skin import measure_skin

PATIENCE = 24
"""Frames without a face that are searched in squares one by one; then every so many."""
CLOSE_UP = 1.8
"""Side of the square in which a face is looked at again, in sizes of the face."""


def track(clip_name: str, output: Path, settings: TrackSettings, reporter: Reporter) -> Performance:
    """Follow one face through a clip and save its Performance; what was done is noted.

    Raises EmptyClipError, NoFaceError, UnreadableImageError, UnwritableError, SettingError for a face, a rate or a colour
    space that is none, MissingPackageError and MissingWeightsError.
    """
    ensure_writable(output)
    click = parse_face(settings.face)
    clip = open_clip(clip_name, settings.first, settings.rate, settings.colour_space, settings.layer)
    if clip.note:
        reporter.note(f"{clip_name}: {clip.note}")
    with closing(open_detector(settings.detector, settings.device)) as detector:
        watched = watch(clip, detector, settings, reporter)
    choices = follow(watched.shots, click, clip.rate)
    faces = watched.faces_of(choices)
    landmarks = np.stack([face.landmarks if face else np.full((ibug68.COUNT, 2), np.nan, np.float32) for face in faces])
    expression = np.array([_expression(face) for face in faces], np.float32)
    confidence = np.array([face.confidence if face else 0.0 for face in faces], np.float32)
    _note_choices(watched, choices, click, clip_name, reporter)
    _note_frames(watched, confidence, clip_name, reporter)

    runs, rate = watched.runs(confidence > 0), float(clip.rate) / watched.step
    smooth = smooth_landmarks(landmarks, runs, rate, settings.smoothing)
    if smooth is not landmarks:
        before, after = tremble(landmarks, runs), tremble(smooth, runs)
        reporter.note(
            f"smoothed by {settings.smoothing:g}: the points tremble by {after:.2f} pixels, before by {before:.2f}"
        )
    performance = performance_from_points(
        np.array(watched.numbers, np.int32),
        smooth,
        _crops(watched, smooth, confidence > 0, rate, settings.crop),
        watched.size,
        clip.rate,
        Path(clip_name).name,
        confidence,
        smooth_expression(expression, runs, rate, settings.smoothing),
    )
    if settings.skin == "measured":
        frames = clip.frames(exposed=True)
        performance = replace(performance, skin=measure_skin(frames, performance.landmarks, watched.starts, reporter))
    performance = performance.in_pixels_of(clip.pixel_aspect, clip.width)
    performance.save(output)
    return performance


@dataclass
class TrackedClip:
    """All faces of a clip of F frames."""

    size: tuple[int, int] = (0, 0)
    """Width and height of the pictures."""
    numbers: list[int] = field(default_factory=list)
    """[F] of the clip's frames"""
    shots: list[ShotTracks] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    """of each shot: its first frame, counted from 0"""
    crowded: int = 0
    """frames that show several faces"""

    def faces_of(self, choices: Sequence[Choice]) -> list[Face | None]:
        """[F] the faces of who was chosen."""
        found: dict[int, Face] = {}
        for choice in choices:
            if choice.person:
                found.update(zip(choice.person.numbers, choice.person.faces, strict=True))
        return [found.get(number) for number in self.numbers]

    @property
    def step(self) -> float:
        """From one picture's number to the next: 6 where every sixth of the clip is there."""
        return float(np.median(np.diff(self.numbers))) if len(self.numbers) > 1 else 1.0

    def runs(self, seen: NDArray[np.bool_]) -> list[slice]:
        """The stretches of frames with a face that no gap, no cut and no missing picture interrupts."""
        steps = np.diff(self.numbers)
        apart = np.ones(len(self.numbers), bool)
        apart[1:] = steps > self.step
        apart[self.starts] = True
        apart[1:] |= ~seen[:-1]
        begins = np.flatnonzero(apart & seen)
        ends = np.flatnonzero(np.append(apart | ~seen, True))
        return [slice(int(begin), int(ends[np.searchsorted(ends, begin, side="right")])) for begin in begins]


def watch(clip: Clip, detector: Detector, settings: TrackSettings, reporter: Reporter) -> TrackedClip:
    """Look at every picture once, and at each face in it again in a close-up. Raises EmptyClipError at no picture."""
    watched, cuts = TrackedClip(), CutFinder()
    faces: list[Face] = []
    missed = 0
    gap = max(1, round(GAP_SECONDS * clip.rate))
    for number, picture, held in clip.frames(exposed=True):
        reporter.step("track", len(watched.numbers), max(len(clip.numbers), len(watched.numbers)))
        if not held:
            thorough = missed < PATIENCE or missed % PATIENCE == 0
            found = find_faces(detector, picture, faces, QUICK if thorough and settings.crop == "auto" else 0)
            faces = [_believed(detector, picture, face, settings) for face in found]
            faces = [face for face in faces if face.confidence > 0]
            missed = 0 if faces else missed + 1
            if cuts.begins_shot(picture) or not watched.shots:
                watched.starts.append(len(watched.numbers))
                watched.shots.append([])
        link(watched.shots[-1], number, faces, gap)
        watched.crowded += len(faces) > 1
        watched.numbers.append(number)
        watched.size = picture.shape[1], picture.shape[0]
    if not watched.numbers:
        raise EmptyClipError(f"{clip.path} holds no frame", "Give a movie, or a folder of numbered pictures")
    reporter.step("track", len(watched.numbers), len(watched.numbers))
    return watched


def _believed(detector: Detector, picture: Picture, face: Face, settings: TrackSettings) -> Face:
    """The face with points of a second look, where it is to be looked at again, and with the confidence that it deserves."""
    belief = belief_by_turn(face.landmarks)
    if settings.crop == "auto":
        again = look_again(detector, picture, face, settings.size)
        # A find that is no face in its own close-up, such as a cloud, does not count.
        looks = 0.0 if again is face else belief_by_looks(face.landmarks, again.landmarks)
        face, belief = again, min(looks, belief_by_turn(again.landmarks))
    return face._replace(confidence=face.confidence * belief)


def look_again(detector: Detector, picture: Picture, face: Face, size: int) -> Face:
    """The same face, found anew in a close-up of `size` pixels: detectors that find a small face place its points badly.
    `face` itself where the close-up shows none.

    Measured on a 200 px face in a 1280x720 plate: jitter down by a third.
    """
    low, high = face.landmarks.min(axis=0), face.landmarks.max(axis=0)
    where = np.array([*(low + high) / 2, float((high - low).max()) * CLOSE_UP], np.float64)
    again = detector.detect(resample.cut(picture, where, size))
    if not again:
        return face
    return again[0]._replace(landmarks=crop.to_plate(again[0].landmarks, where, size))


def _expression(face: Face | None) -> list[float]:
    """[52] in the order of `arkit.EXPRESSIONS`; what a detector does not know by name (MediaPipe: tongueOut) is 0, and all
    is NaN where it reads nothing."""
    if face is None or not face.expression:
        return [np.nan] * len(arkit.EXPRESSIONS)
    return [face.expression.get(name, 0.0) for name in arkit.EXPRESSIONS]


def _crops(
    watched: TrackedClip, landmarks: NDArray[np.float32], seen: NDArray[np.bool_], rate: float, kind: str
) -> NDArray[np.float64]:
    """[F, 3] the head's crop in each frame, steady within a shot. A shot without a face has the last one before it."""
    if kind == "full" or not seen.any():
        return np.tile(crop.full_crop(*watched.size), (len(seen), 1))
    crops = np.full((len(seen), 3), np.nan)
    for begin, end in zip(watched.starts, [*watched.starts[1:], len(seen)], strict=True):
        if seen[begin:end].any():
            crops[begin:end] = crop.head_crops(landmarks[begin:end], seen[begin:end], rate)
    known = np.flatnonzero(np.isfinite(crops[:, 0]))
    before = np.searchsorted(known, np.arange(len(seen)), side="right") - 1
    return np.asarray(crops[known[np.maximum(before, 0)]])


def _note_choices(
    watched: TrackedClip, choices: Sequence[Choice], click: Click | None, clip_name: str, reporter: Reporter
) -> None:
    """Say which face was followed, where it was a choice."""
    if watched.crowded:
        who = "largest" if click is None else f"one nearest to {click.x:g},{click.y:g}"
        reporter.note(f"{watched.crowded} frames of {clip_name} show several faces: the {who} was followed")
    cuts = [
        f"frame {watched.numbers[start]}: {choice}" for start, choice in zip(watched.starts[1:], choices[1:], strict=True)
    ]
    if cuts:
        reporter.note(f"after each cut of {clip_name} the face is chosen anew ({shortened(cuts, '; ')})")


def _note_frames(watched: TrackedClip, confidence: NDArray[np.float32], clip_name: str, reporter: Reporter) -> None:
    """Say which frames are gaps, and which are not to be relied on."""
    seen = confidence > 0
    low = seen & (confidence < LOW)
    of = f"of {len(seen)} frames of {clip_name}"
    if seen.any() and not seen.all():
        gaps = stretches(watched.numbers, ~seen)
        reporter.note(f"{int((~seen).sum())} {of} do not show the face: they are marked as gaps ({gaps})")
    if low.any():
        reporter.note(
            f"{int(low.sum())} {of} have a low confidence, as the head is turned away or two looks at it differ "
            f"({stretches(watched.numbers, low)})"
        )
