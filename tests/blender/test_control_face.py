# SPDX-License-Identifier: GPL-3.0-or-later
"""The control face: what its sliders say is what is read, and footage written onto it comes back."""

from __future__ import annotations

import time
from fractions import Fraction
from pathlib import Path

import bpy
import numpy as np
import pytest
from headcast import compat
from headcast.core.landmarks import arkit
from headcast.core.landmarks.face_model import face_model
from headcast.core.landmarks.head import HeadPose, rotations
from headcast.core.landmarks.measure import measure_faces
from headcast.core.landmarks.naming import both_sides
from headcast.core.performance import Performance, performance_from_points
from headcast.panels.control_face import GROUPS, MORE
from headcast.scene.control_face import EXPRESSIONS, FACE, HEAD, SLIDERS, animated_path, landmarks_of
from headcast.scene.expressions import STARTERS, picture, stored
from headcast.scene.face_handles import REGIONS
from headcast.scene.rig import project
from headcast.scene.rig_sources import make_reader, match_rig

from .test_rig import read

FIRST, FRAMES = 11, 12


def eyes(performance: Performance) -> float:
    """Distance of the pupils in pixels."""
    return float(np.linalg.norm(performance.landmarks[0, 69] - performance.landmarks[0, 68]))


@pytest.fixture
def rig(scene: bpy.types.Scene) -> bpy.types.Object:
    """A control face, the scene's rig, over two frames."""
    scene.frame_end = 2
    assert bpy.ops.headcast.add_control_face(shape="AVERAGE") == {"FINISHED"}
    return scene.headcast.rig


def acting(shape: np.ndarray | None = None) -> Performance:
    """Somebody of a shape of their own turns, comes nearer, speaks, looks about and blinks; a frame is a gap."""
    model, phase = face_model(), np.linspace(0, 2 * np.pi, FRAMES)
    weights = np.zeros((FRAMES, len(arkit.EXPRESSIONS)))
    for name, speed, much in (
        ("jawOpen", 2.0, 0.6),
        ("mouthSmileLeft", 1.0, 0.7),
        ("mouthSmileRight", 1.0, 0.7),
        ("browInnerUp", 1.5, 0.8),
        ("eyeBlinkLeft", 3.0, 0.9),
        ("eyeBlinkRight", 3.0, 0.9),
        ("eyeLookOutLeft", 0.5, 0.6),
        ("eyeLookInRight", 0.5, 0.6),
    ):
        weights[:, arkit.INDEX[name]] = much * (0.5 - 0.5 * np.cos(speed * phase))
    turn = np.stack([0.15 * np.sin(phase), 0.5 * np.sin(phase), 0.2 * np.cos(phase)], axis=-1)
    offset = np.stack([700 + 300 * np.sin(phase), 500 + 100 * np.cos(phase)], axis=-1)
    pose = HeadPose(rotations(turn), 150 + 30 * np.sin(phase), offset)
    rest = model.neutral + np.tensordot(np.zeros(len(model.shapes)) if shape is None else shape, model.shapes, axes=1)
    landmarks = pose.project(rest + np.tensordot(weights, model.expressions, axes=1)).astype(np.float32)
    landmarks[7] = np.nan
    frames = np.arange(FIRST, FIRST + FRAMES, dtype=np.int32)
    crops = np.tile([960.0, 540.0, 900.0], (FRAMES, 1))
    return performance_from_points(frames, landmarks, crops, (1920, 1080), Fraction(24), "test")


def test_the_added_face_fills_the_frame_and_is_read_whole(scene: bpy.types.Scene, rig: bpy.types.Object) -> None:
    assert (scene.headcast.source, bpy.context.view_layer.objects.active) == ("RIG", rig)
    found = match_rig(rig)
    assert (found.kind, len(found.matched.matches), found.matched.missing) == ("groups", 70, ())
    performance = read(scene, rig)
    assert eyes(performance) == pytest.approx(0.15 * 128, rel=0.05)
    assert performance.landmarks[0, 27] == pytest.approx((64, 64), abs=6)
    assert performance.landmarks[0, 36, 0] < 64 < performance.landmarks[0, 45, 0]
    assert np.abs(performance.expression).max() == 0


