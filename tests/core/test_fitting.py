# SPDX-License-Identifier: GPL-3.0-or-later
"""The linear face: who somebody is and what they do is found from points, and goes over to another face."""

from __future__ import annotations

import csv
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from headcast.core.cli.main import main
from headcast.core.landmarks import ibug68
from headcast.core.landmarks.arkit import EXPRESSIONS, INDEX
from headcast.core.landmarks.face_model import face_model
from headcast.core.landmarks.fitting import complete, fit_faces
from headcast.core.landmarks.frontal import neutral_face
from headcast.core.landmarks.head import HeadPose, rotations
from headcast.core.landmarks.measure import measure_faces
from headcast.core.landmarks.naming import Match
from headcast.core.landmarks.retarget import Strength, relative_motion
from headcast.core.landmarks.rig_face import RigFace, place_model
from headcast.core.performance import performance_from_points

EIGHT = [36, 39, 42, 45, 33, 48, 54, 8]


class Acted(NamedTuple):
    """A person who never lived, acting."""

    landmarks: np.ndarray
    neutral: np.ndarray
    pose: HeadPose
    expression: np.ndarray


def act(seed: int, curves: dict[str, np.ndarray], frames: int = 40, noise: float = 0.5) -> Acted:
    """Nodding and turning by up to 30 degrees, 60 pixels between the eyes."""
    rng, model, time = np.random.default_rng(seed), face_model(), np.linspace(0, 6, frames)
    neutral = model.neutral + np.tensordot(rng.normal(size=len(model.shapes)), model.shapes, axes=1)
    expression = np.zeros((frames, len(EXPRESSIONS)))
    for name, curve in curves.items():
        expression[:, INDEX[name]] = curve
    turn = np.stack([0.2 * np.sin(time), 0.5 * np.sin(0.7 * time), 0.1 * np.cos(time)], axis=-1)
    pose = HeadPose(rotations(turn), 60 + 5 * np.sin(time), np.stack([128 + 20 * np.sin(time), 100 + 5 * time], axis=-1))
    points = pose.project(neutral + np.tensordot(expression, model.expressions, axes=1))
    return Acted((points + rng.normal(0, noise, points.shape)).astype(np.float32), neutral, pose, expression)


TIME = np.linspace(0, 6, 40)
SPEAKING = {"jawOpen": 0.4 * (1 + np.sin(2 * TIME))}
BLINKING = dict.fromkeys(("eyeBlinkLeft", "eyeBlinkRight"), (np.sin(3 * TIME) > 0.8).astype(float))


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_person_their_pose_and_their_acting_are_found(seed: int) -> None:
    known = act(seed, SPEAKING | BLINKING)
    found = fit_faces(known.landmarks)
    trace = np.einsum("fij,fij->f", found.pose.rotation, known.pose.rotation)
    assert np.degrees(np.arccos(np.clip((trace - 1) / 2, -1, 1))).mean() < 1.5
    assert np.linalg.norm(found.neutral - known.neutral, axis=1).mean() < 0.02
    for name in ("jawOpen", "eyeBlinkLeft"):
        assert np.corrcoef(found.expression[:, INDEX[name]], known.expression[:, INDEX[name]])[0, 1] > 0.95


def test_eight_points_make_a_face_and_stay_where_they_are() -> None:
    known = act(1, SPEAKING, noise=0.3)
    sparse = np.full_like(known.landmarks, np.nan)
    sparse[:, EIGHT] = known.landmarks[:, EIGHT]
    whole = complete(sparse)
    assert np.array_equal(whole[:, EIGHT], known.landmarks[:, EIGHT])
    assert np.linalg.norm(whole - known.landmarks, axis=-1).mean() < 0.06 * 60
    sparse[0] = known.landmarks[0]  # the frame in which a detector placed the tracks
    better = complete(sparse)
    assert np.linalg.norm(better - known.landmarks, axis=-1).mean() < np.linalg.norm(whole - known.landmarks, axis=-1).mean()


