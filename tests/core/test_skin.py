# SPDX-License-Identifier: GPL-3.0-or-later
"""Skin between the landmarks: what footage shows of it, a painted head follows."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from headcast.core.cli.main import main
from headcast.core.errors import WrongFileError
from headcast.core.imaging.read import Frame
from headcast.core.likeness import Likeness
from headcast.core.network.bending import correspond
from headcast.core.network.closeup import face_window
from headcast.core.network.warp import bent_head
from headcast.core.painting.feed import feed_pose
from headcast.core.painting.player import Player, load_painter, open_player
from headcast.core.painting.role import Role
from headcast.core.performance import Performance, performance_from_points
from headcast.core.progress import Silent
from headcast.core.settings import RenderSettings, TrackSettings
from headcast.core.skin import SKIN_STEPS
from headcast.core.tracking.retiming import retimed
from headcast.core.tracking.skin import GRID, measure_skin
from headcast.core.tracking.track import track

from .test_regions import opened
from .test_residual import CPU, SIZE, freckles, photos_of, pose_of  # noqa: F401

FRAMES = 10
LIFT = 5.0
"""Pixels."""


def lifted(picture: np.ndarray, face: np.ndarray, points: np.ndarray, by: float) -> np.ndarray:
    """`picture` of `face` with its landmarks moved to `points`, and the forehead up by so many pixels, as none says."""
    bent = bent_head(correspond(photos_of(picture, face), pose_of(points))).picture[0].permute(1, 2, 0).numpy()
    y, x = np.mgrid[:SIZE, :SIZE].astype(np.float32)
    brow = face[[19, 24]].mean(0) - (0, 20)
    near = np.exp(-((x - brow[0]) ** 2 + (y - brow[1]) ** 2) / (2 * 22.0**2)).astype(np.float32)
    shown = cv2.remap(bent, x, y + by * near, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.clip((shown + 1) * 127.5, 0, 255).astype(np.uint8)


class Acted:
    """A clip in which a forehead moves up and down while a mouth opens and shuts in another time."""

    def __init__(self, face: np.ndarray, texture: np.ndarray) -> None:
        self.face, self.texture = face, texture
        time = np.arange(FRAMES)
        self.lifts = LIFT * (1 - np.cos(2 * np.pi * time / FRAMES)) / 2
        self.points = np.stack([opened(face, 2 + 6 * abs(np.sin(time[i]))) for i in range(FRAMES)])
        shown = zip(self.points, self.lifts, strict=True)
        self.pictures = [lifted(texture, face, points, by) for points, by in shown]
        frames = (Frame(i, picture) for i, picture in enumerate(self.pictures))
        self.measured = measure_skin(frames, self.points, [0], Silent())
        self.skin = self.measured.moves

    def at_brow(self, i: int) -> np.ndarray:
        """[2] pixels, what was measured of the middle of the forehead."""
        pose = feed_pose(self.points[i : i + 1], SIZE, 0, CPU)
        window = face_window(pose.points, pose.projection)
        brow = torch.from_numpy((self.points[i, [19, 24]].mean(0) - (0, 20)).astype(np.float32))[None, None] * 2 / SIZE - 1
        column, row = ((window.locate(brow)[0, 0] + 1) / 2 * GRID).floor().int().tolist()
        there = torch.from_numpy(self.skin[i, :, row - 1 : row + 2, column - 1 : column + 2].astype(np.float32))
        return (window.axes[0] @ there.mean((1, 2)) / SKIN_STEPS * SIZE / 2).numpy()


@pytest.fixture(scope="module")
def acted(face: np.ndarray, freckles: np.ndarray) -> Acted:  # noqa: F811
    return Acted(face, freckles)


def test_what_a_clip_shows_is_measured(acted: Acted) -> None:
    """Where the forehead is shown higher, the picture is found lower down; against the mean of the shot."""
    found = np.stack([acted.at_brow(i) for i in range(FRAMES)])
    wanted = acted.lifts - acted.lifts.mean()
    assert np.abs(found[:, 1] - wanted).max() < 0.6
    assert np.abs(found[:, 0]).max() < 0.6
    assert not acted.skin[:, :, -6:, :6].any(), "what lies behind the head is no skin"


def test_a_gap_says_nothing(acted: Acted) -> None:
    points = acted.points.copy()
    points[3] = np.nan
    frames = [Frame(i, picture) for i, picture in enumerate(acted.pictures)]
    skin = measure_skin(frames, points, [0], Silent()).moves
    assert not skin[3].any()
    assert skin[4].any()
    alone = measure_skin(frames[:1], points[:1], [0], Silent())
    assert not alone.moves.any()
    assert alone.references is None


def test_each_shot_is_measured_by_itself(acted: Acted) -> None:
    """Frames of another shot, brighter and of another texture, change nothing."""
    others = [np.ascontiguousarray(picture[:, ::-1] // 2 + 100) for picture in acted.pictures]
    frames = [Frame(i, picture) for i, picture in enumerate([*acted.pictures, *others])]
    both = measure_skin(frames, np.concatenate([acted.points, acted.points]), [0, FRAMES], Silent())
    assert np.array_equal(both.moves[:FRAMES], acted.skin)
    assert both.shots.tolist() == [0] * FRAMES + [1] * FRAMES
    assert both.references is not None
    assert acted.measured.references is not None
    assert np.array_equal(both.references.of_shot(0).pictures, acted.measured.references.pictures)


def likeness_of(picture: np.ndarray, points: np.ndarray, path: Path) -> Path:
    """Of one photo, painted with the shipped weights."""
    painter, weights = load_painter("warp-256", SIZE, "", CPU)
    Likeness(
        names=("photo",),
        pictures=picture[None],
        mattes=np.full((1, SIZE, SIZE), 255, np.uint8),
        landmarks=points[None],
        embedding=np.zeros(painter.preset.embedding, np.float32),
        preset="warp-256",
        weights=weights,
    ).save(path)
    return path


@pytest.fixture(scope="module")
def likeness(acted: Acted, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of the clip's first frame."""
    return likeness_of(acted.pictures[0], acted.points[0], tmp_path_factory.mktemp("skin") / "x.likeness")


