# SPDX-License-Identifier: GPL-3.0-or-later
"""The lines that the worker and its libraries print, kept for a bug report: a file for each worker, its user's alone."""

from __future__ import annotations

import logging
import os
import secrets
import tempfile
import threading
from contextlib import suppress
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import IO, Any

from .core.paths import log_folder

NAME = "headcast.worker"
MOST_BYTES = 1 << 20
"""Size of a log, after which a new one begins; the previous one is kept."""
MOST_LOGS = 10
"""Files that are kept of earlier workers."""


class PrivateFile(RotatingFileHandler):
    """A log with mode 0600."""

    def _open(self) -> IO[Any]:
        return open(self.baseFilename, self.mode, encoding="utf-8", opener=lambda path, flags: os.open(path, flags, 0o600))


def follow(stream: IO[bytes]) -> Path:
    """Write down what comes from `stream` until it ends; returns where."""
    path = _folder() / f"worker-{secrets.token_hex(8)}.log"
    handler = PrivateFile(path, maxBytes=MOST_BYTES, backupCount=1)
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    log = logging.Logger(NAME)
    log.addHandler(handler)
    threading.Thread(target=_listen, args=(stream, log, handler), name=NAME, daemon=True).start()
    return path


def _listen(stream: IO[bytes], log: logging.Logger, handler: logging.Handler) -> None:
    for line in stream:
        log.info("%s", line.decode("utf-8", "replace").rstrip())
    handler.close()


def _folder() -> Path:
    """With room for one more log; a temporary one where the user's own cannot be written."""
    folder = log_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        logs = sorted(folder.glob("worker-*.log*"), key=lambda path: path.stat().st_mtime)
        for path in logs[: max(0, len(logs) - MOST_LOGS)]:
            with suppress(OSError):
                path.unlink()
    except OSError:
        pass
    return folder if os.access(folder, os.W_OK) else Path(tempfile.mkdtemp(prefix="headcast-"))
