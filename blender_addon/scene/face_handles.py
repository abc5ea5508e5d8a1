# SPDX-License-Identifier: GPL-3.0-or-later
"""Handles on landmarks of a control face: bones that an artist drags where no slider leads.

A handle moves its landmark by as much as it was moved itself, on top of what the sliders do. Bones are keyed, and stored
with poses, as all bones are.
"""

from __future__ import annotations

from collections.abc import Iterable

import bpy
import numpy as np

from ..core.landmarks import ibug68
from ..core.landmarks.naming import LANDMARKS
from .control_face import HEAD, UNIT, add_bone, editing, landmarks_of
from .rig_sources import vertices_of

REGIONS = {
    "MOUTH": ("Mouth", "The lips, outside and inside", (*ibug68.OUTER_LIPS, *ibug68.INNER_LIPS)),
    "BROWS": ("Brows", "Both brows", (*ibug68.RIGHT_BROW, *ibug68.LEFT_BROW)),
    "EYES": ("Eyes", "The lids and the pupils", (*ibug68.RIGHT_EYE, *ibug68.LEFT_EYE, *ibug68.PUPILS)),
    "JAW": ("Jaw", "From ear to ear along the chin", tuple(ibug68.JAW)),
}
"""Labels, and the landmarks."""
LENGTH = 0.08
"""Length of a handle, in eye distances: it points up."""
DIAMOND = ((0.5, 0.0, 0.0), (0.0, 0.5, 0.0), (-0.5, 0.0, 0.0), (0.0, -0.5, 0.0))
"""How a handle looks, in its own lengths."""


def add_handles(rig: bpy.types.Object, regions: Iterable[str]) -> int:
    """Add what is missing of the regions' handles, and return how many were. Raises RigError."""
    wanted = [number for region in regions for number in REGIONS[region][2]]
    places = vertices_of(landmarks_of(rig))
    new = [number for number in wanted if LANDMARKS[number] not in rig.data.bones]
    up = np.array([0.0, 0.0, LENGTH * UNIT])
    with editing(rig) as bones:
        for number in new:
            add_bone(bones, LANDMARKS[number], places[number], places[number] + up, HEAD)
    look = next((bone.custom_shape for bone in rig.pose.bones if bone.custom_shape), None) or _diamond()
    for number in new:
        handle = rig.pose.bones[LANDMARKS[number]]
        handle.custom_shape = look
        handle.lock_rotation = handle.lock_scale = (True, True, True)
        handle.color.palette = "THEME09"
    return len(new)


def _diamond() -> bpy.types.Object:
    """The shape of the handles; in no scene itself."""
    mesh = bpy.data.meshes.new("Headcast Handle")
    mesh.from_pydata(DIAMOND, [(i, (i + 1) % 4) for i in range(4)], [])
    return bpy.data.objects.new(mesh.name, mesh)
