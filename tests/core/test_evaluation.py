"""Scored on real clips: before any training, the default must be at least as good as the nearest photo's warp."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from headcast.core.progress import Silent
from headcast.core.settings import EvaluateSettings
from headcast.core.training.baseline import piecewise_affine_warp
from headcast.core.training.evaluation import evaluate, markdown_table
from headcast.core.training.metrics import landmark_error, psnr, ssim


def test_metrics_know_what_is_better() -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)
    off_by_one = np.where(truth < 255, truth + 1, 254).astype(np.uint8)
    assert psnr(off_by_one, truth) == pytest.approx(48.13, abs=0.01)
    assert ssim(truth, truth)[0] == pytest.approx(1.0)
    assert ssim(np.roll(truth, 3, axis=0), truth)[0] < 0.2


def test_landmark_error_is_in_eye_distances(face: np.ndarray) -> None:
    eyes = 50.0  # pixels, by the fixture's making
    assert landmark_error(face + np.float32((5, 0)), face) == pytest.approx(5 / eyes, rel=1e-3)


def test_the_baseline_moves_points_where_they_are_told(face: np.ndarray) -> None:
    picture = np.zeros((256, 256, 3), np.uint8)
    target = face + np.float32((6, 0))
    x, y = face[30].round().astype(int)
    picture[y - 3 : y + 4, x - 3 : x + 4] = 255
    bent = piecewise_affine_warp(picture, face, target)
    columns = np.nonzero(bent[..., 0] > 128)[1]
    assert columns.mean() == pytest.approx(x + 6, abs=1)


def test_untrained_beats_the_warp_on_a_clip(clips: Path, tmp_path: Path) -> None:
    settings = EvaluateSettings(frames=6, photos="1,8", device="cpu", sheets=str(tmp_path))
    rows = evaluate([str(clips / "plate_wide_b.mp4")], settings, Silent())
    print(markdown_table(rows))
    assert [row.photos for row in rows] == [1, 8]
    for row in rows:
        assert row.ours.ssim >= row.warp.ssim
        assert row.ours.face_psnr >= row.warp.face_psnr
        assert row.ours.landmark_error <= row.warp.landmark_error * 1.1
    assert rows[1].ours.face_psnr > rows[0].ours.face_psnr
    assert len(list(tmp_path.glob("*.png"))) == 2
