# SPDX-License-Identifier: GPL-3.0-or-later
"""One face through a clip: lost, cut away, beside another, in profile, in an uneven movie; and steadied without lag."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from headcast.core.cli.main import main
from headcast.core.errors import SettingError
from headcast.core.imaging.preview import write_png
from headcast.core.imaging.read import read_photo
from headcast.core.landmarks import arkit, ibug68, smoothing
from headcast.core.landmarks.detectors import Face, open_detector, sorted_by_extent
from headcast.core.landmarks.expression import with_expression
from headcast.core.landmarks.face_model import face_model
from headcast.core.landmarks.head import HeadPose, head_model, rotations
from headcast.core.landmarks.trust import AGREEMENT, belief_by_looks
from headcast.core.performance import Performance
from headcast.core.tracking.following import parse_face
from headcast.core.tracking.track import TrackedClip

from .test_reading import write_movie

WALL, OTHER_WALL = (90, 90, 90), (150, 170, 60)


class PatchDetector:
    """Sees a face wherever a patch of blue 255 is: its width is the eye distance twice, its red the yaw in degrees."""

    looks = 0

    def detect(self, picture: np.ndarray) -> list[Face]:
        import cv2

        PatchDetector.looks += 1
        blue = ((picture[..., 2] > 250) & (picture[..., 1] < 8)).astype(np.uint8)
        count, _, boxes, centres = cv2.connectedComponentsWithStats(blue)
        faces = []
        for i in range(1, count):
            x, y = (centres[i] + 0.5).tolist()
            yaw, scale = np.radians(float(picture[int(y), int(x), 0])), boxes[i][2] / 2
            turn = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
            points = (head_model().landmarks @ turn.T)[:, :2] * scale + (x, y)
            faces.append(Face(points.astype(np.float32), 1.0, {"jawOpen": 0.25}))
        return sorted_by_extent(faces)

    def close(self) -> None:
        pass


@pytest.fixture(autouse=True)
def _patches(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if "plate" in request.fixturenames:
        monkeypatch.setattr("headcast.core.tracking.track.open_detector", lambda *_: PatchDetector())


def frame(*heads: tuple[float, float, int], wall: tuple[int, int, int] = WALL, yaw: int = 0) -> np.ndarray:
    """A picture with patches at x, y of some size."""
    picture = np.full((120, 240, 3), wall, np.uint8)
    for x, y, size in heads:
        picture[round(y - size / 2) : round(y + size / 2), round(x - size / 2) : round(x + size / 2)] = (yaw, 0, 255)
    return picture


@pytest.fixture
def plate(tmp_path: Path) -> Path:
    return tmp_path / "plate"


def tracked(
    plate: Path, pictures: list[np.ndarray], capsys: pytest.CaptureFixture[str], *options: str
) -> tuple[Performance, str]:
    """The performance of pictures numbered from 1001, and what was said."""
    plate.mkdir()
    for i, picture in enumerate(pictures):
        write_png(plate / f"plate.{1001 + i}.png", picture)
    output = plate.parent / "y.performance"
    assert main(["track", str(plate), "-o", str(output), *options]) == 0
    return Performance.load(output), capsys.readouterr().err


def middles(performance: Performance) -> np.ndarray:
    """[F, 2] where the face is; NaN in gaps."""
    return performance.landmarks[:, : ibug68.IBUG].mean(axis=1)


def test_a_lost_face_is_a_gap_and_nobody_else(plate: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It comes back near where it was lost. A bystander is on the screen all the time, another comes up far away."""
    pictures = []
    for i in range(40):
        heads = [(120, 60, 20)]
        if not 12 <= i < 24:
            heads.append((60 + i / 2, 60, 24))
        if i >= 15:
            heads.append((200, 60, 22))
        pictures.append(frame(*heads))
    performance, said = tracked(plate, pictures, capsys, "--face", "60,60@1001")
    assert performance.frames.tolist() == list(range(1001, 1041))
    assert np.flatnonzero(~performance.seen).tolist() == list(range(12, 24))
    assert np.isnan(performance.landmarks[12:24]).all()
    assert np.allclose(middles(performance)[[0, 11, 24, 39], 0], (60, 65.5, 72, 79.5), atol=1)
    assert "12 of 40 frames" in said
    assert "(1013-1024)" in said
    assert np.allclose(performance.expression[0, arkit.INDEX["jawOpen"]], 0.25)
    assert performance.expression[0, arkit.INDEX["tongueOut"]] == 0
    assert np.isnan(performance.expression[15]).all()


