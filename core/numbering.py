# SPDX-License-Identifier: GPL-3.0-or-later
"""How programs write where a frame's number goes in a file's name."""

from __future__ import annotations

import re
from collections.abc import Callable

SIGNS = re.compile(r"#+|@@+|%0?(?P<c>\d*)d|\$\{?F(?P<houdini>\d*)\}?(?![A-Za-z])|<(?:f|F|frame)(?P<maya>\d*)>")
"""How programs write where a frame's number goes: all but ffmpeg's and Nuke's `%d` by as many signs or digits as it has."""

MOST_DIGITS = 9
"""Of a frame's number: what has more is a time of day, or another such label."""
RANGE = re.compile(r"(-?[0-9]{1,9})(?:-(-?[0-9]{1,9})(?:x([1-9][0-9]{0,8}))?)?")


def digits_of(signs: re.Match[str]) -> int:
    """The least that a number written so has: of -5 the sign counts or not, as programs differ."""
    counted = signs["c"] or signs["houdini"] or signs["maya"]
    if counted:
        return int(counted)
    return len(signs[0]) if signs[0][0] in "#@" else 1


def range_of(text: str) -> Callable[[int], bool] | None:
    """Whether a number is one of a list such as "1001-1010,1020,-5--1,1-9x2", where x2 is every second; None where `text` is
    no such list."""
    if re.search(r"[0-9]\s+[0-9]", text):
        return None  # without what is between them they would be another number
    parts = []
    for part in text.replace(" ", "").split(","):
        found = RANGE.fullmatch(part)
        if found is None or int(found[2] or found[1]) < int(found[1]):
            return None
        parts.append(range(int(found[1]), int(found[2] or found[1]) + 1, int(found[3] or 1)))
    return lambda number: any(number in part for part in parts)