def test_measures_are_in_degrees_and_openings() -> None:
    looks = {"eyeLookOutLeft": 0.5 * (1 + np.sin(TIME)), "eyeLookInRight": 0.5 * (1 + np.sin(TIME))}
    known = act(3, looks | SPEAKING, noise=0.1)
    found = measure_faces(known.landmarks)
    turned = np.degrees(0.5 * np.sin(0.7 * TIME))
    # The rotation vectors' y turns z to x: the nose, at negative z, to the picture's left.
    assert np.abs(found.yaw + turned).max() < 4
    wanted = 30 * looks["eyeLookOutLeft"]
    assert np.corrcoef(found.gaze[:, 0], wanted)[0, 1] > 0.98
    assert np.ptp(found.gaze[:, 0]) == pytest.approx(np.ptp(wanted), rel=0.25)
    assert np.corrcoef(found.lips, SPEAKING["jawOpen"])[0, 1] > 0.95


def test_relative_motion_keeps_the_likeness_face_shape(face: np.ndarray) -> None:
    """A broad-jawed driver nods and speaks: the narrow likeness stays narrow, and its mouth opens as far."""
    broad = face.copy()
    broad[:17, 0] = 128 + (broad[:17, 0] - 128) * 1.2
    drive = np.stack([broad, broad, broad, broad])
    drive[2, 65:68, 1] += 10
    drive[2, 55:60, 1] += 10
    moved = relative_motion(drive, face[None])
    assert np.ptp(moved[0, :17, 0]) == pytest.approx(np.ptp(face[:17, 0]), rel=0.02)
    opening = moved[2, 66, 1] - moved[2, 62, 1] - (moved[0, 66, 1] - moved[0, 62, 1])
    assert opening == pytest.approx(10, rel=0.1)


def test_a_person_driving_themselves_stays_in_place(face: np.ndarray) -> None:
    drive = np.stack([face, face + 3])
    assert np.allclose(relative_motion(drive, face[None]), drive, atol=0.3)


def test_gaze_goes_to_the_likeness(face: np.ndarray) -> None:
    looks = {"eyeLookOutLeft": (TIME > 3) * 0.8, "eyeLookInRight": (TIME > 3) * 0.8}
    driver = act(4, looks, noise=0.1)
    looked = measure_faces(relative_motion(driver.landmarks, face[None])).gaze[:, 0]
    assert looked[TIME > 3.1].mean() - looked[TIME < 2.9].mean() == pytest.approx(24, abs=7)
    ahead = measure_faces(relative_motion(driver.landmarks, face[None], Strength(gaze=0.0))).gaze
    assert np.abs(ahead).max() < 3


def test_each_region_can_be_held_back(face: np.ndarray) -> None:
    driver = act(5, SPEAKING | BLINKING, noise=0.1)

    def played(strength: Strength) -> tuple[float, float, float]:
        found = measure_faces(relative_motion(driver.landmarks, face[None], strength))
        return float(np.ptp(found.lips)), float(np.ptp(found.eyes)), float(np.ptp(found.yaw))

    lips, eyes, yaw = played(Strength())
    assert played(Strength(mouth=0.0))[0] < 0.3 * lips
    assert played(Strength(eyes=0.0))[1] < 0.3 * eyes
    assert played(Strength(pose=0.5))[2] == pytest.approx(0.5 * yaw, rel=0.1)


def test_a_mouth_that_is_shut_by_a_hair_more_does_not_say_what_the_face_is_at_rest() -> None:
    """Lips that press, pout and rest are all closed: the chin at rest is the middle one."""
    faces = np.repeat(face_model().neutral[None], 5, axis=0)
    faces[:, ibug68.INNER_LIPS, 1] = faces[:, [62], 1]
    faces[:, 66, 1] += [0.0, 0.01, 0.02, 0.02, 0.4]
    faces[:, 8, 1] += [-0.2, 0.0, 0.1, 0.0, 0.5]
    assert neutral_face(faces)[8, 1] == pytest.approx(face_model().neutral[8, 1])