def test_a_painted_head_follows_it(acted: Acted, likeness: Path) -> None:
    """The frame in which the forehead is highest, from a photo in which it is not."""
    _, player = open_player(likeness, "", "cpu", 1)
    highest = int(acted.lifts.argmax())
    top = int(acted.points[0, 27, 1])
    truth = acted.pictures[highest][top - 45 : top - 5, 100:156] / 255.0
    without, half, whole = (
        np.abs(
            Role(player, acted.points, acted.measured, part).paint(highest).picture[top - 45 : top - 5, 100:156] - truth
        ).mean()
        for part in (0.0, 0.5, 1.0)
    )
    assert whole < half < without
    assert whole < 0.65 * without


def at_forehead(acted: Acted, player: Player, own: bool) -> float:
    """How far the frame in which it is highest is from the truth."""
    highest, top = int(acted.lifts.argmax()), int(acted.points[0, 27, 1])
    painted = Role(player, acted.points, acted.measured, own=own).paint(highest).picture
    part = slice(top - 45, top - 5), slice(100, 156)
    return float(np.abs(painted[part] - acted.pictures[highest][part] / 255.0).mean())


def test_a_photo_of_the_actor_is_held_against_the_footage(acted: Acted, tmp_path: Path) -> None:
    """One in which no frame's landmarks lie: its forehead is lower than in any."""
    points = opened(acted.face, 14)
    photo = likeness_of(lifted(acted.texture, acted.face, points, -3.0), points, tmp_path / "x.likeness")
    _, player = open_player(photo, "", "cpu", 1)
    assert at_forehead(acted, player, own=True) < 0.7 * at_forehead(acted, player, own=False)


def test_a_photo_of_another_person_is_not(acted: Acted, tmp_path: Path) -> None:
    """Who looks otherwise is not bent to look like the actor."""
    points = opened(acted.face, 14)
    another = np.ascontiguousarray(acted.texture[::-1, ::-1])
    photo = likeness_of(lifted(another, acted.face, points, 0.0), points, tmp_path / "x.likeness")
    _, player = open_player(photo, "", "cpu", 1)
    assert at_forehead(acted, player, own=True) == at_forehead(acted, player, own=False)


def test_a_performance_of_before_has_nothing_to_hold_photos_against(performance: Performance, tmp_path: Path) -> None:
    assert performance.skin is not None
    before = replace(performance.skin, references=None)
    replace(performance, skin=before).save(tmp_path / "x.performance")
    with np.load(tmp_path / "x.performance") as arrays:
        kept = {name: arrays[name] for name in arrays.files if name != "skin shots"}
    with open(tmp_path / "before.performance", "wb") as file:
        np.savez(file, **kept)
    found = Performance.load(tmp_path / "before.performance").skin
    assert found is not None
    assert found.digest() == before.digest()


