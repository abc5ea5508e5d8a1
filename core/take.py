"""A Take: one rendering of a Likeness in a Performance, as a sequence of frames and the manifest that knows them.

Several processes, on one machine or many, may work on one take: each frame is claimed by who renders it. Needs nothing but
Python: the add-on reads manifests too.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .claims import claim, turn
from .errors import SettingError, VersionTakenError, writing

ENDING = ".manifest.jsonl"
VERSION = re.compile(r"_v(\d+)(?!.*_v\d)")
"""Of a take, in the name of its frames; the last one counts."""
WAIT_SECONDS = 0.5
"""Between looks at frames that other processes render."""
Record = dict[str, Any]
"""One line of a manifest: of a run, what it renders from; of a frame, what is known of it."""


@dataclass(frozen=True)
class FramePattern:
    """Where frames go: `shot_v001.####.exr`, as many digits as there are signs."""

    folder: Path
    stem: str
    digits: int
    ending: str

    @classmethod
    def parse(cls, text: str) -> FramePattern:
        """From a path whose name holds one run of `#`; a name without gets `.####`. Raises SettingError."""
        path = Path(text)
        ending = path.suffix or ".exr"
        if ending.lower() != ".exr":
            raise SettingError(f"{text} does not end in .exr", "Frames are written as OpenEXR: name it like out.####.exr")
        name = path.name[: -len(path.suffix)] if path.suffix else path.name
        found = re.fullmatch(r"([^#]*)(#+)", name)
        if "#" in name and not found:
            raise SettingError(f"{text} has no single frame number at its end", "Name it like out.####.exr")
        stem, digits = (found[1], len(found[2])) if found else (f"{name}.", 4)
        return cls(path.parent, stem, digits, ending)

    def path(self, frame: int) -> Path:
        """The file of a frame."""
        return self.folder / f"{self.stem}{frame:0{self.digits}d}{self.ending}"

    def __str__(self) -> str:
        return str(self.folder / f"{self.stem}{'#' * self.digits}{self.ending}")

    @property
    def manifest(self) -> Path:
        """The file that knows the frames."""
        return self.folder / f"{self.stem.rstrip('._-')}{ENDING}"

    @property
    def report(self) -> Path:
        """The page that shows them to people."""
        return self.manifest.with_name(self.manifest.name.removesuffix(ENDING) + ".report.html")

    @property
    def version(self) -> int | None:
        """3 of `shot_v003.####.exr`; None where the name has none."""
        found = VERSION.search(self.stem)
        return int(found[1]) if found else None

    def on_disk(self) -> Iterator[Path]:
        """The frames that are there, of whatever run, in no order."""
        name = re.compile(rf"{re.escape(self.stem)}-?\d{{{self.digits},}}{re.escape(self.ending)}")
        if self.folder.is_dir():
            yield from (path for path in self.folder.iterdir() if name.fullmatch(path.name))


def next_version(pattern: FramePattern) -> FramePattern:
    """The same name, which has a version, with the one after the highest of whatever in the folder begins so."""
    found = VERSION.search(pattern.stem)
    assert found, f"{pattern} has no version"
    before, after = pattern.stem[: found.start(1)], pattern.stem[found.end(1) :]
    beginning = re.compile(rf"{re.escape(before)}(\d+)")
    names = [beginning.match(path.name) for path in pattern.folder.iterdir()] if pattern.folder.is_dir() else []
    highest = max([int(found[1]), *(int(same[1]) for same in names if same)])
    return replace(pattern, stem=f"{before}{highest + 1:0{len(found[1])}d}{after}")


@dataclass(frozen=True)
class Take:
    """Frames that are on disk, whole and current."""

    pattern: FramePattern
    frames: tuple[int, ...]
    written: int
    """of which this run rendered anew"""
    width: int
    height: int
    rate: float


def sha256_of(path: Path) -> str:
    """The file's sha256 in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_manifest(pattern: FramePattern) -> dict[int, Record]:
    """The last record of each frame; what a crash cut short is left out. Empty where there is no manifest."""
    return {int(record["frame"]): record for record in read_records(pattern.manifest)[0] if "frame" in record}


def last_run(pattern: FramePattern) -> Record:
    """What the last run rendered from, its fingerprint as `run`; empty where there was none."""
    return next((record for record in reversed(read_records(pattern.manifest)[0]) if "run" in record), {})


def read_records(manifest: Path, start: int = 0) -> tuple[list[Record], int]:
    """The whole lines of a manifest from byte `start` on, of runs and of frames, and where they end."""
    if not manifest.is_file():
        return [], 0
    with open(manifest, "rb") as file:
        file.seek(start)
        content = file.read()
    content = content[: content.rfind(b"\n") + 1]
    records = []
    for line in content.splitlines():
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict):
            records.append(record)
    return records, start + len(content)


