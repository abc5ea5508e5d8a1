# SPDX-License-Identifier: GPL-3.0-or-later
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
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .claims import claim, sweep, turn
from .errors import SettingError, VersionTakenError, writing
from .files import is_file, is_folder, read_fresh, sha256_of
from .numbering import SIGNS, digits_of

ENDING, SIDECAR = ".manifest.jsonl", ".c2pa"
VERSION = re.compile(r"_v(\d+)(?!.*_v\d)")
"""A take's version in the name of its frames; the last one counts."""
NUMBER = re.compile(r"-?[0-9]{1,9}")
FORBIDDEN = frozenset('*?<>"|\n\r\t\0')
"""Letters of no file's name: some systems know none such, and elsewhere they are a slip."""
WAIT_SECONDS = 0.5
"""Between looks at frames that other processes render."""
Record = dict[str, Any]
"""One line of a manifest: of a run, what it renders from; of a frame, what is known of it."""
FRAMES = "frames"
"""Key in a run's record: identities of its frames by number. An identity is a hash of what a frame is painted from."""
LIKENESS, WEIGHTS, CONSENT = "likeness", "weights", "consent"
"""Keys in a run's record: the person's hash, the weights' name and hash, and what is on record of the person's consent, on
which no frame depends."""
PHOTOS, PLATE, RATE = "photos", "plate", "rate"
"""The same: hashes of the photos' files, what tells the plate from others where there is one, and frames per second."""
FILES = "files"
"""Key in a run's record: paths, for people to read. The contents count."""


@dataclass(frozen=True)
class FramePattern:
    """Where frames go: `shot_v001.####.exr`, as many digits as there are signs."""

    folder: Path
    stem: str
    digits: int
    ending: str

    @classmethod
    def parse(cls, text: str) -> FramePattern:
        """From a path whose name ends in `####`, or in `%04d`, `$F4` and the like; a name without any gets `.####`.

        Raises SettingError.
        """
        path = Path(text)
        if text.endswith(("/", os.sep)) or is_folder(path):
            raise SettingError(f"{text} is a folder", f"Name the frames in it: {path / 'out.####.exr'}")
        ending = path.suffix or ".exr"
        if ending.lower() != ".exr":
            raise SettingError(f"{text} does not end in .exr", "Frames are written as OpenEXR: name it like out.####.exr")
        name = path.name[: -len(path.suffix)] if path.suffix else path.name
        signs = list(SIGNS.finditer(name))
        if signs and (len(signs) > 1 or signs[0].end() < len(name)):
            raise SettingError(f"{text} has no single frame number at its end", "Name it like out.####.exr")
        stem, digits = (name[: signs[0].start()], digits_of(signs[0])) if signs else (f"{name}.", 4)
        if FORBIDDEN.intersection(stem) or re.search(r"(?:^|[._])-$", stem):
            raise SettingError(
                f"{text} cannot be the name of frames", 'Leave out * ? < > " |, and a minus just before the number'
            )
        return cls(path.parent, stem, digits, ending)

    def path(self, frame: int) -> Path:
        """The file of a frame."""
        return self.folder / f"{self.stem}{frame:0{self.digits}d}{self.ending}"

    def __str__(self) -> str:
        return str(self.folder / f"{self.stem}{'#' * self.digits}{self.ending}")

    @property
    def name(self) -> str:
        """What its files are called, without numbers and endings."""
        return self.stem.rstrip("._-")

    @property
    def manifest(self) -> Path:
        """The file that knows the frames."""
        return self.folder / f"{self.name}{ENDING}"

    @property
    def report(self) -> Path:
        """The page that shows them to people."""
        return self.manifest.with_name(self.manifest.name.removesuffix(ENDING) + ".report.html")

    @property
    def sidecar(self) -> Path:
        """The file that signs them."""
        return self.manifest.with_name(self.manifest.name.removesuffix(ENDING) + SIDECAR)

    @property
    def shot(self) -> Path:
        """What is claimed while the shot is measured; no file has this name."""
        return self.manifest.with_name(self.manifest.name.removesuffix(ENDING) + ".shot")

    @property
    def version(self) -> int | None:
        """3 of `shot_v003.####.exr`; None where the name has none."""
        found = VERSION.search(self.stem)
        return int(found[1]) if found else None

    def on_disk(self) -> Iterator[Path]:
        """The frames that are there, of whatever run, in no order."""
        name = re.compile(rf"{re.escape(self.stem)}(-?[0-9]+){re.escape(self.ending)}")
        for path in self.folder.iterdir() if is_folder(self.folder) else ():
            found = name.fullmatch(path.name)
            if found and self.path(int(found[1])).name == path.name:
                yield path


