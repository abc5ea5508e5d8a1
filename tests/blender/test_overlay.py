# SPDX-License-Identifier: GPL-3.0-or-later
"""Landmarks over the editors: where each lies in the region, what is shown when, and how often the file is read."""

from __future__ import annotations

import os
from pathlib import Path

import bpy
import numpy as np
import pytest
from bpy_extras.object_utils import world_to_camera_view
from headcast import registration
from headcast.core.performance import Performance
from headcast.scene import overlay, performance_state
from mathutils import Matrix, Vector

from .test_curves import FIRST, acting


@pytest.fixture
def shown(scene: bpy.types.Scene, tmp_path: Path) -> bpy.types.Scene:
    acting().save(tmp_path / "drive.performance")
    scene.headcast.performance = "//drive.performance"
    scene.headcast.show_landmarks = True
    return scene


def test_over_the_clip_editor() -> None:
    """A plate of 400 by 200, zoomed so that its right half fills a region of 800 by 800, and a border above and below."""
    rectangle = overlay.clip_rectangle((0.5, -0.5, 1.0, 1.5), (800, 800))
    places = overlay.placed(np.array([[200.0, 200.0], [400.0, 0.0], [300.0, 100.0]]), (400, 200), rectangle)
    assert places == pytest.approx(np.array([[0, 200], [800, 600], [400, 400]]))


@pytest.mark.parametrize(("kind", "aspect"), [("PERSP", 1.0), ("ORTHO", 1.0), ("PERSP", 2.0)])
def test_over_the_cameras_view(scene: bpy.types.Scene, kind: str, aspect: float) -> None:
    """Where a point of the scene is drawn, there the landmark lies that was read of it."""
    scene.render.resolution_x, scene.render.resolution_y = 200, 100
    scene.render.pixel_aspect_x = aspect
    camera = scene.camera
    camera.data.type, camera.data.shift_x, camera.data.ortho_scale = kind, 0.1, 5.0
    camera.location, camera.rotation_euler.y, camera.scale = (1.0, -12.0, 0.5), 0.3, (2.0, 2.0, 2.0)
    scene.render.resolution_percentage = 100
    bpy.context.view_layer.update()
    depsgraph = bpy.context.evaluated_depsgraph_get()
    lens = camera.calc_matrix_camera(depsgraph, x=200, y=100, scale_x=aspect)
    # The camera's frame, half as large as the region and off its middle.
    shifted = Matrix.Translation((0.2, -0.1, 0.0)) @ Matrix.Diagonal((0.5, 0.5, 1.0, 1.0))
    view = np.array(shifted @ lens @ camera.matrix_world.normalized().inverted())
    frame = camera.data.view_frame(scene=scene)
    corners = np.array([camera.matrix_world.normalized() @ corner for corner in frame])
    rectangle = overlay.camera_rectangle(corners, view, (600, 300))
    assert rectangle.low == pytest.approx([600 * 0.35, 300 * 0.2], abs=0.1)
    assert rectangle.high == pytest.approx([600 * 0.85, 300 * 0.7], abs=0.1)
    shape = overlay.fitted(rectangle, 200, 100)
    for point in (Vector((0.3, 0.4, 0.2)), Vector((1.1, -0.5, 0.8))):
        flat = world_to_camera_view(scene, camera, point)
        pixel = np.array([[flat.x * 200, (1 - flat.y) * 100]])
        seen = view @ np.array([*point, 1.0])
        drawn = (seen[:2] / seen[3] + 1) / 2 * (600, 300)
        assert overlay.placed(pixel, (200, 100), shape)[0] == pytest.approx(drawn, abs=0.2)


def test_a_plate_of_another_shape_lies_in_the_middle_of_the_frame() -> None:
    frame = overlay.Rectangle(np.array([100.0, 100.0]), np.array([300.0, 200.0]))
    square = overlay.fitted(frame, 512, 512)
    assert square.low == pytest.approx([150, 100])
    assert square.high == pytest.approx([250, 200])


def test_what_is_shown_in_which_frame(shown: bpy.types.Scene) -> None:
    points, size = overlay.shown_face(shown, FIRST)
    assert points == pytest.approx(acting().landmarks[0])
    assert size == (512, 512)
    for frame in (FIRST - 1, FIRST + 9, FIRST + 20):
        assert overlay.shown_face(shown, frame) is None
    shown.headcast.show_landmarks = False
    assert overlay.shown_face(shown, FIRST) is None
    shown.headcast.show_landmarks = True
    for path in ("", "//none.performance", "//scene.blend"):
        shown.headcast.performance = path
        assert overlay.shown_face(shown, FIRST) is None


def test_the_file_is_read_when_it_changed_and_not_before(
    shown: bpy.types.Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads, load = [], Performance.load
    monkeypatch.setattr(Performance, "load", lambda path: reads.append(path) or load(path))
    performance_state._load.cache_clear()
    for frame in range(FIRST, FIRST + 5):
        assert overlay.shown_face(shown, frame) is not None
    assert len(reads) == 1
    path = tmp_path / "drive.performance"
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 1))
    assert overlay.shown_face(shown, FIRST) is not None
    assert len(reads) == 2


def test_strokes_have_their_colours_and_pupils_are_dots() -> None:
    points = acting().landmarks[0].astype(np.float64)
    places, colours = overlay.line_vertices(points, 6.0)
    assert places.shape == (len(colours), 3)
    assert len(places) % 2 == 0
    lengths = np.linalg.norm(places[1::2] - places[::2], axis=-1)
    assert lengths[-2:] == pytest.approx([6, 6])
    assert colours[0].tolist() == [0, 1, 0, 1]
    assert (places[0, :2] == points[0]).all()


def test_drawing_is_asked_for_once_and_ends_with_the_add_on(shown: bpy.types.Scene) -> None:
    for _ in range(3):
        shown.headcast.show_landmarks = not shown.headcast.show_landmarks
    assert len(overlay._handles) == 2
    registration.unregister()
    try:
        assert not overlay._handles
    finally:
        registration.register()
    assert len(overlay._handles) == 2
