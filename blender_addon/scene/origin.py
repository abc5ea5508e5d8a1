# SPDX-License-Identifier: GPL-3.0-or-later
"""The scene in which a job was started, found again whatever is shown by the time that the job is done."""

from __future__ import annotations

import bpy


class Origin:
    """Remembers a scene by the number that it keeps through renaming and undo, and that no other scene ever gets."""

    def __init__(self, scene: bpy.types.Scene) -> None:
        self.name = scene.name
        """when the job was started"""
        self._number = scene.session_uid

    def scene(self) -> bpy.types.Scene | None:
        """None where it was removed, or another file is open."""
        return next((scene for scene in bpy.data.scenes if scene.session_uid == self._number), None)
