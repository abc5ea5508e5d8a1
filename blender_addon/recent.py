# SPDX-License-Identifier: GPL-3.0-or-later
"""The likenesses used last, on this machine, whatever the scene."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

from .core.errors import UnwritableError
from .core.files import ensure_writable, whole_file
from .environment import user_folder

FILE = "recent likenesses.json"
MOST = 10


def recent() -> list[Path]:
    """Those that are still there, the last one first."""
    try:
        names = json.loads(_file().read_text("utf-8"))
    except (OSError, ValueError):
        return []
    return [path for path in map(Path, names) if path.is_file()]


def remember(likeness: Path) -> None:
    """Make this one, an absolute path, the last; where the user's folder cannot be written, nobody is stopped by that."""
    names = [likeness, *(path for path in recent() if path != likeness)]
    with contextlib.suppress(UnwritableError):
        ensure_writable(_file())
        with whole_file(_file()) as part:
            part.write_text(json.dumps([str(path) for path in names[:MOST]]), "utf-8")


def _file() -> Path:
    return user_folder() / FILE
