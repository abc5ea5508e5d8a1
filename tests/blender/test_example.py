"""The example builds its scene and leaves its frames, in this Blender."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import bpy
import numpy as np
from headcast.core.imaging import exr
from headcast.core.imaging.read import read_photo

from ..conftest import ENGINE_PYTHON, ROOT

FRAMES = 6


def test_portrait_from_rig(astronaut: Path, tmp_path: Path) -> None:
    script = ROOT / "examples" / "portrait_from_rig.py"
    done = subprocess.run(
        [sys.executable, script, astronaut, tmp_path, "--frames", str(FRAMES)],
        env={**os.environ, "HEADCAST_PYTHON": ENGINE_PYTHON},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    takes = sorted((tmp_path / "take").glob("*.exr"))
    comps = sorted((tmp_path / "comp").glob("*.png"))
    assert len(takes) == len(comps) == FRAMES
    assert (tmp_path / "contact_sheet.png").stat().st_size > 10_000
    assert (tmp_path / "preview.mp4").stat().st_size > 1_000

    # Where the matte is solid the comp shows the take; where it is empty, the scene.
    take = exr.read_rgba(takes[0])
    comp, rig = read_photo(comps[0]).astype(int), read_photo(sorted((tmp_path / "rig").glob("*.png"))[0]).astype(int)
    solid, empty = take[..., 3] > 0.999, take[..., 3] == 0
    assert solid.mean() > 0.1
    from headcast.core.imaging.colour import encode_srgb

    assert np.abs(comp[solid] - encode_srgb(take[..., :3])[solid] * 255).mean() < 2
    corner = np.zeros_like(empty)
    corner[:60, :60] = True
    assert np.abs(comp - rig)[corner & empty].mean() < 3
    moved = np.abs(read_photo(comps[2]).astype(int) - comp)[solid].mean()
    assert moved > 2
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "portrait_from_rig.blend"))
    assert bpy.data.images["portrait_v001"].source == "SEQUENCE"
