# SPDX-License-Identifier: GPL-3.0-or-later
"""The queue of takes: filled, emptied, rendered."""

from __future__ import annotations

from typing import Any

import bpy

from .. import jobs
from ..locale import said
from ..render_queue import QueueJob, add_take, open_takes
from .errors import reports_errors
from .modal import JobOperator
from .polls import allow, busy, read_only
from .render import missing_for_a_take, take_arguments


class HEADCAST_OT_queue_add(bpy.types.Operator):
    """Keep this take as it is set now, to be rendered with others"""

    bl_idname = "headcast.queue_add"
    bl_label = "Add to Queue"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return allow(cls, busy() or read_only(context) or missing_for_a_take(context.scene.headcast))

    @reports_errors
    def execute(self, context: bpy.types.Context) -> set[str]:
        settings = context.scene.headcast
        take = take_arguments(settings)
        add_take(settings, **take)
        self.report({"INFO"}, said("In the queue: {}", take["output"]))
        return {"FINISHED"}


class HEADCAST_OT_queue_remove(bpy.types.Operator):
    """Take the chosen take out of the queue; its frames stay"""

    bl_idname = "headcast.queue_remove"
    bl_label = "Remove from Queue"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        empty = "" if context.scene.headcast.queue else "The queue is empty"
        return allow(cls, busy() or read_only(context) or empty)

    def execute(self, context: bpy.types.Context) -> set[str]:
        settings = context.scene.headcast
        settings.queue.remove(settings.queue_index)
        settings.queue_index = max(0, min(settings.queue_index, len(settings.queue) - 1))
        return {"FINISHED"}


class HEADCAST_OT_queue_render(JobOperator, bpy.types.Operator):
    """Render the queue's takes one after the other; one that fails does not stop the rest"""

    bl_idname = "headcast.queue_render"
    bl_label = "Render Queue"

    @classmethod
    def missing(cls, settings: bpy.types.PropertyGroup) -> str:
        return "" if open_takes(settings) else "No take waits in the queue"

    def begin_job(self, context: bpy.types.Context) -> jobs.Job:
        return QueueJob(context.scene)

    def finish(self, context: bpy.types.Context, result: dict[str, Any]) -> str:
        return said("{} takes rendered, {} failed", result["takes"] - result["failed"], result["failed"])
