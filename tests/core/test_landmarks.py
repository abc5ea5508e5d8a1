# SPDX-License-Identifier: GPL-3.0-or-later
"""Landmarks: schema, drawing, the head's pose, retargeting, detectors."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import types
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import torch
from headcast.core.errors import MissingPackageError, MissingWeightsError, SettingError
from headcast.core.landmarks import ibug68
from headcast.core.landmarks.detectors import face_alignment, open_detector
from headcast.core.landmarks.detectors.mediapipe import find_model
from headcast.core.landmarks.head import HeadPose, control_points, fit_pose, head_model
from headcast.core.landmarks.raster import draw_landmarks


def turned(yaw: float, pitch: float = 0.0, roll: float = 0.0) -> HeadPose:
    """The average head under known angles in degrees, 60 pixels a unit, at (130, 120)."""
    y, p, r = np.radians([yaw, pitch, roll])
    about_y = np.array([[np.cos(y), 0, -np.sin(y)], [0, 1, 0], [np.sin(y), 0, np.cos(y)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(p), -np.sin(p)], [0, np.sin(p), np.cos(p)]])
    about_z = np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])
    return HeadPose((about_z @ about_x @ about_y)[None], np.array([60.0]), np.array([[130.0, 120.0]]))


def test_mirroring_twice_is_nothing_and_keeps_the_mean_face() -> None:
    mirror = list(ibug68.MIRROR)
    assert [mirror[i] for i in mirror] == list(range(ibug68.COUNT))
    face = head_model().landmarks
    assert np.allclose(face[mirror] * (-1, 1, 1), face, atol=1e-3)


def test_strokes_hold_every_landmark() -> None:
    drawn = [i for stroke in ibug68.STROKES for i in stroke.points]
    assert sorted(drawn) == list(range(ibug68.COUNT))


def test_drawing_puts_colour_where_the_stroke_is(face: np.ndarray) -> None:
    picture = draw_landmarks(torch.from_numpy(face)[None] / 256, 256)[0]
    x, y = (face[8] - 0.5).round().astype(int)
    assert picture[1, y, x] > 0.5  # the chin is green
    assert picture[0, y, x] == picture[2, y, x] == -1
    x, y = (face[36] - 0.5).round().astype(int)
    assert picture[0, y, x] > 0.5  # the eye's corner is red
    assert (picture[:, :, 2] == -1).all()


def test_drawing_is_antialiased_and_moves_with_fractions_of_a_pixel(face: np.ndarray) -> None:
    points = torch.from_numpy(face)[None]
    lit = [draw_landmarks((points + shift) / 256, 256).add(1).sum() for shift in (0.0, 0.25, 0.5)]
    assert max(lit) / min(lit) < 1.01
    levels = draw_landmarks(points / 256, 256).unique()
    assert len(levels) > 20


@pytest.mark.parametrize("angles", [(0, 0, 0), (30, 0, 0), (-45, 10, 5), (10, -20, -15)])
def test_the_pose_of_a_known_head_is_found(angles: tuple[float, float, float]) -> None:
    known = turned(*angles)
    found = fit_pose(known.project(head_model().landmarks))
    assert np.allclose(found.rotation, known.rotation, atol=1e-4)
    assert found.scale == pytest.approx(60.0, abs=1e-2)
    assert np.allclose(found.offset, known.offset, atol=1e-2)


def test_speaking_does_not_move_the_head(face: np.ndarray) -> None:
    speaking = face.copy()
    speaking[4:13, 1] += 12
    speaking[55:60, 1] += 12
    speaking[65:68, 1] += 12
    still, moved = fit_pose(face[None]), fit_pose(speaking[None])
    assert abs(moved.scale[0] / still.scale[0] - 1) < 0.02


def test_control_points_behind_the_head_are_ignored(face: np.ndarray) -> None:
    control = control_points(face[None])
    assert control.points.shape == (1, ibug68.COUNT + len(head_model().cranium), 2)
    assert np.allclose(control.points[0, : ibug68.COUNT], face)
    behind = head_model().cranium[:, 2] > 2.5
    assert behind.any()
    assert (control.stiffness[0, ibug68.COUNT :][behind] > 100).all()


def test_mediapipe_finds_the_astronaut(astronaut: object) -> None:
    from headcast.core.imaging.read import read_photo

    photo = read_photo(astronaut)
    with closing(open_detector("mediapipe")) as detector:
        (found,) = detector.detect(photo)
    eyes = found.landmarks[36:48].reshape(2, 6, 2).mean(axis=1)
    assert np.allclose(eyes, [[204, 103], [246, 104]], atol=6)  # read off the picture by eye
    assert found.landmarks[8, 1] > found.landmarks[57, 1] > found.landmarks[33, 1] > found.landmarks[27, 1]


def test_face_alignment_loads_as_its_package_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, face: np.ndarray) -> None:
    """Its weights come from the internet: here a network in its place says what it was asked."""
    asked = {}

    class Network:
        def __init__(self, kind: str, **options: object) -> None:
            asked.update(kind=kind, **options)

        def get_landmarks_from_image(self, picture: np.ndarray, **options: bool) -> tuple[list, list, list]:
            asked.update(options)
            seen = face[: ibug68.IBUG]
            return [seen / 2, seen], [np.full(68, 0.5), np.full(68, 0.9)], [np.zeros(5), np.zeros(5)]

    module = types.ModuleType("face_alignment")
    module.FaceAlignment, module.LandmarksType = Network, types.SimpleNamespace(TWO_D="2D")
    monkeypatch.setitem(sys.modules, "face_alignment", module)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    with pytest.raises(MissingWeightsError, match=r"s3fd-\w+\.pth is not there.*Put https"):
        open_detector("face-alignment", "cpu")
    for name in face_alignment.WEIGHTS:
        (folder / name).write_bytes(b"another program")
    with pytest.raises(MissingWeightsError, match="is not the model that was tested"):
        open_detector("face-alignment", "cpu")
    assert not asked
    own = hashlib.sha256(b"another program").hexdigest()[:10]
    monkeypatch.setattr(face_alignment, "WEIGHTS", dict.fromkeys(face_alignment.WEIGHTS, own))
    faces = open_detector("face-alignment", "cpu").detect(np.zeros((8, 8, 3), np.uint8))
    assert asked["kind"] == "2D"
    assert asked["device"] == "cpu"
    assert asked["return_landmark_score"]
    assert faces[0].extent > faces[1].extent
    assert np.allclose(faces[0].landmarks, ibug68.with_pupils(face[: ibug68.IBUG]) + 0.5)
    assert faces[0].confidence == pytest.approx(0.9)


def test_missing_detectors_say_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingError, match="mediapipe, face-alignment"):
        open_detector("dowsing")
    monkeypatch.setitem(sys.modules, "face_alignment", None)
    with pytest.raises(MissingPackageError, match="pip install face-alignment"):
        open_detector("face-alignment")
    monkeypatch.setenv("HEADCAST_FACE_LANDMARKER", "/nowhere/face.task")
    with pytest.raises(MissingWeightsError, match="/nowhere/face"):
        find_model()


def test_mediapipe_brings_no_matplotlib() -> None:
    """Which it would draw with, and which takes longer to load than the rest of it."""
    script = "import sys; from headcast.core.landmarks.detectors import open_detector as o; o('mediapipe').close(); "
    command = [sys.executable, "-c", script + "sys.exit('matplotlib' in sys.modules)"]
    assert subprocess.run(command, check=False).returncode == 0
