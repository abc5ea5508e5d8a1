"""How long our callbacks hold Blender. Tests look here, and whoever wonders why a window stutters."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import wraps
from typing import Any

longest: dict[str, float] = {}
"""Seconds of the longest call of each callback, by its name."""


def timed(callback: Callable[..., Any]) -> Callable[..., Any]:
    """The callback, its time taken."""
    name = f"{callback.__module__.rpartition('.')[2]}.{callback.__qualname__}"

    @wraps(callback)
    def timing(*arguments: Any) -> Any:
        start = time.perf_counter()
        try:
            return callback(*arguments)
        finally:
            longest[name] = max(longest.get(name, 0.0), time.perf_counter() - start)

    return timing
