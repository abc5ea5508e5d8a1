# SPDX-License-Identifier: GPL-3.0-or-later
"""A Blender for each test: empty, with the add-on registered, saved in a folder of its own."""

from __future__ import annotations

from pathlib import Path

import bpy
import headcast
import pytest
from headcast import compat, jobs, preview, recent

from ..conftest import ENGINE_PYTHON


@pytest.fixture(scope="session")
def registered() -> None:
    headcast.register()


@pytest.fixture
def scene(registered: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> bpy.types.Scene:
    """An empty scene with a camera, 128 pixels square, frames 1 to 6."""
    monkeypatch.setenv("HEADCAST_PYTHON", ENGINE_PYTHON)
    jobs.end()
    preview.stop()
    monkeypatch.setattr(recent, "_file", lambda: tmp_path / "recent.json")
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    scene = bpy.context.scene
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    camera.location = (0.0, -12.0, 0.0)
    camera.rotation_euler = (1.5707963, 0.0, 0.0)
    camera.data.lens = 85
    scene.collection.objects.link(camera)
    scene.camera = camera
    scene.frame_start, scene.frame_end = 1, 6
    scene.render.resolution_x = scene.render.resolution_y = 128
    scene.render.resolution_percentage = 100
    scene.render.engine = "CYCLES"
    scene.cycles.samples = 1
    scene.view_settings.view_transform = "Standard"
    compat.use_processor_for_compositing(scene)
    bpy.context.view_layer.update()
    return scene
