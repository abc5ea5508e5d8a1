# SPDX-License-Identifier: GPL-3.0-or-later
"""Expressions of a control face as pose assets: what the face does, not how the head is turned nor where the eyes look."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import bpy
import numpy as np
from numpy.typing import NDArray

from .. import compat
from ..core.arrays import Doubles
from ..core.errors import RigError
from ..core.landmarks import arkit, ibug68
from ..core.landmarks.face_model import face_model
from ..core.landmarks.naming import both_sides
from .control_face import EXPRESSIONS, FACE, animated_path, handles, slider_path

KEY = "headcast_expression"
"""Custom property by which their actions are known."""
STARTERS = {
    "Neutral": {},
    "Smile": {"mouthSmile": 0.75, "cheekSquint": 0.5, "eyeSquint": 0.25, "mouthDimple": 0.2},
    "Blink": {"eyeBlink": 1.0},
    "Surprise": {"browInnerUp": 0.9, "browOuterUp": 0.8, "eyeWide": 0.8, "jawOpen": 0.4},
    "Anger": {"browDown": 0.9, "noseSneer": 0.5, "eyeSquint": 0.4, "mouthPress": 0.6, "mouthFrown": 0.3},
    "Sadness": {"browInnerUp": 0.8, "mouthFrown": 0.7, "eyeBlink": 0.2, "mouthShrugLower": 0.4},
    "Aa": {"jawOpen": 0.6, "mouthLowerDown": 0.3, "mouthUpperUp": 0.15},
    "Oo": {"jawOpen": 0.2, "mouthPucker": 0.8, "mouthFunnel": 0.4},
    "Ee": {"jawOpen": 0.15, "mouthStretch": 0.5, "mouthSmile": 0.3, "mouthLowerDown": 0.3},
}
"""The expressions to begin with: ARKit's, both sides where no side is named. All that is not named is 0."""
SIDE, LINE = 128, 1.2
"""Side of an asset's picture, and half the width of its lines, in pixels."""


class Value(NamedTuple):
    """One number of a pose."""

    path: str
    index: int
    value: float


def stored() -> list[bpy.types.Action]:
    """The file's expressions, by name."""
    return [action for action in bpy.data.actions if KEY in action and action.asset_data]


def store(rig: bpy.types.Object, name: str) -> bpy.types.Action:
    """Keep what the face does now, its handles among it, as a pose asset."""
    weights = {name: rig.pose.bones[FACE][name] for name in EXPRESSIONS}
    moves = [Value(animated_path(bone.name, ".location"), i, bone.location[i]) for bone in handles(rig) for i in range(3)]
    return _asset(name, weights, moves)


def add_starters() -> list[bpy.types.Action]:
    """Add those of STARTERS that the file lacks, and return them."""
    there = {action.name for action in stored()}
    return [_asset(name, both_sides(acts)) for name, acts in STARTERS.items() if name not in there]


def apply(rig: bpy.types.Object, name: str, blend: float) -> None:
    """Move the face towards a stored expression, by `blend` from 0 to 1. Raises RigError where none has the name."""
    action = next((action for action in stored() if action.name == name), None)
    if action is None:
        known = ", ".join(action.name for action in stored())
        raise RigError(f"There is no expression '{name}'", f"Choose one of: {known}" if known else "Store one first")
    bones = [compat.selection_of(bone) for bone in rig.pose.bones]
    chosen = [bone for bone in bones if bone.select]
    for bone in chosen:  # Blender poses what is selected, and everything where nothing is
        bone.select = False
    rig.pose.blend_pose_from_action(action, blend_factor=blend)
    for bone in chosen:
        bone.select = True
    rig.update_tag()


def _asset(name: str, weights: Mapping[str, float], moves: list[Value] | None = None) -> bpy.types.Action:
    action = bpy.data.actions.new(name)
    curves = compat.new_curves(action)
    sliders = [Value(animated_path(FACE, slider_path(key)), 0, weights.get(key, 0.0)) for key in EXPRESSIONS]
    for path, index, value in (*sliders, *(moves or ())):
        curves.new(path, index=index).keyframe_points.insert(0.0, value)
    action[KEY] = True
    action.asset_mark()
    action.asset_data.description = "What the face does, for a Headcast Face"
    action.asset_data.tags.new("headcast")
    preview = action.preview_ensure()
    preview.image_size = (SIDE, SIDE)
    preview.image_pixels_float = picture(weights).ravel()
    return action


def picture(weights: Mapping[str, float]) -> NDArray[np.float32]:
    """[128, 128, 4] the lines of a face that does so much of each expression, from the bottom row up."""
    face = face_model().acted(np.array([weights.get(name, 0.0) for name in arkit.EXPRESSIONS]))[:, :2]
    low, high = face_model().neutral[:, :2].min(axis=0), face_model().neutral[:, :2].max(axis=0)
    scale = 0.8 * SIDE / (high - low).max()
    flat: Doubles = (face - (low + high) / 2) * (scale, -scale) + SIDE / 2
    x, y = np.meshgrid(np.arange(SIDE) + 0.5, np.arange(SIDE) + 0.5)
    nearest = np.full((SIDE, SIDE), np.inf)
    first, last, _ = ibug68.segments()
    for (ax, ay), (bx, by) in zip(flat[first].tolist(), (flat[last] - flat[first]).tolist(), strict=True):
        part = np.clip(((x - ax) * bx + (y - ay) * by) / max(bx * bx + by * by, 1e-9), 0.0, 1.0)
        np.minimum(nearest, np.hypot(x - ax - part * bx, y - ay - part * by), out=nearest)
    lit = np.clip(LINE + 0.5 - nearest, 0.0, 1.0)
    return np.repeat(lit[..., None], 4, axis=2).astype(np.float32)
