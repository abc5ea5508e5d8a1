"""Log files of the user's own: nobody else may read them, and they do not grow without end."""

from __future__ import annotations

import logging
import os
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path

MOST_BYTES, KEPT = 1 << 20, 3
"""Size at which a log is put aside, and how many of those are kept."""


class PrivateLog(RotatingFileHandler):
    """A rotating file with mode 0600, in a folder that is made with 0700; a link in its place is not followed."""

    def _open(self) -> TextIOWrapper:
        path = Path(self.baseFilename)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600)
        return os.fdopen(handle, "a", encoding="utf-8", errors="replace")


def private_log(name: str, path: Path) -> logging.Logger:
    """The logger `name`, which writes to `path` alone; to nowhere where that cannot be written."""
    logger = logging.getLogger(name)
    for old in [*logger.handlers]:
        if isinstance(old, PrivateLog) and Path(old.baseFilename) == path.absolute():
            return logger
        logger.removeHandler(old)
        old.close()
    logger.setLevel(logging.INFO)
    logger.propagate = False
    try:
        handler: logging.Handler = PrivateLog(path, maxBytes=MOST_BYTES, backupCount=KEPT, encoding="utf-8")
        handler.setFormatter(logging.Formatter("%(asctime)s %(process)d %(message)s"))
    except OSError:
        handler = logging.NullHandler()
    logger.addHandler(handler)
    return logger
