"""68 points on an animated head, as the scene's camera sees them.

Looked for in this order: vertex groups `lm_00` to `lm_67` of a mesh (of its evaluated vertices), bones of an armature,
empties below the object. `lm_36` to `lm_41` are the subject's right eye, as in `core.landmarks.ibug68`.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from fractions import Fraction

import bpy
import numpy as np
from numpy.typing import NDArray

from ..core.errors import RigError
from ..core.imaging.crop import head_crops
from ..core.landmarks import ibug68
from ..core.performance import Performance, performance_from_points

NAMES = tuple(f"lm_{i:02d}" for i in range(ibug68.COUNT))

Points = NDArray[np.float64]
Reader = Callable[[bpy.types.Depsgraph], Points]
"""World positions [68, 3] in an evaluated scene."""


def read_rig(scene: bpy.types.Scene, rig: bpy.types.Object) -> Generator[tuple[str, int, int], None, Performance]:
    """Step through the scene's frame range and return the Performance; yields (what, done, total) after each frame.

    Points are in pixels of the scene's render. Behind the camera a face counts as unseen. The frame that was current is
    current again at the end, also where the caller stops early. Raises RigError or NoFaceError.
    """
    if scene.camera is None:
        raise RigError("The scene has no camera", "Add one that sees the rig's face")
    read = find_reader(rig)
    frames = np.arange(scene.frame_start, scene.frame_end + 1, dtype=np.int32)
    scale = scene.render.resolution_percentage / 100
    width, height = int(scene.render.resolution_x * scale), int(scene.render.resolution_y * scale)
    landmarks = np.empty((len(frames), ibug68.COUNT, 2), np.float32)
    before = scene.frame_current
    try:
        for i, frame in enumerate(frames.tolist()):
            scene.frame_set(frame)
            depsgraph = bpy.context.evaluated_depsgraph_get()
            landmarks[i] = project(read(depsgraph), scene, depsgraph, width, height)
            yield "read rig", i + 1, len(frames)
    finally:
        scene.frame_set(before)
    seen = np.isfinite(landmarks).all(axis=(1, 2))
    rate = Fraction(scene.render.fps) / Fraction(scene.render.fps_base).limit_denominator(1001)
    crops = head_crops(landmarks, seen, float(rate)) if seen.any() else np.empty((len(frames), 3))
    return performance_from_points(frames, landmarks, crops, (width, height), rate, f"rig '{rig.name}'")


def find_reader(rig: bpy.types.Object) -> Reader:
    """How this rig's points are read. Raises RigError, which names the points that are missing."""
    below = {child.name.split(".")[0]: child for child in rig.children_recursive if child.type == "EMPTY"}
    candidates: list[tuple[str, set[str], Callable[[], Reader]]] = []
    if rig.type == "MESH":
        candidates.append(("vertex groups", {group.name for group in rig.vertex_groups}, lambda: _vertex_reader(rig)))
    if rig.type == "ARMATURE":
        candidates.append(("bones", {bone.name for bone in rig.pose.bones}, lambda: _bone_reader(rig)))
    candidates.append(("empties", set(below), lambda: _empty_reader([below[name] for name in NAMES])))
    for _, names, reader in candidates:
        if names.issuperset(NAMES):
            return reader()
    kind, names, _ = max(candidates, key=lambda candidate: len(candidate[1].intersection(NAMES)))
    absent = [name for name in NAMES if name not in names]
    raise RigError(
        f"'{rig.name}' lacks {len(absent)} of 68 {kind}: {', '.join(absent[:4])}{'...' if len(absent) > 4 else ''}",
        "Name the face's points lm_00 to lm_67 in iBUG order",
    )


def _vertex_reader(rig: bpy.types.Object) -> Reader:
    """The weighted middle of each vertex group. Modifiers may move vertices but not add or remove them."""
    numbers = {rig.vertex_groups[name].index: i for i, name in enumerate(NAMES)}
    weights = np.zeros((ibug68.COUNT, len(rig.data.vertices)))
    for vertex in rig.data.vertices:
        for group in vertex.groups:
            if group.group in numbers:
                weights[numbers[group.group], vertex.index] = group.weight
    totals = weights.sum(axis=1)
    if (totals == 0).any():
        empty = [NAMES[i] for i in np.flatnonzero(totals == 0)]
        raise RigError(f"Vertex groups of '{rig.name}' have no vertex: {', '.join(empty)}", "Assign a vertex to each")
    weights /= totals[:, None]
    used = np.flatnonzero(weights.any(axis=0))
    weights = weights[:, used]

    def read(depsgraph: bpy.types.Depsgraph) -> Points:
        evaluated = rig.evaluated_get(depsgraph)
        mesh = evaluated.to_mesh()
        try:
            if len(mesh.vertices) != len(rig.data.vertices):
                raise RigError(
                    f"Modifiers change the number of vertices of '{rig.name}'", "Disable subdivision and the like"
                )
            places = np.empty(len(mesh.vertices) * 3, np.float32)
            mesh.vertices.foreach_get("co", places)
        finally:
            evaluated.to_mesh_clear()
        return _transformed(weights @ places.reshape(-1, 3)[used], evaluated.matrix_world)

    return read


def _bone_reader(rig: bpy.types.Object) -> Reader:
    def read(depsgraph: bpy.types.Depsgraph) -> Points:
        evaluated = rig.evaluated_get(depsgraph)
        heads = np.array([evaluated.pose.bones[name].head for name in NAMES])
        return _transformed(heads, evaluated.matrix_world)

    return read


def _empty_reader(empties: list[bpy.types.Object]) -> Reader:
    def read(depsgraph: bpy.types.Depsgraph) -> Points:
        return np.array([empty.evaluated_get(depsgraph).matrix_world.translation for empty in empties])

    return read


def _transformed(points: Points, matrix: object) -> Points:
    whole = np.array(matrix)
    return np.asarray(points @ whole[:3, :3].T + whole[:3, 3])


def project(
    points: Points, scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph, width: int, height: int
) -> NDArray[np.float32]:
    """World positions [N, 3] to pixels [N, 2] of the render, from the top left corner; NaN behind the camera."""
    camera = scene.camera.evaluated_get(depsgraph)
    lens = camera.calc_matrix_camera(
        depsgraph,
        x=width,
        y=height,
        scale_x=scene.render.pixel_aspect_x,
        scale_y=scene.render.pixel_aspect_y,
    )
    whole = np.array(lens) @ np.array(camera.matrix_world.inverted())
    seen = np.column_stack([points, np.ones(len(points))]) @ whole.T
    depth = seen[:, 3]
    with np.errstate(divide="ignore", invalid="ignore"):
        flat = seen[:, :2] / depth[:, None]
    flat[depth <= 0] = np.nan
    return np.column_stack([(flat[:, 0] + 1) / 2 * width, (1 - flat[:, 1]) / 2 * height]).astype(np.float32)
