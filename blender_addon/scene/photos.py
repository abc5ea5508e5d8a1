# SPDX-License-Identifier: GPL-3.0-or-later
"""Which photos a likeness is made of."""

from __future__ import annotations

from pathlib import Path

import bpy

from .files import absolute, kept


def choose_photos(settings: bpy.types.PropertyGroup, folder: str, names: list[str]) -> None:
    """Take the files called `names` in `folder`; the whole folder where there are none."""
    settings.photos = kept(str(Path(folder, names[0])) if len(names) == 1 else folder)
    for name in names if len(names) > 1 else ():
        settings.picked.add().name = name


def chosen_photos(settings: bpy.types.PropertyGroup) -> list[str]:
    """Files, a folder or a pattern, absolute: what the core takes as photos. Raises SettingError."""
    photos = absolute(settings.photos, "Photos")
    return [str(Path(photos, item.name)) for item in settings.picked] or [photos]
