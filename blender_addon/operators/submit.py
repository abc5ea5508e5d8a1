# SPDX-License-Identifier: GPL-3.0-or-later
"""The take as a job for a farm: a folder beside the take's frames."""

# Blender wants annotations of properties as they are: no `from __future__ import annotations` here.

from pathlib import Path

import bpy

from ..core.farming.bundle import write_bundle
from ..core.settings import BundleSettings, RenderSettings
from ..core.take import FramePattern
from ..locale import said
from ..properties import values_of
from .errors import reports_errors
from .polls import allow, busy
from .render import missing_for_a_take, take_arguments


class HEADCAST_OT_submit(bpy.types.Operator):
    """Write the take as a job for a farm, in a folder beside its frames: Open Job Description, and Flamenco"""

    bl_idname = "headcast.submit"
    bl_label = "Submit"
    bl_options = {"REGISTER"}

    chunk: bpy.props.IntProperty(name="Chunk", description="Frames of each task", default=20, min=1)

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return allow(cls, busy() or missing_for_a_take(context.scene.headcast))

    @reports_errors
    def execute(self, context: bpy.types.Context) -> set[str]:
        take = take_arguments(context.scene.headcast)
        pattern = FramePattern.parse(take["output"])
        folder = pattern.folder / f"{pattern.manifest.name.split('.')[0]}_farm"
        settings = BundleSettings(**values_of(context.scene.headcast.render, RenderSettings), chunk=self.chunk)
        template, chunks = write_bundle(Path(take["likeness"]), Path(take["performance"]), take["output"], folder, settings)
        self.report({"INFO"}, said("{} tasks and a report: {}", len(chunks), template.parent))
        return {"FINISHED"}
