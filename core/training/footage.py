"""A video to tracks: its shots are told apart, and in each shot every face is followed. Then a track's frames are cut out.

Decoded twice, so that a film needs no more memory than the frames that are kept of the faces on the screen.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ..imaging.crop import Array, head_crops, to_crop
from ..imaging.matte import head_matte
from ..imaging.read import Clip, Picture
from ..imaging.resample import cut
from ..landmarks.detectors import Detector, Face
from ..landmarks.head import fit_pose
from ..landmarks.similarity import normalised, pose_distances
from ..tracking import look_again
from .metrics import face_mask, landmark_error

Points = NDArray[np.float32]

THUMBNAIL = (32, 18)
CUT = 0.06
"""Mean change of a thumbnail's pixels, as a part of white, that can be a cut."""
JUMP = 4.0
"""How often the mean of the last changes a cut's must be: a fast pan changes every frame."""
REMEMBERED = 8
LINKED = 0.4
"""Least part of their union that a face's boxes in neighbouring frames share."""
GAP_SECONDS = 0.4
"""How long a face may be missed and still be the same track."""
AGREEMENT = 0.15
"""In eye distances: a face whose points move further when it is looked at again is not trusted."""


class CutFinder:
    """Tells where one shot ends and the next begins: one change far above those before it."""

    def __init__(self) -> None:
        self._last: NDArray[np.float32] | None = None
        self._changes: deque[float] = deque(maxlen=REMEMBERED)

    def begins_shot(self, picture: Picture) -> bool:
        """True where `picture` begins a new shot; the first one does not."""
        thumbnail = cv2.resize(picture, THUMBNAIL, interpolation=cv2.INTER_AREA).astype(np.float32) / 255.0
        last, self._last = self._last, thumbnail
        if last is None:
            return False
        change = float(np.abs(thumbnail - last).mean())
        usual = float(np.mean(self._changes)) if self._changes else 0.0
        found = change > max(CUT, JUMP * usual)
        if found:
            self._changes.clear()
        else:
            self._changes.append(change)
        return found


@dataclass(frozen=True)
class Track:
    """F frames of one face within one shot."""

    numbers: list[int]
    """[F] of the video's frames, rising"""
    landmarks: list[Points]
    """[F] of [68, 2], pixels of the video"""

    def eye_distance(self) -> float:
        """Median over the frames of the distance between the eye centres if the head faced the camera, in pixels."""
        return float(np.median(fit_pose(np.stack(self.landmarks)).scale))


def follow_faces(clip: Clip, detector: Detector, stride: int) -> list[Track]:
    """Every face of every shot, looked for in each `stride`-th frame. Raises as `Clip.frames` does."""
    tracks: list[Track] = []
    shot: list[Track] = []
    cuts = CutFinder()
    gap = max(stride, round(GAP_SECONDS * clip.rate))
    for i, (number, picture) in enumerate(clip.frames()):
        if cuts.begins_shot(picture):
            shot = []
        if i % stride:
            continue
        shot = [track for track in shot if number - track.numbers[-1] <= gap]
        started = _link(shot, number, detector.detect(picture))
        shot += started
        tracks += started
    return tracks


def _link(shot: list[Track], number: int, faces: list[Face]) -> list[Track]:
    """Give each track the face that lies on its last one, the best match first; the faces left over start tracks."""
    pairs = [
        (_overlap(track.landmarks[-1], face.landmarks), i, j) for i, track in enumerate(shot) for j, face in enumerate(faces)
    ]
    linked: set[int] = set()
    for overlap, i, j in sorted(pairs, reverse=True):
        if overlap >= LINKED and j not in linked and shot[i].numbers[-1] != number:
            linked.add(j)
            shot[i].numbers.append(number)
            shot[i].landmarks.append(faces[j].landmarks)
    return [Track([number], [face.landmarks]) for j, face in enumerate(faces) if j not in linked]


def _overlap(a: Points, b: Points) -> float:
    """Intersection over union of the boxes round two faces [68, 2]."""
    low, high = np.maximum(a.min(axis=0), b.min(axis=0)), np.minimum(a.max(axis=0), b.max(axis=0))
    shared = float(np.prod(np.maximum(high - low, 0.0)))
    return shared / max(float(np.prod(np.ptp(a, axis=0)) + np.prod(np.ptp(b, axis=0))) - shared, 1e-6)


def most_different(landmarks: Points, count: int) -> list[int]:
    """Which `count` of the faces [F, 68, 2] differ most in pose and expression, in rising order: each in turn the one
    farthest from those chosen before it, from the most usual on. All for a count of 0."""
    if not count or count >= len(landmarks):
        return list(range(len(landmarks)))
    chosen = [int(np.argmin(pose_distances(normalised(landmarks).mean(axis=0), landmarks)))]
    apart = pose_distances(landmarks[chosen[0]], landmarks)
    while len(chosen) < count:
        chosen.append(int(np.argmax(apart)))
        apart = np.minimum(apart, pose_distances(landmarks[chosen[-1]], landmarks))
    return sorted(chosen)


@dataclass(frozen=True)
class Shown:
    """A frame of a track, cut out at S pixels."""

    number: int
    picture: Picture
    """[S, S, 3]"""
    matte: NDArray[np.uint8]
    """[S, S]"""
    landmarks: Points
    """[68, 2], pixels of the picture"""


def cut_out(
    clip: Clip, tracks: Sequence[Track], detector: Detector, count: int, size: int
) -> Iterator[tuple[int, list[Shown]]]:
    """The `count` most different frames of each track at `size` pixels, in steady crops; the track's place in `tracks` goes
    before them. A track comes as soon as its last frame is cut. Frames in which two looks disagree are dropped."""
    wanted: dict[int, list[tuple[int, Points, Array]]] = {}
    last: list[int] = []
    for i, track in enumerate(tracks):
        landmarks = np.stack(track.landmarks)
        span = track.numbers[-1] - track.numbers[0]
        crops = head_crops(landmarks, np.ones(len(landmarks), bool), float(clip.rate) * (len(landmarks) - 1) / max(span, 1))
        chosen = most_different(landmarks, count)
        last.append(track.numbers[chosen[-1]])
        for j in chosen:
            wanted.setdefault(track.numbers[j], []).append((i, landmarks[j], crops[j]))
    found: dict[int, list[Shown]] = {}
    for number, picture in clip.frames():
        for i, landmarks, crop in wanted.get(number, ()):
            shown = found.setdefault(i, [])
            again = look_again(detector, picture, Face(landmarks, 1.0), size).landmarks
            if landmark_error(again, landmarks) < AGREEMENT:
                head, points = cut(picture, crop, size), to_crop(again, crop, size)
                shown.append(Shown(number, head, head_matte(head, points), points))
            if number == last[i]:
                yield i, found.pop(i)


def sharpness(shown: Shown) -> float:
    """How much of the face's contrast is fine detail: what a slight blur takes away, over the spread of brightness."""
    grey = cv2.cvtColor(shown.picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
    detail = grey - cv2.GaussianBlur(grey, (0, 0), len(grey) / 128)
    face = face_mask(shown.landmarks, len(grey))
    return float(detail[face].std() / max(float(grey[face].std()), 1e-6))
