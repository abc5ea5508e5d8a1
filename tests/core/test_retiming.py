# SPDX-License-Identifier: GPL-3.0-or-later
"""Retiming: the motion stays, the frames change."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from headcast.core.imaging.read import parse_rate
from headcast.core.performance import Performance, performance_from_points
from headcast.core.rates import exact_rate
from headcast.core.tracking.retiming import at_rate, retimed


def moving(face: np.ndarray, frames: int = 50, first: int = 1001) -> Performance:
    """A face that swings once a second, 25 frames a second, and is missed for three frames."""
    time = np.arange(frames) / 25
    landmarks = face[None] + np.stack([20 * np.sin(2 * np.pi * time), 0 * time], axis=-1)[:, None]
    landmarks[30:33] = np.nan
    crops = np.tile([128.0, 128.0, 256.0], (frames, 1))
    numbers = np.arange(first, first + frames, dtype=np.int32)
    return performance_from_points(numbers, landmarks.astype(np.float32), crops, (256, 256), Fraction(25), "swing")


@pytest.mark.parametrize("rate", [Fraction(24), Fraction(24000, 1001), Fraction(50), Fraction(12)])
def test_the_face_is_where_it_was_at_that_time(face: np.ndarray, rate: Fraction) -> None:
    found = retimed(moving(face), rate)
    assert found.rate == rate
    assert found.frames[0] == 1001
    assert np.array_equal(np.diff(found.frames), np.ones(len(found) - 1))
    time = np.arange(len(found)) / float(rate)
    assert time[-1] == pytest.approx(49 / 25, abs=1 / float(rate))
    there = found.seen
    swung = found.landmarks[there, 30, 0] - face[30, 0]
    assert np.abs(swung - 20 * np.sin(2 * np.pi * time[there])).max() < 0.35


@pytest.mark.parametrize(
    "rate", [Fraction(24000, 1001), Fraction(30000, 1001), Fraction(60000, 1001), Fraction(120000, 1001)]
)
def test_a_broadcast_rate_that_is_written_short_is_the_same_rate(face: np.ndarray, rate: Fraction) -> None:
    there = replace(moving(face), rate=rate)
    for written in (round(float(rate), 3), round(float(rate), 2), float(np.float32(float(rate)))):
        assert at_rate(there, written) is there
        assert parse_rate(str(written)) == rate
    assert [exact_rate(rate) for rate in (24.0, 12.5, 23.0)] == [24, Fraction(25, 2), 23]


def test_gaps_stay_gaps_and_are_not_bridged(face: np.ndarray) -> None:
    found = retimed(moving(face), Fraction(50))
    times = np.arange(len(found)) / 2
    assert not found.seen[(times > 29) & (times < 33)].any()
    assert found.seen[times <= 29].all()
    assert found.seen[times >= 33].all()
    assert np.isnan(found.landmarks[~found.seen]).all()


def test_the_same_rate_changes_nothing(face: np.ndarray) -> None:
    performance = moving(face)
    assert retimed(performance, Fraction(25)) is performance
    double = retimed(retimed(performance, Fraction(50)), Fraction(25))
    assert np.allclose(double.landmarks, performance.landmarks, equal_nan=True)
