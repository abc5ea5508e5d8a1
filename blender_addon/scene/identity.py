# SPDX-License-Identifier: GPL-3.0-or-later
"""Which take something in the file shows: told by the files that it shows, as names repeat from shot to shot.

Paths are Blender's own, which it keeps right when the file is moved. A family is a take in all its versions.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import bpy

from ..core.take import FramePattern

VERSION = re.compile(r"(?<![a-z0-9])v\d+(?![a-z0-9])", re.IGNORECASE)
"""In a path: of the take, and of the folder that is named after it."""


def shows_take(item: bpy.types.ID, output: str) -> bool:
    """Whether an image or a clip shows frames of the take at `output`."""
    return item.library is None and bool(item.filepath) and _take_of(item) == _normal(FramePattern.parse(output))


def family_of_take(output: str) -> str:
    """The part of the name that all versions of the take at `output` share."""
    return VERSION.sub("v#", _normal(FramePattern.parse(output)))


def family_of(item: bpy.types.ID | None) -> str:
    """The same of the take that an image or a clip shows; empty where it shows none."""
    return VERSION.sub("v#", _take_of(item)) if item is not None and item.filepath else ""


def family_of_files(folder: str, name: str) -> str:
    """The same of the take that has a frame of that name in a folder."""
    return VERSION.sub("v#", _stem_of(Path(folder) / name))


def _take_of(item: bpy.types.ID) -> str:
    return _stem_of(Path(bpy.path.abspath(item.filepath, library=item.library)))


def _stem_of(frame: Path) -> str:
    return os.path.normcase(os.path.normpath(frame.with_name(re.sub(r"-?\d+$", "", frame.stem) + frame.suffix)))


def _normal(pattern: FramePattern) -> str:
    return os.path.normcase(os.path.normpath(pattern.folder / f"{pattern.stem}{pattern.ending}"))