def test_the_neutral_frame_can_be_said(face: np.ndarray) -> None:
    """With the open mouth called neutral, the likeness keeps its own mouth there."""
    driver = act(6, {"jawOpen": (TIME > 3) * 0.8}, noise=0.0)
    opened = relative_motion(driver.landmarks, face[None])
    told = relative_motion(driver.landmarks, face[None], neutral=39)
    gap = [measure_faces(points).lips[39] for points in (face[None].repeat(40, axis=0), opened, told)]
    assert gap[2] == pytest.approx(gap[0], abs=0.05)
    assert gap[1] > gap[0] + 0.2


def test_a_performance_as_a_table(tmp_path: Path) -> None:
    known = act(8, SPEAKING, noise=0.1)
    landmarks = known.landmarks.copy()
    landmarks[5] = np.nan
    numbers = np.arange(1001, 1041, dtype=np.int32)
    performance_from_points(numbers, landmarks, np.ones((40, 3)), (256, 256), Fraction(24), "test").save(tmp_path / "y")
    assert main(["measure", str(tmp_path / "y"), "-o", str(tmp_path / "y.csv")]) == 0
    with open(tmp_path / "y.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["frame"]) for row in rows] == numbers.tolist()
    assert (rows[5]["confidence"], rows[5]["yaw"], rows[5]["jawOpen"]) == ("0.000", "", "")
    spoken = [float(row["jawOpen"]) for i, row in enumerate(rows) if i != 5]
    assert np.corrcoef(spoken, np.delete(SPEAKING["jawOpen"], 5))[0, 1] > 0.95


class TestRigFace:
    """A rig gives some of the points, or weights alone."""

    def rig_space(self, points: np.ndarray) -> np.ndarray:
        """From the model's axes to those of a rig three units large that looks along -Y, Z up."""
        return points @ np.array([[3.0, 0, 0], [0, 0, -3.0], [0, 3.0, 0]]) + (1, 2, 15)

    def test_what_a_rig_lacks_is_added(self) -> None:
        known = act(7, SPEAKING)
        moving = known.neutral + np.tensordot(known.expression, face_model().expressions, axes=1)
        given = [*range(0, 17, 2), *range(17, 48, 2), *range(48, 60)]
        rest, acted = self.rig_space(known.neutral), self.rig_space(moving[10])
        sparse_rest, sparse = (np.full_like(rest, np.nan) for _ in range(2))
        sparse_rest[given], sparse[given] = rest[given], acted[given]
        whole = RigFace(sparse_rest).complete(sparse)
        assert np.array_equal(whole[given], acted[given])
        away = np.linalg.norm(whole - acted, axis=1) / 3
        assert away.mean() < 0.03
        assert away[list(ibug68.INNER_LIPS)].max() < 0.12

    @pytest.mark.parametrize("names", [("eyeBlinkLeft", "eyeBlinkRight", "jawOpen"), ("jawOpen", "mouthPucker", "blink")])
    def test_shape_keys_say_where_the_face_is(self, names: tuple[str, ...]) -> None:
        """With and without keys that tell left from right."""
        model = face_model()
        matches = [
            Match(name, target)
            for name in names
            for target in (("eyeBlinkLeft", "eyeBlinkRight") if name == "blink" else (name,))
        ]
        basis, keys = self.rig_space(model.neutral), {}
        for name in names:
            acts = sum(model.expressions[INDEX[match.target]] for match in matches if match.source == name)
            keys[name] = self.rig_space(model.neutral + acts)
        placed = place_model(basis, keys, matches)
        assert np.linalg.norm(placed.points(np.zeros(52)) - basis, axis=1).max() < 0.01 * 3