def test_sliders_turn_look_and_act_as_they_are_labelled(scene: bpy.types.Scene, rig: bpy.types.Object) -> None:
    """Yaw and gaze to the picture's right, pitch up, roll clockwise: as `headcast measure` counts them."""
    face, head = rig.pose.bones[FACE], rig.pose.bones[HEAD]
    rest = measure_faces(read(scene, rig).landmarks)
    for axis, name in ((1, "yaw"), (0, "pitch"), (2, "roll")):
        head.rotation_euler = (0, 0, 0)
        head.rotation_euler[axis] = np.radians(15)
        turned = measure_faces(read(scene, rig).landmarks)
        assert getattr(turned, name)[0] - getattr(rest, name)[0] == pytest.approx(15, abs=3)
    head.rotation_euler = (0, 0, 0)
    face["gaze_x"], face["gaze_y"], face["jawOpen"], face["eyeBlinkLeft"] = 0.8, 0.5, 0.5, 1.0
    rig.update_tag()
    acted = read(scene, rig)
    looks = measure_faces(acted.landmarks).gaze[0] - rest.gaze[0]
    assert looks[0] > 5
    assert looks[1] > 2
    for name, weight in (("eyeLookOutLeft", 0.8), ("eyeLookInLeft", 0.0), ("eyeLookUpRight", 0.5), ("jawOpen", 0.5)):
        assert acted.expression[0, arkit.INDEX[name]] == pytest.approx(weight)
    assert measure_faces(acted.landmarks).eyes[0, 1] < 0.12 < measure_faces(acted.landmarks).eyes[0, 0]


def test_each_expression_has_one_slider_in_the_panel() -> None:
    stems = dict.fromkeys(stem for rows in (*GROUPS.values(), *MORE.values()) for _, stem in rows)
    assert sorted(both_sides(dict.fromkeys(stems, 1.0))) == sorted(EXPRESSIONS)


def test_no_driver_needs_a_trusted_file(rig: bpy.types.Object) -> None:
    drivers = [curve.driver for curve in landmarks_of(rig).data.shape_keys.animation_data.drivers]
    assert len(drivers) == len(arkit.EXPRESSIONS)
    assert all(driver.type == "SUM" or driver.is_simple_expression for driver in drivers)


def test_keys_reset_and_key_all(scene: bpy.types.Scene, rig: bpy.types.Object) -> None:
    face = rig.pose.bones[FACE]
    assert bpy.ops.headcast.key_control_face() == {"FINISHED"}
    face["mouthSmileLeft"] = 0.5
    rig.pose.bones[HEAD].rotation_euler.y = 0.3
    scene.frame_set(scene.frame_current)
    assert face["mouthSmileLeft"] == 0  # it was keyed
    face["mouthSmileLeft"] = 0.5
    face.keyframe_insert('["mouthSmileLeft"]', frame=2)
    assert read(scene, rig).expression[:, arkit.INDEX["mouthSmileLeft"]] == pytest.approx([0, 0.5])
    assert bpy.ops.headcast.reset_control_face() == {"FINISHED"}
    assert all(face[name] == 0 for name in SLIDERS)
    assert all(face.is_property_overridable_library(f'["{name}"]') for name in SLIDERS)


def test_footage_comes_back_from_the_control_face(scene: bpy.types.Scene, tmp_path: Path) -> None:
    """Tracked, written, read: through a lens of 35 mm, on the performer's own face, to 3 % of the eyes' distance."""
    performance = acting(np.resize([1.0, -1.0, 0.5], len(face_model().shapes)))
    performance.save(tmp_path / "drive.performance")
    settings, render = scene.headcast, scene.render
    settings.performance = "//drive.performance"
    render.resolution_x, render.resolution_y, scene.camera.data.lens = 1280, 720, 35
    scene.camera.rotation_euler, scene.camera.data.shift_x = (1.2, 0.1, 0.7), 0.05
    scene.camera.keyframe_insert("location", frame=FIRST)
    scene.camera.location.x += 3
    scene.camera.keyframe_insert("location", frame=FIRST + FRAMES)
    assert bpy.ops.headcast.add_control_face(shape="PERFORMANCE") == {"FINISHED"}
    settings.rig.scale = (2, 2, 2)
    assert bpy.ops.headcast.write_curves() == {"FINISHED"}
    curve = compat.curve_of(settings.rig, animated_path(FACE, '["jawOpen"]'))
    assert [point.co.x for point in curve.keyframe_points] == [FIRST + i for i in range(FRAMES) if i != 7]
    scene.frame_start, scene.frame_end = FIRST, FIRST + FRAMES - 1
    again = read(scene, settings.rig)
    seen = performance.seen
    apart = np.linalg.norm(again.landmarks - performance.landmarks * 1280 / 1920, axis=-1)[seen] / eyes(again)
    print(f"round trip: mean {apart.mean():.4f}, worst {apart.max():.4f} eye distances")
    assert apart.mean() < 0.03
    assert np.isfinite(again.landmarks[7]).all()  # the gap is filled between its neighbours


