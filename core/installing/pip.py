# SPDX-License-Identifier: GPL-3.0-or-later
"""pip, listened to: what it prints becomes steps, how it fails becomes an error with a way out."""

from __future__ import annotations

import errno
import os
import queue
import re
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import DiskFullError, SetUpError
from ..progress import Reporter
from .environment import OTHER_PYTHON, Environment

LOOK_SECONDS = 0.2
MEGABYTE = 1e6
DOWNLOADING = re.compile(r"\s*Downloading (?:\S*/)?([A-Za-z0-9_.]+?)-\d\S* \((.*)\)")
PROGRESS = re.compile(r"Progress (\d+) of (\d+)")
INSTALLING = "Installing collected packages: "
LACKING = re.compile(r"ERROR: No matching distribution found for (\S+)")
OFFLINE = "Retrying (Retry("
FULL = os.strerror(errno.ENOSPC)


@dataclass(frozen=True)
class Source:
    """Where packages come from."""

    wheels: str
    """a folder; "" is the internet"""
    as_set: bool = False
    """whether pip heeds PIP_* and pip.conf, which may name any index"""

    @property
    def words(self) -> list[str]:
        """The arguments for pip."""
        return ["--no-index", "--find-links", self.wheels] if self.wheels else []

    @property
    def surroundings(self) -> dict[str, str]:
        """The environment that pip is started in."""
        if self.as_set:
            return dict(os.environ)
        own = {name: value for name, value in os.environ.items() if not name.upper().startswith("PIP_")}
        return {**own, "PIP_CONFIG_FILE": os.devnull}


class Listener:
    """Takes pip's lines one by one."""

    def __init__(self, environment: Environment, reporter: Reporter) -> None:
        self._environment, self._reporter = environment, reporter
        self._before = environment.installed()
        self._installing = 0
        self._step = ("choose packages", 0, 1)
        self.lines: list[str] = []

    def hear(self, line: str) -> None:
        """A line more."""
        print(line, file=sys.stderr, flush=True)
        if found := PROGRESS.match(line):
            done, total = (round(int(size) / MEGABYTE) for size in found.groups())
            self._step = (self._step[0], done, total)
            return
        self.lines.append(line)
        if found := DOWNLOADING.match(line):
            self._step = (f"megabytes of {found[1]}", 0, 1)
        elif line.startswith(INSTALLING):
            self._installing = line.count(",") + 1

    def tell(self) -> None:
        """Report how far it is. May raise CancelledError."""
        if self._installing:
            new = self._environment.installed() - self._before
            self._step = ("install packages", min(new, self._installing), self._installing)
        self._reporter.step(*self._step)


def install(environment: Environment, source: Source, words: Sequence[str], reporter: Reporter) -> None:
    """Have the environment's pip install. Raises SetUpError, DiskFullError and CancelledError, on which pip is killed."""
    python = str(environment.python)
    command = [python, "-I", "-m", "pip", "install", "--only-binary=:all:", "--no-input", *source.words, *words]
    listener, heard = Listener(environment, reporter), queue.SimpleQueue[str | None]()
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        env=source.surroundings,
    )

    def listen() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            heard.put(line.rstrip())
        heard.put(None)

    threading.Thread(target=listen, daemon=True).start()
    try:
        while (line := _next(heard)) is not None:
            if line:
                listener.hear(line)
            listener.tell()
        code = process.wait()
    finally:
        process.kill()  # what goes on after a cancel; a pip that is done is not touched
        process.wait()
    if code:
        raise _meaning(listener.lines, environment, source)


def _next(heard: queue.SimpleQueue[str | None]) -> str | None:
    """The next line, "" where there is none for a while, None where there will be none."""
    try:
        return heard.get(timeout=LOOK_SECONDS)
    except queue.Empty:
        return ""


def _meaning(lines: Sequence[str], environment: Environment, source: Source) -> SetUpError | DiskFullError:
    """The meaning of pip's last words."""
    said = "\n".join(lines)
    if FULL in said:
        return DiskFullError(f"The disk is full: {environment.folder} is not finished", "Free some space, then try again")
    if OFFLINE in said:
        return SetUpError(
            "The internet cannot be reached, or not all of it",
            "Check the connection and try again: what was fetched is kept. Or choose a folder of wheels",
        )
    if (lacking := LACKING.search(said)) and source.wheels:
        return SetUpError(
            f"There is no {lacking[1]} for this Python in {source.wheels}", "Put it there, or choose another Python"
        )
    if lacking:
        return SetUpError(f"There is no {lacking[1]} for this Python and machine", OTHER_PYTHON)
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    return SetUpError(f"pip failed: {' '.join(errors or lines)[-300:]}", "Try again: what was fetched is kept")