def next_version(pattern: FramePattern) -> FramePattern:
    """The same name, which has a version, with the one after the highest of whatever in the folder begins so."""
    found = VERSION.search(pattern.stem)
    assert found, f"{pattern} has no version"
    before, after = pattern.stem[: found.start(1)], pattern.stem[found.end(1) :]
    beginning = re.compile(rf"{re.escape(before)}(\d+)")
    names = [beginning.match(path.name) for path in pattern.folder.iterdir()] if is_folder(pattern.folder) else []
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


def read_manifest(pattern: FramePattern) -> dict[int, Record]:
    """The record of each frame of the last run that is rendered; what a crash cut short is left out. Empty where there is no
    manifest."""
    records = read_records(pattern.manifest)[0]
    return of_run(run_among(records), frames_among(records))


def last_run(pattern: FramePattern) -> Record:
    """The inputs of the last run, its fingerprint as `run`; empty where there was none."""
    return run_among(read_records(pattern.manifest)[0])


def last_shot(pattern: FramePattern) -> Record:
    """How the shot was measured last; empty where it never was."""
    return next((record for record in reversed(read_records(pattern.manifest)[0]) if "shot" in record), {})


def run_among(records: Sequence[Record]) -> Record:
    """The last one of a run; empty where there is none."""
    return next((record for record in reversed(records) if "run" in record), {})


def frames_among(records: Sequence[Record]) -> dict[int, Record]:
    """The last one of each frame, of whatever run."""
    return {int(record["frame"]): record for record in records if "frame" in record}


def of_run(run: Record, known: Mapping[int, Record]) -> dict[int, Record]:
    """Those frames of `known` that belong to that run: neither another take's, nor painted from what has changed since.

    A run of before frames had identities has them all.
    """
    if FRAMES not in run:
        return dict(known)
    identities = {int(number): identity for number, identity in run[FRAMES].items()}
    return {frame: record for frame, record in known.items() if _is_painted_from(record, frame, identities)}


def _is_painted_from(record: Record, frame: int, identities: Mapping[int, str]) -> bool:
    """True where the record is of a frame painted from just what `identities` say."""
    if frame not in identities or record.get("identity") != identities[frame]:
        return False
    return record.get("beside") in (None, _beside(frame, identities))


def _beside(frame: int, identities: Mapping[int, str]) -> list[str]:
    """The identities of the frames before and after; empty for one that there is not."""
    return [identities.get(frame - 1, ""), identities.get(frame + 1, "")]


def read_records(manifest: Path, start: int = 0) -> tuple[list[Record], int]:
    """The whole lines of a manifest from byte `start` on, of runs and of frames, and where they end."""
    if not is_file(manifest):
        return [], 0

    def read() -> bytes:
        with open(manifest, "rb") as file:
            file.seek(start)
            return file.read()

    content = read_fresh(read)
    content = content[: content.rfind(b"\n") + 1]
    records = []
    for line in content.splitlines():
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict) and _is_sound(record):
            records.append(record)
    return records, start + len(content)


def _is_sound(record: Record) -> bool:
    """Whether what others rely on is of its kind: a line that a disk has damaged counts for nothing."""
    frames, settings = record.get(FRAMES, {}), record.get("settings", {})
    flagged, tries = record.get("flagged") or {}, record.get("tries", 1)
    return (
        type(record.get("frame", 0)) is int
        and isinstance(frames, dict)
        and all(NUMBER.fullmatch(number) and isinstance(identity, str) for number, identity in frames.items())
        and isinstance(settings, dict)
        and isinstance(flagged, dict)
        and isinstance(tries, int)
        and isinstance(record.get("sampled", {}), dict)
        and all(NUMBER.fullmatch(number) for number in record.get("sampled", {}))
    )


