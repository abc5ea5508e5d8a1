# SPDX-License-Identifier: GPL-3.0-or-later
"""The worker process: JSON lines in and out, one job's failure is not the worker's, and it never outlives Blender."""

from __future__ import annotations

import sys
import threading
import time
from io import BytesIO
from pathlib import Path

import numpy as np
import platformdirs
import pytest
from headcast import worker_log
from headcast.core import paths
from headcast.core.errors import CancelledError, HeadcastError, MissingEngineError, NoLikenessError, WorkerError
from headcast.core.imaging.preview import write_png
from headcast.core.worker import protocol
from headcast.engine import Engine

PYTHON = Path(sys.executable)


@pytest.fixture
def engine() -> Engine:
    engine = Engine(PYTHON)
    yield engine
    engine.kill()


def until(engine: Engine, *events: str, seconds: float = 60) -> list[dict]:
    """Messages up to the first of one of these events."""
    end, seen = time.monotonic() + seconds, []
    while time.monotonic() < end:
        for message in engine.poll():
            seen.append(message)
            if message["event"] in events:
                return seen
        time.sleep(0.01)
    raise AssertionError(f"No {events} in {seconds} s; seen: {seen}")


def test_starting_takes_no_time_and_says_ready(engine: Engine) -> None:
    begun = time.thread_time()
    other = Engine(PYTHON)
    assert time.thread_time() - begun < 0.05
    assert until(other, "ready")[-1]["version"]
    other.kill()
    assert not other.alive


def test_an_error_is_a_message_and_the_worker_goes_on(engine: Engine, tmp_path: Path) -> None:
    write_png(tmp_path / "wall.png", np.full((64, 64, 3), 90, np.uint8))
    arguments = {"photos": [str(tmp_path / "wall.png")], "output": str(tmp_path / "x.likeness")}
    first = engine.ask("adapt", arguments, {})
    error = until(engine, "error")[-1]
    assert (error["id"], error["kind"]) == (first, "NoFaceError")
    assert "wall.png" in error["message"]
    assert error["hint"]
    engine.ask("dance", {}, {})
    assert until(engine, "error")[-1]["kind"] == "SettingError"
    assert engine.alive


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="asks Linux which libraries a process has loaded")
def test_the_worker_loads_what_paints_before_anybody_waits_for_it(engine: Engine, tmp_path: Path) -> None:
    loaded = Path(f"/proc/{engine.process_id}/maps")
    until(engine, "ready")
    assert "libtorch" not in loaded.read_text()
    assert engine.idle
    engine.ask("speak", {"voice": str(tmp_path / "none.wav"), "output": str(tmp_path / "x.performance")}, {})
    assert not engine.idle
    assert until(engine, "error")[-1]["kind"] == "UnreadableSoundError"
    assert engine.idle
    end = time.monotonic() + 60
    while "libtorch" not in loaded.read_text():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_job_can_be_stopped(engine: Engine, astronaut: Path, tmp_path: Path) -> None:
    number = engine.ask("adapt", {"photos": [str(astronaut)] * 50, "output": str(tmp_path / "x.likeness")}, {})
    until(engine, "step")
    engine.cancel(number)
    assert until(engine, "error", "done")[-1]["kind"] == "CancelledError"
    assert not list(tmp_path.iterdir())


def test_the_worker_ends_with_its_input(engine: Engine) -> None:
    until(engine, "ready")
    engine._process.stdin.close()
    engine._process.wait(10)
    assert not engine.alive
    with pytest.raises(WorkerError, match="exit code"):
        raise engine.death()


def test_a_python_that_is_none_is_said(tmp_path: Path) -> None:
    with pytest.raises(WorkerError, match="nothing"):
        Engine(tmp_path / "nothing")


def test_an_error_is_of_its_kind_at_the_other_end() -> None:
    for error in (NoLikenessError("person.likeness is not there", "Make it"), CancelledError(), WorkerError("a", "b")):
        there = protocol.error_of(protocol.error_message(error))
        assert (type(there), str(there)) == (type(error), str(error))
    lacking = protocol.error_of(protocol.error_message(ModuleNotFoundError("No module named 'torch'", name="torch")))
    assert type(lacking) is MissingEngineError
    assert "torch" in lacking.message
    bug = protocol.error_of(protocol.error_message(ZeroDivisionError("division by zero")))
    assert type(bug) is HeadcastError
    assert "division by zero" in bug.message


@pytest.mark.parametrize("kind", ["Path", "writing", "__builtins__", "contextmanager", "", None, 3])
def test_a_message_names_errors_and_nothing_else(kind: object) -> None:
    there = protocol.error_of({"event": "error", "kind": kind, "message": "it broke", "hint": "mend it"})
    assert (type(there), str(there)) == (HeadcastError, "it broke. mend it")


def test_the_log_is_its_users_alone_and_cannot_be_guessed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADCAST_LOGS", str(tmp_path / "logs"))
    engines = [Engine(PYTHON), Engine(PYTHON)]
    for engine in engines:
        until(engine, "ready")
        engine.ask("check", {"strange": 1}, {})
        until(engine, "error")
        end = time.monotonic() + 10
        while "Traceback" not in engine.log.read_text() and time.monotonic() < end:
            time.sleep(0.01)
        assert "strange" in engine.log.read_text()
        assert engine.log.stat().st_mode & 0o777 == 0o600
        assert len(engine.log.stem.removeprefix("worker-")) == 16
        engine.kill()
    assert engines[0].log != engines[1].log
    assert (tmp_path / "logs").stat().st_mode & 0o777 == 0o700


def test_logs_are_short_and_few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADCAST_LOGS", str(tmp_path))
    monkeypatch.setattr(worker_log, "MOST_BYTES", 2000)
    for _ in range(30):
        path = worker_log.follow(BytesIO(b"line\n" * 1000))
        for thread in threading.enumerate():
            if thread.name == worker_log.NAME:
                thread.join(5)
    assert path.stat().st_size <= 2000
    assert len(list(tmp_path.iterdir())) <= worker_log.MOST_LOGS + 2


@pytest.mark.parametrize(
    "line",
    ["{", "[1]", "7", '{"id": [1], "job": {}}', '{"cancel": {}}', "[" * 100_000, "1" * 10_000, '{"arguments": 3}', "\x00"],
)
def test_lines_that_are_no_messages_do_not_stop_the_worker(engine: Engine, line: str) -> None:
    until(engine, "ready")
    engine._process.stdin.write(line.encode() + b"\n")
    engine._process.stdin.flush()
    number = engine.ask("dance", {}, {})
    end, answered = time.monotonic() + 20, False
    while not answered and time.monotonic() < end:
        answered = any(message.get("id") == number for message in engine.poll())
        time.sleep(0.01)
    assert answered
    assert engine.alive


def test_what_an_earlier_version_fetched_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HEADCAST_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "earlier"))
    monkeypatch.setattr(platformdirs, "user_cache_path", lambda name, appauthor: tmp_path / "own" / name)
    assert paths.cache_folder() == tmp_path / "own" / "headcast"
    (tmp_path / "earlier" / "headcast").mkdir(parents=True)
    assert paths.cache_folder() == tmp_path / "earlier" / "headcast"
    (tmp_path / "own" / "headcast").mkdir(parents=True)
    assert paths.cache_folder() == tmp_path / "own" / "headcast"
    monkeypatch.setitem(sys.modules, "platformdirs", None)
    assert paths.cache_folder() == tmp_path / "earlier" / "headcast"
