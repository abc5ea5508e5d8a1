# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose pose the head has: a driver at rest leaves the photo as it is, and what the driver's head does is added to it."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from headcast.core.imaging.crop import head_crops, to_crop
from headcast.core.landmarks import ibug68
from headcast.core.landmarks.arkit import EXPRESSIONS
from headcast.core.landmarks.face_model import face_model
from headcast.core.landmarks.fitting import fit_faces
from headcast.core.landmarks.head import HeadPose, rotations
from headcast.core.landmarks.measure import measure_faces
from headcast.core.landmarks.retarget import Strength, calmest_frame, calmest_photo, motion_from_photo
from headcast.core.likeness import Likeness
from headcast.core.performance import Performance, performance_from_points
from headcast.core.rendering.frames import directed, framed
from headcast.core.settings import RenderSettings

SIZE = 256
FRAMES = 24


def person(seed: int, turns: np.ndarray, acts: dict[str, np.ndarray] | None = None, scale: float = 55.0) -> np.ndarray:
    """[F, 70, 2] in pixels: somebody with their head turned by `turns` [F, 3], acting."""
    model, rng = face_model(), np.random.default_rng(seed)
    weights = np.zeros((len(turns), len(EXPRESSIONS)))
    for name, curve in (acts or {}).items():
        weights[:, EXPRESSIONS.index(name)] = curve
    shape = np.tensordot(rng.normal(size=len(model.shapes)), model.shapes, axes=1)
    pose = HeadPose(rotations(turns), np.full(len(turns), scale), np.tile([128.0, 110.0], (len(turns), 1)))
    return pose.project(model.neutral + shape + np.tensordot(weights, model.expressions, axes=1)).astype(np.float32)


def still(turn: tuple[float, float, float]) -> np.ndarray:
    return np.tile(np.array(turn, float), (FRAMES, 1))


@pytest.fixture
def photo() -> np.ndarray:
    """[1, 70, 2] three quarters from the left, smiling a little, looking aside."""
    acts = {"mouthSmileLeft": np.array([0.4]), "eyeLookOutLeft": np.array([0.5]), "eyeLookInRight": np.array([0.5])}
    return person(1, np.array([[0.05, 0.5, 0.1]]), acts)


def yaw_of(landmarks: np.ndarray) -> np.ndarray:
    return measure_faces(landmarks).yaw


def likeness_of(landmarks: np.ndarray) -> Likeness:
    count = len(landmarks)
    return Likeness(
        preset="warp-256",
        weights="",
        pictures=np.zeros((count, SIZE, SIZE, 3), np.uint8),
        mattes=np.zeros((count, SIZE, SIZE), np.uint8),
        landmarks=landmarks,
        embedding=np.zeros(256, np.float32),
        names=tuple(f"{i}.png" for i in range(count)),
    )


def performance_of(landmarks: np.ndarray) -> Performance:
    seen = np.ones(len(landmarks), bool)
    frames = np.arange(1001, 1001 + len(landmarks), dtype=np.int32)
    crops = head_crops(landmarks, seen, 24.0)
    return performance_from_points(frames, landmarks, crops, (1280, 720), Fraction(24), "test")


def painted_from(drive: np.ndarray, photo: np.ndarray, settings: RenderSettings) -> np.ndarray:
    """[F, 70, 2] in pixels of the likeness' crop: what the painter is given."""
    likeness = likeness_of(photo)
    shown, wanted = directed(framed(performance_of(drive), likeness, settings), likeness, settings)
    return to_crop(wanted, shown.crops, SIZE)


def test_a_driver_at_rest_leaves_the_photo_as_it_is(photo: np.ndarray) -> None:
    """A frontal driver with another face, elsewhere in a wide plate, and a detector that trembles by a tenth of a pixel."""
    drive = 1.5 * person(2, still((0.0, -0.05, 0.0))) + (400, 100)
    drive += np.random.default_rng(0).normal(0, 0.1, drive.shape)
    found = painted_from(drive.astype(np.float32), photo, RenderSettings())
    assert np.abs(np.median(found, axis=0) - photo[0]).max() < 0.3
    assert np.abs(found - photo[0]).mean() < 0.3


def test_the_neutral_frame_is_the_photo_exactly(photo: np.ndarray) -> None:
    lively = person(
        2,
        still((0, 0, 0)) * 0 + np.linspace(-0.3, 0.4, FRAMES)[:, None] * [0.3, 1, 0.2],
        {"jawOpen": np.linspace(0, 1, FRAMES)},
    )
    found = painted_from(lively, photo, RenderSettings(neutral="1008"))
    assert np.abs(found[7] - photo[0]).max() < 0.01


def test_what_the_drivers_head_turns_is_added_to_the_photos_turn(photo: np.ndarray) -> None:
    turns = still((0, 0, 0))
    turns[12:, 1] = 0.25
    drive = person(2, turns)
    added = painted_from(drive, photo, RenderSettings(neutral="1001"))
    asked = yaw_of(drive)[20] - yaw_of(drive)[0]
    assert abs(asked) > 12
    assert yaw_of(added)[20] - yaw_of(photo)[0] == pytest.approx(asked, abs=2.5)
    as_the_driver = painted_from(drive, photo, RenderSettings(pose_of="driver"))
    assert yaw_of(as_the_driver)[20] == pytest.approx(yaw_of(drive)[20], abs=3)


