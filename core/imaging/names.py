# SPDX-License-Identifier: GPL-3.0-or-later
"""Which pictures a name stands for: files, folders, globs, numbered sequences. Needs nothing but Python."""

from __future__ import annotations

import glob
import re
from pathlib import Path

from ..errors import UnreadableImageError

PICTURE_ENDINGS = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".bmp", ".exr", ".avif", ".heic", ".heif"})
MOVIE_ENDINGS = frozenset({".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".mts", ".m2ts", ".wmv"})
"""What counts as a video in a folder; a file that is named itself may have any ending."""


def find_photos(names: list[str]) -> list[Path]:
    """The pictures that `names` (files, folders, globs) stand for, in order. Raises UnreadableImageError at none."""
    paths: list[Path] = []
    for name in names:
        paths.extend(pictures_of(name))
    if not paths:
        raise UnreadableImageError(f"No picture in {', '.join(names) or 'an empty list'}", "Give files, folders or globs")
    return paths


def pictures_of(name: str) -> list[Path]:
    """The pictures that a file, a folder, a glob or a sequence's name stands for, in the order of their numbers; a file that
    is named itself may have any ending, and need not be there."""
    path = Path(name)
    if path.is_dir():
        found = [p for p in path.iterdir() if p.suffix.lower() in PICTURE_ENDINGS and not p.name.startswith(".")]
        return sorted(found, key=_natural)
    if path.exists():
        return [path]
    name = re.sub(r"#+|%0?\d*d", "*", name)  # as VFX programs name sequences
    if not glob.has_magic(name):
        return [path]
    return sorted((Path(p) for p in glob.glob(name)), key=_natural)  # noqa: PTH207 (Path.glob takes no absolute pattern)


def _natural(path: Path) -> list[tuple[int, str]]:
    """Sorts `a.2.png` before `a.10.png`."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", path.name)]