class Manifest:
    """The records of a take's frames: one JSON line each, appended when the frame is whole. The last line of a frame
    counts; a line that a crash cut short counts for nothing."""

    def __init__(self, pattern: FramePattern, identities: Mapping[int, str]) -> None:
        """identities: for each frame of the take, the hash of what it is to be painted from."""
        self._pattern = pattern
        self._identities = dict(identities)
        self._run = hashlib.sha256(json.dumps(sorted(self._identities.items())).encode()).hexdigest()
        self._known: dict[int, Record] = {}
        self._read = 0
        self._catch_up()

    def is_current(self, frame: int) -> bool:
        """True where the frame was painted from just this, and its file is still what was written."""
        path = self._pattern.path(frame)
        try:
            return self._is_ours(frame) and is_file(path) and sha256_of(path) == self._known[frame].get("sha256")
        except FileNotFoundError:  # a network folder may show for seconds what is gone
            return False

    def begin(self, inputs: Record, overwrite: bool = False) -> list[int]:
        """Write down what this run renders from, and return the numbers of frames of an earlier take that this one does not
        have and that are still there; told to overwrite, they are deleted.

        Raises VersionTakenError where the name has a version and frames on disk that this run would render over or does not
        have, unless told to overwrite them; UnwritableError.
        """
        last = last_run(self._pattern)
        goes_on = last.get("run") == self._run
        if self._pattern.version is not None and not overwrite and not goes_on:
            self._ensure_free(last, inputs)
        sweep(self._pattern.folder)
        if not goes_on or last.get(CONSENT) != inputs.get(CONSENT):
            self._append({"run": self._run, **inputs, FRAMES: {str(n): i for n, i in self._identities.items()}})
        others = [n for n in sorted(self._known) if n not in self._identities and is_file(self._pattern.path(n))]
        if overwrite:
            for number in others:
                with writing(self._pattern.path(number)):
                    self._pattern.path(number).unlink(missing_ok=True)
            return []
        return others

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

    def record(self, frame: int, beside: bool = False, **facts: object) -> None:
        """Write down that the frame's file is whole. beside: what it shows, or what is said of it, depends on the frames
        before and after. Raises UnwritableError."""
        path, identity = self._pattern.path(frame), self._identities[frame]
        line = {"frame": frame, "file": path.name, "sha256": sha256_of(path), "identity": identity, **facts}
        if beside:
            line["beside"] = _beside(frame, self._identities)
        self._append(line)
        self._known[frame] = line

    def keep(self, shot: Record) -> None:
        """Write down how the shot was measured. Raises UnwritableError."""
        self._append(shot)

    def _is_ours(self, frame: int) -> bool:
        """True where its record says that it was painted from just this."""
        return frame in self._known and _is_painted_from(self._known[frame], frame, self._identities)

    def _ensure_free(self, last: Record, inputs: Record) -> None:
        """Raise VersionTakenError where frames of this name are on disk that are not this run's."""
        ours = {self._pattern.path(frame).name for frame in self._identities if self._is_ours(frame)}
        others = sorted(path.name for path in self._pattern.on_disk() if path.name not in ours)
        if not others:
            return
        changed = ", ".join(_changed(last, inputs))
        why = f"{others[0]} was rendered with another {changed}" if last and changed else f"no manifest knows {others[0]}"
        way_out = f"Name it {next_version(self._pattern)}, or give --overwrite"
        raise VersionTakenError(f"{self._pattern} holds another take: {why}", way_out)

    @contextmanager
    def _claim(self, frame: int) -> Iterator[bool]:
        with claim(self._pattern.path(frame)) as mine:
            # Another process may have finished the frame since we last looked.
            self._catch_up()
            yield mine and not self.is_current(frame)

    def _catch_up(self) -> None:
        """Read what was appended since."""
        records, self._read = read_records(self._pattern.manifest, self._read)
        self._known |= frames_among(records)

    def _append(self, line: Record) -> None:
        path = self._pattern.manifest
        # Not every network folder appends whole lines where two processes write at once: they take turns.
        with turn(path), writing(path), open(path, "ab") as file:
            # A crash may have left half a line: begin on a new one.
            start = b"" if file.tell() == 0 or _ends_line(path) else b"\n"
            file.write(start + json.dumps(line).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())


def _changed(before: Record, now: Record) -> Iterator[str]:
    """The names of what differs, those of settings one by one."""
    for name, value in now.items():
        if name in (FILES, CONSENT, PHOTOS, RATE):
            continue
        if isinstance(value, dict) and isinstance(before.get(name), dict):
            yield from _changed(before[name], value)
        elif before.get(name) != value:
            yield name


def _ends_line(path: Path) -> bool:
    def read() -> bytes:
        with open(path, "rb") as file:
            file.seek(-1, os.SEEK_END)
            return file.read(1)

    return read_fresh(read) == b"\n"
