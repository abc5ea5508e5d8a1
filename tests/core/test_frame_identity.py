# SPDX-License-Identifier: GPL-3.0-or-later
"""A frame is rendered again when what it is painted from has changed, and only then."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
from headcast.core.adapting.adapt import adapt
from headcast.core.arrays import Floats
from headcast.core.cli.main import main
from headcast.core.imaging import colour, exr
from headcast.core.imaging.read import read_photo
from headcast.core.network.build import build_painter
from headcast.core.painting.weights import save_weights
from headcast.core.performance import Performance
from headcast.core.progress import Silent
from headcast.core.rendering.in_plate import InPlate
from headcast.core.rendering.render import render
from headcast.core.rendering.shot import ShotLook
from headcast.core.settings import AdaptSettings, RenderSettings
from headcast.core.take import FramePattern, read_manifest

FRAMES = 12
Written = Callable[..., int]


@pytest.fixture(scope="module")
def made(astronaut: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A likeness with weights of its own, and a performance of 12 frames in which the face drifts."""
    folder = tmp_path_factory.mktemp("identity")
    save_weights(build_painter("warp-256", 256), "test", folder / "w.safetensors")
    settings = AdaptSettings(weights=str(folder / "w.safetensors"))
    likeness = adapt([str(astronaut)], folder / "x.likeness", settings, Silent())
    drift = np.arange(FRAMES, dtype=np.float32)[:, None, None]
    Performance(
        frames=np.arange(1, FRAMES + 1, dtype=np.int32),
        landmarks=likeness.landmarks + drift,
        expression=np.full((FRAMES, 52), np.nan, np.float32),
        confidence=np.ones(FRAMES, np.float32),
        crops=np.tile([128.0, 128.0, 256.0], (FRAMES, 1)),
        width=256,
        height=256,
        rate=24,
        source="a test",
    ).save(folder / "y.performance")
    return folder


