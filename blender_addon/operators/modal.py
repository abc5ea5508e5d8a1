"""How every long job runs: modal with progress and ESC where there is a window, blocking where there is none.

A subclass says what to do in `begin_job` and what to make of the result in `finish`. `execute` blocks (scripts, headless);
`invoke` (a button) starts the job, returns at once, and a timer looks after it.
"""

from __future__ import annotations

from typing import Any

import bpy

from .. import jobs, notices
from ..core.errors import CancelledError, HeadcastError
from ..locale import said
from .polls import allow, busy, read_only

LOOK_SECONDS = 0.1


class JobOperator:
    """Mixed into each operator that runs a job."""

    bl_options = {"REGISTER"}
    changes_scene = True
    """Else it may run where the scene is linked from another file."""
    _timer: bpy.types.Timer | None = None
    _job: jobs.Job | None = None

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        refusal = busy() or (read_only(context) if cls.changes_scene else "")
        return allow(cls, refusal or cls.missing(context.scene.headcast))

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
            jobs.begin(job, type(self).bl_idname)
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
        jobs.begin(self._job, type(self).bl_idname)
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
                now = self._job.status
                context.workspace.status_text_set(said("Headcast: {} {}/{} - ESC stops", now.what, now.done, now.total))
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
        notices.tell(text)
        return {"FINISHED"}

    def _failed(self, error: HeadcastError) -> set[str]:
        if jobs.current is None:
            jobs.fail(error, type(self).bl_idname)
        jobs.end(error)
        cancelled = isinstance(error, CancelledError)
        # An error report raises RuntimeError where an operator is called from a script: just what a script wants.
        notices.tell(said(error.message), "ERROR")
        self.report({"WARNING"} if cancelled else {"ERROR"}, f"{said(error.message)}. {said(error.hint)}")
        return {"CANCELLED"}


def redraw(context: bpy.types.Context) -> None:
    """Have every sidebar drawn anew, and the preferences."""
    for window in context.window_manager.windows:
        for area in window.screen.areas:
            for region in area.regions:
                if region.type == "UI" or area.type == "PREFERENCES":
                    region.tag_redraw()
