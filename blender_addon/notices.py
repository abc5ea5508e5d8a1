# SPDX-License-Identifier: GPL-3.0-or-later
"""How the last job ended, in the status bar: an artist works elsewhere meanwhile."""

from __future__ import annotations

import time

import bpy

from . import jobs

SECONDS = 300.0
"""How long it stays."""

_text, _icon, _told = "", "INFO", 0.0


def tell(text: str, icon: str = "INFO") -> None:
    """Show this until the next job begins, or SECONDS went by."""
    global _text, _icon, _told
    _text, _icon, _told = text, icon, time.monotonic()


def register() -> None:
    """Add the place."""
    bpy.types.STATUSBAR_HT_header.append(_draw)


def unregister() -> None:
    """The reverse."""
    bpy.types.STATUSBAR_HT_header.remove(_draw)


def _draw(header: bpy.types.Header, context: bpy.types.Context) -> None:
    if _text and jobs.current is None and time.monotonic() - _told < SECONDS:
        header.layout.label(text=f"Headcast: {_text}", icon=_icon, translate=False)
