# SPDX-License-Identifier: GPL-3.0-or-later
"""A job ends with the file that it was started in: nothing of the next file is grey, and nothing lands in it."""

from __future__ import annotations

import bpy
from bpy.app.handlers import persistent

from . import jobs, notices
from .locale import said


def register() -> None:
    """Be told before another file is opened."""
    bpy.app.handlers.load_pre.append(_leave)


def unregister() -> None:
    """The reverse."""
    bpy.app.handlers.load_pre.remove(_leave)


@persistent
def _leave(*arguments: object) -> None:
    if jobs.current is not None:
        jobs.abandon()
        notices.tell(said("Stopped, as another file was opened. Finished work is kept"))
