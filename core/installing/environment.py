# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine's environment on disk, and the stamp in it that says what it is and whether it is finished."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path

from ..errors import SetUpError, writing
from ..files import whole_file
from .requirements import LEAST_PYTHON, fingerprint

STAMP = "headcast.json"
MARKER = "headcast.engine"
"""File that says that the folder is ours to delete: the first that is written into it, and the last that is deleted."""
NO_PIP = "ensurepip"
"""The part of Python that Debian's lacks; `venv` names it when it fails."""
OTHER_PYTHON = "Choose another one in Preferences > Add-ons > Headcast: any from 3.11 on, as python.org has them"
ASK_VERSION = "import sys; print(*sys.version_info[:3])"


@dataclass(frozen=True)
class Stamp:
    """The record of how an environment was made."""

    base: str
    """the Python that it was made with"""
    version: str
    """of that Python"""
    device: str
    """whose build of torch it has"""
    packages: str
    """`requirements.fingerprint` of when it was finished; empty before"""

    @property
    def current(self) -> bool:
        """True where everything that the engine needs today is in it."""
        return self.packages == fingerprint()


@dataclass(frozen=True)
class Environment:
    """The environment in a folder, which need not exist."""

    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")

    @property
    def stamp(self) -> Stamp | None:
        """None where there is no environment, or one that was never begun in good order."""
        try:
            return Stamp(**json.loads((self.folder / STAMP).read_text("utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def write_stamp(self, stamp: Stamp) -> None:
        """Raises UnwritableError."""
        with whole_file(self.folder / STAMP) as part:
            part.write_text(json.dumps(asdict(stamp)), "utf-8")

    def make(self, stamp: Stamp) -> None:
        """Make it again, without packages, replacing what is there. Raises SetUpError, UnwritableError."""
        self.remove()
        with writing(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            (self.folder / MARKER).touch()
        command = [stamp.base, "-I", "-m", "venv", str(self.folder)]
        made = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
        if made.returncode:
            said = made.stdout + made.stderr
            reason = f"its part '{NO_PIP}' is missing" if NO_PIP in said else " ".join(said.split())[-300:]
            raise SetUpError(f"{stamp.base} cannot make an environment ({reason})", OTHER_PYTHON)
        self.write_stamp(stamp)

    def remove(self) -> None:
        """Delete all of it. Raises SetUpError where the folder is not one that we made, UnwritableError."""
        marker = self.folder / MARKER
        if not os.path.lexists(self.folder):
            return
        ours = marker.is_file() or self.stamp is not None
        if self.folder.is_symlink() or not self.folder.is_dir() or not (ours or not any(self.folder.iterdir())):
            raise SetUpError(
                f"{self.folder} was not made by Headcast: it is left alone", "Move it away, or delete it by hand"
            )
        with writing(self.folder):
            marker.touch()
            # Without its stamp, whatever a kill leaves of it is no environment.
            (self.folder / STAMP).unlink(missing_ok=True)
            for item in list(self.folder.iterdir()):
                if item.is_dir() and not item.is_symlink():
                    shutil.rmtree(item)
                elif item != marker:
                    item.unlink()
            marker.unlink()
            self.folder.rmdir()

    def installed(self) -> int:
        """How many packages it has."""
        places = (*self.folder.glob("lib/python3*/site-packages"), *self.folder.glob("Lib/site-packages"))
        return sum(1 for place in places for _ in place.glob("*.dist-info"))


def python_version(python: Path) -> str:
    """Start a Python to learn its version. Raises SetUpError where it is none, or too old."""
    try:
        asked = subprocess.run(
            [str(python), "-I", "-c", ASK_VERSION], capture_output=True, text=True, timeout=60, check=True
        )
        version = tuple(int(part) for part in asked.stdout.split())
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        raise SetUpError(f"{python} is no Python that starts", OTHER_PYTHON) from error
    name = ".".join(map(str, version))
    if version < LEAST_PYTHON:
        raise SetUpError(f"{python} is Python {name}: the engine needs 3.11 or later", OTHER_PYTHON)
    return name