@pytest.mark.parametrize("strength", [0.0, 0.5, 1.0])
def test_drift_and_distance_follow_as_much_as_is_asked_for(photo: np.ndarray, strength: float) -> None:
    """The head goes a third of an eye distance aside and comes nearer by a fifth; with 0 it keeps the photo's pose."""
    drive = person(2, still((0, 0, 0)), scale=80.0)
    middle = drive[0, [36, 45]].mean(axis=0)
    drive[12:] = (drive[12:] - middle) * 1.2 + middle + (80 / 3, 0)
    found = fit_faces(painted_from(drive, photo, RenderSettings(pose=strength, neutral="1001"))).pose
    own = fit_faces(photo).pose
    assert found.scale[20] / own.scale[0] == pytest.approx(1.2**strength, rel=0.03)
    assert (found.offset[20, 0] - own.offset[0, 0]) / own.scale[0] == pytest.approx(strength / 3, abs=0.03)


def test_no_pose_is_the_photos_pose_whatever_the_driver_does(photo: np.ndarray) -> None:
    rng = np.random.default_rng(3)
    drive = person(2, rng.normal(0, 0.25, (FRAMES, 3))) + rng.normal(0, 10, (FRAMES, 1, 2))
    found = painted_from(drive.astype(np.float32), photo, RenderSettings(pose=0.0))
    rigid = [*ibug68.NOSE_BRIDGE]
    assert np.abs(np.median(found[:, rigid], axis=0) - photo[0, rigid]).max() < 1.5
    assert np.ptp(yaw_of(found)) < 0.15 * np.ptp(yaw_of(drive))


def test_lids_gaze_and_mouth_follow_from_the_photos_own(photo: np.ndarray) -> None:
    """The mouth opens, the eyes shut; the gaze goes from where the photo looks, and is that with 0."""
    half = np.arange(FRAMES) >= 12
    acts = {"jawOpen": half * 0.8, "eyeLookOutLeft": half * 0.6, "eyeLookInRight": half * 0.6}
    drive = person(2, still((0, 0, 0)), acts)
    found, before = measure_faces(painted_from(drive, photo, RenderSettings(neutral="1001"))), measure_faces(photo)
    assert found.lips[20] - before.lips[0] > 0.7 * (measure_faces(drive).lips[20] - measure_faces(drive).lips[0])
    asked = measure_faces(drive).gaze
    assert found.gaze[20, 0] - before.gaze[0, 0] == pytest.approx(asked[20, 0] - asked[0, 0], rel=0.3)
    held = measure_faces(painted_from(drive, photo, RenderSettings(neutral="1001", gaze=0.0))).gaze
    assert np.abs(held - before.gaze).max() < 1.0
    shut = person(2, still((0, 0, 0)), {"eyeBlinkLeft": half * 1.0, "eyeBlinkRight": half * 1.0})
    closed = measure_faces(painted_from(shut, photo, RenderSettings(neutral="1001"))).eyes
    assert closed[20].max() < 0.35 * before.eyes[0].min()


def test_the_calmest_frame_and_photo_are_found() -> None:
    """The frame with the mouth shut and the head where it mostly is; of photos the frontal one with a calm face."""
    turns = still((0, 0, 0))
    turns[:9, 1] = 0.5
    number = np.arange(FRAMES)
    drive = person(2, turns, {"jawOpen": np.where((number < 3) | (number > 14), 0.0, 0.6)})
    assert calmest_frame(drive) == 15
    photos = person(4, np.array([[0, 0.6, 0], [0, 0, 0], [0, 0.05, 0], [0, 0.3, 0]]), {"jawOpen": np.array([0, 0.7, 0, 0])})
    assert calmest_photo(photos) == 2
    assert motion_from_photo(drive, photos, Strength(), 15)[15] == pytest.approx(photos[2], abs=0.01)


def test_a_plate_keeps_the_drivers_pose_and_everything_else_the_photos() -> None:
    assert RenderSettings().from_photo
    assert RenderSettings(plate="p.####.exr").relative
    assert not RenderSettings(plate="p.####.exr").from_photo
    assert not RenderSettings(frame="plate").from_photo
    assert RenderSettings(frame="plate", pose_of="photo").from_photo
    assert not RenderSettings(plate="p.####.exr", over="delta").relative
    assert not RenderSettings(motion="absolute", pose_of="photo").from_photo


def test_the_crop_of_a_head_from_a_photo_stands_still(photo: np.ndarray) -> None:
    """Else the head would not drift in it; its frames are as many as before."""
    drive = person(2, still((0, 0, 0))) + np.linspace(0, 60, FRAMES)[:, None, None] * [1, 0]
    shown, _ = directed(performance_of(drive.astype(np.float32)), likeness_of(photo), RenderSettings())
    assert (shown.crops == shown.crops[0]).all()
    assert len(shown) == FRAMES


def test_frames_without_a_face_stay_without(photo: np.ndarray, tmp_path: Path) -> None:
    drive = person(2, still((0, 0, 0)))
    drive[3] = np.nan
    performance = performance_of(np.nan_to_num(drive))
    gap = performance_from_points(performance.frames, drive, performance.crops, (1280, 720), Fraction(24), "test")
    _, wanted = directed(gap, likeness_of(photo), RenderSettings())
    assert np.isnan(wanted[3]).all()
    assert np.isfinite(np.delete(wanted, 3, axis=0)).all()
