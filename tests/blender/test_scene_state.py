# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a scene changes its render changes what is read of a rig."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import bpy
import numpy as np
import pytest
from headcast import jobs
from headcast.core.performance import Performance
from headcast.scene.rig import frame_size


@pytest.fixture
def face(scene: bpy.types.Scene, tmp_path: Path) -> bpy.types.Scene:
    """A control face that goes to the side, in a frame of 640 x 256."""
    scene.render.resolution_x, scene.render.resolution_y = 640, 256
    bpy.ops.headcast.add_control_face(shape="AVERAGE")
    rig = scene.headcast.rig
    for x, frame in ((0.0, 1), (0.5, 6)):
        rig.location.x = x
        rig.keyframe_insert("location", frame=frame)
    scene.headcast.performance = str(tmp_path / "rig.performance")
    return scene


def read(scene: bpy.types.Scene) -> Performance:
    bpy.ops.headcast.track_rig()
    return Performance.load(Path(scene.headcast.performance))


def in_viewports(scene: bpy.types.Scene) -> None:
    for item in (scene.headcast.rig, *scene.headcast.rig.children_recursive):
        item.hide_viewport = True


def in_a_hidden_collection(scene: bpy.types.Scene) -> None:
    outer, inner = bpy.data.collections.new("Outer"), bpy.data.collections.new("Inner")
    scene.collection.children.link(outer)
    outer.children.link(inner)
    for item in (scene.headcast.rig, *scene.headcast.rig.children_recursive):
        for collection in item.users_collection:
            collection.objects.unlink(item)
        inner.objects.link(item)
    outer.hide_viewport = True


def modifiers_off(scene: bpy.types.Scene) -> None:
    for item in scene.headcast.rig.children_recursive:
        for modifier in item.modifiers:
            modifier.show_viewport = False


@pytest.mark.parametrize("hide", [in_viewports, in_a_hidden_collection, modifiers_off])
def test_what_is_off_in_viewports_alone_is_read(face: bpy.types.Scene, hide: Callable[[bpy.types.Scene], None]) -> None:
    shown = read(face)
    hide(face)
    bpy.context.view_layer.update()
    assert np.abs(read(face).landmarks - shown.landmarks).max() < 0.01
    assert np.ptp(shown.landmarks[:, 30, 0]) > 20
    hidden = [collection.hide_viewport for collection in bpy.data.collections] + [
        item.hide_viewport for item in face.objects if item.type in {"MESH", "ARMATURE"}
    ]
    assert any(hidden) == (hide is not modifiers_off)


def test_what_is_off_in_renders_too_is_said(face: bpy.types.Scene) -> None:
    in_a_hidden_collection(face)
    layer = bpy.context.view_layer.layer_collection.children["Outer"]
    layer.exclude = True
    with pytest.raises(RuntimeError, match="switched off in the view layer"):
        bpy.ops.headcast.track_rig()


def test_crops_do_not_run_through_a_cut(face: bpy.types.Scene) -> None:
    face.headcast.rig.animation_data_clear()
    other = face.camera.copy()
    other.data = face.camera.data.copy()
    face.collection.objects.link(other)
    first = face.camera
    for camera, shift, frame in ((first, 0.3, 1), (other, -0.3, 4)):
        camera.data.shift_x = shift
        face.timeline_markers.new(camera.name, frame=frame).camera = camera
    found = read(face)
    away = (found.crops[:, 0] - found.landmarks[..., 0].mean(axis=1)) / found.crops[:, 2]
    assert np.abs(away - away[0]).max() < 0.01
    assert np.ptp(found.crops[:, 0]) > 300
    assert face.camera == first


def test_the_time_between_two_frames_is_current_again(face: bpy.types.Scene) -> None:
    face.frame_set(3, subframe=0.5)
    found = read(face)
    assert (face.frame_current, face.frame_subframe) == (3, 0.5)
    face.frame_set(1)
    assert np.array_equal(read(face).landmarks, found.landmarks)


def test_a_cropped_region_is_the_picture(face: bpy.types.Scene) -> None:
    whole = read(face)
    render = face.render
    render.use_border = render.use_crop_to_border = True
    render.border_min_x, render.border_max_x, render.border_min_y, render.border_max_y = 0.25, 0.75, 0.125, 1.0
    part = read(face)
    assert (part.width, part.height) == (320, 224)
    assert np.abs(part.landmarks - whole.landmarks + np.array([160, 0])).max() < 0.01
    render.use_crop_to_border = False
    assert read(face).width == 640


@pytest.mark.parametrize(
    ("width", "height", "percentage", "size"), [(1280, 720, 70, (896, 504)), (1921, 1081, 33, (633, 356))]
)
def test_a_percentage_is_counted_as_blender_does(
    scene: bpy.types.Scene, tmp_path: Path, width: int, height: int, percentage: int, size: tuple[int, int]
) -> None:
    render = scene.render
    render.resolution_x, render.resolution_y, render.resolution_percentage = width, height, percentage
    assert frame_size(scene) == size


def test_a_panoramic_camera_is_refused(face: bpy.types.Scene) -> None:
    face.camera.data.type = "PANO"
    with pytest.raises(RuntimeError, match="is panoramic"):
        bpy.ops.headcast.track_rig()


def test_a_render_of_pixels_that_are_not_square(face: bpy.types.Scene) -> None:
    """What is 320 pixels wide and shown as 640 is the same face, twice as wide."""
    plain = read(face)
    face.render.resolution_x, face.render.pixel_aspect_x = 320, 2.0
    squeezed = read(face)
    assert (squeezed.width, squeezed.height, squeezed.pixel_aspect) == (320, 256, 2)
    assert squeezed.landmarks * (2, 1) == pytest.approx(plain.landmarks, abs=0.01)
    assert squeezed.in_square_pixels().crops == pytest.approx(plain.crops, abs=0.01)
    assert plain.expression == pytest.approx(squeezed.face_curves(), abs=1e-5)


def test_a_control_face_is_written_where_pixels_are_not_square(face: bpy.types.Scene) -> None:
    face.render.resolution_x, face.render.pixel_aspect_x = 320, 2.0
    before = read(face)
    assert bpy.ops.headcast.write_curves() == {"FINISHED"}
    again = read(face)
    apart = np.abs(again.landmarks - before.landmarks).mean() / np.ptp(before.landmarks[0], axis=0).max()
    assert apart < 0.03


def test_a_camera_that_a_marker_alone_names(face: bpy.types.Scene) -> None:
    seen = read(face).landmarks
    face.timeline_markers.new("A", frame=4).camera = face.camera
    face.camera = None
    assert np.array_equal(read(face).landmarks, seen)


def test_several_views_are_said(face: bpy.types.Scene) -> None:
    face.render.use_multiview = True
    read(face)
    assert any("several views" in note for note in jobs.last.notes)
