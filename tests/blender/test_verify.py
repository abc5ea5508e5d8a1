# SPDX-License-Identifier: GPL-3.0-or-later
"""The button that looks at a take's signature."""

from __future__ import annotations

import subprocess
from pathlib import Path

import bpy
import pytest
from headcast.core.take import FramePattern

from ..conftest import ENGINE_PYTHON
from .test_panels import drawn

SIGN = """
import sys
from pathlib import Path
from headcast.core.provenance.keys import open_key
from headcast.core.provenance.signing import sign_take
from tests.core.test_provenance import MARK, PHOTOS, make_take
sign_take(make_take(Path(sys.argv[1])), open_key(), MARK, PHOTOS)
"""


@pytest.fixture
def take(scene: bpy.types.Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FramePattern:
    monkeypatch.setenv("HEADCAST_STUDIO", "Studio A")
    monkeypatch.setenv("HEADCAST_KEYS", str(tmp_path / "keys"))
    subprocess.run([ENGINE_PYTHON, "-c", SIGN, str(tmp_path / "take")], check=True, cwd=Path(__file__).parents[2])
    scene.headcast.output = "//take/shot_v001.####.exr"
    from headcast import jobs

    jobs.stop_engine()  # the next one starts with this test's keys
    return FramePattern.parse(str(tmp_path / "take" / "shot_v001.####.exr"))


def test_the_panel_says_who_signed_and_what_became_of_the_take(scene: bpy.types.Scene, take: FramePattern) -> None:
    assert "headcast.verify" in drawn("take")
    assert bpy.ops.headcast.verify() == {"FINISHED"}
    assert "Whole, signed by Studio A" in drawn("take")
    take.path(1003).unlink()
    assert "Whole, signed by Studio A" not in drawn("take")
    assert bpy.ops.headcast.verify() == {"FINISHED"}
    said = drawn("take")
    assert "Changed since it was signed" in said
    assert "shot_v001.1003.exr is missing" in said
    take.sidecar.unlink()
    assert bpy.ops.headcast.verify() == {"FINISHED"}
    assert "Not signed" in drawn("take")


def test_a_take_that_is_not_there_is_not_signed(scene: bpy.types.Scene) -> None:
    scene.headcast.output = "//nowhere/shot.####.exr"
    assert bpy.ops.headcast.verify() == {"FINISHED"}
    assert "headcast.verify" not in drawn("take")
