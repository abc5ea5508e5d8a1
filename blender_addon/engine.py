# SPDX-License-Identifier: GPL-3.0-or-later
"""The client of the worker process: start, ask, poll, cancel, kill. Never waits, so Blender never does.

Knows no Blender. The worker runs this very copy of the core, on whichever Python it is given.
"""

from __future__ import annotations

import contextlib
import os
import queue
import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from . import core, worker_log
from .core.errors import DeadWorkerError, WorkerError
from .core.worker import protocol

BOOT = """
import importlib.util, sys, types
root, core = sys.argv[1:3]
package = sys.modules["headcast"] = types.ModuleType("headcast")
package.__path__ = [root]
spec = importlib.util.spec_from_file_location("headcast.core", core + "/__init__.py", submodule_search_locations=[core])
package.core = sys.modules["headcast.core"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(package.core)
from headcast.core.worker.process import main
main()
"""
"""Run by the worker's Python: the add-on's folder is the package `headcast`, whatever Blender calls it. -I keeps out what
Blender put into the environment."""

ENVIRONMENT_KEPT_OUT = ("PYTHONHOME", "PYTHONPATH")


class Engine:
    """One worker process."""

    def __init__(self, python: Path) -> None:
        """Start the worker. Returns at once; raises WorkerError where the Python cannot be started."""
        self.python = python
        environment = {name: value for name, value in os.environ.items() if name not in ENVIRONMENT_KEPT_OUT}
        command = [str(python), "-I", "-c", BOOT, str(Path(__file__).parent), str(Path(core.__file__).parent)]
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=environment,
                # Ctrl-C in Blender's terminal is Blender's.
                start_new_session=True,
            )
        except OSError as error:
            raise WorkerError(
                f"{python} cannot be started ({error.strerror})", "Check the Python in the preferences"
            ) from error
        assert self._process.stderr is not None
        self.log = worker_log.follow(self._process.stderr)
        self._messages: queue.SimpleQueue[protocol.Message] = queue.SimpleQueue()
        self._asked = 0
        self._unanswered: set[int] = set()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            message = protocol.decode(line.decode("utf-8", "replace"))
            if message is not None:
                self._messages.put(message)

    @property
    def process_id(self) -> int:
        """The worker's process."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """True while the worker runs."""
        return self._process.poll() is None

    @property
    def idle(self) -> bool:
        """True where every job has ended, and whoever asked has polled."""
        return self.alive and not self._unanswered

    def ask(self, job: str, arguments: Mapping[str, Any], settings: Mapping[str, Any], awaited: bool = True) -> int:
        """Start a job and return its number. Raises WorkerError where the worker is gone.

        awaited: whether somebody will poll for its end; without, the worker counts as idle meanwhile.
        """
        self._asked += 1
        if awaited:
            self._unanswered.add(self._asked)
        self._send({"id": self._asked, "job": job, "arguments": dict(arguments), "settings": dict(settings)})
        return self._asked

    def cancel(self, number: int) -> None:
        """Ask the worker to stop a job after the frame in hand; it answers with an error event of kind CancelledError."""
        with contextlib.suppress(WorkerError):
            self._send({"cancel": number})

    def poll(self) -> list[protocol.Message]:
        """The worker's messages since the last call."""
        messages = []
        with contextlib.suppress(queue.Empty):
            while True:
                messages.append(self._messages.get_nowait())
        self._unanswered -= {message.get("id") for message in messages if message.get("event") in protocol.LAST}
        return messages

    def death(self) -> DeadWorkerError:
        """The message for the user once the worker is no longer alive."""
        code = self._process.poll()
        reason = f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"
        return DeadWorkerError(
            f"The worker stopped ({reason})", f"Frames that were finished are kept: render again. Its log is {self.log}"
        )

    def kill(self) -> None:
        """End the worker now."""
        self._process.kill()
        self._process.wait()

    def _send(self, message: protocol.Message) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(protocol.encode(message).encode())
            self._process.stdin.flush()
        except (BrokenPipeError, OSError) as error:
            raise self.death() from error
