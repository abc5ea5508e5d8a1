# SPDX-License-Identifier: GPL-3.0-or-later
"""The extension: builds, validates, installs from its zip into every Blender that is here, and works there."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from ..conftest import ROOT

INSTALL = """
import os, sys, bpy
zip_path, photo = sys.argv[1:3]
sys.path[:] = [place for place in sys.path if not os.path.isdir(os.path.join(place, "headcast"))]
bpy.ops.extensions.package_install_files(filepath=zip_path, repo="user_default", enable_on_install=True)
addon = sys.modules["bl_ext.user_default.headcast"]
assert os.environ["BLENDER_USER_RESOURCES"] in addon.__file__, addon.__file__
assert "headcast" not in sys.modules and "torch" not in sys.modules
bpy.ops.wm.save_as_mainfile(filepath=os.path.join(os.environ["BLENDER_USER_RESOURCES"], "x.blend"))
settings = bpy.context.scene.headcast
settings.photos = photo
assert bpy.ops.headcast.adapt() == {"FINISHED"}
assert os.path.getsize(bpy.path.abspath(settings.likeness)) > 100_000
bpy.ops.preferences.addon_disable(module="bl_ext.user_default.headcast")
assert not hasattr(bpy.types.Scene, "headcast")
print("fine", bpy.app.version_string)
sys.stdout.flush()
os._exit(0)
"""


def test_the_package_holds_the_addon_and_nothing_heavy(package: Path) -> None:
    names = zipfile.ZipFile(package).namelist()
    assert {"__init__.py", "blender_manifest.toml", "core/landmarks/head.json", "nodes/take.py"} <= set(names)
    assert not [name for name in names if name.startswith(("tests", "examples")) or "__pycache__" in name]
    assert package.stat().st_size < 11_000_000


def blenders() -> list[str]:
    places = [Path(sys.executable), *sorted(ROOT.glob(".venv-blender*/bin/python"))]
    return [str(path) for path in places if path.exists()]


@pytest.mark.parametrize("python", blenders())
def test_it_installs_and_works(package: Path, python: str, astronaut: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [python, "-c", INSTALL, str(package), str(astronaut)],
        env={**os.environ, "BLENDER_USER_RESOURCES": str(tmp_path), "HEADCAST_PYTHON": sys.executable},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "fine" in done.stdout, done.stdout[-3000:] + done.stderr[-3000:]
