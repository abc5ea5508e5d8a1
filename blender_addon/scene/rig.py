# SPDX-License-Identifier: GPL-3.0-or-later
"""An animated face of the scene to a Performance, as the scene's camera sees it."""

from __future__ import annotations

from collections.abc import Generator
from fractions import Fraction

import bpy
import numpy as np
from numpy.typing import NDArray

from ..core.arrays import Doubles
from ..core.errors import RigError
from ..core.imaging.crop import crops_of_shots
from ..core.landmarks import arkit, ibug68
from ..core.performance import Performance, performance_from_points
from .cameras import camera_at
from .rig_sources import RigMatch, family_of, make_reader
from .shown_rig import as_rendered, ensure_evaluated
from .timing import scene_rate


def read_rig(
    scene: bpy.types.Scene, rig: bpy.types.Object, match: RigMatch
) -> Generator[tuple[str, int, int], None, Performance]:
    """Step through the scene's frame range and return the Performance; yields (what, done, total) after each frame.

    match: what of the rig gives which point. Points are in pixels of the scene's render: of its region, where it is cropped
    to that. Behind the camera a face counts as unseen, and where markers switch the camera a shot begins. What was current
    is current again at the end, also where the caller stops early. Raises RigError or NoFaceError.
    """
    if camera_at(scene, scene.frame_start) is None:
        raise RigError("The scene has no camera", "Add one that sees the rig's face")
    frames = np.arange(scene.frame_start, scene.frame_end + 1, dtype=np.int32)
    left, top, width, height = region_of(scene)
    landmarks = np.empty((len(frames), ibug68.COUNT, 2), np.float32)
    expression = np.empty((len(frames), len(arkit.EXPRESSIONS)), np.float32)
    starts: list[int] = []
    before, between = scene.frame_current, scene.frame_subframe
    camera, seen_by = scene.camera, None
    try:
        with as_rendered(scene, {*family_of(rig), match.owner}):
            read = make_reader(match)
            for i, frame in enumerate(frames.tolist()):
                scene.frame_set(frame)
                depsgraph = bpy.context.evaluated_depsgraph_get()
                ensure_evaluated([match.owner], depsgraph)
                posed = read(depsgraph)
                landmarks[i] = project(posed.points, scene, depsgraph, *frame_size(scene)) - (left, top)
                expression[i] = posed.expression
                if scene.camera != seen_by:
                    starts.append(i)
                    seen_by = scene.camera
                yield "read rig", i + 1, len(frames)
    finally:
        scene.frame_set(before, subframe=between)
        scene.camera = camera
    seen = np.isfinite(landmarks).all(axis=(1, 2))
    rate, aspect = scene_rate(scene), pixel_aspect(scene)
    landmarks[..., 0] *= float(aspect)
    crops = crops_of_shots(landmarks, seen, float(rate), starts) if seen.any() else np.empty((len(frames), 3))
    size = round(width * aspect), height
    performance = performance_from_points(frames, landmarks, crops, size, rate, f"rig '{rig.name}'", expression=expression)
    return performance.in_pixels_of(aspect, width)


def pixel_aspect(scene: bpy.types.Scene) -> Fraction:
    """How wide a pixel of the render is, over its height, as it is shown."""
    return Fraction(scene.render.pixel_aspect_x / scene.render.pixel_aspect_y).limit_denominator(1000)


def frame_size(scene: bpy.types.Scene) -> tuple[int, int]:
    """Width and height in pixels of the scene's whole frame. Blender counts in whole numbers: 70 % of 720 is 504."""
    render = scene.render
    percentage = int(render.resolution_percentage)
    return render.resolution_x * percentage // 100, render.resolution_y * percentage // 100


def region_of(scene: bpy.types.Scene) -> tuple[int, int, int, int]:
    """Of what a render gives: its left and top in the whole frame, its width and height, in pixels."""
    width, height = frame_size(scene)
    render = scene.render
    if not (render.use_border and render.use_crop_to_border):
        return 0, 0, width, height
    left, right = int(render.border_min_x * width), int(render.border_max_x * width)
    low, high = int(render.border_min_y * height), int(render.border_max_y * height)
    return left, height - high, max(right - left, 1), max(high - low, 1)


def lens_of(camera: bpy.types.Object, scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph) -> Doubles:
    """[4, 4] the projection of an evaluated camera: from its own space to -1 to 1 of the scene's frame.

    Raises RigError for a camera that has none, as a panoramic one.
    """
    if camera.data.type not in {"PERSP", "ORTHO"}:
        raise RigError(
            f"The camera '{camera.name}' is panoramic: nothing is where a flat picture has it",
            "Use a perspective or an orthographic camera",
        )
    width, height = frame_size(scene)
    aspects = {"scale_x": scene.render.pixel_aspect_x, "scale_y": scene.render.pixel_aspect_y}
    return np.array(camera.calc_matrix_camera(depsgraph, x=width, y=height, **aspects))


def seen_at(lens: Doubles, x: float, y: float, distance: float) -> tuple[float, float, float]:
    """In the camera's space, what the `lens` shows at (x, y), -1 to 1 of the frame, so far before the camera."""
    return (x + lens[0, 2]) * distance / lens[0, 0], (y + lens[1, 2]) * distance / lens[1, 1], -distance


def project(
    points: Doubles, scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph, width: int, height: int
) -> NDArray[np.float32]:
    """World positions [N, 3] to pixels [N, 2] of the render, from the top left corner; NaN behind the camera."""
    camera = scene.camera.evaluated_get(depsgraph)
    whole = lens_of(camera, scene, depsgraph) @ np.array(camera.matrix_world.inverted())
    seen = np.column_stack([points, np.ones(len(points))]) @ whole.T
    depth = seen[:, 3]
    with np.errstate(divide="ignore", invalid="ignore"):
        flat = seen[:, :2] / depth[:, None]
    flat[depth <= 0] = np.nan
    return np.column_stack([(flat[:, 0] + 1) / 2 * width, (1 - flat[:, 1]) / 2 * height]).astype(np.float32)
