# SPDX-License-Identifier: GPL-3.0-or-later
"""The last findings about the signature of each take, as long as its folder stays as it was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..core.take import FramePattern
from ..locale import said

_found: dict[str, tuple[int, dict[str, Any]]] = {}
"""By the take's path: when its folder had changed, and the verdict of `core.provenance.verifying`."""


def keep(pattern: FramePattern, verdict: dict[str, Any]) -> None:
    """Remember it until the folder changes."""
    _found[str(pattern)] = _changed(pattern.folder), verdict


def verdict_of(pattern: FramePattern) -> dict[str, Any] | None:
    """The findings; None where nobody looked since the folder changed."""
    changed, verdict = _found.get(str(pattern), (0, None))
    return verdict if changed == _changed(pattern.folder) else None


def in_words(verdict: dict[str, Any]) -> str:
    """The heart of it."""
    if verdict["state"] == "whole":
        return said("Whole, signed by {}", verdict["signer"])
    if verdict["state"] == "unknown signer":
        return said("Whole, but {} is not known here", verdict["signer"])
    return said("Changed since it was signed") if verdict["state"] == "changed" else said("Not signed")


def _changed(folder: Path) -> int:
    try:
        return folder.stat().st_mtime_ns
    except OSError:
        return 0
