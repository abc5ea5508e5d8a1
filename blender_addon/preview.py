# SPDX-License-Identifier: GPL-3.0-or-later
"""The live preview: what the timeline and the sliders ask for, painted by a worker of its own, so that a render goes on.

Every tick looks at what the artist wants to see. One request is out at a time, and the next is for what is wanted then:
frames are dropped, never queued. While the wish changes, drafts are asked for, and the whole picture once it stands still.
"""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import bpy
from bpy.app.handlers import persistent

from . import jobs
from .core.errors import DeadWorkerError, HeadcastError, WorkerError
from .core.rendering.canvas import Canvas
from .core.settings import RenderSettings
from .engine import Engine
from .environment import demands, find_python
from .properties import values_of
from .scene.files import absolute
from .scene.live_rig import LiveRig
from .scene.preview_picture import PaintedPicture, show

TICK_SECONDS = 0.01
SETTLED_SECONDS = 0.15
"""A wish that was seen so long ago, and not replaced, stands still."""
FLUENT = 40.0
"""Milliseconds: where whole pictures take no longer there are no drafts."""
LOOK_SECONDS = 0.5
"""Between looks at whether a file has changed: a folder on the network may take its time to answer."""
EXPECTED_SECONDS = 0.1
"""After which the likeness is opened for a preview that may come."""
RESTARTS = 3
"""How often the worker may die in a row."""


class Wish(NamedTuple):
    """The artist's wish."""

    scene: str
    likeness: str
    drive: dict[str, Any]
    """see `core.rendering.preview.preview`"""
    settings: dict[str, Any]
    changed: tuple[int, ...]
    """when the files were, in nanoseconds"""


class Request(NamedTuple):
    """A request to the worker."""

    wish: Wish
    draft: bool


class Preview:
    """A preview that is switched on. `tick` does all the work, in little time."""

    def __init__(self) -> None:
        """Raises UnwritableError or DiskFullError where there is no room for its picture."""
        self.error: HeadcastError | None = None
        self.result: dict[str, Any] | None = None
        """the worker's last: `core.rendering.preview.PreviewResult`"""
        self.answered: Request | None = None
        self.rig = LiveRig()
        self._looked: dict[str, tuple[float, int]] = {}
        """for each file, when it was looked at, and when it had changed"""
        self._canvas = Canvas.make()
        self._engine: Engine | None = None
        self._job: jobs.EngineJob | None = None
        self._asked: Request | None = None
        self._wish: Wish | None = None
        self._settling = 0.0
        self._drafts = True
        self._deaths = 0

    @property
    def process_id(self) -> int | None:
        """The worker's process; None if there is none."""
        return self._engine.process_id if self._engine is not None and self._engine.alive else None

    def tick(self) -> None:
        """Take what the worker has to say, and ask it for what is wanted now."""
        try:
            self._listen()
            self._look(bpy.context.scene)
            request = self._due()
            if request is not None:
                self._ask(request)
        except DeadWorkerError as error:
            self._bury(error)
        except HeadcastError as error:
            self._fail(error)

    def close(self) -> None:
        """End the worker."""
        show(None)
        # The system takes its time to clear a process of torch's away.
        threading.Thread(target=_clear_away, args=(self._engine, self._canvas)).start()

    def _listen(self) -> None:
        result = self._job.poll() if self._job is not None else None
        if result is None:
            return
        self._job, self.answered, self.result, self.error = None, self._asked, result, None
        self._deaths, self._settling = 0, time.monotonic()
        if not self.answered.draft:
            self._drafts = result["milliseconds"] > FLUENT
        show(self._picture(result))

    def _picture(self, result: dict[str, Any]) -> PaintedPicture | None:
        if not result["side"]:
            return None
        pixels = self._canvas.read(result["side"])
        return PaintedPicture(pixels, tuple(result["crop"]), (result["width"], result["height"]), self.answered.wish.scene)

    def _look(self, scene: bpy.types.Scene) -> None:
        """See what is wanted now. Raises HeadcastError for what is missing."""
        self._wish = None
        settings = scene.headcast
        likeness = absolute(settings.likeness, "Likeness")
        files = [likeness]
        if settings.source == "RIG":
            drive = self.rig.drive(scene)
        else:
            files.append(absolute(settings.performance, "Performance"))
            drive = {"performance": files[-1], "frame": scene.frame_current}
        changed = tuple(self._changed(path) for path in files)
        self._wish = Wish(scene.name, likeness, drive, values_of(settings.render, RenderSettings), changed)

    def _changed(self, path: str) -> int:
        """When the file was changed, in nanoseconds, by the last look at it; 0 where there is none."""
        now = time.monotonic()
        looked, changed = self._looked.get(path, (-LOOK_SECONDS, 0))
        if now - looked >= LOOK_SECONDS:
            try:
                changed = Path(path).stat().st_mtime_ns
            except OSError:
                changed = 0
            self._looked[path] = now, changed
        return changed

    def _due(self) -> Request | None:
        if self._job is not None or self._deaths > RESTARTS:
            return None
        if self.answered is None or self.answered.wish != self._wish:
            return Request(self._wish, self._drafts)
        if self.answered.draft and time.monotonic() - self._settling > SETTLED_SECONDS:
            return Request(self._wish, draft=False)
        return None

    def _ask(self, request: Request) -> None:
        self._asked = request
        if self._engine is None:
            self._engine = jobs.spare_engine(find_python())
        wish = request.wish
        arguments = {
            "likeness": wish.likeness,
            "canvas": str(self._canvas.path),
            "drive": wish.drive,
            "draft": request.draft,
        }
        self._job = jobs.EngineJob("preview", arguments | demands(), wish.settings, self._engine)

    def _bury(self, error: DeadWorkerError) -> None:
        """The next wish gets a new worker, unless too many died."""
        log = self._engine.log
        self._engine = None
        self._deaths += 1
        way_out = "Switch the preview off and on" if self._deaths > RESTARTS else "It starts again with the next frame"
        self._fail(WorkerError(error.message, f"{way_out}. Its log is {log}"))

    def _fail(self, error: HeadcastError) -> None:
        """Say it once. What the worker failed at is not asked again before something else is wanted."""
        self._job = None
        self.answered = None if self._wish is None else Request(self._asked.wish, draft=False)
        if str(error) != str(self.error):
            self.error, self.result = error, None
            show(None)


