# SPDX-License-Identifier: GPL-3.0-or-later
"""Photos that were looked at: what is wrong with any, and which are left out."""

from __future__ import annotations

from os.path import normpath
from typing import Any

import bpy

from ..core.errors import SettingError
from ..core.imaging.names import find_photos
from .files import kept
from .photos import chosen_photos


def list_photos(settings: bpy.types.PropertyGroup, photos: list[dict[str, Any]]) -> None:
    """Keep what an inspection (the job's result) found, replacing an earlier one; photos left out stay left out."""
    left_out = _left_out(settings)
    settings.checked.clear()
    for found in photos:
        photo = settings.checked.add()
        photo.path, photo.thumbnail = kept(found["path"]), found["thumbnail"]
        photo.problems, photo.usable = "; ".join(found["problems"]), found["usable"]
        photo.left_out = normpath(found["path"]) in left_out


def taken_photos(settings: bpy.types.PropertyGroup) -> list[str]:
    """The photos that a likeness is made of, absolute. Raises SettingError where none is left, UnreadableImageError where
    there is none at all."""
    left_out = _left_out(settings)
    taken = [str(path) for path in find_photos(chosen_photos(settings)) if normpath(path) not in left_out]
    if not taken:
        raise SettingError("Every photo is left out", "Include one again, or choose others")
    return taken


def _left_out(settings: bpy.types.PropertyGroup) -> set[str]:
    return {normpath(bpy.path.abspath(photo.path)) for photo in settings.checked if photo.left_out}
