# SPDX-License-Identifier: GPL-3.0-or-later
"""The job in hand: one at a time, on one worker that stays for the next.

`Job.poll` does all the work of watching, in little time; the modal operators call it from a timer, blocking callers from
a loop, tests as they like.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from .core.errors import CancelledError, HeadcastError
from .core.worker import protocol
from .engine import Engine
from .environment import find_python

BLOCKING_PAUSE = 0.02
"""Seconds between looks of a caller that waits."""
SLICE = 0.02
"""Seconds that a job within Blender may work before it lets Blender draw."""

Step = tuple[str, int, int] | str
"""(what, done, total) of a job within Blender, or a note to the user."""
Steps = Generator[Step, None, dict[str, Any]]


@dataclass
class Status:
    """The state that the panels show."""

    operator: str = ""
    """whose job it is: `headcast.render`"""
    what: str = ""
    done: int = 0
    total: int = 0
    notes: list[str] = field(default_factory=list)
    error: HeadcastError | None = None
    started: float = field(default_factory=time.monotonic)

    @property
    def part(self) -> float:
        """0 to 1."""
        return self.done / self.total if self.total else 0.0

    @property
    def seconds_left(self) -> float | None:
        """By what it took so far; None before the first piece is done."""
        if not self.done:
            return None
        return (time.monotonic() - self.started) * (self.total - self.done) / self.done

    def step(self, what: str, done: int, total: int) -> None:
        if what != self.what:
            self.started = time.monotonic()
        self.what, self.done, self.total = what, done, total


class Job(Protocol):
    """Something that goes on while Blender does."""

    status: Status

    def poll(self) -> dict[str, Any] | None:
        """A little of the work: the result when it is done, None before. Raises HeadcastError when it failed."""

    def cancel(self) -> None:
        """Ask it to stop; the next polls raise CancelledError."""

    def abandon(self) -> None:
        """Stop it at once, as nobody will poll it any more. The scene is still as it was."""


class EngineJob:
    """A job of the worker's."""

    def __init__(
        self, name: str, arguments: Mapping[str, Any], settings: Mapping[str, Any], engine: Engine | None = None
    ) -> None:
        """engine: which worker; that of all jobs without. Raises WorkerError where there is none to be had."""
        self.status = Status(what="starting")
        self._engine = engine or running_engine(find_python())
        self._number = self._engine.ask(name, arguments, settings)

    @property
    def process_id(self) -> int:
        """The worker's process."""
        return self._engine.process_id

    def poll(self) -> dict[str, Any] | None:
        alive = self._engine.alive
        for message in self._engine.poll():
            if message.get("id") != self._number:
                continue
            event = message["event"]
            if event == "step":
                self.status.step(message["what"], message["done"], message["total"])
            elif event == "note":
                self.status.notes.append(message["text"])
            elif event == "error":
                raise protocol.error_of(message)
            elif event == "done":
                result: dict[str, Any] = message["result"]
                return result
        if not alive:
            raise self._engine.death()
        return None

    def cancel(self) -> None:
        self._engine.cancel(self._number)

    def abandon(self) -> None:
        self.cancel()


class SceneJob:
    """A job within Blender, a slice at a time: `steps` yields what it does and returns the result."""

    def __init__(self, steps: Steps, status: Status | None = None) -> None:
        self.status = status or Status()
        self._steps = steps
        self._cancelled = False

    def poll(self) -> dict[str, Any] | None:
        end = time.monotonic() + SLICE
        while time.monotonic() < end:
            if self._cancelled:
                self.abandon()
                raise CancelledError()
            try:
                step = next(self._steps)
            except StopIteration as finished:
                result: dict[str, Any] = finished.value
                return result
            except ReferenceError as error:  # Blender's, for what is there no more
                raise HeadcastError(
                    "The scene or object that the job works on was removed", "Start it again with what is there"
                ) from error
            if isinstance(step, str):
                self.status.notes.append(step)
            else:
                self.status.step(*step)
        return None

    def cancel(self) -> None:
        self._cancelled = True

    def abandon(self) -> None:
        with suppress(ReferenceError):
            self._steps.close()


class Relay:
    """A job of the worker's, and what begins with its result: `then` of that result is another job, or steps in Blender."""

    def __init__(self, job: EngineJob, then: Callable[[dict[str, Any]], Job | Steps]) -> None:
        self.status = job.status
        self._job: Job = job
        self._then: Callable[[dict[str, Any]], Job | Steps] | None = then

    def poll(self) -> dict[str, Any] | None:
        result = self._job.poll()
        if result is None or self._then is None:
            return result
        following = self._then(result)
        self._job = SceneJob(following) if isinstance(following, Generator) else following
        self._job.status, self._then = self.status, None
        return None

    def cancel(self) -> None:
        self._job.cancel()

    def abandon(self) -> None:
        self._job.abandon()


def wait(job: Job) -> dict[str, Any]:
    """Poll until the job is done: for callers without a window. Raises HeadcastError."""
    while (result := job.poll()) is None:
        if not isinstance(job, SceneJob):
            time.sleep(BLOCKING_PAUSE)
    return result


current: Job | None = None
"""The job that a panel shows."""
last: Status = Status()
"""How the last one stands, or ended."""
_engine: Engine | None = None


def begin(job: Job, operator: str = "") -> None:
    """Make `job`, of an operator, the one in hand."""
    global current, last
    current, last = job, job.status
    last.operator = operator


def end(error: HeadcastError | None = None) -> None:
    """Nothing is in hand any more; `error` stays to be seen."""
    global current
    current = None
    last.error = None if isinstance(error, CancelledError) else error


def abandon() -> None:
    """Stop the job in hand, if there is one, and forget it."""
    if current is not None:
        current.abandon()
        end()


def fail(error: HeadcastError, operator: str = "") -> None:
    """A job that could not even begin."""
    global last
    last = Status(operator, error=error)


def running_engine(python: Path) -> Engine:
    """The worker, on that Python; one that runs on another is ended. Raises WorkerError."""
    global _engine
    if _engine is None or not _engine.alive or _engine.python != python:
        stop_engine()
        _engine = Engine(python)
    return _engine


def spare_engine(python: Path) -> Engine:
    """A worker for the caller to keep: that of all jobs where it is idle, as it has torch loaded already, and the next job
    gets another. Raises WorkerError."""
    global _engine
    if _engine is None or _engine.python != python or not _engine.idle:
        return Engine(python)
    spare, _engine = _engine, None
    return spare


def stop_engine() -> None:
    """End the worker, if there is one."""
    global _engine
    if _engine is not None:
        _engine.kill()
        _engine = None
