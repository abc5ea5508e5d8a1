# SPDX-License-Identifier: GPL-3.0-or-later
"""How programs write where a frame's number goes in a file's name."""

from __future__ import annotations

import re

SIGNS = re.compile(r"#+|@@+|%0?(?P<c>\d*)d|\$\{?F(?P<houdini>\d*)\}?(?![A-Za-z])|<(?:f|F|frame)(?P<maya>\d*)>")
"""How programs write where a frame's number goes: all but ffmpeg's and Nuke's `%d` by as many signs or digits as it has."""


def digits_of(signs: re.Match[str]) -> int:
    """The least that a number written so has: of -5 the sign counts or not, as programs differ."""
    counted = signs["c"] or signs["houdini"] or signs["maya"]
    if counted:
        return int(counted)
    return len(signs[0]) if signs[0][0] in "#@" else 1
