# SPDX-License-Identifier: GPL-3.0-or-later
"""How every long job runs: modal with progress and ESC where there is a window, blocking where there is none.

A subclass says what to do in `begin_job` and what to make of the result in `finish`. `execute` blocks (scripts, headless);
`invoke` (a button) starts the job, returns at once, and a timer looks after it. The job belongs to the scene in which it was
started: `finish` works on that one, whichever is shown by then.
"""

from __future__ import annotations

from typing import Any

import bpy

from .. import jobs, notices
from ..core.errors import CancelledError, HeadcastError
from ..locale import said
from ..scene.origin import Origin
from .polls import allow, busy, read_only

LOOK_SECONDS = 0.1
MADE = ("output", "likeness", "performance")
"""Names in a result of the file that was made."""


class JobOperator:
    """Mixed into each operator that runs a job."""

    bl_options = {"REGISTER"}
    changes_scene = True
    """Else it may run where the scene is linked from another file."""
    _timer: bpy.types.Timer | None = None
    _job: jobs.Job | None = None
    _origin: Origin | None = None

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        refusal = busy() or (read_only(context) if cls.changes_scene else "")
        return allow(cls, refusal or cls.missing(context.scene.headcast))

    @classmethod
    def missing(cls, settings: bpy.types.PropertyGroup) -> str:
        """The settings still missing before this can run; empty for none."""
        return ""

    def begin_job(self, context: bpy.types.Context) -> jobs.Job:
        """Start the job with all that it needs of the scene. May raise HeadcastError."""
        raise TypeError(f"{type(self).__name__} has no begin_job")

    def finish(self, context: bpy.types.Context, result: dict[str, Any]) -> str:
        """Put the result where it belongs, in the context's scene; returns what to report. The settings may be others by
        now: what the job was started with is in the result, or was kept by `begin_job`. May raise HeadcastError."""
        raise TypeError(f"{type(self).__name__} has no finish")

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            self._origin = Origin(context.scene)
            job = self.begin_job(context)
            jobs.begin(job, type(self).bl_idname)
            text = self.put(context, jobs.wait(job))
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
            self._origin = Origin(context.scene)
            self._job = self.begin_job(context)
        except HeadcastError as error:
            return self._failed(error)
        jobs.begin(self._job, type(self).bl_idname)
        self._timer = context.window_manager.event_timer_add(LOOK_SECONDS, window=context.window)
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if jobs.current is not self._job:
            self._let_go(context)
            return {"CANCELLED"}
        if event.type == "ESC":
            self._job.cancel()
            return {"RUNNING_MODAL"}  # nothing else is to be stopped by it
        if event.type != "TIMER":
            return {"PASS_THROUGH"}
        try:
            result = self._job.poll()
            redraw(context)
            if result is None:
                now = self._job.status
                context.workspace.status_text_set(said("Headcast: {} {}/{} - ESC stops", now.what, now.done, now.total))
                return {"PASS_THROUGH"}
            text = self.put(context, result)
        except HeadcastError as error:
            self._let_go(context)
            return self._failed(error)
        except Exception:
            self._let_go(context)
            jobs.end()
            raise
        self._let_go(context)
        return self._finished(text)

    def cancel(self, context: bpy.types.Context) -> None:
        """Called by Blender where nobody will look after the job any more: its window closes, or another file is opened."""
        if jobs.current is self._job:
            jobs.abandon()
            notices.tell(said("Stopped, as its window was closed. Finished work is kept"))
        self._let_go(context)

    def put(self, context: bpy.types.Context, result: dict[str, Any]) -> str:
        """`finish` in the scene that the job was started in; nothing where that is gone. Returns what to report."""
        scene = self._origin.scene()
        if not self.changes_scene or scene == context.scene:
            return self.finish(context, result)
        if scene is None:
            made = next((result[name] for name in MADE if name in result), "")
            text = said("The scene '{}' is gone: nothing was put there", self._origin.name)
            return f"{text} ({made})" if made else text
        with context.temp_override(scene=scene):
            return self.finish(context, result)

    def _let_go(self, context: bpy.types.Context) -> None:
        if context.window_manager is None:
            return  # Blender ends
        if self._timer is not None:
            context.window_manager.event_timer_remove(self._timer)
            self._timer = None
        if context.workspace is not None:
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
