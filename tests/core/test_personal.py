# SPDX-License-Identifier: GPL-3.0-or-later
"""Fine-tuning on one person: what is held out, that it gains or stays as it was, and that mouth and eyes still move."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from headcast.core.adapting import personal, tuning
from headcast.core.adapting.personal import Snapshot, Tuned, fine_tune, learn_person, rehearsal
from headcast.core.adapting.practice import Person, hold_out, practise, rehearse
from headcast.core.adapting.tuning import Gain, Judges, tune
from headcast.core.landmarks.expression import LOWER_INNER, UPPER_INNER, with_expression
from headcast.core.landmarks.head import LIDS, fit_pose
from headcast.core.learning.losses import LossWeights
from headcast.core.learning.made import Changed
from headcast.core.learning.pairing import pack
from headcast.core.learning.regions import PairBatch, RegionCritics, RegionWeights
from headcast.core.learning.steps import Critics, FineTuner
from headcast.core.network.build import painter_of
from headcast.core.network.few_shot import FewShotPainter
from headcast.core.network.patch import RegionDiscriminators
from headcast.core.network.warp import WarpPainter
from headcast.core.painting.feed import feed_photos
from headcast.core.settings import AdaptSettings

from .test_networks import CPU, SMALL
from .test_regions import looking, opened, portrait

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
    photos = feed_photos(pictures, heads.astype(np.uint8) * 255, landmarks, CPU)
    return Person(photos, landmarks / 64)


def flat(tone: float) -> FewShotPainter:
    """The paper's painter before it knows any form: all but one tone all over, -1 to 1."""
    torch.manual_seed(0)
    painter = painter_of(SMALL["fsth"])
    assert isinstance(painter, FewShotPainter)
    torch.nn.init.constant_(painter.generator.projection.bias, 0.02)
    torch.nn.init.constant_(painter.generator.paint.bias, float(np.arctanh(tone)))
    return painter


def tuned(painter: FewShotPainter, person: Person, steps: int) -> tuple[Tuned, Notes]:
    notes = Notes()
    return fine_tune(painter, torch.zeros(1, 32), person, Critics({}, PIXELS), steps, notes), notes


def test_it_says_what_it_gained_on_photos_it_did_not_learn(face: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    """It paints too bright: what one learns of that on any photo holds for all."""
    monkeypatch.setattr(personal, "RATE", 4e-2)
    (adapted, gain), notes = tuned(flat(0.5), person_of(face, 5, apart=3), 40)
    assert {"style", "generator.paint.bias"} < set(adapted)
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
    person = person_of(face, 4)
    person.photos.pictures.zero_()  # all but what is painted
    result, notes = tuned(flat(0.0), person, 100)
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
    painter = flat(0.0).eval()
    tuner = FineTuner(painter, torch.zeros(1, 32), Critics({}, PIXELS))
    untuned = Snapshot(tuner)
    batch = rehearse(person_of(face, 4), np.random.default_rng(0))
    assert float(rehearsal(tuner, untuned, batch).detach()) == 0
    with torch.no_grad():
        painter.generator.paint.bias += 0.1
    assert float(rehearsal(tuner, untuned, batch).detach()) > 0


def album(face: np.ndarray, count: int) -> list[Changed]:
    """Photos of one person who talks and looks about."""
    faces = [looking(opened(face, 0.5 + 13 * (i % 3) / 2), 2 * (i % 4) - 3, 1 - 0.2 * (i % 2)) for i in range(count)]
    return [Changed(portrait(points), points) for points in faces]


def off(brightness: float) -> WarpPainter:
    """Paints mouths and eyes too bright, or too dark."""
    torch.manual_seed(0)
    painter = WarpPainter(SMALL["warp"]).eval()
    for region in painter.regions.painters.values():
        torch.nn.init.constant_(region.last.bias, brightness)
    return painter


def tuned_regions(painter: WarpPainter, photos: list[Changed], steps: int, colour: float = 2.0) -> Gain:
    torch.manual_seed(1)
    discriminators = RegionDiscriminators(8).requires_grad_(False)
    judges = Judges(RegionCritics(None, RegionWeights(colour=colour)), discriminators, torch.device("cpu"))
    return tune(painter, photos, torch.zeros(1, 32), judges, steps, Notes())


def test_close_ups_gain_on_photos_they_did_not_learn(face: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tuning, "RATE", 5e-2)
    painter = off(-0.4)
    before = {name: value.clone() for name, value in painter.state_dict().items()}
    gain = tuned_regions(painter, album(face, 5), 20)
    assert gain.after < 0.85 * gain.before
    assert 0 < gain.best_step <= gain.steps == 20
    assert {"regions.mouth.last.bias", "regions.eye.last.bias"} < set(gain.changed)
    assert gain.changed["regions.mouth.last.bias"].mean() > -0.39
    assert all(torch.equal(value, before[name]) for name, value in painter.state_dict().items()), "the painter is shared"
    assert not painter.load_state_dict(gain.changed, strict=False).unexpected_keys


def test_without_a_perceptual_network_the_discriminators_see(face: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tuning, "RATE", 5e-2)
    gain = tuned_regions(off(0.4), album(face, 5), 10, colour=0.0)
    assert gain.after < 0.95 * gain.before


def test_close_ups_stay_feed_forward_where_nothing_is_gained(
    weights: Path, face: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tuning, "RATE", 1.0)
    monkeypatch.setattr(tuning, "CHECK_STEPS", 1)
    photos, notes = album(face, 4), Notes()
    pictures, landmarks = (np.stack(part) for part in zip(*photos, strict=True))
    mattes = np.full(pictures.shape[:3], 255, np.uint8)
    settings = AdaptSettings(weights=str(weights), steps=100, device="cpu")
    embedding, name, result = learn_person(pictures, mattes, landmarks, settings, notes)
    assert result == ({}, 0)
    assert name == "by chance"
    assert embedding.shape == (128,)
    assert f"for {tuning.PATIENCE} steps" in notes.said[0]
    assert "stays feed-forward" in notes.said[0]
    assert notes.done == 100


@pytest.mark.parametrize(("count", "held"), [(9, {3, 7}), (3, set()), (1, set())])
def test_close_ups_never_practise_what_is_held_out(
    count: int, held: set[int], face: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of few photos all are practised, and painted from made copies of themselves to see how it goes."""
    photos = album(face, count)
    shown: list[tuple[set[int], int, bool]] = []

    def numbers(some: list[Changed]) -> set[int]:
        return {i for i, photo in enumerate(photos) for one in some if one is photo}

    def packed(sources: list[Changed], truth: Changed, made: bool) -> PairBatch:
        (target,) = numbers([truth])
        shown.append((numbers(sources), target, made))
        return pack(sources, truth, made)

    monkeypatch.setattr(tuning, "pack", packed)
    gain = tuned_regions(off(0.2), photos, 4)
    assert gain.before > 0
    checks = len(held) or tuning.MADE_CHECKS
    known = set(range(count)) - held
    for i, (sources, target, made) in enumerate(shown):
        assert target in (held if held and i < checks else known)
        assert sources <= known - {target}
        assert made == (not sources)
    assert len(shown) == checks + 4 * tuning.BATCH
    assert any(made for _, _, made in shown[checks:])
    assert any(not made for _, _, made in shown[checks:]) == (count > 1)
