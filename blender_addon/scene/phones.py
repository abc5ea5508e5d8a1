# SPDX-License-Identifier: GPL-3.0-or-later
"""Phones as markers of the timeline, where an artist moves, renames, adds and removes them: /m/ begins an m.

A phone lasts until the next marker; /-/ is silence. Markers have whole frames, so one that was not touched stands for the
exact times of the performance that it came from.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import bpy

from ..core.errors import SettingError
from ..core.performance import Phone
from ..core.speech.visemes import letters_of

SILENCE = "/-/"
LONGEST = 0.3
"""Seconds of a phone that no marker follows."""
SHORTEST = 0.02


def write_phones(scene: bpy.types.Scene, phones: Sequence[Phone], first: int, rate: Fraction) -> int:
    """Mark where each phone begins, and each pause, in a scene in which the performance's first frame is `first`; markers of
    phones that are there go. Returns how many there are."""
    for marker in [marker for marker in scene.timeline_markers if is_phone(marker)]:
        scene.timeline_markers.remove(marker)
    marks = _marks(phones, first, rate)
    for name, frame, _ in marks:
        scene.timeline_markers.new(name, frame=frame)
    return len(marks)


def read_phones(scene: bpy.types.Scene, phones: Sequence[Phone], first: int, rate: Fraction) -> list[Phone]:
    """The phones that the scene's markers say, of which `phones` are those of before. Raises SettingError where a marker is
    no letter of IPA, and where there is none."""
    untouched: dict[tuple[str, int], list[Phone]] = {}
    for name, frame, phone in _marks(phones, first, rate):
        untouched.setdefault((name, frame), []).append(phone)
    markers = sorted((marker for marker in scene.timeline_markers if is_phone(marker)), key=lambda marker: marker.frame)
    found: list[Phone] = []
    for marker in markers:
        symbol = marker.name.strip("/").strip()
        if marker.name != SILENCE and not letters_of(symbol):
            raise SettingError(
                f"The marker {marker.name} on frame {marker.frame} is no phone", "Write IPA: /m/, /ˈa/, /-/ ..."
            )
        same = untouched.get((marker.name, marker.frame))
        start = same.pop(0).start if same else float((marker.frame - first) / rate)
        found.append(Phone(SILENCE if marker.name == SILENCE else symbol, max(start, 0.0), 0.0))
    found.sort(key=lambda phone: phone.start)
    ends = {phone.start: phone.end for phone in phones}
    lasting = []
    for i, phone in enumerate(found):
        follows = found[i + 1].start if i + 1 < len(found) else phone.start + LONGEST
        end = min(ends.get(phone.start, follows), follows) if i + 1 < len(found) else ends.get(phone.start, follows)
        if phone.symbol != SILENCE:
            lasting.append(phone._replace(end=max(end, phone.start + SHORTEST)))
    if not lasting:
        raise SettingError("There is no marker of a phone", "Make the performance first, or add markers such as /m/")
    return lasting


def is_phone(marker: bpy.types.TimelineMarker) -> bool:
    """Whether a marker is one of ours: its name is between two slashes."""
    return len(marker.name) > 2 and marker.name.startswith("/") and marker.name.endswith("/")


def _marks(phones: Sequence[Phone], first: int, rate: Fraction) -> list[tuple[str, int, Phone]]:
    """Name and frame of each marker, and the phone or the silence that begins there."""
    marks = []
    for i, phone in enumerate(phones):
        marks.append((f"/{phone.symbol}/", first + int(phone.start * rate), phone))
        follows = phones[i + 1].start if i + 1 < len(phones) else float("inf")
        if follows - phone.end > 1 / rate:
            marks.append((SILENCE, first + int(phone.end * rate), Phone(SILENCE, phone.end, follows)))
    return marks
