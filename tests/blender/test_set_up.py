# SPDX-License-Identifier: GPL-3.0-or-later
"""The first run: the engine is set up and looked at, the sample is opened and moves."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import bpy
import numpy as np
import pytest
from headcast import environment, jobs
from headcast.core.errors import CancelledError, MissingEngineError
from headcast.core.imaging import exr
from headcast.core.installing.environment import Stamp
from headcast.core.installing.requirements import fingerprint
from headcast.core.performance import Performance
from headcast.operators.set_up import HEADCAST_OT_set_up
from headcast.scene.sample import DRIVE, SHIPPED

from ..conftest import ROOT
from ..wheels import bare_python, write_wheels


@pytest.fixture
def preferences(
    scene: bpy.types.Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[bpy.types.AddonPreferences]:
    """Preferences of an artist who has a Python without an engine, and may not go online."""
    monkeypatch.setenv("HEADCAST_CACHE", str(tmp_path / "user"))
    monkeypatch.delenv("HEADCAST_PYTHON")
    addon = bpy.context.preferences.addons.new()
    addon.module = "headcast"
    addon.preferences.python = str(bare_python(tmp_path / "base"))
    yield addon.preferences
    bpy.context.preferences.addons.remove(addon)


def test_the_engine_is_set_up_checked_and_removed(preferences: bpy.types.AddonPreferences, tmp_path: Path) -> None:
    preferences.wheels = str(write_wheels(tmp_path / "wheels"))
    # It has what the wheels had: names without content, and none that is called cv2.
    with pytest.raises(RuntimeError, match="opencv-python-headless: not installed"):
        bpy.ops.headcast.set_up()
    python = environment.find_python()
    assert python == environment.engine_environment().python
    assert not environment.recall(python)["healthy"]
    assert bpy.ops.headcast.remove_engine() == {"FINISHED"}
    assert not environment.engine_environment().folder.exists()
    assert not bpy.ops.headcast.remove_engine.poll()


def test_an_engine_of_another_version_is_said(preferences: bpy.types.AddonPreferences) -> None:
    made = environment.engine_environment()
    made.folder.mkdir(parents=True)
    made.write_stamp(Stamp(preferences.python, "3.11.0", "cpu", "other packages"))
    with pytest.raises(MissingEngineError, match="another version"):
        environment.find_python()


def test_an_engine_serves_until_the_blender_that_made_it_is_gone(
    preferences: bpy.types.AddonPreferences, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, base = environment.engine_environment(), Path(preferences.python)
    made.python.parent.mkdir(parents=True)
    made.python.touch()
    made.write_stamp(Stamp(str(base), "3.11.0", "cpu", fingerprint()))
    preferences.python = ""
    assert environment.find_python() == made.python
    base.unlink()
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingEngineError, match="not set up"):
        environment.find_python()


def test_blender_without_leave_says_so_before_anything_is_fetched(preferences: bpy.types.AddonPreferences) -> None:
    assert not bpy.app.online_access
    with pytest.raises(RuntimeError, match="may not go online"):
        bpy.ops.headcast.set_up()
    assert not environment.engine_environment().folder.exists()


def test_a_set_up_can_be_stopped(preferences: bpy.types.AddonPreferences, tmp_path: Path) -> None:
    preferences.wheels = str(write_wheels(tmp_path / "wheels"))
    job = HEADCAST_OT_set_up.begin_job(None, bpy.context)
    jobs.begin(job, HEADCAST_OT_set_up.bl_idname)
    while job.status.what == "starting":
        assert job.poll() is None
    assert bpy.ops.headcast.cancel() == {"FINISHED"}
    with pytest.raises(CancelledError):
        jobs.wait(job)
    jobs.end()
    assert bpy.ops.headcast.set_up.poll()


def test_the_sample_moves(scene: bpy.types.Scene, tmp_path: Path) -> None:
    assert bpy.ops.headcast.open_sample() == {"FINISHED"}
    sample = bpy.context.scene
    assert sample != scene
    settings = sample.headcast
    drive = Path(bpy.path.abspath(settings.performance))
    assert drive.parent == tmp_path / "headcast_sample"
    whole = Performance.load(drive)
    some = {name: getattr(whole, name)[::16] for name in ("landmarks", "expression", "confidence", "crops")}
    dataclasses.replace(whole, frames=np.arange(1, 4, dtype=np.int32), **some).save(drive)
    assert bpy.ops.headcast.adapt() == {"FINISHED"}
    assert bpy.ops.headcast.render() == {"FINISHED"}
    first, *_, last = (exr.read_rgba(path) for path in sorted((drive.parent / "take").glob("*.exr")))
    assert np.abs(first - last)[..., :3].max() > 0.1
    shown = sample.camera.data.background_images[0].image
    assert Path(bpy.path.abspath(shown.filepath)) == drive.parent / "take" / "sample_v001.0001.exr"
    assert shown.source == "SEQUENCE"
    assert [image.name for image in bpy.data.images if image.source == "SEQUENCE"] == [shown.name]


def test_the_sample_is_what_its_script_makes(tmp_path: Path) -> None:
    script = ROOT / "examples" / "make_sample.py"
    subprocess.run([sys.executable, str(script), "--out", str(tmp_path)], check=True, stdout=subprocess.DEVNULL)
    made, shipped = Performance.load(tmp_path / DRIVE), Performance.load(SHIPPED / DRIVE)
    assert np.allclose(made.landmarks, shipped.landmarks, atol=0.01)
    assert np.allclose(made.expression, shipped.expression, atol=1e-4)
