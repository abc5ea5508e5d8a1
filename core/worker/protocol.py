# SPDX-License-Identifier: GPL-3.0-or-later
"""The lines between Blender and the worker. Needs nothing but Python: both ends import it.

To the worker, one JSON object a line:

    {"id": 1, "job": "render", "arguments": {...}, "settings": {...}}     start a job
    {"cancel": 1}                                                          stop it after the frame in hand

From the worker:

    {"event": "ready", "version": "0.1.0"}
    {"id": 1, "event": "step", "what": "render", "done": 3, "total": 48}
    {"id": 1, "event": "note", "text": "..."}
    {"id": 1, "event": "done", "result": {...}}
    {"id": 1, "event": "error", "kind": "NoFaceError", "message": "...", "hint": "..."}

The worker ends when its input does, so it never outlives Blender.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

from .. import errors
from ..errors import CancelledError, HeadcastError, MissingEngineError

Message = dict[str, Any]
Send = Callable[[Message], None]
LAST = ("done", "error")
"""The events that end a job."""
KINDS = {name: kind for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, HeadcastError)}
"""The errors that a message may name."""


def encode(message: Message) -> str:
    """One line, its end included."""
    return json.dumps(message, separators=(",", ":")) + "\n"


def decode(line: str) -> Message | None:
    """A line's message, or None for what is none: libraries print what they like."""
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return message if isinstance(message, dict) else None


def number_of(message: Message, key: str) -> int | None:
    """The number of a job in a message; None for what is none."""
    number = message.get(key)
    return number if isinstance(number, int) else None


def error_message(error: Exception) -> Message:
    """An `error` event; what is no HeadcastError is a bug, and says so, or an engine that lacks a package."""
    if isinstance(error, ModuleNotFoundError) and error.name is not None and not error.name.startswith("headcast"):
        error = MissingEngineError(f"{sys.executable} lacks the package {error.name}", "Press Set Up Engine")
    if isinstance(error, HeadcastError):
        return {"event": "error", "kind": type(error).__name__, "message": error.message, "hint": error.hint}
    return {
        "event": "error",
        "kind": type(error).__name__,
        "message": f"Headcast failed: {type(error).__name__}: {error}",
        "hint": "This is a bug: please report it with the worker's log",
    }


def error_of(message: Message) -> HeadcastError:
    """The reverse: what an `error` event tells, as the exception that it was."""
    kind = KINDS.get(str(message.get("kind")), HeadcastError)
    return CancelledError() if kind is CancelledError else kind(str(message.get("message")), str(message.get("hint")))


class EventReporter:
    """A Reporter whose steps and notes become events, and that ends the job once `cancelled` says so."""

    def __init__(self, send: Send, cancelled: Callable[[], bool] = lambda: False) -> None:
        self._send = send
        self._cancelled = cancelled

    def step(self, what: str, done: int, total: int) -> None:
        if self._cancelled():
            raise CancelledError()
        self._send({"event": "step", "what": what, "done": done, "total": total})

    def note(self, text: str) -> None:
        self._send({"event": "note", "text": text})