def test_at_the_photos_own_landmarks_it_is_the_photo(acted: Acted, likeness: Path) -> None:
    _, player = open_player(likeness, "", "cpu", 1)
    painted = Role(player, acted.points, acted.measured).paint(0).picture
    assert np.array_equal(painted, Role(player, acted.points).paint(0).picture)


def test_without_a_flow_there_is_nothing_to_add_it_to(acted: Acted, likeness: Path, tmp_path: Path) -> None:
    """Geometry alone stays geometry alone."""
    replace(Likeness.load(likeness), weights="").save(tmp_path / "plain.likeness")
    _, player = open_player(tmp_path / "plain.likeness", "", "cpu", 1)
    assert not Role(player, acted.points, acted.measured).follows_skin


@pytest.fixture
def performance(acted: Acted) -> Performance:
    frames, crops = np.arange(FRAMES, dtype=np.int32), np.tile([SIZE / 2, SIZE / 2, SIZE], (FRAMES, 1)).astype(np.float64)
    plain = performance_from_points(frames, acted.points, crops, (SIZE, SIZE), Fraction(24), "a test")
    return replace(plain, skin=acted.measured)


def test_a_performance_keeps_it(performance: Performance, tmp_path: Path) -> None:
    performance.save(tmp_path / "x.performance")
    skin, kept = performance.skin, Performance.load(tmp_path / "x.performance").skin
    assert skin is not None
    assert kept is not None
    assert kept.digest() == skin.digest()
    replace(performance, skin=replace(skin, moves=skin.moves[:4])).save(tmp_path / "short.performance")
    with pytest.raises(WrongFileError, match="skin"):
        Performance.load(tmp_path / "short.performance")


def test_at_another_rate_it_moves_as_fast(performance: Performance) -> None:
    skin, slow = performance.skin, retimed(performance, Fraction(48)).skin
    assert skin is not None
    assert slow is not None
    assert np.array_equal(slow.moves[2], skin.moves[1])
    between = (skin.moves[1].astype(int) + skin.moves[2]) / 2
    assert np.abs(slow.moves[3] - between).max() <= 0.5
    assert len(slow.shots) == len(slow.moves)


def test_a_hand_before_the_face_moves_no_skin_far(acted: Acted) -> None:
    """Whatever optical flow makes of it: 110 steps of its own."""
    hand = cv2.GaussianBlur(np.random.default_rng(5).integers(0, 255, (90, 90, 3), dtype=np.uint8), (0, 0), 3.0)
    pictures = [picture.copy() for picture in acted.pictures]
    pictures[6][60:150, 80:170] = hand
    frames = (Frame(i, picture) for i, picture in enumerate(pictures))
    skin = measure_skin(frames, acted.points, [0], Silent()).moves
    assert np.abs(skin[6].astype(int)).max() <= 52


def test_a_tracked_clip_has_it_unless_it_is_not_wanted(clips: Path, tmp_path: Path) -> None:
    """People's skin moves by less than a twentieth of the face, and most in the face."""
    clip = str(clips / "grid_1.mpg")
    found = track(clip, tmp_path / "x.performance", TrackSettings(), Silent())
    assert found.skin is not None
    assert found.skin.moves.shape == (len(found), 2, GRID, GRID)
    steps = np.abs(found.skin.moves[:, :, 20:44, 20:44].astype(int))
    assert 1 < steps.mean() < 0.05 * SKIN_STEPS
    assert track(clip, tmp_path / "y.performance", TrackSettings(skin="none"), Silent()).skin is None


def test_of_another_person_half_is_taken() -> None:
    assert RenderSettings(motion="absolute").skin_taken == 1
    assert RenderSettings(motion="relative").skin_taken == 0.5
    assert RenderSettings(motion="relative", skin=0.0).skin_taken == 0


def test_frames_go_stale_with_it(
    performance: Performance, likeness: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Those of a take that does not follow it do not."""

    def written(name: str, *options: str) -> int:
        capsys.readouterr()
        files = [str(likeness), str(tmp_path / "x.performance"), "-o", str(tmp_path / name)]
        assert main(["render", *files, "--tries", "0", "--frames", "0-1", "--size", "64", "--json", *options]) == 0
        return int(json.loads(capsys.readouterr().out.splitlines()[-1])["result"]["written"])

    takes = ("a.####.exr",), ("b.####.exr", "--skin", "0")
    performance.save(tmp_path / "x.performance")
    assert [written(*take) for take in takes] == [2, 2]
    assert [written(*take) for take in takes] == [0, 0]
    assert performance.skin is not None
    replace(performance, skin=replace(performance.skin, moves=-performance.skin.moves)).save(tmp_path / "x.performance")
    assert [written(*take) for take in takes] == [2, 0]
