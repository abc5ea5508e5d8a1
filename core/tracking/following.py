# SPDX-License-Identifier: GPL-3.0-or-later
"""Which face is which: faces that were seen in single frames, to tracks, and one person's way through a clip's shots.

A track never jumps: faces of neighbouring frames are one where their boxes overlap. A track that was lost goes on with one
that begins later and near, the best pairs first. So a person who was on the screen beside the lost one can't be taken for
them. Across a cut nothing tells who is who, and the face is chosen anew.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..arrays import Points
from ..errors import NoFaceError, SettingError
from ..landmarks.detectors import Face

LINKED = 0.4
"""Least part of their union that a face's boxes in neighbouring frames share."""
GAP_SECONDS = 0.4
"""How long a face may be missed and still be the same track."""
REACH = 0.6
"""How far from where it was lost a face is found again, in diagonals of its box, after no time..."""
REACH_GROWTH = 0.6
"""...and more for each second that it was lost..."""
REACH_MOST = 1.8
"""...up to this."""
SIZE_CHANGE = 1.6
"""How much larger or smaller it may be when it is found again."""
LARGEST = "largest"


@dataclass(frozen=True)
class Track:
    """F frames of one face within one shot."""

    numbers: list[int]
    """[F] of the clip's frames, rising"""
    faces: list[Face]
    """[F]"""

    def landmarks(self) -> Points:
        """[F, 70, 2] pixels of the clip."""
        return np.stack([face.landmarks for face in self.faces])

    def size(self) -> float:
        """How much it fills the shot: the extents of all its frames, in pixels."""
        return sum(face.extent for face in self.faces)


ShotTracks = list[Track]
"""The tracks between two cuts."""


def link(shot: ShotTracks, number: int, faces: Sequence[Face], gap: int) -> None:
    """Give each track of the shot that was seen within `gap` frames the face that lies on its last one, the best match
    first; the faces left over start tracks."""
    near = [track for track in shot if number - track.numbers[-1] <= gap]
    pairs = [
        (_overlap(track.faces[-1].landmarks, face.landmarks), i, j)
        for i, track in enumerate(near)
        for j, face in enumerate(faces)
    ]
    linked: set[int] = set()
    for overlap, i, j in sorted(pairs, reverse=True):
        if overlap >= LINKED and j not in linked and near[i].numbers[-1] != number:
            linked.add(j)
            near[i].numbers.append(number)
            near[i].faces.append(faces[j])
    shot += [Track([number], [face]) for j, face in enumerate(faces) if j not in linked]


def _overlap(a: Points, b: Points) -> float:
    """Intersection over union of the boxes round two faces [70, 2]."""
    low, high = np.maximum(a.min(axis=0), b.min(axis=0)), np.minimum(a.max(axis=0), b.max(axis=0))
    shared = float(np.prod(np.maximum(high - low, 0.0)))
    return shared / max(float(np.prod(np.ptp(a, axis=0)) + np.prod(np.ptp(b, axis=0))) - shared, 1e-6)


def join(shot: ShotTracks, rate: Fraction) -> ShotTracks:
    """The people of a shot: each lost track goes on with the nearest that began after it was lost, if that is near enough
    for the time that went by."""
    pairs = []
    for i, lost in enumerate(shot):
        for j, found in enumerate(shot):
            seconds = float((found.numbers[0] - lost.numbers[-1]) / rate)
            if seconds > 0:
                last, first = lost.faces[-1], found.faces[0]
                reach = min(REACH + REACH_GROWTH * seconds, REACH_MOST) * last.extent
                away = _distance(_middle(last), _middle(first))
                if away <= reach and 1 / SIZE_CHANGE <= first.extent / last.extent <= SIZE_CHANGE:
                    pairs.append((away / last.extent + seconds, i, j))
    after: dict[int, int] = {}
    for _, i, j in sorted(pairs):
        if i not in after and j not in after.values():
            after[i] = j
    people = []
    for start in range(len(shot)):
        if start not in after.values():
            parts, i = [shot[start]], start
            while i in after:
                i = after[i]
                parts.append(shot[i])
            people.append(Track([n for part in parts for n in part.numbers], [f for part in parts for f in part.faces]))
    return people


