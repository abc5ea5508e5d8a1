# SPDX-License-Identifier: GPL-3.0-or-later
"""The quality gate: planted failures are caught, good frames pass, what fails is tried otherwise, the report tells it."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import fields
from math import nan
from pathlib import Path

import cv2
import numpy as np
import pytest
from headcast.core.evaluating.baseline import piecewise_affine_warp
from headcast.core.imaging import exr
from headcast.core.imaging.face_area import Portrait
from headcast.core.imaging.read import read_photo
from headcast.core.judging.flicker import moved
from headcast.core.judging.gate import FrameScores, Gate, judge, open_gate
from headcast.core.landmarks.detectors import open_detector
from headcast.core.landmarks.ibug68 import LEFT_EYE, RIGHT_EYE
from headcast.core.likeness import Likeness
from headcast.core.painting.player import Head
from headcast.core.painting.role import Role
from headcast.core.progress import Silent
from headcast.core.rendering import retry
from headcast.core.rendering.ahead import Ahead
from headcast.core.rendering.report_page import write_report
from headcast.core.rendering.retry import ATTEMPTS, CarefulPlayer
from headcast.core.settings import GateSettings
from headcast.core.take import FramePattern, Manifest

LIMITS = GateSettings()
SIZE = 256
LIPS = slice(48, 68)


def detected(picture: np.ndarray) -> Portrait:
    with closing(open_detector("mediapipe")) as detector:
        return Portrait(picture, detector.detect(picture)[0].landmarks)


@pytest.fixture(scope="module")
def person(astronaut: Path) -> Portrait:
    return detected(np.ascontiguousarray(read_photo(astronaut)[0:SIZE, 96 : 96 + SIZE]))


@pytest.fixture(scope="module")
def likeness(person: Portrait) -> Likeness:
    """A likeness of two photos, one a little to the side."""
    shifted = Portrait(np.roll(person.picture, 3, axis=1), person.landmarks + np.float32((3, 0)))
    pictures, landmarks = (np.stack(part) for part in zip(person, shifted, strict=True))
    mattes = np.full(pictures.shape[:3], 255, np.uint8)
    return Likeness("warp-256", "", pictures, mattes, landmarks, np.zeros(1, np.float32), ("a.png", "b.png"))


@pytest.fixture(scope="module")
def gate(likeness: Likeness) -> Iterator[Gate]:
    with closing(open_gate(likeness, LIMITS, "cpu", Silent())) as gate:
        yield gate


def frame(person: Portrait, offset: int) -> Portrait:
    """The person in motion: the face `offset` pixels lower."""
    landmarks = person.landmarks + np.float32((0, offset))
    return Portrait(moved(person, landmarks), landmarks)


def reasons(gate: Gate, person: Portrait, shown: np.ndarray) -> set[str]:
    """What speaks against `shown` instead of the frame between two good ones."""
    before, now, after = (frame(person, offset) for offset in (0, 2, 4))
    return set(judge(gate.score(now._replace(picture=shown), before, after), LIMITS).reasons)


def bent(person: Portrait, points: slice, by: tuple[float, float]) -> np.ndarray:
    """The frame with its points moved by parts of the eye distance."""
    now = frame(person, 2)
    eyes = np.linalg.norm(now.landmarks[LEFT_EYE].mean(axis=0) - now.landmarks[RIGHT_EYE].mean(axis=0))
    target = now.landmarks.copy()
    target[points] += np.float32(by) * np.float32(eyes)
    return moved(now, target)


class TestPlantedFailures:
    """One frame of a face in motion is spoilt."""

    @pytest.fixture(autouse=True)
    def _here(self, gate: Gate, person: Portrait) -> None:
        self.gate, self.person, self.good = gate, person, frame(person, 2).picture

    def reasons(self, shown: np.ndarray) -> set[str]:
        return reasons(self.gate, self.person, shown)

    def test_a_good_frame_passes(self) -> None:
        assert self.reasons(self.good) == set()
        assert self.reasons(np.clip(self.good * 1.005 + 0.5, 0, 255).astype(np.uint8)) == set()

    def test_a_face_in_the_wrong_place(self) -> None:
        assert {"landmarks", "mouth", "flicker"} <= self.reasons(bent(self.person, slice(None), (0.08, 0.0)))

    def test_a_mouth_in_the_wrong_place(self) -> None:
        found = self.reasons(bent(self.person, LIPS, (0.12, 0.0)))
        assert "mouth" in found
        assert "landmarks" not in found

    def test_a_blurred_frame(self) -> None:
        assert "sharpness" in self.reasons(cv2.GaussianBlur(self.good, (0, 0), 2.0))

    def test_a_flash(self) -> None:
        assert self.reasons(np.clip(self.good * 1.05, 0, 255).astype(np.uint8)) == {"flicker"}

    def test_an_empty_frame(self) -> None:
        assert self.reasons(np.zeros_like(self.good)) == {"lost"}

    def test_another_persons_face(self, clips: Path) -> None:
        other = detected(read_photo(clips.parent / "portraits" / "sargent_lady.jpg"))
        low, high = other.landmarks.min(axis=0), other.landmarks.max(axis=0)
        side = int((high - low).max() * 1.6)
        left, top = ((low + high - side) / 2).astype(int).clip(0)
        crop = cv2.resize(other.picture[top : top + side, left : left + side], (SIZE, SIZE), interpolation=cv2.INTER_AREA)
        points = ((other.landmarks - (left, top)) * (SIZE / side)).astype(np.float32)
        pasted = piecewise_affine_warp(crop, points, frame(self.person, 2).landmarks)
        assert "identity" in self.reasons(pasted)


def test_flicker_is_of_the_frame_and_not_of_those_beside_it(gate: Gate, person: Portrait) -> None:
    frames = [frame(person, offset) for offset in range(5)]
    frames[2] = frames[2]._replace(picture=np.clip(frames[2].picture * 1.1, 0, 255).astype(np.uint8))
    found = [gate.score(frames[i], frames[i - 1], frames[i + 1]).flicker for i in (1, 2, 3)]
    assert found[1] > 4 * LIMITS.flicker_limit
    assert max(found[0], found[2]) < LIMITS.flicker_limit / 2
    assert np.isnan(gate.score(frames[0], None, frames[1]).flicker)


def test_light_that_changes_for_good_is_no_flicker(gate: Gate, person: Portrait) -> None:
    dark, bright = (np.clip(person.picture * gain, 0, 255).astype(np.uint8) for gain in (0.8, 1.0))
    before, now, after = (person._replace(picture=picture) for picture in (dark, bright, bright))
    assert gate.score(now, before, after).flicker == 0


def test_verdicts_say_what_and_how_far() -> None:
    verdict = judge(FrameScores(lost=False, mouth=0.09, landmarks=0.01, identity=nan), LIMITS)
    assert verdict.reasons == {"mouth": "mouth 0.09 of the eye distance from where it should be; limit 0.04"}
    assert verdict.total == pytest.approx((0.09 + 0.01) / 0.04)
    assert judge(FrameScores(lost=False), LIMITS).passed
    assert not judge(FrameScores(lost=True), LIMITS).passed


class FakePlayer:
    """Paints the sum of its photos' numbers, and keeps count."""

    def __init__(self, photos: int) -> None:
        self.photos = self.at_once = 1
        self.landmarks = np.arange(photos, dtype=np.float32)[:, None, None] * np.eye(70, 2, dtype=np.float32)
        self.painted: list[tuple[int, ...]] = []

    def settle_thread(self) -> None:
        pass

    def paint(self, landmarks: np.ndarray, sources: np.ndarray | None = None, skin: None = None) -> Head:
        chosen = (0,) if sources is None else tuple(sources.tolist())
        self.painted.append(chosen)
        return Head(np.full((4, 4, 3), sum(chosen), np.float32), np.ones((4, 4), np.float32))


