# SPDX-License-Identifier: GPL-3.0-or-later
"""Files with our node groups, opened where the add-on is missing, and in a later Blender than the one that saved them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import bpy
import numpy as np
import pytest
from headcast.core.imaging import exr
from headcast.versioning import FORMAT

from ..conftest import ENGINE_PYTHON, ROOT

SIDE = 16
VERSION = "import bpy, os; print(list(bpy.app.version), flush=True); os._exit(0)"
SHOW = """
import os, sys, bpy
def show(path):
    scene = bpy.context.scene
    scene.frame_set(1002)
    settings = scene.render.image_settings
    if hasattr(settings, "media_type"):
        settings.media_type = "IMAGE"
    settings.file_format, settings.color_depth, settings.color_mode = "OPEN_EXR", "32", "RGBA"
    scene.render.filepath = path
    bpy.ops.render.render(write_still=True)
folder, side = sys.argv[1], int(sys.argv[2])
"""
SAVE = """
from headcast import compat
from headcast.nodes.build import ensure_group
from headcast.nodes.shelf import SHELF
from headcast.nodes.take import TakeRange, build_take_group
bpy.ops.wm.read_factory_settings(use_empty=True)
scene = bpy.context.scene
scene.render.resolution_x = scene.render.resolution_y = side
scene.render.resolution_percentage = 100
compat.use_processor_for_compositing(scene)
image = bpy.data.images.load(folder + "/shot.1001.exr")
image.source, image.colorspace_settings.name, image.alpha_mode = "SEQUENCE", "Linear Rec.709", "PREMUL"
tree = compat.compositor_tree(scene)
tree.nodes.clear()
def add(group, **values):
    node = tree.nodes.new("CompositorNodeGroup")
    node.node_tree = group
    for name, value in values.items():
        node.inputs[name].default_value = value
    return node
link = tree.links.new
take = add(build_take_group("shot", image, TakeRange(1001, 1003)))
edge = add(ensure_group(SHELF["MATTE"]), Grow=-1.5, Feather=2.5, Gain=1.1)
graded = {"Gain": (1.5, 1.0, 0.5), "Offset": (0.1, 0.0, -0.1), "Gamma": (1.0, 2.0, 1.0), "Saturation": 0.5}
grade = add(ensure_group(SHELF["GRADE"]), **graded)
comp = add(ensure_group(SHELF["COMP"]), Plate=(0.2, 0.4, 0.6, 1.0))
grain = add(ensure_group(SHELF["GRAIN"]), **({"Noise": 0.1} if compat.HAS_NOISE else {}))
link(take.outputs["Head"], edge.inputs["Head"])
link(edge.outputs["Head"], grade.inputs["Head"])
link(grade.outputs["Head"], comp.inputs["Head"])
link(comp.outputs["Image"], grain.inputs["Image"])
link(edge.outputs["Matte"], grain.inputs["Matte"])
link(grain.outputs["Image"], compat.compositor_output(tree).inputs[0])
blend = comp.inputs["Blend"]
for frame, value in ((1001, 0.0), (1003, 1.0)):
    blend.default_value = value
    blend.keyframe_insert("default_value", frame=frame)
bpy.ops.wm.save_as_mainfile(filepath=folder + "/shot.blend")
show(folder + "/saved.exr")
print("saved by", bpy.app.version_string)
sys.stdout.flush()
os._exit(0)
"""
OPEN = """
bpy.ops.wm.open_mainfile(filepath=folder + "/shot.blend")
assert "headcast" not in sys.modules
show(folder + "/opened.exr")
print("opened by", bpy.app.version_string)
sys.stdout.flush()
os._exit(0)
"""


def run(python: str, script: str, folder: Path) -> str:
    arguments = [python, "-c", SHOW + script, str(folder), str(SIDE)]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def skip_later_blender(python: str) -> None:
    """Go on where that Python has a Blender that is no later than this one."""
    asked = subprocess.run([python, "-c", VERSION], capture_output=True, text=True, check=False)
    if asked.returncode or json.loads(asked.stdout.splitlines()[-1]) > list(bpy.app.version):
        pytest.skip(f"{python} has no Blender, or a later one")


def test_the_engines_blender_saves_and_this_one_shows_the_same(tmp_path: Path) -> None:
    skip_later_blender(ENGINE_PYTHON)
    rng = np.random.default_rng(1)
    for frame in (1001, 1002, 1003):
        head = np.zeros((SIDE, SIDE, 4), np.float32)
        head[3:13, 3:13] = np.concatenate([rng.uniform(0, 2, (10, 10, 3)), np.ones((10, 10, 1))], axis=-1)
        exr.write_rgba(tmp_path / f"shot.{frame}.exr", head, {})
    assert "saved by" in run(ENGINE_PYTHON, SAVE, tmp_path)
    assert "opened by" in run(sys.executable, OPEN, tmp_path)
    saved, opened = exr.read_rgba(tmp_path / "saved.exr"), exr.read_rgba(tmp_path / "opened.exr")
    assert np.ptp(saved[..., :3]) > 0.3
    assert np.abs(opened - saved).max() < 1e-4


SETTINGS = """
import headcast
headcast.register()
bpy.ops.wm.read_factory_settings(use_empty=True)
settings = bpy.context.scene.headcast
settings.likeness, settings.source, settings.render.motion = "//anna.likeness", "RIG", "relative"
settings.render.mouth, settings.render.photos, settings.adapt.steps = 0.25, 7, 300
settings.rig = bpy.data.objects.new("Face", None)
bpy.context.scene.collection.objects.link(settings.rig)
settings.photos = "//photos"
settings.picked.add().name = "a.jpg"
bpy.ops.wm.save_as_mainfile(filepath=folder + "/settings.blend")
print("saved by", bpy.app.version_string)
sys.stdout.flush()
os._exit(0)
"""
WITHOUT = """
bpy.ops.wm.open_mainfile(filepath=folder + "/settings.blend")
assert "headcast" not in sys.modules
bpy.ops.wm.save_as_mainfile(filepath=folder + "/kept.blend")
print("opened by", bpy.app.version_string)
sys.stdout.flush()
os._exit(0)
"""


@pytest.mark.parametrize("python", [ENGINE_PYTHON, *map(str, sorted(ROOT.glob(".venv-blender*/bin/python")))])
def test_settings_are_kept_by_this_blender_and_by_one_without_headcast(
    python: str, registered: None, tmp_path: Path
) -> None:
    skip_later_blender(python)
    assert "saved by" in run(python, SETTINGS, tmp_path)
    assert "opened by" in run(sys.executable, WITHOUT, tmp_path)
    for name in ("settings.blend", "kept.blend"):
        bpy.ops.wm.open_mainfile(filepath=str(tmp_path / name))
        settings = bpy.context.scene.headcast
        assert (settings.likeness, settings.source, settings.render.motion) == ("//anna.likeness", "RIG", "relative")
        assert (settings.render.mouth, settings.render.photos, settings.adapt.steps) == (0.25, 7, 300)
        assert settings.rig == bpy.data.objects["Face"]
        assert (settings.photos, [photo.name for photo in settings.picked]) == ("//photos", ["a.jpg"])
        assert settings.version == FORMAT
        assert settings.render.frame == "crop"
