# SPDX-License-Identifier: GPL-3.0-or-later
"""The terminal's view: a bar with time left, notes, one line at the end."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from io import TextIOWrapper
from typing import Any

from tqdm import tqdm

from ..paths import log_folder

MOST_LOG = 1 << 20
"""Bytes of the libraries' log after which it begins anew."""


def quiet_libraries() -> None:
    """Have what libraries of C and C++ say on standard error go to a log file: MediaPipe talks on every command. What Python
    says still goes to the terminal, in letters that it has."""
    with suppress(OSError, ValueError):
        folder = log_folder()
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "libraries.log"
        anew = os.O_TRUNC if path.is_file() and path.stat().st_size > MOST_LOG else 0
        log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | anew, 0o600)
        encoding, terminal = sys.stderr.encoding, os.dup(2)
        os.dup2(log, 2)
        os.close(log)
        sys.stderr = os.fdopen(terminal, "w", buffering=1, encoding=encoding, errors="backslashreplace")
        for stream in (sys.stdout, sys.__stdout__):
            if isinstance(stream, TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")


class ConsoleReporter:
    """A Reporter with a progress bar on a terminal, and without one elsewhere."""

    def __init__(self) -> None:
        self._bar: tqdm[Any] | None = None
        self._what = ""

    def step(self, what: str, done: int, total: int) -> None:
        if what != self._what:
            self.close()
            self._what = what
            self._bar = tqdm(total=total, desc=what, unit="", file=sys.stderr, disable=not sys.stderr.isatty())
        if self._bar is not None:
            self._bar.total = total
            self._bar.update(done - self._bar.n)

    def note(self, text: str) -> None:
        tqdm.write(f"note: {text}", file=sys.stderr)

    def close(self) -> None:
        """Leave the bar as it stands."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None


def describe(command: str, result: dict[str, Any]) -> str:
    """The result of a job: one line, or the table of scores."""
    if command == "bundle":
        return f"{result['template']}: {result['tasks']} tasks, then the report"
    if command == "adapt":
        with_what = result["weights"] or "geometry alone"
        return f"{result['likeness']}: {result['photos']} photos, {result['preset']}, {with_what}, {result['consent']}"
    if command == "consent":
        return f"{result['likeness']}: {result['consent']}{', which has ended' if result['ended'] else ''}"
    if command == "forget":
        held = [f"  {take['manifest']}: {take['frames']} frames" for take in result["takes"]]
        none = "no take that was looked through holds the person"
        listed = "\n".join(["these takes hold the person, and are still there:", *held]) if held else none
        goes = f"would be deleted, with {len(result['deleted']) - 1} small pictures" if result["list_only"] else "is deleted"
        return f"{result['likeness']} {goes}; {listed}"
    if command == "verify":
        return "\n".join(_verdict(found) for found in result["verdicts"])
    if command == "share":
        marked = f"watermark {result['watermark']}" if result["watermark"] else "no watermark"
        return f"{result['output']}: {result['frames']} frames, {marked}"
    if command == "turnover":
        return f"{result['folder']}: {result['files']} files"
    if command == "track":
        return (
            f"{result['performance']}: {result['frames']} frames from {result['first']} at {result['rate']:.5g} fps, "
            f"a face in {result['seen']}"
        )
    if command == "speak":
        return (
            f"{result['performance']}: {result['frames']} frames from {result['first']} at {result['rate']:g} fps, "
            f"{len(result['phones'])} phones"
        )
    if command == "measure":
        return f"{result['table']}: {result['seen']} frames with a face"
    if command == "evaluate":
        return str(result["table"])
    if command == "synthesize":
        return (
            f"{result['folder']}: {result['people']} people, {result['frames']} frames in {result['shards']} shards, "
            f"{result['written']} of them rendered now; look at {result['sheet']}"
        )
    if command == "train":
        return f"{result['run']}: {result['step']} steps, {result['weights']}"
    if command == "prepare":
        return (
            f"{result['folder']}: {result['videos']} videos, {result['tracks']} tracks, {result['frames']} frames, "
            f"{result['left_out']} left out; {result['before']} videos were done before"
        )
    allowed = f"consent record {result['consent']}" if result["consent"] else "no consent on record"
    return (
        f"{result['output']} to {result['last']}: {result['frames']} frames of {result['width']} x {result['height']}, "
        f"{result['written']} rendered now, {allowed}"
    )


def _verdict(found: dict[str, Any]) -> str:
    """The findings about a file or a take, in a line or more."""
    said = [found["state"]]
    if found["signer"]:
        said.append(f"signed by {found['signer']}" + (" (not known here)" if found["state"] == "unknown signer" else ""))
    said += [f"{found['frames']} frames"] * bool(found["frames"])
    said += [found["source_type"]] * bool(found["source_type"]) + [f"consent {found['consent']}"] * bool(found["consent"])
    if found["watermark"]:
        of = f" (take {' or '.join(found['takes'])})" if found["takes"] else " (of a take that is not here)"
        agrees = ", as was signed" if found["watermark"] == found["stated_watermark"] else ""
        said.append(f"watermark {found['watermark']}{agrees}{of}")
    elif found["stated_watermark"]:
        said.append(f"watermark {found['stated_watermark']} was signed, and is not heard")
    return "\n".join([f"{found['path']}: {', '.join(said)}", *(f"  {finding}" for finding in found["findings"])])
