# SPDX-License-Identifier: GPL-3.0-or-later
"""Sound in the sequencer, in step with a performance; and a sound strip as what a head says."""

from __future__ import annotations

from pathlib import Path

import bpy

from .. import compat


def sound_strips(scene: bpy.types.Scene) -> list[bpy.types.Strip]:
    """The sequencer's sounds that have a file, the active one first."""
    editor = scene.sequence_editor
    if editor is None:
        return []
    strips = [strip for strip in compat.strips_of(editor) if strip.type == "SOUND" and strip.sound and strip.sound.filepath]
    return sorted(strips, key=lambda strip: strip != editor.active_strip)


def path_of(strip: bpy.types.Strip) -> str:
    """The absolute path of a strip's file."""
    return str(Path(bpy.path.abspath(strip.sound.filepath, library=strip.sound.library)))


def place_sound(scene: bpy.types.Scene, path: str, first: int) -> bool:
    """Have the sequencer play the file so that it begins with frame `first`; a strip that does so already is left alone.
    False where this Blender has no sound."""
    for strip in sound_strips(scene):
        if Path(path_of(strip)) == Path(path) and round(compat.begins(strip)) == first:
            return True
    strips = compat.strips_of(scene.sequence_editor or scene.sequence_editor_create())
    channel = 1 + max((strip.channel for strip in strips), default=0)
    try:
        strips.new_sound(Path(path).stem, path, channel, first)
    except RuntimeError:  # built without Audaspace, or of a kind that Blender does not play
        return False
    scene.sync_mode = "AUDIO_SYNC"
    return True
