"""Where Headcast keeps what is not the user's own file."""

from __future__ import annotations

import os
from pathlib import Path


def log_folder() -> Path:
    """`$HEADCAST_LOGS`, else `$XDG_STATE_HOME/headcast/logs`, else `~/.local/state/headcast/logs`; need not exist."""
    named = os.environ.get("HEADCAST_LOGS")
    if named:
        return Path(named)
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "headcast" / "logs"


def cache_folder() -> Path:
    """`$HEADCAST_CACHE`, else `$XDG_CACHE_HOME/headcast`, else `~/.cache/headcast`; need not exist."""
    named = os.environ.get("HEADCAST_CACHE")
    if named:
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "headcast"
