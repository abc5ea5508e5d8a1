# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine: set it up, check it, remove it. All of it in a process of its own, on Blender's Python or the engine's."""

from __future__ import annotations

from typing import Any

import bpy

from .. import jobs
from ..core.errors import SetUpError
from ..environment import (
    blender_python,
    chosen_python,
    engine_environment,
    find_python,
    lacking,
    missing,
    remember,
    summary,
)
from ..locale import said
from .modal import JobOperator
from .polls import allow


def check_job(result: dict[str, Any]) -> jobs.Job:
    """The engine looks at itself, after whatever had that result. May raise HeadcastError."""
    return jobs.EngineJob("check", {}, {})


def finish_check(report: dict[str, Any]) -> str:
    """Keep what the check found; returns what to report. Raises SetUpError where the engine is not whole."""
    python = find_python()
    remember(python, report)
    if not report["healthy"]:
        ours = python == engine_environment().python
        way_out = "Press Set Up Engine again" if ours else "; ".join(finding["way_out"] for finding in missing(report))
        raise SetUpError(f"The engine is not whole: {lacking(report)}", way_out)
    return said("The engine is ready: {}", summary(report))


class EngineOperator(JobOperator):
    """Mixed into each operator that sees to the engine."""

    changes_scene = False

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        # The window of the preferences may be closed while the job runs: the first one looks after it.
        with context.temp_override(window=context.window_manager.windows[0]):
            return super().invoke(context, event)


class HEADCAST_OT_set_up(EngineOperator, bpy.types.Operator):
    """Fetch what the engine needs into an environment of its own, and check it; one that was begun is finished"""

    bl_idname = "headcast.set_up"
    bl_label = "Set Up Engine"

    def begin_job(self, context: bpy.types.Context) -> jobs.Job:
        addon = context.preferences.addons.get(__package__.rpartition(".")[0])
        settings = {"python": str(chosen_python())}
        if addon is not None:
            settings |= {"wheels": bpy.path.abspath(addon.preferences.wheels), "device": addon.preferences.device}
        arguments = {"folder": str(engine_environment().folder), "online": bpy.app.online_access}
        worker = jobs.running_engine(blender_python())
        return jobs.Relay(jobs.EngineJob("set_up", arguments, settings, worker), check_job)

    def finish(self, context: bpy.types.Context, result: dict[str, Any]) -> str:
        return finish_check(result)


class HEADCAST_OT_check_engine(EngineOperator, bpy.types.Operator):
    """See whether the engine has all that it needs, and what it computes with"""

    bl_idname = "headcast.check_engine"
    bl_label = "Check"

    def begin_job(self, context: bpy.types.Context) -> jobs.Job:
        return check_job({})

    def finish(self, context: bpy.types.Context, result: dict[str, Any]) -> str:
        return finish_check(result)


class HEADCAST_OT_remove_engine(EngineOperator, bpy.types.Operator):
    """Delete the environment that Set Up Engine made; likenesses, takes and another Python of yours stay"""

    bl_idname = "headcast.remove_engine"
    bl_label = "Remove"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        made = engine_environment().folder.exists()
        return super().poll(context) and allow(cls, "" if made else "There is no environment to remove")

    def begin_job(self, context: bpy.types.Context) -> jobs.Job:
        worker = jobs.running_engine(blender_python())
        return jobs.EngineJob("remove", {"folder": str(engine_environment().folder)}, {}, worker)

    def finish(self, context: bpy.types.Context, result: dict[str, Any]) -> str:
        return said("Removed: {}", result["folder"])
