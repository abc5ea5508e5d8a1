# SPDX-License-Identifier: GPL-3.0-or-later
"""The take goes to a farm: the job says just what the panel says."""

from __future__ import annotations

import json
from pathlib import Path

import bpy
import pytest

from .test_curves import acting


def test_submit_writes_the_take_as_a_job(scene: bpy.types.Scene, tmp_path: Path) -> None:
    settings = scene.headcast
    settings.likeness, settings.performance = "//x.likeness", "//drive.performance"
    settings.output = "//take/shot_v001.####.exr"
    settings.render.eyes, settings.render.frames = 0.5, "1001-1010"
    with pytest.raises(RuntimeError, match=r"drive\.performance is not there"):
        bpy.ops.headcast.submit()
    acting().save(tmp_path / "drive.performance")
    assert bpy.ops.headcast.submit(chunk=4) == {"FINISHED"}
    job = tmp_path / "take" / "shot_v001_farm"
    template = json.loads((job / "template.json").read_text("utf-8"))
    render, report = template["steps"]
    assert render["parameterSpace"]["taskParameterDefinitions"][0]["range"] == ["1001-1004", "1005-1008", "1009-1010"]
    assert "--eyes=0.5" in report["script"]["actions"]["onRun"]["args"]
    values = json.loads((job / "parameters.json").read_text("utf-8"))
    assert values["Performance"] == str(tmp_path / "drive.performance")
    assert values["Folder"] == str(tmp_path / "take")
    assert json.loads((job / "flamenco_job.json").read_text("utf-8"))["type"] == "headcast-take"
    settings.likeness = ""
    assert not bpy.ops.headcast.submit.poll()
