# SPDX-License-Identifier: GPL-3.0-or-later
"""Fine-tuning on one person: what is held out, that it gains or stays as it was, and that mouth and eyes still move."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from headcast.core.adapting import personal
from headcast.core.adapting.personal import Snapshot, Tuned, fine_tune, rehearsal
from headcast.core.adapting.practice import Person, hold_out, practise, rehearse
from headcast.core.landmarks.expression import LOWER_INNER, UPPER_INNER, with_expression
from headcast.core.landmarks.head import LIDS, fit_pose
from headcast.core.learning.losses import LossWeights
from headcast.core.learning.steps import Critics, FineTuner
from headcast.core.network.painter import Painter
from headcast.core.painting.feed import feed_photos

from .test_networks import CPU, SMALL

PIXELS = LossWeights(vgg19=0, vggface=0, match=0, pixel=10.0)


class Notes:
    """A reporter that keeps what is said."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.done = 0

    def step(self, what: str, done: int, total: int) -> None:
        self.done = done

    def note(self, text: str) -> None:
        self.said.append(text)


def person_of(face: np.ndarray, count: int, apart: int = 1) -> Person:
    """A grey head on black, `apart` pixels further in each photo."""
    landmarks = np.stack([face / 4 + apart * k for k in range(count)]).astype(np.float32)
    y, x = np.mgrid[0:64, 0:64]
    heads = np.stack([np.hypot(x - c[0], y - c[1]) < 20 for c in landmarks.mean(axis=1)])
    pictures = np.repeat(heads[..., None], 3, axis=-1).astype(np.uint8) * 150
    photos, _ = feed_photos(pictures, heads.astype(np.uint8) * 255, landmarks, CPU)
    return Person(photos, landmarks / 64)


@pytest.fixture
def bright() -> Painter:
    """A painter that paints too bright: what one learns of it on any photo holds for all."""
    torch.manual_seed(0)
    painter = Painter(SMALL["warp"])
    torch.nn.init.constant_(painter.generator.repaint.bias, 0.3)
    return painter


def tuned(painter: Painter, person: Person, steps: int) -> tuple[Tuned, Notes]:
    notes = Notes()
    return fine_tune(painter, torch.zeros(1, 32), person, Critics({}, PIXELS), steps, notes), notes


def test_it_says_what_it_gained_on_photos_it_did_not_learn(
    bright: Painter, face: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(personal, "RATE", 2e-2)
    (adapted, gain), notes = tuned(bright, person_of(face, 5, apart=3), 40)
    assert {"style", "generator.repaint.weight"} < set(adapted)
    assert {value.dtype for value in adapted.values()} == {np.dtype(np.float16)}
    (line,) = notes.said
    before, after = (float(word) for word in line.split("PSNR ")[1].split(" dB")[0].split(" to "))
    assert after > before + 2
    assert 0.3 < gain < 1
    assert "of 40 steps" in line


def test_it_stops_where_it_makes_things_worse_and_stays_feed_forward(
    face: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(personal, "RATE", 1.0)
    monkeypatch.setattr(personal, "CHECK_STEPS", 2)
    result, notes = tuned(Painter(SMALL["warp"]), person_of(face, 4), 100)
    assert result == ({}, 0)
    assert "Fine-tuning for 8 steps" in notes.said[0]
    assert "stays feed-forward" in notes.said[0]
    assert notes.done == 100


def test_what_is_held_out_is_never_practised(face: np.ndarray) -> None:
    person = person_of(face, 8)
    known, checks = hold_out(person)
    assert len(known) == 6
    held = [batch.target_landmarks[0].numpy() for batch in checks]
    assert np.array_equal(held, person.landmarks[[3, 7]])
    shown = [practise(known, np.random.default_rng(i)) for i in range(20)]
    for batch in (*shown, *checks):
        assert not any(np.array_equal(source, batch.target_landmarks[0]) for source in batch.landmarks[0])
    for batch in shown:
        assert not any(np.array_equal(batch.target_landmarks[0].numpy(), landmarks) for landmarks in held)


@pytest.mark.parametrize("count", [1, 3])
def test_too_few_photos_are_shaken(count: int, face: np.ndarray) -> None:
    person = person_of(face, count)
    known, checks = hold_out(person)
    assert (len(known), len(checks)) == (count, 2 * count)
    for batch in checks:
        assert 0.002 < np.abs(batch.target_landmarks.numpy() - person.landmarks).max(axis=(1, 2)).min() < 0.2
        middle = (batch.target_landmarks[0].mean(dim=0) * 64).long()
        assert batch.target[0, 0, middle[1], middle[0]] > 0  # the head went with its points


def test_expressions_are_acted(face: np.ndarray) -> None:
    acted = with_expression(face, 0.4, 1.0)
    gap = (acted[LOWER_INNER] - acted[UPPER_INNER]).mean(axis=0)
    assert np.allclose(gap / 50, (0, 0.4), atol=0.01)  # 50 pixels between the eyes, by the fixture's making
    assert all(np.allclose(acted[upper], acted[lower], atol=0.01) for upper, lower in LIDS)
    assert np.allclose(fit_pose(acted[None]).rotation, fit_pose(face[None]).rotation, atol=0.05)
    assert np.array_equal(with_expression(face, 0.0, 0.0)[36:48], face[36:48])


def test_mouth_and_eyes_are_to_be_painted_as_before(face: np.ndarray) -> None:
    torch.manual_seed(0)
    painter = Painter(SMALL["warp"]).eval()
    tuner = FineTuner(painter, torch.zeros(1, 32), Critics({}, PIXELS))
    untuned = Snapshot(tuner)
    batch = rehearse(person_of(face, 4), np.random.default_rng(0))
    assert float(rehearsal(tuner, untuned, batch).detach()) == 0
    with torch.no_grad():
        painter.generator.repaint.bias[:3] += 0.1
    assert float(rehearsal(tuner, untuned, batch).detach()) > 0