class Click(NamedTuple):
    """The face that a user chose."""

    x: float
    y: float
    """pixels of the clip"""
    frame: int | None
    """None is the first frame that shows a face"""


def parse_face(text: str) -> Click | None:
    """The click in "x,y" or "x,y@frame"; None for "largest". Raises SettingError."""
    if text == LARGEST:
        return None
    number = r"\s*(\d+(?:\.\d*)?)\s*"
    found = re.fullmatch(rf"{number},{number}(?:@\s*(-?\d+)\s*)?", text)
    if found is None:
        raise SettingError(f"--face cannot be '{text}'", "Choose 'largest', or a place in pixels: 640,360 or 640,360@1010")
    x, y, frame = found.groups()
    return Click(float(x), float(y), None if frame is None else int(frame))


class Choice(NamedTuple):
    """Who is followed through a shot."""

    person: Track | None
    """None where the shot shows nobody"""
    people: int
    """how many there are"""
    why: str
    """of several people, which one it is"""

    def __str__(self) -> str:
        return (
            "no face"
            if self.person is None
            else "the one face"
            if self.people == 1
            else f"of {self.people} faces {self.why}"
        )


def follow(shots: Sequence[ShotTracks], click: Click | None, rate: Fraction) -> list[Choice]:
    """One person's track in each shot.

    Without a click it is the person who fills each shot most. With one, the person whose face is nearest to it, both ways in
    time; beyond a cut, the one nearest to where that person was. Raises NoFaceError where the clicked frame shows no face.
    """
    people = [join(shot, rate) for shot in shots]
    if click is None:
        return [Choice(max(shot, key=Track.size, default=None), len(shot), "the largest") for shot in people]
    number = _clicked_frame(people, click)
    home = next(i for i, shot in enumerate(people) if any(number in person.numbers for person in shot))
    place = np.array([click.x, click.y])
    person = min(
        (person for person in people[home] if number in person.numbers),
        key=lambda person: _distance(_middle(person.faces[person.numbers.index(number)]), place),
    )
    chosen = {home: Choice(person, len(people[home]), "the one that was clicked")}
    for order, near, far in ((range(home + 1, len(people)), 0, -1), (range(home - 1, -1, -1), -1, 0)):
        place = _middle(person.faces[far])
        for i in order:
            nearest = _nearest(people[i], place, near)
            chosen[i] = Choice(nearest, len(people[i]), "the nearest to where it was")
            place = place if nearest is None else _middle(nearest.faces[far])
    return [chosen[i] for i in range(len(people))]


def _nearest(people: ShotTracks, place: NDArray[np.float64], end: int) -> Track | None:
    """The person whose face at one `end` of the shot (0 or -1) is nearest to `place`."""
    return min(people, key=lambda person: _distance(_middle(person.faces[end]), place), default=None)


def _clicked_frame(people: Sequence[ShotTracks], click: Click) -> int:
    seen = sorted({number for shot in people for person in shot for number in person.numbers})
    if not seen:
        raise NoFaceError("No face in any frame", "Check what is looked at")
    if click.frame is None or click.frame in seen:
        return seen[0] if click.frame is None else click.frame
    nearest = min(seen, key=lambda number: abs(number - (click.frame or 0)))
    raise NoFaceError(f"No face in frame {click.frame} to choose", f"Click in a frame that shows one, such as {nearest}")


def _middle(face: Face) -> NDArray[np.float64]:
    return np.asarray(face.landmarks.mean(axis=0), np.float64)


def _distance(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    return float(np.linalg.norm(a - b))
