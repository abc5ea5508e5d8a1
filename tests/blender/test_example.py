# SPDX-License-Identifier: GPL-3.0-or-later
"""The examples build their scenes and leave their frames, in this Blender."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import islice
from pathlib import Path

import bpy
import numpy as np
import pytest
from headcast.core.imaging import exr
from headcast.core.imaging.preview import write_png
from headcast.core.imaging.read import open_clip, read_photo

from ..conftest import ENGINE_PYTHON, ROOT, SHARED

FRAMES = 6
SLOW = pytest.mark.skipif(sys.executable != ENGINE_PYTHON, reason="takes long: in the engine's own Blender only")


def run_example(name: str, *arguments: object) -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "examples" / name, *map(str, arguments)],
        env={**os.environ, "HEADCAST_PYTHON": ENGINE_PYTHON},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


def test_portrait_from_rig(astronaut: Path, tmp_path: Path) -> None:
    run_example("portrait_from_rig.py", astronaut, tmp_path, "--frames", FRAMES)
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


def test_portrait_from_rigify(astronaut: Path, tmp_path: Path) -> None:
    run_example("portrait_from_rigify.py", astronaut, tmp_path, "--frames", 4)
    first, *_, last = sorted((tmp_path / "take").glob("*.exr"))
    head, later = exr.read_rgba(first), exr.read_rgba(last)
    assert 0.1 < (head[..., 3] > 0.99).mean() < 0.6  # the camera sees the head and what is round it
    assert np.abs(head - later).max() > 0.1
    assert len(list((tmp_path / "comp").glob("*.png"))) == 4


@SLOW
def test_painting_from_clip(tmp_path: Path) -> None:
    painting, clip = SHARED / "portraits" / "mona_lisa.jpg", SHARED / "clips" / "talk_green.mp4"
    if not (painting.is_file() and clip.is_file()):
        pytest.skip("../shared/portraits and ../shared/clips are not there")
    (tmp_path / "clip").mkdir()
    for frame in islice(open_clip(str(clip)).frames(), FRAMES):
        write_png(tmp_path / "clip" / f"clip.{frame.number:04d}.png", frame.picture)
    run_example("painting_from_clip.py", painting, tmp_path / "clip", tmp_path)
    assert (exr.read_rgba(min((tmp_path / "take").glob("*.exr")))[..., 3] == 1).all()


@SLOW
def test_de_age(tmp_path: Path) -> None:
    assets = SHARED / "assets" / "makehuman"
    if not assets.is_dir():
        pytest.skip("../shared/assets is not there")
    run_example("de_age.py", tmp_path, "--assets", assets, "--frames", 2, "--size", 256)
    plate = exr.read_rgba(tmp_path / "plate" / "plate.1001.exr")[..., :3]
    layers = exr.read_layers(tmp_path / "take" / "shot_v001.1001.exr")
    head = layers["head"].pixels[..., 3]
    changed = np.abs(layers["comp"].pixels[..., :3] - plate).max(axis=-1)
    assert changed[head == 0].max() == 0
    assert changed[head > 0.99].mean() > 0.01


@SLOW
def test_speak(astronaut: Path, tmp_path: Path) -> None:
    import av

    run_example("speak.py", tmp_path, "--portrait", astronaut, "--frames", FRAMES)
    for language in ("en-us", "de"):
        assert len(list((tmp_path / language / "take").glob("*.exr"))) == FRAMES
        with av.open(str(tmp_path / language / "preview.mp4")) as movie:
            assert len(movie.streams.audio) == 1
        bpy.ops.wm.open_mainfile(filepath=str(tmp_path / language / "speak.blend"))
        assert any(marker.name == "/m/" for marker in bpy.context.scene.timeline_markers)
