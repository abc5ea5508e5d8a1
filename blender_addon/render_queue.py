# SPDX-License-Identifier: GPL-3.0-or-later
"""Several takes one after the other. Each keeps what it was asked for; one that fails does not stop the rest."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any, NamedTuple

import bpy

from . import jobs
from .core.errors import CancelledError, HeadcastError
from .core.settings import RenderSettings
from .core.take import FramePattern
from .environment import demands
from .properties import copy_settings, values_of
from .scene.origin import Origin
from .thumbnails import of_take

WAITING, RENDERING, DONE, FAILED = "WAITING", "RENDERING", "DONE", "FAILED"


def add_take(settings: bpy.types.PropertyGroup, likeness: str, performance: str, output: str) -> None:
    """Put a take, by its absolute paths, last, with the scene's settings; replacing one with the same output."""
    row = settings.queue.get(output) or settings.queue.add()
    row.name, row.likeness, row.performance = output, likeness, performance
    row.state, row.why = WAITING, ""
    copy_settings(settings.render, row.render, RenderSettings)
    settings.queue_index = settings.queue.find(output)


def open_takes(settings: bpy.types.PropertyGroup) -> list[str]:
    """Outputs of what is still to be rendered; what failed is tried again."""
    return [row.name for row in settings.queue if row.state != DONE]


class QueuedTake(NamedTuple):
    """A row's settings when the job began."""

    likeness: str
    performance: str
    output: str
    settings: dict[str, Any]


class QueueJob:
    """The takes of a scene's queue that are open. Rows are found anew each time: an undo may have replaced them."""

    def __init__(self, scene: bpy.types.Scene) -> None:
        self.status = jobs.Status(what="queue")
        self._origin = Origin(scene)
        self._job: jobs.EngineJob | None = None
        self._cancelled = False
        rows = [scene.headcast.queue[output] for output in open_takes(scene.headcast)]
        takes = [QueuedTake(row.likeness, row.performance, row.name, values_of(row.render, RenderSettings)) for row in rows]
        self._steps = self._render(takes)

    def poll(self) -> dict[str, Any] | None:
        return next(self._steps)

    def cancel(self) -> None:
        self._cancelled = True
        if self._job is not None:
            self._job.cancel()

    def abandon(self) -> None:
        self.cancel()
        self._steps.close()

    def _render(self, takes: Sequence[QueuedTake]) -> Generator[dict[str, Any] | None, None, None]:
        failed = 0
        for number, take in enumerate(takes, 1):
            try:
                yield from self._take(take, f"take {number} of {len(takes)}")
            except (CancelledError, GeneratorExit):
                self._mark(take.output, WAITING)
                raise
            except HeadcastError as error:
                self._mark(take.output, FAILED, str(error))
                self.status.notes.append(f"{take.output}: {error}")
                failed += 1
        yield {"takes": len(takes), "failed": failed}

    def _take(self, take: QueuedTake, what: str) -> Generator[None, None, None]:
        row = self._mark(take.output, RENDERING)
        if self._cancelled:
            raise CancelledError()
        if row is None and self._origin.scene() is not None:
            return  # it was taken out of the queue
        thumbnail = of_take(FramePattern.parse(take.output))
        arguments = {name: getattr(take, name) for name in ("likeness", "performance", "output")}
        self._job = jobs.EngineJob("render", {**arguments, **demands(), "thumbnail": str(thumbnail)}, take.settings)
        while self._job.poll() is None:
            now = self._job.status
            self.status.step(f"{what}: {now.what}", now.done, now.total)
            yield None
        self.status.notes += self._job.status.notes
        self._mark(take.output, DONE)

    def _mark(self, output: str, state: str, why: str = "") -> bpy.types.PropertyGroup | None:
        """The row of that output, in its new state; None where it was taken away, or its scene."""
        scene = self._origin.scene()
        row = None if scene is None else scene.headcast.queue.get(output)
        if row is not None:
            row.state, row.why = state, why
        return row