def _clear_away(engine: Engine | None, canvas: Canvas) -> None:
    if engine is not None:
        engine.kill()
    canvas.remove()


current: Preview | None = None
"""The one that is switched on."""
_ready: tuple[str, int] | None = None
"""The likeness, and when it was changed, that the idle worker has opened."""


def expect() -> None:
    """Somebody looks at the button: soon, `get_ready`. Costs no time, so a panel may say it whenever it is drawn."""
    if current is None and not bpy.app.timers.is_registered(get_ready):
        bpy.app.timers.register(get_ready, first_interval=EXPECTED_SECONDS)


def get_ready() -> None:
    """Have the idle worker open the likeness, once, before the preview is switched on: to load torch takes a second."""
    global _ready
    if current is not None or jobs.current is not None:
        return
    settings = bpy.context.scene.headcast
    with suppress(HeadcastError, OSError):  # whoever presses the button will hear of it
        likeness = absolute(settings.likeness, "Likeness")
        wanted = likeness, Path(likeness).stat().st_mtime_ns
        if wanted == _ready:
            return
        engine = jobs.running_engine(find_python())
        if engine.idle:
            _ready = wanted
            engine.ask("get_ready", {"likeness": likeness}, values_of(settings.render, RenderSettings), awaited=False)


def start() -> None:
    """Switch it on. Raises UnwritableError or DiskFullError."""
    global current, _ready
    current, _ready = Preview(), None
    for handlers, callback in _handlers():
        handlers.append(callback)
    bpy.app.timers.register(_tick, persistent=True)


def stop() -> None:
    """Switch it off, if it is on; its worker ends."""
    global current
    if bpy.app.timers.is_registered(get_ready):
        bpy.app.timers.unregister(get_ready)
    if current is None:
        return
    for handlers, callback in _handlers():
        handlers.remove(callback)
    if bpy.app.timers.is_registered(_tick):
        bpy.app.timers.unregister(_tick)
    current.close()
    current = None


def _handlers() -> list[tuple[list[Any], Any]]:
    """Blender's lists, and Headcast's entries in them."""
    handlers = bpy.app.handlers
    moves = (handlers.frame_change_post, handlers.depsgraph_update_post)
    replacements = (handlers.load_post, handlers.undo_post, handlers.redo_post)
    return [*((one, _moved) for one in moves), *((one, _replaced) for one in replacements)]


@persistent
def _moved(*arguments: Any) -> None:
    current.rig.moved()


@persistent
def _replaced(*arguments: Any) -> None:
    current.rig.forget()


def _tick() -> float:
    try:
        current.tick()
    except Exception:  # a bug: its traceback goes on, once and not fifty times a second
        stop()
        raise
    return TICK_SECONDS
