# SPDX-License-Identifier: GPL-3.0-or-later
"""Shared by the examples' scenes. Runs on bpy 4.2 to 5.2."""

from __future__ import annotations

import hashlib
import math
import os
import sys
from pathlib import Path

import bpy
import headcast
from headcast import compat

RATE = 24
LENS = 85


def empty_scene(frames: int, size: int = 256) -> bpy.types.Scene:
    """A grey-blue world with sun and a camera that looks along y; frames 1 to `frames`, `size` pixels square."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    headcast.register()
    scene = bpy.context.scene
    scene.frame_start, scene.frame_end = 1, frames
    scene.render.resolution_x = scene.render.resolution_y = size
    scene.render.fps = RATE
    scene.render.engine = "CYCLES"
    scene.cycles.samples = 8
    scene.cycles.device = "CPU"
    scene.view_settings.view_transform = "Standard"
    compat.use_processor_for_compositing(scene)
    scene.world = bpy.data.worlds.new("World")
    scene.world.use_nodes = True
    scene.world.node_tree.nodes["Background"].inputs["Color"].default_value = (0.25, 0.3, 0.38, 1.0)

    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    camera.data.lens = LENS
    camera.rotation_euler = (math.pi / 2, 0.0, 0.0)
    scene.collection.objects.link(camera)
    scene.camera = camera
    sun = bpy.data.objects.new("Sun", bpy.data.lights.new("Sun", "SUN"))
    sun.data.energy = 2.5
    sun.rotation_euler = (0.9, 0.2, 0.5)
    scene.collection.objects.link(sun)
    return scene


def add_plinth(top: tuple[float, float, float], radius: float) -> None:
    """A round plinth for the head to stand on; `top` is the middle of its upper side."""
    x, y, z = top
    depth = 3 * radius
    bpy.ops.mesh.primitive_cylinder_add(radius=radius, depth=depth, location=(x, y, z - depth / 2), vertices=48)
    bpy.context.object.name = "Plinth"


def save_as(path: Path) -> None:
    """Save the scene's file; what the panels name relatively lies beside it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    bpy.ops.wm.save_as_mainfile(filepath=str(path))


def render_scene(folder: Path, name: str) -> list[Path]:
    """Render the scene's frames as PNG; those that are there stay, where nothing that they show has changed."""
    scene = bpy.context.scene
    scene.render.image_settings.file_format = "PNG"
    scene.render.filepath = str(folder / name / f"{name}.####")
    stamp, shown = folder / name / ".rendered", _shown(folder)
    wanted = scene.frame_end - scene.frame_start + 1
    there = sorted((folder / name).glob("*.png"))
    if stamp.is_file() and stamp.read_text() == shown and len(there) == wanted:
        return there
    for path in there:
        path.unlink()
    bpy.ops.render.render(animation=True)
    stamp.write_text(shown)
    return sorted((folder / name).glob("*.png"))


def _shown(folder: Path) -> str:
    """The hash of what a scene's frames come of: its script, the add-on, the scene's frames and size, and its take."""
    scene, package = bpy.context.scene, Path(headcast.__file__).parent
    sources = [Path(sys.argv[0]), Path(__file__), *sorted(package.glob("nodes/*.py")), *sorted(package.glob("scene/*.py"))]
    found = hashlib.sha256(
        f"{bpy.app.version_string} {scene.frame_start} {scene.frame_end} {scene.render.resolution_x}".encode()
    )
    for path in (*sources, *sorted(folder.glob("take/*.manifest.jsonl"))):
        found.update(path.read_bytes())
    return found.hexdigest()


def end() -> None:
    """Leave Python at once: bpy 4.5 hangs at exit once classes were registered."""
    sys.stdout.flush()
    os._exit(0)
