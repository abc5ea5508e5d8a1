# SPDX-License-Identifier: GPL-3.0-or-later
"""The control face: add it, put it to rest, key it, and give it handles."""

# Blender wants annotations of properties as they are: no `from __future__ import annotations` here.

from pathlib import Path
from typing import Any

import bpy
import numpy as np

from .. import jobs
from ..core.performance import Performance
from ..locale import said
from ..scene.control_face import add_face, is_control_face, key_all, reset
from ..scene.face_curves import eyes_part, result_of
from ..scene.face_handles import REGIONS, add_handles
from ..scene.files import absolute
from .errors import reports_errors
from .modal import JobOperator
from .polls import allow


class HEADCAST_OT_add_control_face(JobOperator, bpy.types.Operator):
    """Add a face with sliders before the scene's camera, to be keyed, and read as the performance"""

    bl_idname = "headcast.add_control_face"
    bl_label = "Add Control Face"
    bl_options = {"REGISTER", "UNDO"}

    shape: bpy.props.EnumProperty(
        name="Shape",
        description="Whose face it is",
        items=[
            ("LIKENESS", "Likeness", "The person who is shown; an average face where there is no likeness yet"),
            ("PERFORMANCE", "Performance", "Whoever plays the performance: to change by hand what was tracked"),
            ("AVERAGE", "Average", "An average face"),
        ],
    )

    def begin_job(self, context: bpy.types.Context) -> jobs.Job:
        settings = context.scene.headcast
        if self.shape == "PERFORMANCE":
            self.performance = absolute(settings.performance, "Performance")
            return jobs.EngineJob("dissect", {"performance": self.performance}, {})
        likeness = Path(bpy.path.abspath(settings.likeness))
        if self.shape == "LIKENESS" and likeness.is_file():
            return jobs.EngineJob("dissect", {"likeness": str(likeness)}, {})
        return jobs.SceneJob(_average())

    def finish(self, context: bpy.types.Context, result: dict[str, Any]) -> str:
        settings = context.scene.headcast
        rest = np.array(result["rest"]) if result["rest"] else None
        if self.shape == "PERFORMANCE":
            performance = Performance.load(Path(self.performance))
            rig = add_face(context.scene, rest, eyes_part(context.scene, performance, result_of(result)))
        else:
            rig = add_face(context.scene, rest)
        for item in context.selected_objects:
            item.select_set(False)
        rig.select_set(True)
        context.view_layer.objects.active = rig
        settings.source, settings.rig = "RIG", rig
        return said("Added '{}', shaped as the person" if result["rest"] else "Added '{}', an average face", rig.name)


class ControlFaceOperator:
    """Mixed into what works on the scene's control face."""

    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return allow(cls, "" if is_control_face(context.scene.headcast.rig) else "Add a control face first")


class HEADCAST_OT_reset_control_face(ControlFaceOperator, bpy.types.Operator):
    """Put every control of the face to rest"""

    bl_idname = "headcast.reset_control_face"
    bl_label = "Reset"

    def execute(self, context: bpy.types.Context) -> set[str]:
        reset(context.scene.headcast.rig)
        self.report({"INFO"}, said("The face is at rest"))
        return {"FINISHED"}


class HEADCAST_OT_key_control_face(ControlFaceOperator, bpy.types.Operator):
    """Key every control of the face at the current frame"""

    bl_idname = "headcast.key_control_face"
    bl_label = "Key All"

    def execute(self, context: bpy.types.Context) -> set[str]:
        key_all(context.scene.headcast.rig, context.scene.frame_current)
        self.report({"INFO"}, said("Keyed the whole face at frame {}", context.scene.frame_current))
        return {"FINISHED"}


class HEADCAST_OT_add_handles(ControlFaceOperator, bpy.types.Operator):
    """Add bones that drag landmarks of the face where no slider leads"""

    bl_idname = "headcast.add_handles"
    bl_label = "Add Landmark Handles"

    regions: bpy.props.EnumProperty(
        name="Regions",
        description="Parts of the face that get handles",
        items=[(key, label, about) for key, (label, about, _) in REGIONS.items()],
        options={"ENUM_FLAG"},
        default={"MOUTH"},
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        rig = context.scene.headcast.rig
        if not super().poll(context):
            return False
        return allow(cls, "" if rig.data.is_editable else "The face is linked from another file: its bones are fixed")

    @reports_errors
    def execute(self, context: bpy.types.Context) -> set[str]:
        count = add_handles(context.scene.headcast.rig, sorted(self.regions))
        added = said("Added {} handles: drag them in Pose Mode", count)
        self.report({"INFO"}, added if count else said("The handles are there already"))
        return {"FINISHED"}


def _average() -> jobs.Steps:
    yield "add face", 0, 1
    return {"rest": None}
