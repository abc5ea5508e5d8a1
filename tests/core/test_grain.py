# SPDX-License-Identifier: GPL-3.0-or-later
"""The plate's grain, measured and made anew."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from headcast.core.imaging import grain

TINT = np.array([[1.0, 0.5, 0.3], [0.5, 1.0, 0.4], [0.3, 0.4, 1.0]])


def scene() -> np.ndarray:
    """[288, 320, 3] without grain: a sweep of light, and a textured corner."""
    y, x = np.indices((288, 320))
    light = np.repeat((0.05 + 0.6 * x / 320)[..., None], 3, axis=-1)
    light[180:, 200:] *= 1 + 0.4 * np.sin(y[180:, 200:, None] * 0.9) * np.sin(x[180:, 200:, None] * 1.1)
    return light.astype(np.float32)


def filmed(light: np.ndarray, clump: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """With grain of strength 0.01 sqrt(light), clumped by a blur; and that grain."""
    white = np.random.default_rng(seed).standard_normal(light.shape) @ np.linalg.cholesky(TINT).T
    soft = cv2.GaussianBlur(white, (0, 0), clump) if clump else white
    added = (0.01 * np.sqrt(light) * soft / soft.std()).astype(np.float32)
    return light + added, added


def along(noise: np.ndarray, lag: int = 1) -> float:
    return float(np.corrcoef(noise[:, lag:].ravel(), noise[:, :-lag].ravel())[0, 1])


@pytest.mark.parametrize("clump", [0.0, 0.6, 0.9])
def test_made_grain_is_like_the_plates(clump: float) -> None:
    light = scene()
    shots = [filmed(light, clump, seed) for seed in range(3)]
    measured = grain.measure_grain([shot for shot, _ in shots])
    made = grain.synthesise(measured, light, np.ones(light.shape[:2], np.float32), seed=1, frame=1001)
    truth = shots[0][1]
    for x in (20, 150, 280):
        there = np.s_[:170, x - 15 : x + 15]
        assert made[there].std(axis=(0, 1)) == pytest.approx(truth[there].std(axis=(0, 1)), rel=0.15)
    even = (made / np.sqrt(light), truth / np.sqrt(light))
    for lag in (1, 2):
        assert along(even[0], lag) == pytest.approx(along(even[1], lag), abs=0.1)
    assert np.allclose(*(np.corrcoef(noise.reshape(-1, 3).T) for noise in even), atol=0.1)


def test_each_frame_has_grain_of_its_own_and_the_same_again() -> None:
    light = scene()
    measured = grain.measure_grain([filmed(light, 0.6, 0)[0]])
    matte = np.zeros(light.shape[:2], np.float32)
    matte[100:200, 100:200], matte[120:180, 120:180] = 0.5, 1.0
    first, again, second = (grain.synthesise(measured, light, matte, 7, frame) for frame in (-1, -1, 0))
    assert np.array_equal(first, again)
    assert abs(np.corrcoef(first[matte > 0].ravel(), second[matte > 0].ravel())[0, 1]) < 0.05
    assert not first[matte == 0].any()


@pytest.mark.parametrize("lasting", [0.0, 0.7])
def test_grain_lasts_as_long_as_the_plates(lasting: float) -> None:
    light = scene()
    kept, first, second = (filmed(light, 0.6, seed)[1] for seed in range(3))
    plates = [(light + lasting**0.5 * kept + (1 - lasting) ** 0.5 * own).astype(np.float32) for own in (first, second)]
    measured = grain.measure_grain_in_time([(plates[0], plates[1]), (plates[1], None)])
    made = [grain.synthesise(measured, light, np.ones(light.shape[:2], np.float32), 7, frame) for frame in (1, 2)]
    assert np.corrcoef(made[0].ravel(), made[1].ravel())[0, 1] == pytest.approx(lasting, abs=0.1)
    assert made[0].std() == pytest.approx(first.std(), rel=0.15)


def test_what_a_head_has_is_not_added_again() -> None:
    light = scene()
    plate, own = filmed(light, 0.6, 0)[0], filmed(light, 0.6, 1)[1]
    head = light + 0.6 * own
    missing = grain.lacking(grain.measure_grain([plate]), grain.measure_grain([head]))
    made = grain.synthesise(missing, light, np.ones(light.shape[:2], np.float32), 0, 1)
    assert made.std() == pytest.approx(0.8 * own.std(), rel=0.15)
    enough = grain.lacking(grain.measure_grain([head]), grain.measure_grain([plate]))
    assert not grain.synthesise(enough, light, np.ones(light.shape[:2], np.float32), 0, 1).any()


def test_a_head_half_over_the_plate_has_as_much_grain_as_either() -> None:
    light = np.full((256, 256, 3), 0.3, np.float32)
    plate, own = filmed(light, 0.6, 0)
    half = np.full((256, 256), 0.5, np.float32)
    added = grain.synthesise(grain.measure_grain([plate]), light, half, 0, 1)
    assert (0.5 * own + added).std() == pytest.approx(own.std(), rel=0.1)


def test_a_clean_plate_has_none() -> None:
    for frame in (
        np.full((64, 64, 3), 0.4, np.float32),
        np.full((64, 64, 3), np.nan, np.float32),
        np.ones((8, 8, 3), np.float32),
    ):
        made = grain.synthesise(grain.measure_grain([frame]), frame, np.ones(frame.shape[:2], np.float32), 0, 1)
        assert not made.any()
