"""Rigs: what is read through the camera is what Blender's own projection says."""

from __future__ import annotations

import math
import time
from pathlib import Path

import bpy
import pytest
from bpy_extras.object_utils import world_to_camera_view
from headcast import jobs
from headcast.core.errors import NoFaceError, RigError
from headcast.core.landmarks.head import head_model
from headcast.core.performance import Performance
from headcast.scene.rig import NAMES, find_reader, read_rig
from mathutils import Vector

POINTS = [Vector((x, z, -y)) for x, y, z in head_model().landmarks]


def mesh_rig(scene: bpy.types.Scene) -> bpy.types.Object:
    mesh = bpy.data.meshes.new("Face")
    mesh.from_pydata(POINTS, [], [])
    rig = bpy.data.objects.new("Face", mesh)
    for i, name in enumerate(NAMES):
        rig.vertex_groups.new(name=name).add([i], 1.0, "REPLACE")
    scene.collection.objects.link(rig)
    rig.shape_key_add(name="Basis")
    key = rig.shape_key_add(name="open")
    for i in (65, 66, 67):
        key.data[i].co.z -= 0.3
    for frame, value in ((1, 0.0), (6, 1.0)):
        key.value = value
        key.keyframe_insert("value", frame=frame)
    return rig


def empty_rig(scene: bpy.types.Scene) -> bpy.types.Object:
    rig = bpy.data.objects.new("Face", None)
    scene.collection.objects.link(rig)
    for name, point in zip(NAMES, POINTS, strict=True):
        empty = bpy.data.objects.new(name, None)
        empty.location = point
        empty.parent = rig
        scene.collection.objects.link(empty)
    return rig


def bone_rig(scene: bpy.types.Scene) -> bpy.types.Object:
    armature = bpy.data.armatures.new("Face")
    rig = bpy.data.objects.new("Face", armature)
    scene.collection.objects.link(rig)
    bpy.context.view_layer.objects.active = rig
    bpy.ops.object.mode_set(mode="EDIT")
    for name, point in zip(NAMES, POINTS, strict=True):
        bone = armature.edit_bones.new(name)
        bone.head, bone.tail = point, point + Vector((0, 0, 0.05))
    bpy.ops.object.mode_set(mode="OBJECT")
    return rig


def turn(rig: bpy.types.Object) -> None:
    for frame, angle in ((1, -0.4), (6, 0.4)):
        rig.rotation_euler = (0.1, 0.0, angle)
        rig.location = (0.2 * frame / 6, 0.0, 0.1)
        rig.keyframe_insert("rotation_euler", frame=frame)
        rig.keyframe_insert("location", frame=frame)


def read(scene: bpy.types.Scene, rig: bpy.types.Object) -> Performance:
    steps = read_rig(scene, rig)
    while True:
        try:
            next(steps)
        except StopIteration as finished:
            return finished.value


@pytest.mark.parametrize("make", [mesh_rig, empty_rig, bone_rig])
def test_points_are_where_blender_projects_them(scene: bpy.types.Scene, make: object) -> None:
    rig = make(scene)
    turn(rig)
    scene.frame_set(3)
    performance = read(scene, rig)
    assert scene.frame_current == 3
    assert performance.frames.tolist() == [1, 2, 3, 4, 5, 6]
    assert performance.seen.all()
    assert (performance.width, performance.height, performance.rate) == (128, 128, 24)
    for i in (0, 5):
        scene.frame_set(i + 1)
        depsgraph = bpy.context.evaluated_depsgraph_get()
        matrix = rig.evaluated_get(depsgraph).matrix_world
        for number in (8, 30, 36, 54):
            flat = world_to_camera_view(scene, scene.camera, matrix @ POINTS[number])
            assert performance.landmarks[i, number] == pytest.approx((flat.x * 128, (1 - flat.y) * 128), abs=0.02)
    assert performance.landmarks[0, 36, 0] < performance.landmarks[0, 45, 0]


def test_shape_keys_move_the_points(scene: bpy.types.Scene) -> None:
    performance = read(scene, mesh_rig(scene))
    opening = performance.landmarks[:, 66, 1] - performance.landmarks[:, 62, 1]
    assert opening[5] - opening[0] > 2


def test_reading_sixty_eight_points_is_quick(scene: bpy.types.Scene) -> None:
    """Under 2 ms a frame beyond Blender's own evaluation."""
    from headcast.scene.rig import project

    reader = find_reader(mesh_rig(scene))
    depsgraph = bpy.context.evaluated_depsgraph_get()
    begun = time.perf_counter()
    for _ in range(50):
        project(reader(depsgraph), scene, depsgraph, 128, 128)
    assert (time.perf_counter() - begun) / 50 < 0.002


def test_a_face_behind_the_camera_is_not_seen(scene: bpy.types.Scene) -> None:
    rig = empty_rig(scene)
    for frame, y in ((1, 0.0), (2, 0.0), (3, -40.0), (6, -40.0)):
        rig.location.y = y
        rig.keyframe_insert("location", frame=frame)
    performance = read(scene, rig)
    assert performance.seen.tolist() == [True, True, False, False, False, False]
    rig.animation_data_clear()
    rig.location.y = -40
    with pytest.raises(NoFaceError):
        read(scene, rig)


def test_missing_points_are_named(scene: bpy.types.Scene) -> None:
    rig = mesh_rig(scene)
    rig.vertex_groups.remove(rig.vertex_groups["lm_07"])
    with pytest.raises(RigError, match=r"lacks 1 of 68 vertex groups: lm_07"):
        find_reader(rig)
    rig.vertex_groups.new(name="lm_07")
    with pytest.raises(RigError, match=r"no vertex: lm_07"):
        find_reader(rig)
    scene.camera = None
    with pytest.raises(RigError, match="no camera"):
        read(scene, rig)


def test_the_operator_writes_the_performance(scene: bpy.types.Scene, tmp_path: Path) -> None:
    rig = mesh_rig(scene)
    assert not bpy.ops.headcast.track_rig.poll()
    scene.headcast.rig = rig
    scene.headcast.performance = "//deep/drive.performance"
    assert bpy.ops.headcast.track_rig() == {"FINISHED"}
    performance = Performance.load(tmp_path / "deep" / "drive.performance")
    assert len(performance) == 6
    assert math.isclose(float(performance.rate), 24)
    assert jobs.current is None
