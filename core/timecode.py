# SPDX-License-Identifier: GPL-3.0-or-later
"""Time codes as cameras and editing programs count them (SMPTE ST 12-1): HH:MM:SS:FF, of whole frames in a second.

A drop-frame code leaves labels out, which keeps it in step with the clock: of 30 in a second 00 and 01 in each minute but
every tenth, and of 60 four. No frame is lost there.
"""

from __future__ import annotations

import math
import re
from fractions import Fraction
from typing import NamedTuple

DROPPED = {30: 2, 60: 4, 120: 8}
"""Labels that a drop-frame code leaves out in a minute, by how many frames it counts in a second."""
WRITTEN = re.compile(r"(\d\d):(\d\d):(\d\d)([:;.,])(\d\d)")
HOUR, MOST_IN_SECOND = 3600, 40
"""Seconds; what the tens of a label's frames can hold are 0 to 3."""


class TimeCode(NamedTuple):
    """The label of one frame."""

    hours: int
    minutes: int
    seconds: int
    frame: int
    drops: bool


def label_after(first: str, frames: int, rate: Fraction) -> TimeCode | None:
    """The label of the frame that is so many frames after the one with the label `first`, at so many frames a second.

    After a day the clock begins anew. None where `first` is no time code of that rate.
    """
    found, counted = WRITTEN.fullmatch(first.strip()), math.ceil(rate)
    if found is None:
        return None
    hours, minutes, seconds, frame = (int(found[i]) for i in (1, 2, 3, 5))
    drops = found[4] != ":" and counted in DROPPED
    if hours > 23 or minutes > 59 or seconds > 59 or frame >= counted:
        return None
    dropped = DROPPED[counted] if drops else 0
    if frame < dropped and seconds == 0 and minutes % 10:
        return None  # left out
    in_minute, in_ten = 60 * counted - dropped, 600 * counted - 9 * dropped
    of_minutes = 60 * hours + minutes
    number = (HOUR * hours + 60 * minutes + seconds) * counted + frame - dropped * (of_minutes - of_minutes // 10)
    tens, rest = divmod((number + frames) % (24 * 6 * in_ten), in_ten)
    # The first of ten minutes leaves nothing out, so it is longer than the others.
    later = max(0, (rest - dropped) // in_minute) if dropped else rest // in_minute
    number = tens * 600 * counted + rest + dropped * later
    seconds, frame = divmod(number, counted)
    return TimeCode(seconds // HOUR, seconds // 60 % 60, seconds % 60, frame, drops)
