# SPDX-License-Identifier: GPL-3.0-or-later
"""The head takes on the plate's colour and sharpness, steadily, and only where the plate can be compared."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from headcast.core.imaging import match
from headcast.core.imaging.match import PlateMatch

GAIN, OFFSET = np.array([1.3, 0.9, 0.75], np.float32), np.float32(0.004)


def head_and_matte() -> tuple[np.ndarray, np.ndarray]:
    """[160, 160, 3] a head with shading and detail, and its matte."""
    y, x = np.indices((160, 160)) + 0.5
    detail = cv2.GaussianBlur(np.random.default_rng(3).standard_normal((160, 160)).astype(np.float32), (0, 0), 1.2)
    where = (np.hypot(x - 80, y - 100) < 30)[..., None]
    light = (0.12 + 0.5 * x / 160)[..., None] * np.array([1.0, 0.7, 0.55]) * np.exp(0.8 * detail[..., None] * where)
    return light.astype(np.float32), np.clip(60.5 - np.hypot(x - 80, y - 80), 0, 1).astype(np.float32)


def test_light_and_black_are_matched_in_spite_of_an_occluder_and_grain() -> None:
    head, matte = head_and_matte()
    plate = head * GAIN + OFFSET
    plate += np.random.default_rng(0).normal(0, 0.01, plate.shape).astype(np.float32)
    plate[20:50, 60:100] = (5.0, 0.1, 0.1)
    plate[70, 40] = np.nan
    matched = match.apply(head, match.measure_match(plate, head, matte))
    inside = matte > 0.99
    assert np.abs(matched / (head * GAIN + OFFSET) - 1)[inside].mean() < 0.03
    assert match.measure_match(plate, head, matte, confidence=0.5).gain == pytest.approx(GAIN, rel=0.05)


def test_a_match_has_limits() -> None:
    head, matte = head_and_matte()
    measured = match.measure_match(head * 10, head, matte)
    assert max(measured.gain) <= match.MOST_GAIN


@pytest.mark.parametrize("blur", [0.7, 1.5])
def test_a_sharp_head_is_blurred_as_the_plate_is(blur: float) -> None:
    head, matte = head_and_matte()
    plate = cv2.GaussianBlur(head, (0, 0), blur) * 1.4
    assert match.measure_match(plate, head, matte).softness == pytest.approx(blur, abs=0.2)
    plate = plate + np.random.default_rng(1).normal(0, 0.004, plate.shape).astype(np.float32)
    assert match.measure_match(plate, head, matte).softness == pytest.approx(blur, abs=0.4)


def test_a_soft_head_is_sharpened_a_little_and_no_more() -> None:
    head, matte = head_and_matte()
    soft = cv2.GaussianBlur(head, (0, 0), 2.0)
    measured = match.measure_match(head, soft, matte)
    assert measured.softness == -match.MOST_SHARPENING
    assert match.measure_match(head, head, matte).softness == pytest.approx(0.0, abs=0.05)


def test_without_a_ring_the_head_is_left_alone() -> None:
    head, matte = head_and_matte()
    for nothing in (
        match.measure_match(head * 2, head, matte * 0),
        match.measure_match(head * 2, head, matte, confidence=0.0),
    ):
        assert nothing.support == 0
        assert match.apply(head, nothing) is head
        assert match.smooth([nothing, nothing], 24.0) == [nothing, nothing]


def test_the_match_is_steady_and_does_not_lag() -> None:
    """Light that rises over a shot is followed in time; flicker is not, and a frame without a ring stands between its
    neighbours."""
    rng = np.random.default_rng(0)
    truth = np.linspace(0.8, 1.2, 60)
    noisy = truth * np.exp(rng.normal(0, 0.05, 60))
    measured = [PlateMatch((g, g, g), support=1.0) for g in noisy.tolist()]
    measured[30] = PlateMatch()
    measured[20] = PlateMatch((9.0, 9.0, 9.0), support=1e-3)
    gains = np.array([m.gain[0] for m in match.smooth(measured, 24.0)])
    assert np.abs(gains - truth)[15:45].max() < 0.03
    assert np.abs(np.diff(gains)).max() < 0.02
