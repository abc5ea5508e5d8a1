# SPDX-License-Identifier: GPL-3.0-or-later
"""The buttons that look at a take's signature, share the take and hand it over."""

from __future__ import annotations

import subprocess
from pathlib import Path
from types import SimpleNamespace

import bpy
import pytest
from headcast.core.take import FramePattern
from headcast.operators import hand_over

from ..conftest import ENGINE_PYTHON
from .test_panels import drawn
from .test_registration import refusal

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


def test_a_take_is_shared_from_the_panel(scene: bpy.types.Scene, take: FramePattern, tmp_path: Path) -> None:
    assert {"headcast.share", "headcast.turnover"} <= set(drawn("take"))
    assert bpy.ops.headcast.share(filepath=str(tmp_path / "shown.mp4"), frames="1001-1003", watermark=0.0) == {"FINISHED"}
    movie = tmp_path / "shown.mp4"
    assert movie.is_file()
    assert b"c2pa" in movie.read_bytes()
    with pytest.raises(RuntimeError, match="no movie or picture to share"):
        bpy.ops.headcast.share(filepath=str(tmp_path / "shown.gif"))


def test_a_take_is_handed_over_from_the_panel(scene: bpy.types.Scene, take: FramePattern, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    assert bpy.ops.headcast.turnover(directory=str(tmp_path / "out")) == {"FINISHED"}
    folder = tmp_path / "out" / "shot_v001_turnover"
    names = {path.name for path in folder.iterdir()}
    assert {"shot_v001.c2pa", "provenance.json", "credits.txt", "shot_v001.1001.exr"} <= names
    with pytest.raises(RuntimeError, match="is not empty"):
        bpy.ops.headcast.turnover(directory=str(tmp_path / "out"))


def test_without_a_take_nothing_is_handed_over(scene: bpy.types.Scene) -> None:
    scene.headcast.output = ""
    assert refusal(bpy.types.HEADCAST_OT_share) == "Render a take first"
    assert refusal(bpy.types.HEADCAST_OT_turnover) == "Render a take first"


def test_the_file_browser_begins_beside_the_take_and_starts_a_job_of_its_own(
    scene: bpy.types.Scene, take: FramePattern, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A window is played: the browser waits for what it confirms, so nothing that takes long may run there."""
    begun: list[tuple[str, dict[str, str]]] = []
    share = SimpleNamespace(share=lambda how, **given: begun.append((how, given)))
    monkeypatch.setattr(hand_over, "bpy", SimpleNamespace(ops=SimpleNamespace(headcast=share)))

    class Confirmed(hand_over.HandOver):
        bl_idname, filepath, _asks = "headcast.share", "/a.mp4", True

    assert Confirmed().execute(bpy.context) == {"FINISHED"}
    assert begun == [("INVOKE_DEFAULT", {"filepath": "/a.mp4"})]
    assert hand_over.HEADCAST_OT_share.suggestion(None, take) == str(take.folder / "shot_v001.mp4")
    assert hand_over.HEADCAST_OT_turnover.suggestion(None, take) == str(take.folder)
