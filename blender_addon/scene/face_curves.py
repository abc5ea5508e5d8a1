# SPDX-License-Identifier: GPL-3.0-or-later
"""A performance onto a control face: the head where the footage has it, gaze and expressions as keys of the sliders."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np
from mathutils import Matrix, Vector

from .. import compat
from ..core.arrays import Doubles
from ..core.landmarks import arkit
from ..core.landmarks.head import rotations
from ..core.performance import Performance
from ..core.tracking.dissecting import Dissected
from ..jobs import Steps
from .cameras import camera_at
from .control_face import (
    AXES,
    EXPRESSIONS,
    FACE,
    GAZE,
    HEAD,
    LOOKS,
    TURN_ORDER,
    UNIT,
    animated_path,
    check_camera,
    slider_path,
)
from .curves import replace_keys
from .rig import frame_size, lens_of, pixel_aspect, seen_at

TO_CAMERA = np.diag([1.0, -1.0, -1.0])
"""From the model's axes to a camera's."""


def write_face(scene: bpy.types.Scene, rig: bpy.types.Object, performance: Performance, acted: Dissected) -> Steps:
    """Key the control face `rig` at the frames of `performance`, of which `acted` was made; gaps have no keys.

    Through the scene's camera, as it stands in each frame, the head is then where the plate has it, when the plate is fitted
    into the frame. From the first frame to the last the keys of these curves are replaced, all else stays. Raises RigError.
    """
    check_camera(camera_at(scene, int(performance.frames[0])))
    places, turns = [], []
    before, between = scene.frame_current, scene.frame_subframe
    try:
        for i, frame in enumerate(acted.frames.tolist()):
            scene.frame_set(frame)
            basis = _head_basis(scene, rig, performance, acted, i)
            places.append(basis.translation)
            turns.append(basis.to_euler(TURN_ORDER, *turns[-1:]))
            yield "place head", i + 1, len(acted.frames)
    finally:
        scene.frame_set(before, subframe=between)
    curves = {(animated_path(HEAD, ".location"), i): column for i, column in enumerate(np.array(places).T)}
    curves |= {(animated_path(HEAD, ".rotation_euler"), i): column for i, column in enumerate(np.array(turns).T)}
    curves |= {(animated_path(FACE, slider_path(name)), 0): values for name, values in sliders(acted.expression).items()}
    span = (int(performance.frames[0]), int(performance.frames[-1]))
    for done, ((path, index), values) in enumerate(curves.items()):
        yield "write curves", done, len(curves)
        replace_keys(compat.curve_of(rig, path, index), acted.frames, values, span)
    unsaid = f"{float(acted.residual[0]):.1%} of the eyes' distance is what the sliders cannot say of the landmarks"
    return {"text": f"{len(curves)} curves, keys at {len(acted.frames)} frames; {unsaid}"}


def eyes_part(scene: bpy.types.Scene, performance: Performance, acted: Dissected) -> float:
    """Distance of the eyes, in the middle of the frames, in parts of the scene's frame's shorter side."""
    size = _shown_size(scene)
    return float(np.median(acted.scale) * _fit(size, performance) / size.min())


def sliders(expression: Doubles) -> dict[str, Doubles]:
    """The values [F] of each slider for weights [F, 52]: one gaze for both eyes, the mean of theirs."""
    values = {name: expression[:, arkit.INDEX[name]] for name in EXPRESSIONS}
    for slider in GAZE:
        ways = [way * expression[:, arkit.INDEX[name]] for name, (moved, way) in LOOKS.items() if moved == slider]
        values[slider] = np.clip(np.sum(ways, axis=0) / 2, -1.0, 1.0)
    return values


def _head_basis(scene: bpy.types.Scene, rig: bpy.types.Object, performance: Performance, acted: Dissected, i: int) -> Matrix:
    """The pose of the bone HEAD, as its own channels have it, by which the camera sees it in the current frame as the plate
    does in the `i`th."""
    depsgraph = bpy.context.evaluated_depsgraph_get()
    camera = scene.camera.evaluated_get(depsgraph)
    lens, size = lens_of(camera, scene, depsgraph), _shown_size(scene)
    placed = rig.evaluated_get(depsgraph).matrix_world
    grown = placed.median_scale
    plate, fit = np.array(_shown_plate(performance)), _fit(size, performance)
    distance = lens[0, 0] * size[0] / 2 * UNIT * grown / (acted.scale[i] * fit)
    x, y = (acted.offset[i] - plate / 2) * fit / (size / 2)
    between_eyes = Vector(seen_at(lens, x, -y, distance))
    # A pose is seen along the ray to the head, not along the camera's axis.
    ray = Vector((0.0, 0.0, -1.0)).rotation_difference(between_eyes).to_matrix()
    turned = ray @ Matrix((TO_CAMERA @ rotations(acted.turn[i : i + 1])[0] @ AXES.T).tolist())
    wanted = Matrix.LocRotScale(between_eyes, turned.to_quaternion(), (grown, grown, grown))
    rest = rig.data.bones[HEAD].matrix_local
    return rest.inverted() @ placed.inverted() @ camera.matrix_world.normalized() @ wanted @ rest


def _fit(size: Doubles, performance: Performance) -> float:
    """How much larger the plate is in a frame of `size` [2] pixels, all of it within."""
    return float((size / _shown_plate(performance)).min())


def _shown_size(scene: bpy.types.Scene) -> Doubles:
    """[2] width and height of the scene's frame in square pixels."""
    width, height = frame_size(scene)
    return np.array([width * float(pixel_aspect(scene)), height])


def _shown_plate(performance: Performance) -> tuple[float, float]:
    """The same of the performance's plate."""
    return float(performance.width * performance.pixel_aspect), performance.height


def result_of(answer: dict[str, Any]) -> Dissected:
    """The answer of the engine's job `dissect`."""
    return Dissected(*(np.array(answer[name]) for name in Dissected._fields))
