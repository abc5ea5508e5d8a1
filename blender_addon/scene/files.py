# SPDX-License-Identifier: GPL-3.0-or-later
"""Paths of the scene's: absolute for the engine, and short for the artist."""

from __future__ import annotations

import contextlib
from pathlib import Path

import bpy

from ..core.errors import SettingError, UnsavedError


def absolute(path: str, label: str) -> str:
    """A path of the scene's made absolute. Raises SettingError where it is empty, UnsavedError where it is beside a file
    that was never saved."""
    if not path:
        raise SettingError(f"'{label}' is empty", "Fill it in")
    if path.startswith("//") and not bpy.data.filepath:
        raise UnsavedError(f"'{label}' is beside the .blend file, which was not saved yet", "Save the file first")
    return str(Path(bpy.path.abspath(path)))


def kept(path: str) -> str:
    """A chosen path as the scene keeps it: beside the .blend file, where the preferences ask for that."""
    if bpy.data.filepath and bpy.context.preferences.filepaths.use_relative_paths:
        with contextlib.suppress(ValueError):  # on another drive of Windows
            return bpy.path.relpath(path)
    return path