def test_the_control_face_is_written_at_the_scenes_rate(scene: bpy.types.Scene, tmp_path: Path) -> None:
    acting().save(tmp_path / "drive.performance")
    settings = scene.headcast
    settings.performance, scene.render.fps = "//drive.performance", 2 * scene.render.fps
    bpy.ops.headcast.add_control_face(shape="AVERAGE")
    assert bpy.ops.headcast.write_curves() == {"FINISHED"}
    for path in (animated_path(FACE, '["jawOpen"]'), animated_path(HEAD, ".location")):
        frames = [point.co.x for point in compat.curve_of(settings.rig, path).keyframe_points]
        assert (frames[0], frames[-1]) == (FIRST, FIRST + 2 * (FRAMES - 1))


def test_writing_again_replaces_and_an_edit_is_rendered(scene: bpy.types.Scene, tmp_path: Path) -> None:
    acting().save(tmp_path / "drive.performance")
    settings = scene.headcast
    settings.performance = "//drive.performance"
    bpy.ops.headcast.add_control_face(shape="AVERAGE")
    for _ in range(2):
        assert bpy.ops.headcast.write_curves() == {"FINISHED"}
    curve = compat.curve_of(settings.rig, animated_path(FACE, '["mouthPucker"]'))
    assert len(curve.keyframe_points) == FRAMES - 1
    for point in curve.keyframe_points:
        point.co.y = 1.0
    curve.update()
    scene.frame_start = scene.frame_end = FIRST
    assert bpy.ops.headcast.track_rig() == {"FINISHED"}
    edited = Performance.load(tmp_path / "drive.performance")
    assert edited.expression[0, arkit.INDEX["mouthPucker"]] == pytest.approx(1)


def test_expressions_are_pose_assets(scene: bpy.types.Scene, rig: bpy.types.Object) -> None:
    face, head = rig.pose.bones[FACE], rig.pose.bones[HEAD]
    for _ in range(2):
        assert bpy.ops.headcast.add_expressions() == {"FINISHED"}
    assert {action.name for action in stored()} == set(STARTERS)
    assert all(set(acts) <= {name.removesuffix("Left") for name in EXPRESSIONS} for acts in STARTERS.values())
    bpy.ops.headcast.add_handles(regions={"MOUTH"})
    face["tongueOut"], face["gaze_x"], rig.pose.bones["lm_57"].location = 0.5, 0.4, (0.0, -0.01, 0.0)
    assert bpy.ops.headcast.store_expression(name="Mine") == {"FINISHED"}
    head.rotation_euler.y = 0.3
    compat.selection_of(head).select = True
    assert bpy.ops.headcast.apply_expression(name="Smile") == {"FINISHED"}
    assert (face["mouthSmileLeft"], face["tongueOut"], face["gaze_x"]) == pytest.approx((0.75, 0, 0.4))
    assert bpy.ops.headcast.apply_expression(name="Mine", blend=0.5) == {"FINISHED"}
    assert (face["mouthSmileLeft"], face["tongueOut"], head.rotation_euler.y) == pytest.approx((0.375, 0.25, 0.3))
    bpy.ops.headcast.reset_control_face()
    bpy.ops.headcast.apply_expression(name="Mine")
    assert rig.pose.bones["lm_57"].location.y == pytest.approx(-0.01)
    assert compat.selection_of(head).select
    scene.tool_settings.use_keyframe_insert_auto = True
    bpy.ops.headcast.apply_expression(name="Mine")
    keyed = {
        path: compat.curve_of(rig, path).keyframe_points
        for path in (animated_path(FACE, '["jawOpen"]'), animated_path(HEAD, ".location"))
    }
    assert [len(points) for points in keyed.values()] == [1, 0]
    with pytest.raises(RuntimeError, match="no expression 'Grin'"):
        bpy.ops.headcast.apply_expression(name="Grin")
    assert np.abs(picture({"jawOpen": 1.0}) - picture({})).max() == 1


