"""A Take: one rendering of a Likeness in a Performance, as a sequence of frames and the manifest that knows them.

Needs nothing but Python: the add-on reads manifests too.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path

from .errors import SettingError, writing

ENDING = ".manifest.jsonl"


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

    @property
    def manifest(self) -> Path:
        """The file that knows the frames."""
        return self.folder / f"{self.stem.rstrip('._-')}{ENDING}"


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


def read_manifest(pattern: FramePattern) -> dict[int, dict[str, object]]:
    """The last record of each frame; what a crash cut short is left out. Empty where there is no manifest."""
    known: dict[int, dict[str, object]] = {}
    if pattern.manifest.is_file():
        for line in pattern.manifest.read_text("utf-8", errors="replace").splitlines():
            try:
                record = json.loads(line)
            except json.JSONDecodeError:
                continue
            if isinstance(record, dict) and "frame" in record:
                known[int(record["frame"])] = record
    return known


class Manifest:
    """What is known of a take's frames: one JSON line each, appended when the frame is whole. The last line of a frame
    counts; a line that a crash cut short counts for nothing."""

    def __init__(self, pattern: FramePattern, fingerprint: str) -> None:
        self._pattern = pattern
        self._fingerprint = fingerprint
        self._known = read_manifest(pattern)

    def is_current(self, frame: int) -> bool:
        """True where the frame was rendered from just these inputs and settings, and its file is still what was written."""
        record = self._known.get(frame)
        if record is None or record.get("fingerprint") != self._fingerprint:
            return False
        path = self._pattern.path(frame)
        return path.is_file() and sha256_of(path) == record.get("sha256")

    def begin(self, inputs: dict[str, object]) -> None:
        """Write down what this run renders from. Raises UnwritableError."""
        self._append({"run": self._fingerprint, **inputs})

    def record(self, frame: int, **facts: object) -> None:
        """Write down that the frame's file is whole. Raises UnwritableError."""
        path = self._pattern.path(frame)
        line = {"frame": frame, "file": path.name, "sha256": sha256_of(path), "fingerprint": self._fingerprint, **facts}
        self._append(line)
        self._known[frame] = line

    def _append(self, line: dict[str, object]) -> None:
        path = self._pattern.manifest
        with writing(path), open(path, "ab") as file:
            # A crash may have left half a line: begin on a new one.
            start = b"" if file.tell() == 0 or _ends_line(path) else b"\n"
            file.write(start + json.dumps(line).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())


def _ends_line(path: Path) -> bool:
    with open(path, "rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"
