# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the engine is: the Python that runs it, and what is known of that Python."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import bpy

from .core.errors import MissingEngineError
from .core.files import whole_file
from .core.installing.environment import Environment
from .core.paths import cache_folder

WAY_OUT = "Press Set Up Engine"
REPORT = "check.json"


def user_folder() -> Path:
    """Where what belongs to this user and machine is kept; need not exist."""
    try:
        return Path(bpy.utils.extension_path_user(__package__))
    except ValueError:  # not installed as an extension
        return cache_folder()


def engine_environment() -> Environment:
    """The environment that Set Up Engine makes."""
    return Environment(user_folder() / "engine")


def blender_python() -> Path:
    """The Python that Blender brings; where it is part of the system, that of the same version."""
    own = Path(sys.executable)
    if own.stem.lower().startswith("python"):
        return own
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    found = sorted(Path(sys.prefix, "bin").glob("python3*"))
    return found[0] if found else Path(shutil.which(name) or name)


def chosen_python() -> Path:
    """The Python in the preferences, else `$HEADCAST_PYTHON`, else Blender's own."""
    addon = bpy.context.preferences.addons.get(__package__)
    named = (bpy.path.abspath(addon.preferences.python) if addon else "") or os.environ.get("HEADCAST_PYTHON", "")
    return Path(named) if named else blender_python()


def demands() -> dict[str, bool]:
    """The preferences' demands on a render, as arguments of its job."""
    addon = bpy.context.preferences.addons.get(__package__)
    return {"require_consent": addon.preferences.require_consent} if addon else {}


def find_python() -> Path:
    """The engine's Python: the environment that was made with the chosen one, else that itself.

    Raises MissingEngineError, with what to do.
    """
    chosen, environment = chosen_python(), engine_environment()
    named = chosen != blender_python()
    stamp = environment.stamp
    # Another Blender of the same version shares the environment, as long as the one that made it is there.
    fits = stamp is not None and (stamp.base == str(chosen) if named else Path(stamp.base).is_file())
    if fits and stamp.packages:
        if not stamp.current:
            raise MissingEngineError("The engine is of another version of Headcast", WAY_OUT)
        if not environment.python.is_file():
            raise MissingEngineError(f"The engine is damaged: there is no {environment.python}", WAY_OUT)
        return environment.python
    if named and not chosen.is_file():
        raise MissingEngineError(f"There is no Python at {chosen}", "Choose another in Headcast's preferences, or none")
    if not named and importlib.util.find_spec("torch") is None:
        raise MissingEngineError("The engine is not set up yet", WAY_OUT)
    return chosen


def remember(python: Path, report: dict[str, Any]) -> None:
    """Keep what a check of this Python found. Raises UnwritableError."""
    folder = user_folder()
    folder.mkdir(parents=True, exist_ok=True)
    with whole_file(folder / REPORT) as part:
        part.write_text(json.dumps({"at": str(python), **report}), "utf-8")


def recall(python: Path) -> dict[str, Any] | None:
    """The last check's findings; None where it was not of this Python."""
    try:
        report: dict[str, Any] = json.loads((user_folder() / REPORT).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return report if report.get("at") == str(python) else None


def summary(report: dict[str, Any]) -> str:
    """Device, torch and Python of a healthy engine."""
    details = {finding["name"]: finding["detail"] for finding in report["findings"]}
    return f"{details['device']}, torch {details['torch']}, Python {report['python']}"


def missing(report: dict[str, Any]) -> list[dict[str, str]]:
    """The findings of what an engine lacks."""
    return [finding for finding in report["findings"] if finding["state"] == "missing"]


def lacking(report: dict[str, Any]) -> str:
    """Anything missing, and why; empty for nothing."""
    return "; ".join(f"{finding['name']}: {finding['detail']}" for finding in missing(report))
