# SPDX-License-Identifier: GPL-3.0-or-later
"""The preview: what it paints is what a render would write, drafts are small, and nothing is opened twice."""

from __future__ import annotations

import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from headcast.core.errors import NoLikenessError
from headcast.core.imaging import colour, exr
from headcast.core.imaging.crop import head_crops
from headcast.core.jobs import run_job
from headcast.core.landmarks.face_model import face_model
from headcast.core.likeness import Likeness
from headcast.core.painting.weights import weights_name
from headcast.core.performance import Performance, performance_from_points
from headcast.core.progress import Silent
from headcast.core.rendering import preview as module
from headcast.core.rendering.canvas import Canvas

SIZE = 256
FIRST = 1001


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A likeness of two soft pictures, and a performance of four frames whose last shows no face."""
    folder = tmp_path_factory.mktemp("preview")
    rng = np.random.default_rng(0)
    pictures = np.stack([cv2.resize(rng.integers(0, 256, (8, 8, 3), np.uint8), (SIZE, SIZE)) for _ in range(2)])
    face = face_model().neutral[:, :2] * 50 + (128, 105)
    matte = cv2.GaussianBlur(cv2.circle(np.zeros((SIZE, SIZE), np.uint8), (128, 120), 90, 255, -1), (0, 0), 4)
    Likeness(
        preset="warp-256",
        weights=weights_name("warp-256"),
        pictures=pictures,
        mattes=np.stack([matte] * 2),
        landmarks=np.stack([face, face + np.array([4, 0])]).astype(np.float32),
        embedding=np.zeros(128, np.float32),
        names=("a.png", "b.png"),
    ).save(folder / "x.likeness")
    landmarks = np.stack([face * 1.5 + (100 + 6 * i, 40) for i in range(4)]).astype(np.float32)
    landmarks[:, 60:68, 1] += np.arange(4)[:, None]
    landmarks[3] = np.nan
    seen = np.isfinite(landmarks).all(axis=(1, 2))
    frames = np.arange(FIRST, FIRST + 4, dtype=np.int32)
    performance_from_points(frames, landmarks, head_crops(landmarks, seen, 24.0), (640, 480), Fraction(24), "test").save(
        folder / "y.performance"
    )
    return folder


@pytest.fixture
def canvas() -> Iterator[Canvas]:
    made = Canvas.make()
    yield made
    made.remove()
    assert not made.path.exists()


def shown(
    made: Path, canvas: Canvas, drive: dict[str, object], draft: bool = False, **settings: object
) -> module.PreviewResult:
    arguments = {"likeness": str(made / "x.likeness"), "canvas": str(canvas.path), "drive": drive, "draft": draft}
    return module.PreviewResult(**run_job("preview", arguments, settings, Silent()))


def frame(made: Path, number: int) -> dict[str, object]:
    return {"performance": str(made / "y.performance"), "frame": number}


@pytest.mark.parametrize("settings", [{}, {"pose_of": "driver", "mouth": 1.5}, {"motion": "absolute", "crop": "full"}])
def test_it_is_the_frame_of_a_render(made: Path, canvas: Canvas, tmp_path: Path, settings: dict[str, object]) -> None:
    arguments = {
        "likeness": str(made / "x.likeness"),
        "performance": str(made / "y.performance"),
        "output": str(tmp_path / "o.####.exr"),
    }
    run_job("render", arguments, {**settings, "tries": 0}, Silent())
    rendered = exr.read_rgba(tmp_path / f"o.{FIRST + 1}.exr")
    seen = shown(made, canvas, frame(made, FIRST + 1), **settings)
    assert (seen.side, seen.width, seen.height) == (SIZE, 640, 480)
    picture = canvas.read(seen.side)
    matte = picture[..., 3:]
    assert matte[..., 0] == pytest.approx(rendered[..., 3], abs=1e-3)
    straight = picture[..., :3] / np.maximum(matte, 1e-6)
    assert colour.decode_srgb(straight) * matte == pytest.approx(rendered[..., :3], abs=2e-3)
    crops = Performance.load(made / "y.performance").crops
    assert seen.crop == pytest.approx([320, 240, 640] if settings.get("crop") else crops[1])


def test_a_draft_is_the_same_head_smaller(made: Path, canvas: Canvas) -> None:
    whole = shown(made, canvas, frame(made, FIRST))
    picture = cv2.resize(canvas.read(whole.side), (module.DRAFT_SIDE,) * 2, interpolation=cv2.INTER_AREA)
    draft = shown(made, canvas, frame(made, FIRST), draft=True)
    assert draft.side == module.DRAFT_SIDE
    assert draft.crop == whole.crop
    assert np.abs(canvas.read(draft.side) - picture).mean() < 0.01


@pytest.mark.parametrize("number", [FIRST - 1, FIRST + 3])
def test_frames_without_a_face_show_nothing(made: Path, canvas: Canvas, number: int) -> None:
    assert shown(made, canvas, frame(made, number)).side == 0


def test_a_face_of_the_scene_at_rest_is_the_likeness_at_rest(made: Path, canvas: Canvas) -> None:
    """Relative motion of nothing, seen where the rig's head is."""
    rest = (face_model().neutral[:, :2] * 70 + (300, 200)).tolist()
    drive = {"landmarks": rest, "rest": rest, "width": 640, "height": 480}
    still = shown(made, canvas, drive, motion="relative")
    before = canvas.read(still.side)
    assert still.crop[:2] == pytest.approx((300, 218), abs=40)
    opened = np.array(rest)
    opened[65:68, 1] += 20
    change = {}
    for mouth in (0.0, 1.0):
        shown(made, canvas, {**drive, "landmarks": opened.tolist()}, motion="relative", mouth=mouth)
        change[mouth] = np.abs(canvas.read(still.side) - before)[130:200, 90:170].mean()
    assert change[1.0] > 2 * change[0.0]


def test_what_is_open_stays_open_until_a_file_changes(made: Path, canvas: Canvas, monkeypatch: pytest.MonkeyPatch) -> None:
    opened, load = [], Likeness.load
    monkeypatch.setattr(Likeness, "load", lambda path: opened.append(path) or load(path))
    path = made / "x.likeness"
    load(path).save(path)
    for draft in (True, False, True):
        for number in (FIRST, FIRST + 1):
            shown(made, canvas, frame(made, number), draft=draft)
    assert len(opened) == 1
    time.sleep(0.01)
    load(path).save(path)
    shown(made, canvas, frame(made, FIRST))
    assert len(opened) == 2


def test_a_likeness_that_is_not_there_is_said(made: Path, canvas: Canvas, tmp_path: Path) -> None:
    with pytest.raises(NoLikenessError):
        shown(tmp_path, canvas, frame(made, FIRST))