def test_only_frames_that_will_be_asked_for_are_painted_ahead() -> None:
    player = FakePlayer(1)
    ahead = Ahead(Role(player, np.zeros((9, 70, 2), np.float32)))
    ahead.expect([0, 4, 8])
    for i in (0, 4, 8):
        assert ahead[i].picture.shape == (4, 4, 3)
    assert ahead[7] is ahead[7], "a neighbour is painted once, too"
    assert ahead[8] is ahead[8]
    ahead.close()
    assert len(player.painted) == 4


class FakeGate:
    """Takes the number that a FakePlayer painted for the frame's sharpness, in tenths."""

    def portrait(self, picture: np.ndarray, landmarks: np.ndarray) -> Portrait:
        return Portrait(picture, landmarks)

    def score(self, shown: Portrait, before: Portrait | None, after: Portrait | None) -> FrameScores:
        self.beside = (before is not None, after is not None)
        return FrameScores(lost=False, sharpness=float(shown.picture[0, 0, 0]) / 10)


class TestRetries:
    """A frame that fails is painted in other ways."""

    def player(self, photos: int, limit: float, tries: int = len(ATTEMPTS)) -> CarefulPlayer:
        self.fake, self.gate = FakePlayer(photos), FakeGate()
        wanted = np.zeros((4, 70, 2), np.float32)
        wanted[3] = np.nan
        frames = np.array([1, 2, 4, 5], np.int32)
        limits = GateSettings(sharpness_limit=limit, tries=tries)
        role = Role(self.fake, wanted)
        return CarefulPlayer(role, Ahead(role), frames, self.gate, limits)

    def test_good_frames_are_painted_once(self) -> None:
        player = self.player(3, 0.0)
        checked = [player.paint(i) for i in range(3)]
        assert len(self.fake.painted) == 3
        assert {(frame.attempt, frame.tries) for frame in checked} == {("as asked", 1)}

    def test_only_frames_right_beside_it_with_a_face_are_neighbours(self) -> None:
        player = self.player(3, 0.0)
        beside = []
        for i in range(3):
            player.paint(i)
            beside.append(self.gate.beside)
        assert beside == [(False, True), (True, False), (False, False)]

    def test_the_first_attempt_that_passes_is_taken(self) -> None:
        checked = self.player(3, 0.05).paint(0)
        assert checked.verdict.passed
        assert (checked.attempt, checked.tries) == ("twice the photos", 2)

    def test_the_best_of_all_is_flagged(self) -> None:
        player = self.player(4, 0.9)
        checked = player.paint(0)
        assert not checked.verdict.passed
        assert checked.scores.sharpness == pytest.approx(0.1)
        facts = checked.facts()
        assert facts["flagged"] == {"sharpness": "blurred: 0.10 times as sharp as the photos; limit 0.9"}
        assert facts["scores"] == {"sharpness": 0.1}

    def test_attempts_that_would_be_the_same_are_not_made(self) -> None:
        player = self.player(1, 0.9)
        assert player.paint(2).tries == 1

    def test_after_a_dozen_in_vain_frames_are_only_flagged(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(retry, "DOZEN", 2)
        player = self.player(1, 1.0)
        tries = [player.paint(0).tries for _ in range(4)]
        assert tries[0] > 1
        assert tries[0] == tries[1]
        assert player.is_hopeless
        assert tries[2:] == [1, 1]

    def test_no_more_tries_than_asked_for(self) -> None:
        assert {item.name: item.metadata["high"] for item in fields(LIMITS)}["tries"] == len(ATTEMPTS)
        assert self.player(4, 0.9, tries=1).paint(0).tries == 1

    def test_a_frame_is_the_same_in_whatever_order(self) -> None:
        forth, back = (self.player(4, 0.05) for _ in range(2))
        found = [[forth.paint(i).attempt for i in range(3)], [back.paint(i).attempt for i in (2, 1, 0)][::-1]]
        assert found[0] == found[1]


def test_the_report_is_one_page_with_what_failed_first(tmp_path: Path) -> None:
    pattern = FramePattern.parse(str(tmp_path / "a&b_v002.####.exr"))
    manifest = Manifest(pattern, dict.fromkeys(range(2000), "f00d"))
    manifest.begin({"likeness": "abc", "settings": {"flicker_limit": 2.0, "motion": "relative & more"}})
    head = np.zeros((64, 96, 4), np.float32)
    head[20:40, 30:50] = 0.5
    for number in range(1001, 1005):
        exr.write_rgba(pattern.path(number), head, {})
        flagged = {"flicker": "flickers: 9.0 of 255"} if number == 1003 else {}
        scores = {"flicker": 9.0 if flagged else 0.5}
        manifest.record(number, face="yes", scores=scores, flagged=flagged, attempt="as asked", tries=1)
    pattern.path(1002).unlink()
    page = write_report(pattern).read_text("utf-8")
    assert pattern.report.name == "a&b_v002.report.html"
    assert "a&amp;b_v002" in page
    assert "4 frames: 1 flagged, 0 good when rendered again, 0 without a face" in page
    assert re.findall(r"<b>(\d+)</b>", page) == ["1003", "1001", "1002", "1004"]
    assert page.index("flickers: 9.0 of 255") < page.index("<b>1001</b>")
    assert page.count("<circle") == 1
    assert "no picture" in page
    assert "<th>settings.motion<td>relative &amp; more" in page
    assert not re.search(r"<script|https?://|src=\"(?!data:)", page)
    pictures = [base64.b64decode(content) for content in re.findall(r"base64,([^\"]+)", page)]
    shapes = [cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR).shape for content in pictures]
    assert shapes == [(176, 176, 3)] * 3  # of the head alone


def test_a_take_without_scores_has_a_page_too(tmp_path: Path) -> None:
    pattern = FramePattern.parse(str(tmp_path / "x.####.exr"))
    manifest = Manifest(pattern, dict.fromkeys(range(2000), "x"))
    for number in (1, 2):
        exr.write_rgba(pattern.path(number), np.zeros((8, 8, 4), np.float32), {})
        manifest.record(number, face="no")
    page = write_report(pattern).read_text("utf-8")
    assert "2 without a face" in page
    assert "<polyline" not in page
