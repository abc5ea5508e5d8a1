# SPDX-License-Identifier: GPL-3.0-or-later
"""A video to tracks: its shots are told apart, and in each shot every face is followed. Then a track's frames are cut out.

Decoded twice, so that a film needs no more memory than the frames that are kept of the faces on the screen.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..arrays import Doubles, Picture, Points
from ..imaging.crop import head_crops, to_crop
from ..imaging.matte import head_matte
from ..imaging.read import Clip
from ..imaging.resample import cut
from ..imaging.shots import CutFinder
from ..landmarks.detectors import Detector, Face
from ..landmarks.head import fit_pose
from ..landmarks.similarity import normalised, pose_distances
from ..landmarks.trust import AGREEMENT, disagreement
from ..tracking.following import GAP_SECONDS, ShotTracks, Track, link
from ..tracking.track import look_again


def median_eye_distance(track: Track) -> float:
    """Median over the frames of the distance between the eye centres if the head faced the camera, in pixels."""
    return float(np.median(fit_pose(track.landmarks()).scale))


def follow_faces(clip: Clip, detector: Detector, stride: int) -> list[Track]:
    """Every face of every shot, looked for in each `stride`-th frame. Raises as `Clip.frames` does."""
    shots: list[ShotTracks] = [[]]
    cuts = CutFinder()
    gap = max(stride, round(GAP_SECONDS * clip.rate))
    for i, (number, picture, _) in enumerate(clip.frames()):
        if cuts.begins_shot(picture):
            shots.append([])
        if not i % stride:
            # A film has too many faces to keep what each expresses.
            faces = [Face(face.landmarks, face.confidence) for face in detector.detect(picture)]
            link(shots[-1], number, faces, gap)
    return [track for shot in shots for track in shot]


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
class FaceCrop:
    """A frame of a track, cut out at S pixels."""

    number: int
    picture: Picture
    """[S, S, 3]"""
    matte: NDArray[np.uint8]
    """[S, S]"""
    landmarks: Points
    """[68, 2], pixels of the picture"""


def cut_faces(
    clip: Clip, tracks: Sequence[Track], detector: Detector, count: int, size: int
) -> Iterator[tuple[int, list[FaceCrop]]]:
    """The `count` most different frames of each track at `size` pixels, in steady crops; the track's place in `tracks` goes
    before them. A track comes as soon as its last frame is cut. Frames in which two looks disagree are dropped."""
    wanted: dict[int, list[tuple[int, Points, Doubles]]] = {}
    last: list[int] = []
    for i, track in enumerate(tracks):
        landmarks = track.landmarks()
        span = track.numbers[-1] - track.numbers[0]
        crops = head_crops(landmarks, np.ones(len(landmarks), bool), float(clip.rate) * (len(landmarks) - 1) / max(span, 1))
        chosen = most_different(landmarks, count)
        last.append(track.numbers[chosen[-1]])
        for j in chosen:
            wanted.setdefault(track.numbers[j], []).append((i, landmarks[j], crops[j]))
    found: dict[int, list[FaceCrop]] = {}
    for number, picture, _ in clip.frames():
        for i, landmarks, crop in wanted.get(number, ()):
            shown = found.setdefault(i, [])
            again = look_again(detector, picture, Face(landmarks, 1.0), size).landmarks
            if disagreement(landmarks, again) < AGREEMENT:
                head, points = cut(picture, crop, size), to_crop(again, crop, size)
                shown.append(FaceCrop(number, head, head_matte(head, points), points))
            if number == last[i]:
                yield i, found.pop(i)