@pytest.fixture
def written(made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Written:
    """Renders from copies of the files, and says how many frames were rendered anew."""
    for name in ("x.likeness", "y.performance", "w.safetensors"):
        shutil.copy(made / name, tmp_path / name)

    def render(*options: object, name: str = "s.####.exr", weights: str = "w.safetensors") -> int:
        files = [tmp_path / "x.likeness", tmp_path / "y.performance", "-o", tmp_path / name]
        said = ["--weights", tmp_path / weights, "--size", "64", "--motion", "absolute", "--json", *options]
        capsys.readouterr()
        code = main(["render", *map(str, files), *map(str, said)])
        captured = capsys.readouterr()
        render.notes = captured.out + captured.err
        assert code == 0, render.notes
        return json.loads(captured.out.splitlines()[-1])["result"]["written"]

    return render


def change(path: Path, frames: slice | None = None, keep: int = FRAMES) -> None:
    """Move the landmarks of some frames, or keep the first ones alone."""
    performance = Performance.load(path)
    landmarks = performance.landmarks.copy()
    if frames is not None:
        landmarks[frames] += 0.5
    names = ("frames", "expression", "confidence", "crops")
    replace(performance, landmarks=landmarks[:keep], **{n: getattr(performance, n)[:keep] for n in names}).save(path)


@pytest.mark.parametrize("tries", [0, 4])
def test_eight_changed_frames_render_eight(written: Written, tmp_path: Path, tries: int) -> None:
    assert written("--tries", tries) == FRAMES
    before = {frame: (tmp_path / f"s.{frame:04d}.exr").read_bytes() for frame in range(1, FRAMES + 1)}
    change(tmp_path / "y.performance", slice(2, 10))
    assert written("--tries", tries) == 8
    again = {frame: (tmp_path / f"s.{frame:04d}.exr").read_bytes() for frame in before}
    assert [frame for frame in before if again[frame] != before[frame]] == list(range(3, 11))
    assert written("--tries", tries) == 0
    assert written("--tries", tries, name="fresh.####.exr") == FRAMES
    if not tries:  # with a gate, what is written about a frame may come from its neighbours, its picture not
        for frame, content in again.items():
            assert (tmp_path / f"fresh.{frame:04d}.exr").read_bytes() == content


def test_weights_count_by_content(written: Written, tmp_path: Path) -> None:
    """The same file by another path leaves a version as it is; another file of the same name does not."""
    name = "s_v001.####.exr"
    assert written("--tries", 0, name=name) == FRAMES
    (tmp_path / "elsewhere").mkdir()
    shutil.move(tmp_path / "w.safetensors", tmp_path / "elsewhere" / "other.safetensors")
    assert written("--tries", 0, name=name, weights="elsewhere/other.safetensors") == 0

    painter = build_painter("warp-256", 256)
    for values in painter.parameters():
        values.data += 0.01
    save_weights(painter, "test", tmp_path / "elsewhere" / "other.safetensors")
    with pytest.raises(AssertionError, match="another weights"):
        written("--tries", 0, name=name, weights="elsewhere/other.safetensors")
    assert written("--tries", 0, "--overwrite", name=name, weights="elsewhere/other.safetensors") == FRAMES


def test_a_shorter_performance_is_a_shorter_take(written: Written, tmp_path: Path) -> None:
    assert written("--mouth-limit", 0.0011) == FRAMES
    change(tmp_path / "y.performance", keep=9)
    assert written("--mouth-limit", 0.0011) <= 1  # the last may have been flagged for the flicker beside one that is gone
    assert "Frames of an earlier take stay and are not part of this one: 10-12; --overwrite deletes them" in written.notes
    pattern = FramePattern.parse(str(tmp_path / "s.####.exr"))
    assert sorted(read_manifest(pattern)) == list(range(1, 10))
    assert ">9 frames:" in pattern.report.read_text("utf-8")
    assert len(list(pattern.on_disk())) == FRAMES
    assert written("--mouth-limit", 0.0011, "--overwrite") == 0
    assert len(list(pattern.on_disk())) == 9


def test_settings_that_move_no_pixel_leave_frames_alone(written: Written) -> None:
    assert written("--tries", 0) == FRAMES
    assert written("--tries", 0, "--device", "cpu", "--neutral", "3", "--pose", "0.5") == 0  # motion is absolute
    assert written("--tries", 0, "--motion", "relative") == FRAMES


def make_plate(astronaut: Path, folder: Path, bright: float = 1.0) -> Floats:
    """The plate of all frames and two more; the light of each."""
    light = colour.decode_srgb(colour.to_floats(np.ascontiguousarray(read_photo(astronaut)[:256, 96:352]))) * bright
    folder.mkdir(exist_ok=True)
    for frame in range(1, FRAMES + 3):
        exr.write_layers(folder / f"p.{frame:04d}.exr", {"rgb": exr.Layer(light)}, {})
    return light


def test_a_shot_is_measured_once_for_all_tasks(
    made: Path, astronaut: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By one of those that begin together, by none that come later; and again for a plate that has changed."""
    measured, measure = list[int](), InPlate.measure

    def slowly(self: InPlate) -> ShotLook:
        measured.append(1)
        time.sleep(0.5)
        return measure(self)

    def task(frames: str) -> None:
        output, settings = str(tmp_path / "s.####.exr"), RenderSettings(**asked, frames=frames)
        render(made / "x.likeness", made / "y.performance", output, settings, Silent())

    monkeypatch.setattr(InPlate, "measure", slowly)
    monkeypatch.setattr("headcast.core.rendering.in_plate.SAMPLES", 2)
    monkeypatch.setattr("headcast.core.rendering.render.WAIT_SECONDS", 0.05)
    make_plate(astronaut, tmp_path / "plate")
    plate, weights = str(tmp_path / "plate" / "p.####.exr"), str(made / "w.safetensors")
    asked = {"plate": plate, "weights": weights, "motion": "absolute", "tries": 0}
    together = [Thread(target=task, args=(frames,)) for frames in ("1", "2")]
    for thread in together:
        thread.start()
    for thread in together:
        thread.join()
    task("3")
    assert sorted(read_manifest(FramePattern.parse(str(tmp_path / "s.####.exr")))) == [1, 2, 3]
    assert len(measured) == 1
    make_plate(astronaut, tmp_path / "plate", bright=0.5)
    task("1")
    task("2")
    assert len(measured) == 2


def test_a_plate_frame_that_is_replaced_is_rendered_again(written: Written, astronaut: Path, tmp_path: Path) -> None:
    """And no other: the shot stays as it was measured, or the look of all would change with a few."""
    light = make_plate(astronaut, tmp_path / "plate")
    options = ("--tries", 0, "--handles", 2, "--plate", tmp_path / "plate" / "p.####.exr")
    assert written(*options) == FRAMES + 2
    exr.write_layers(tmp_path / "plate" / "p.0014.exr", {"rgb": exr.Layer(light * 0.5)}, {})
    assert written(*options) == 1
    exr.write_layers(tmp_path / "plate" / "p.0005.exr", {"rgb": exr.Layer(light * 0.9)}, {})
    assert written(*options) == 1
    change(tmp_path / "y.performance", slice(2, 5))
    assert written(*options) == 3
    change(tmp_path / "y.performance", slice(5, 12))  # most of what it was measured on
    assert written(*options) == FRAMES
    (tmp_path / "plate").rename(tmp_path / "moved")
    assert written(*options[:-1], tmp_path / "moved" / "p.####.exr") == 0
