"""How every long job runs: modal with progress and ESC where there is a window, blocking where there is none.

A subclass says what to do in `begin_job` and what to make of the result in `finish`. `execute` blocks (scripts, headless);
`invoke` (a button) starts the job, returns at once, and a timer looks after it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy

from .. import jobs
from ..core.errors import CancelledError, HeadcastError, SettingError

LOOK_SECONDS = 0.1


def absolute(path: str, label: str) -> str:
    """A path of the scene's made absolute. Raises SettingError where it is empty, or relative to a file never saved."""
    if not path:
        raise SettingError(f"'{label}' is empty", "Fill it in")
    if path.startswith("//") and not bpy.data.filepath:
        raise SettingError(f"'{label}' is beside the .blend file, which was not saved yet", "Save the file first")
    return str(Path(bpy.path.abspath(path)))


class JobOperator:
    """Mixed into each operator that runs a job."""

    bl_options = {"REGISTER"}
    _timer: bpy.types.Timer | None = None
    _job: jobs.Job | None = None

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if jobs.current is not None:
            cls.poll_message_set("Another job is running")
            return False
        missing = cls.missing(context.scene.headcast)
        if missing:
            cls.poll_message_set(missing)
        return not missing

    @classmethod
    def missing(cls, settings: bpy.types.PropertyGroup) -> str:
        """What the user must set before this can run; empty for nothing."""
        return ""

    def begin_job(self, context: bpy.types.Context) -> jobs.Job:
        """Start the job. May raise HeadcastError."""
        raise TypeError(f"{type(self).__name__} has no begin_job")

    def finish(self, context: bpy.types.Context, result: dict[str, Any]) -> str:
        """Put the result where it belongs; returns what to report. May raise HeadcastError."""
        raise TypeError(f"{type(self).__name__} has no finish")

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            job = self.begin_job(context)
            jobs.begin(job)
            text = self.finish(context, jobs.wait(job))
        except HeadcastError as error:
            return self._failed(error)
        except Exception:  # a bug: its traceback goes on, but must not leave the buttons grey for good
            jobs.end()
            raise
        return self._finished(text)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if bpy.app.background:
            return self.execute(context)
        try:
            self._job = self.begin_job(context)
        except HeadcastError as error:
            return self._failed(error)
        jobs.begin(self._job)
        self._timer = context.window_manager.event_timer_add(LOOK_SECONDS, window=context.window)
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if event.type == "ESC":
            self._job.cancel()
        if event.type != "TIMER":
            return {"PASS_THROUGH"}
        try:
            result = self._job.poll()
            redraw(context)
            if result is None:
                status = self._job.status
                context.workspace.status_text_set(f"Headcast: {status.what} {status.done}/{status.total} - ESC stops")
                return {"PASS_THROUGH"}
            text = self.finish(context, result)
        except HeadcastError as error:
            self._let_go(context)
            return self._failed(error)
        except Exception:
            self._let_go(context)
            jobs.end()
            raise
        self._let_go(context)
        return self._finished(text)

    def _let_go(self, context: bpy.types.Context) -> None:
        context.window_manager.event_timer_remove(self._timer)
        context.workspace.status_text_set(None)
        redraw(context)

    def _finished(self, text: str) -> set[str]:
        jobs.end()
        for note in jobs.last.notes:
            self.report({"WARNING"}, note)
        self.report({"INFO"}, text)
        return {"FINISHED"}

    def _failed(self, error: HeadcastError) -> set[str]:
        if jobs.current is None:
            jobs.fail(error)
        jobs.end(error)
        cancelled = isinstance(error, CancelledError)
        # An error report raises RuntimeError where an operator is called from a script: just what a script wants.
        self.report({"WARNING"} if cancelled else {"ERROR"}, f"{error.message}. {error.hint}")
        return {"CANCELLED"}


def redraw(context: bpy.types.Context) -> None:
    """Have every sidebar drawn anew."""
    for window in context.window_manager.windows:
        for area in window.screen.areas:
            for region in area.regions:
                if region.type == "UI":
                    region.tag_redraw()
