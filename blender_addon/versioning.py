# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of other versions of Headcast: each says which one wrote it.

A change of the scene's settings that files of before must be brought to raises FORMAT, and does so in `_look`.
"""

from __future__ import annotations

import bpy
from bpy.app.handlers import persistent

from . import jobs
from .core.errors import WrongFileError

FORMAT = 1
"""Version of the scene's settings; 0 for files from before there was one."""


def register() -> None:
    """Look at files when they are opened, and mark them when they are saved."""
    bpy.app.handlers.load_post.append(_look)
    bpy.app.handlers.save_pre.append(_mark)


def unregister() -> None:
    """The reverse."""
    bpy.app.handlers.load_post.remove(_look)
    bpy.app.handlers.save_pre.remove(_mark)


@persistent
def _look(*_: object) -> None:
    if any(scene.headcast.version > FORMAT for scene in bpy.data.scenes):
        error = WrongFileError(
            "This file was saved by a newer Headcast", "Update Headcast: settings that this one does not know do nothing"
        )
        jobs.fail(error, "headcast.adapt")


@persistent
def _mark(*_: object) -> None:
    for scene in bpy.data.scenes:
        if scene.is_editable:
            scene.headcast.version = FORMAT