def test_a_handle_drags_its_landmark_alone(scene: bpy.types.Scene, rig: bpy.types.Object) -> None:
    """On top of what the sliders do, with the head, and the landmark falls back when the handle is deleted."""
    rig.pose.bones[FACE]["jawOpen"], rig.pose.bones[HEAD].rotation_euler.y = 0.5, 0.4
    before = read(scene, rig)
    assert bpy.ops.headcast.add_handles(regions=set(REGIONS)) == {"FINISHED"}
    assert len(rig.pose.bones) == 2 + sum(len(numbers) for _, _, numbers in REGIONS.values())
    rig.pose.bones["lm_57"].location.y = -0.0063  # down, by a tenth of the eyes' distance
    dragged = read(scene, rig)
    way = (dragged.landmarks - before.landmarks)[0] / eyes(before)
    assert way[57, 1] == pytest.approx(0.1, abs=0.02)
    assert np.abs(np.delete(way, 57, axis=0)).max() < 1e-3
    bpy.ops.object.mode_set(mode="EDIT")
    rig.data.edit_bones.remove(rig.data.edit_bones["lm_57"])
    bpy.ops.object.mode_set(mode="OBJECT")
    assert read(scene, rig).landmarks == pytest.approx(before.landmarks, abs=0.02)


def test_a_linked_face_is_animated_by_an_override(scene: bpy.types.Scene, rig: bpy.types.Object, tmp_path: Path) -> None:
    names, library = [rig.name, landmarks_of(rig).name], str(tmp_path / "face.blend")
    bpy.ops.wm.save_as_mainfile(filepath=library)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    with bpy.data.libraries.load(library, link=True) as (_, linked):
        linked.objects = names
    scene = bpy.context.scene
    for item in linked.objects:
        scene.collection.objects.link(item)
    own = linked.objects[0].override_hierarchy_create(scene, bpy.context.view_layer)
    scene.camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    scene.headcast.rig, scene.frame_end = own, 1
    assert own.override_library is not None
    own.pose.bones[FACE]["jawOpen"] = 0.5
    own.update_tag()
    bpy.context.view_layer.update()
    depsgraph = bpy.context.evaluated_depsgraph_get()
    posed = make_reader(match_rig(own))(depsgraph)
    assert posed.expression[arkit.INDEX["jawOpen"]] == pytest.approx(0.5)
    assert not bpy.ops.headcast.add_handles.poll()


def test_reading_is_quick(scene: bpy.types.Scene, rig: bpy.types.Object) -> None:
    """Under 2 ms a frame beyond Blender's own evaluation."""
    reader = make_reader(match_rig(rig))
    depsgraph = bpy.context.evaluated_depsgraph_get()
    begun = time.thread_time()
    for _ in range(50):
        project(reader(depsgraph).points, scene, depsgraph, 128, 128)
    assert (time.thread_time() - begun) / 50 < 0.002


def test_what_it_cannot_do_is_said(scene: bpy.types.Scene, tmp_path: Path) -> None:
    scene.camera.data.type = "ORTHO"
    with pytest.raises(RuntimeError, match="no perspective"):
        bpy.ops.headcast.add_control_face(shape="AVERAGE")
    scene.camera = None
    assert bpy.ops.headcast.add_control_face(shape="LIKENESS") == {"FINISHED"}  # no likeness yet, no camera yet
    assert scene.camera is not None
    bpy.data.objects.remove(landmarks_of(scene.headcast.rig))
    with pytest.raises(RuntimeError, match="lost its landmarks"):
        bpy.ops.headcast.add_handles()
    scene.headcast.rig = None
    assert not bpy.ops.headcast.store_expression.poll()
