# SPDX-License-Identifier: GPL-3.0-or-later
"""The worker's main loop. One job at a time; a thread listens meanwhile, so that a job can be stopped."""

from __future__ import annotations

import logging
import os
import queue
import sys
import threading
from functools import partial
from typing import TextIO

from ..errors import HeadcastError
from ..jobs import LEADS_TO_PAINTING, load_painting, run_job
from ..version import VERSION
from . import protocol

log = logging.getLogger("headcast.worker")


def serve(lines: TextIO, out: TextIO) -> None:
    """Take jobs from `lines` until they end, and answer on `out`."""
    jobs: queue.SimpleQueue[protocol.Message | None] = queue.SimpleQueue()
    cancelled: set[int | None] = set()

    def send(message: protocol.Message) -> None:
        out.write(protocol.encode(message))
        out.flush()

    def listen() -> None:
        for line in lines:
            message = protocol.decode(line)
            if message is None:
                continue
            if "cancel" in message:
                cancelled.add(protocol.number_of(message, "cancel"))
            else:
                jobs.put(message)
        # Whoever asked is gone. Frames are whole or not there, so the job in hand need not be waited for.
        jobs.put(None)
        threading.Timer(EXIT_SECONDS, os._exit, (0,)).start()

    threading.Thread(target=listen, daemon=True).start()
    send({"event": "ready", "version": VERSION})
    while (job := jobs.get()) is not None:
        number = protocol.number_of(job, "id")

        def answer(message: protocol.Message, number: int | None = number) -> None:
            send({"id": number, **message})

        reporter = protocol.EventReporter(answer, partial(cancelled.__contains__, number))
        try:
            result = run_job(job.get("job", ""), job.get("arguments", {}), job.get("settings", {}), reporter)
            answer({"event": "done", "result": result})
        except Exception as error:  # one job's bug must not take the worker with it
            if isinstance(error, HeadcastError):
                log.info("job %s, %s: %s", number, job.get("job"), error)
            else:
                log.exception("job %s, %s", number, job.get("job"))
            answer(protocol.error_message(error))
        if job.get("job") in LEADS_TO_PAINTING and jobs.empty():
            load_painting()


EXIT_SECONDS = 2.0
"""How long a job may go on once nobody listens."""


def main() -> None:
    """Serve on the standard streams; what libraries print goes to standard error, out of the protocol's way."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    # Whoever started the worker keeps what comes on standard error, and puts the time before it.
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    serve(sys.stdin, out)
    out.flush()
    os._exit(0)
