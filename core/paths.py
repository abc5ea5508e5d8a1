# SPDX-License-Identifier: GPL-3.0-or-later
"""Where Headcast keeps what is not the user's own file.

platformdirs knows each system's folders. Blender's own Python lacks it; there they are those of the XDG specification.
"""

from __future__ import annotations

import os
from pathlib import Path

NAME = "headcast"


def cache_folder() -> Path:
    """For what can be fetched or made again; need not exist.

    `$HEADCAST_CACHE`, else the system's own (`~/.cache/headcast` on Linux). Where that is not there yet and the one of
    earlier versions is, `$XDG_CACHE_HOME/headcast` or `~/.cache/headcast` on every system, it is that one.
    """
    named = os.environ.get("HEADCAST_CACHE")
    if named:
        return Path(named)
    earlier = _xdg("XDG_CACHE_HOME", ".cache")
    try:
        import platformdirs
    except ImportError:
        return earlier
    own = platformdirs.user_cache_path(NAME, appauthor=False)
    return earlier if earlier.is_dir() and not own.is_dir() else own


def log_folder() -> Path:
    """For the worker's log; need not exist.

    `$HEADCAST_LOGS`, else the system's own (`~/.local/state/headcast/log` on Linux).
    """
    return _folder("HEADCAST_LOGS", "log", _xdg("XDG_STATE_HOME", ".local/state") / "log")


def key_folder() -> Path:
    """For the key that this user's takes are signed with; need not exist.

    `$HEADCAST_KEYS`, else in the system's own for data (`~/.local/share/headcast/keys` on Linux).
    """
    return _folder("HEADCAST_KEYS", "data", _xdg("XDG_DATA_HOME", ".local/share"), "keys")


def _folder(variable: str, kind: str, otherwise: Path, *inside: str) -> Path:
    """The folder that `variable` names, else what is `inside` the system's own of that kind."""
    named = os.environ.get(variable)
    if named:
        return Path(named)
    try:
        import platformdirs
    except ImportError:
        return otherwise.joinpath(*inside)
    own: Path = getattr(platformdirs, f"user_{kind}_path")(NAME, appauthor=False)
    return own.joinpath(*inside)


def _xdg(variable: str, otherwise: str) -> Path:
    return Path(os.environ.get(variable) or Path.home() / otherwise) / NAME