class Manifest:
    """What is known of a take's frames: one JSON line each, appended when the frame is whole. The last line of a frame
    counts; a line that a crash cut short counts for nothing."""

    def __init__(self, pattern: FramePattern, fingerprint: str) -> None:
        self._pattern = pattern
        self._fingerprint = fingerprint
        self._known: dict[int, Record] = {}
        self._read = 0
        self._catch_up()

    def is_current(self, frame: int) -> bool:
        """True where the frame was rendered from just these inputs and settings, and its file is still what was written."""
        record = self._known.get(frame)
        if record is None or record.get("fingerprint") != self._fingerprint:
            return False
        path = self._pattern.path(frame)
        return path.is_file() and sha256_of(path) == record.get("sha256")

    def begin(self, inputs: Record, overwrite: bool = False) -> None:
        """Write down what this run renders from.

        Raises VersionTakenError where the name has a version whose frames are another run's, unless told to overwrite them;
        UnwritableError.
        """
        last = last_run(self._pattern)
        if self._pattern.version is not None and not overwrite and last.get("run") != self._fingerprint:
            _ensure_free(self._pattern, last, inputs)
        self._append({"run": self._fingerprint, **inputs})

    @contextmanager
    def claim(self, frame: int) -> Iterator[bool]:
        """True where the frame is this process's to render until the block ends; False where it is current, or another
        process is at it. Raises UnwritableError."""
        if self.is_current(frame):
            yield False
            return
        with self._claim(frame) as mine:
            yield mine

    def unfinished(self, frames: Sequence[int]) -> Iterator[tuple[int, int]]:
        """How many of `frames` are done, and the next that is this process's to render, claimed while the loop's body runs.

        A frame that another process is at is left to it, and so are those after it: we go on in the middle of what is left,
        so that each renders neighbours. In the end the others are waited for, or what they died over is rendered: when the
        loop ends, all are current. Raises UnwritableError.
        """
        waiting, others = deque(frames), list[int]()
        while waiting or others:
            if not waiting:
                time.sleep(WAIT_SECONDS)
                waiting, others = deque(others), []
            frame = waiting.popleft()
            if self.is_current(frame):
                continue
            with self._claim(frame) as mine:
                if mine:
                    yield len(frames) - len(waiting) - len(others) - 1, frame
                else:
                    others.append(frame)
                    waiting.rotate(-(len(waiting) // 2))

    def record(self, frame: int, **facts: object) -> None:
        """Write down that the frame's file is whole. Raises UnwritableError."""
        path = self._pattern.path(frame)
        line = {"frame": frame, "file": path.name, "sha256": sha256_of(path), "fingerprint": self._fingerprint, **facts}
        self._append(line)
        self._known[frame] = line

    @contextmanager
    def _claim(self, frame: int) -> Iterator[bool]:
        with claim(self._pattern.path(frame)) as mine:
            # Another process may have finished the frame since we last looked.
            self._catch_up()
            yield mine and not self.is_current(frame)

    def _catch_up(self) -> None:
        """Read what was appended since."""
        records, self._read = read_records(self._pattern.manifest, self._read)
        self._known |= {int(record["frame"]): record for record in records if "frame" in record}

    def _append(self, line: Record) -> None:
        path = self._pattern.manifest
        # Not every network folder appends whole lines where two processes write at once: they take turns.
        with turn(path), writing(path), open(path, "ab") as file:
            # A crash may have left half a line: begin on a new one.
            start = b"" if file.tell() == 0 or _ends_line(path) else b"\n"
            file.write(start + json.dumps(line).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())


def _ensure_free(pattern: FramePattern, last: Record, inputs: Record) -> None:
    """Raise VersionTakenError where frames of this name are on disk, which the run `last` or nobody knows wrote."""
    if next(pattern.on_disk(), None) is None:
        return
    why = f"it was rendered with another {', '.join(_changed(last, inputs))}" if last else "no manifest knows it"
    raise VersionTakenError(f"{pattern} holds another take: {why}", f"Name it {next_version(pattern)}, or give --overwrite")


def _changed(before: Record, now: Record) -> Iterator[str]:
    """The names of what differs, those of settings one by one."""
    for name, value in now.items():
        if isinstance(value, dict) and isinstance(before.get(name), dict):
            yield from _changed(before[name], value)
        elif before.get(name) != value:
            yield name


def _ends_line(path: Path) -> bool:
    with open(path, "rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"