def test_of_several_faces_the_largest_or_the_one_that_was_clicked(plate: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pictures = [frame((60 + i, 40, 30), (180 - i, 80, 20)) for i in range(20)]
    largest, said = tracked(plate, pictures, capsys)
    assert np.allclose(middles(largest)[:, 0], 60 + np.arange(20), atol=1)
    assert "20 frames" in said
    assert "the largest was followed" in said
    # Chosen in the last frame, followed back to the first.
    output = plate.parent / "z.performance"
    assert main(["track", str(plate), "-o", str(output), "--face", "160,80@1020"]) == 0
    assert np.allclose(middles(Performance.load(output))[:, 0], 180 - np.arange(20), atol=1)
    assert "nearest to 160,80 was followed" in capsys.readouterr().err
    assert main(["track", str(plate), "-o", str(output), "--face", "60,40@7"]) == 2
    assert "No face in frame 7" in capsys.readouterr().err
    assert parse_face("12.5, 40") == (12.5, 40.0, None)
    for wrong in ("left", "12", "12,", "1,2@", "1,2@x"):
        with pytest.raises(SettingError, match="--face"):
            parse_face(wrong)


def test_at_a_cut_the_face_is_chosen_anew_and_nothing_passes_over(plate: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = [frame((60, 60, 24), (180, 60, 20)) for _ in range(15)]
    after = [frame((70, 50, 16), (170, 60, 40), wall=OTHER_WALL) for _ in range(15)]
    performance, said = tracked(plate, [*before, *after], capsys)
    assert np.allclose(middles(performance)[:15, 0], 60, atol=1)
    assert np.allclose(middles(performance)[15:, 0], 170, atol=1)
    assert "frame 1016: of 2 faces the largest" in said
    # Each shot's crop stands still, up to the cut and from it on.
    for shot in (performance.crops[:15], performance.crops[15:]):
        assert np.allclose(shot, shot[0], atol=1e-6)
    assert performance.crops[15, 2] > 1.5 * performance.crops[14, 2]
    # A clicked face goes on as the one nearest to where it was.
    output = plate.parent / "z.performance"
    assert main(["track", str(plate), "-o", str(output), "--face", "60,60"]) == 0
    assert np.allclose(middles(Performance.load(output))[[0, 14, 15, 29], 0], (60, 60, 70, 70), atol=1)
    assert "the nearest to where it was" in capsys.readouterr().err


def test_a_profile_is_of_low_confidence_and_said(plate: Path, capsys: pytest.CaptureFixture[str]) -> None:
    yaws = [0] * 5 + list(range(0, 91, 6)) + [90] * 3
    performance, said = tracked(plate, [frame((120, 60, 30), yaw=yaw) for yaw in yaws], capsys)
    front, side = np.array(yaws) <= 48, np.array(yaws) >= 72
    assert (performance.confidence[front] > 0.9).all()
    assert (performance.confidence[side] < 0.5).all()
    assert performance.seen.all()
    assert "have a low confidence, as the head is turned away" in said


def test_two_looks_that_differ_are_not_believed(face: np.ndarray) -> None:
    eye_distance = 50.0
    assert belief_by_looks(face + 0.03 * eye_distance, face) == 1
    assert 0 < belief_by_looks(face + 0.07 * eye_distance, face) < 1
    assert belief_by_looks(face + AGREEMENT * eye_distance, face) == 0


def test_an_uneven_movie_keeps_its_time_and_looks_at_a_held_picture_once(
    plate: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seconds = [0.0, *np.cumsum([1 / 30] * 12 + [0.1] * 4 + [1 / 30] * 8)]
    pictures = [frame((60 + 2 * i, 60, 30)) for i in range(len(seconds))]
    movie = plate.with_suffix(".mp4")
    write_movie(movie, pictures, seconds)
    PatchDetector.looks = 0
    options = ["--first", "1001", "--smoothing", "0"]
    assert main(["track", str(movie), "-o", str(plate.parent / "y.performance"), *options]) == 0
    performance, said = Performance.load(plate.parent / "y.performance"), capsys.readouterr().err
    assert "variable frame rate (10.0 to 30.0): conformed to 30, 8 frames held, 0 dropped" in said
    assert PatchDetector.looks == 2 * len(pictures)
    assert performance.rate == 30
    assert performance.frames.tolist() == list(range(1001, 1001 + 33))
    x = middles(performance)[:, 0]
    assert x[0] == pytest.approx(60, abs=1)
    assert np.allclose(np.diff(x)[:11], 2, atol=0.1)
    held = np.diff(x)[12:24].round().tolist()
    assert sorted(held) == [0] * 8 + [2] * 4


def blinking(speed: float, frames: int = 160) -> tuple[np.ndarray, np.ndarray]:
    """A face that speaks, sways and blinks for 4 frames [F, 70, 2], the eye distance 100 pixels; and how far its eyes are
    shut [F]."""
    base = (head_model().landmarks[:, :2] * 100).astype(np.float32)
    time, shut = np.arange(frames), np.zeros(frames)
    for start in range(20, frames - 10, 37):
        shut[start : start + 4] = (0.5, 1.0, 1.0, 0.5)
    faces = [with_expression(base, 0.05 + 0.1 * max(0.0, np.sin(0.9 * speed * i)), shut[i]) for i in time]
    sway = 60 * speed * np.column_stack([np.sin(0.25 * time), np.cos(0.17 * time)])
    return np.stack(faces) + sway[:, None] + 400, shut


def opening(landmarks: np.ndarray) -> np.ndarray:
    return (landmarks[:, [40, 41]] - landmarks[:, [38, 37]]).mean(axis=1)[:, 1]


def lag(truth: np.ndarray, found: np.ndarray) -> float:
    """Frames by which `found` comes after `truth`: the shift at which their changes agree most, between frames too."""
    change, slope = np.diff(truth), np.gradient(np.diff(truth))
    return -float(slope @ (np.diff(found) - change) / (slope @ slope))


@pytest.mark.parametrize(("speed", "calmed"), [(0.0, 0.45), (1.0, 0.8)])
def test_smoothing_calms_without_lag_and_leaves_blinks(speed: float, calmed: float) -> None:
    truth, shut = blinking(speed)
    noise = 0.15  # pixels: MediaPipe's on the development clips, at this size
    shaky = (truth + np.random.default_rng(0).normal(0, noise, truth.shape)).astype(np.float32)
    smooth = smoothing.smooth_landmarks(shaky, [slice(0, len(truth))], 25.0, 0.5)

    def jitter(landmarks: np.ndarray) -> float:
        return float(np.diff(landmarks - truth, n=2, axis=0).std(axis=0).mean())

    assert jitter(smooth) < calmed * jitter(shaky)
    assert abs(lag(opening(truth), opening(smooth))) < 0.05
    if speed:
        assert abs(lag(truth[:, 30, 0], smooth[:, 30, 0])) < 0.05

    def depth(landmarks: np.ndarray) -> float:
        return float(opening(landmarks)[shut == 0].mean() - opening(landmarks)[shut == 1].mean())

    assert depth(smooth) > 0.95 * depth(truth)


def test_smoothing_does_not_shrink_a_lively_clip_of_which_every_sixth_frame_is_there() -> None:
    """Frames far apart in time: words, blinks and sway are no noise, whether the rate is known or not."""
    model, rng = face_model(), np.random.default_rng(1)
    time = np.arange(24) * 6 / 25
    weights = np.zeros((len(time), len(arkit.EXPRESSIONS)))
    for name, speed in {"jawOpen": 17.0, "mouthFunnel": 11.0, "browInnerUp": 5.0}.items():
        weights[:, arkit.EXPRESSIONS.index(name)] = 0.5 + 0.5 * np.sin(speed * time)
    turns = np.column_stack([0.1 * np.sin(7 * time), 0.3 * np.sin(9 * time), 0.05 * np.sin(4 * time)])
    away = 400 + 30 * np.column_stack([np.sin(8 * time), np.cos(6 * time)])
    pose = HeadPose(rotations(turns), np.full(len(time), 100.0), away)
    truth = pose.project(model.neutral + np.tensordot(weights, model.expressions, axes=1))
    seen = (truth + rng.normal(0, 0.15, truth.shape)).astype(np.float32)
    runs = [slice(0, len(time))]
    assert smoothing.smooth_landmarks(seen, runs, 25 / 6, 0.5) is seen
    wrong_rate = smoothing.smooth_landmarks(seen, runs, 25.0, 0.5)
    error, noise = (np.linalg.norm(points - truth, axis=-1).mean() / 100 for points in (wrong_rate, seen))
    assert noise == pytest.approx(0.0019, abs=2e-4)
    assert error < 0.006
    curves = weights.astype(np.float32)
    assert np.abs(smoothing.smooth_expression(curves, runs, 25.0, 0.5) - curves).max() < 0.05


def test_numbers_with_gaps_say_the_rate() -> None:
    """Every sixth frame of a clip under its own number: smoothing is told the rate at which frames are there."""
    watched = TrackedClip((256, 256), list(range(1001, 1061, 6)), [[]], [0])
    assert watched.step == 6
    assert watched.runs(np.ones(10, bool)) == [slice(0, 10)]
    one_missing = TrackedClip((256, 256), [1001, 1007, 1019, 1025], [[]], [0])
    assert one_missing.step == 6
    assert one_missing.runs(np.ones(4, bool)) == [slice(0, 2), slice(2, 4)]


def test_smoothing_stays_within_its_run(face: np.ndarray) -> None:
    rng = np.random.default_rng(0)
    still = np.repeat(face[None], 60, axis=0) + rng.normal(0, 0.2, (60, *face.shape))
    still[30:] += 40
    still[28:32] = np.nan
    shaky = still.astype(np.float32)
    runs = [slice(0, 28), slice(32, 60)]
    smooth = smoothing.smooth_landmarks(shaky, runs, 25.0, 1.0)
    assert np.isnan(smooth[28:32]).all()
    alone = smoothing.smooth_landmarks(shaky[:28], runs[:1], 25.0, 1.0)
    assert np.allclose(smooth[:28].mean(axis=0), alone.mean(axis=0), atol=0.05)
    assert np.abs(smooth[32:] - (face + 40)).max() < 1
    assert smoothing.smooth_landmarks(shaky, runs, 25.0, 0.0) is shaky


def test_mediapipe_sees_pupils_and_expressions(astronaut: Path) -> None:
    with closing(open_detector("mediapipe")) as detector:
        (seen,) = detector.detect(read_photo(astronaut))
    for pupil, eye in ((ibug68.RIGHT_PUPIL, ibug68.RIGHT_EYE), (ibug68.LEFT_PUPIL, ibug68.LEFT_EYE)):
        lids = seen.landmarks[list(eye)]
        assert (lids.min(axis=0) < seen.landmarks[pupil]).all()
        assert (seen.landmarks[pupil] < lids.max(axis=0)).all()
    assert set(seen.expression) - {"_neutral"} == set(arkit.EXPRESSIONS) - {"tongueOut"}


def test_dlib_sees_what_mediapipe_sees(astronaut: Path) -> None:
    photo = read_photo(astronaut)
    with closing(open_detector("mediapipe")) as mediapipe, closing(open_detector("dlib")) as dlib:
        (ours,), (theirs,) = mediapipe.detect(photo), dlib.detect(photo)
    eye_distance = np.linalg.norm(ours.landmarks[42:48].mean(axis=0) - ours.landmarks[36:42].mean(axis=0))
    gaps = np.linalg.norm(ours.landmarks - theirs.landmarks, axis=-1)[17:] / eye_distance
    assert theirs.landmarks.shape == (ibug68.COUNT, 2)
    assert gaps.mean() < 0.1
    assert 0 < theirs.confidence <= 1
