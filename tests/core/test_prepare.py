# SPDX-License-Identifier: GPL-3.0-or-later
"""Users' own videos to training shards: what is taken, what is left out and why, and that a second run goes on."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from headcast.core.cli.main import main
from headcast.core.imaging.preview import write_movie
from headcast.core.imaging.read import read_photo
from headcast.core.training.prepare import find_videos
from headcast.core.training.shards import ShardClip, read_clips

RATE = Fraction(24)


@pytest.fixture(scope="module")
def footage(astronaut: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two faces that move | noise | one face that comes nearer | noise | a face for a moment; and videos with nothing."""
    folder = tmp_path_factory.mktemp("footage")
    photo = read_photo(astronaut)[:256, 96:352]
    rng = np.random.default_rng(0)

    def noise(count: int) -> list[np.ndarray]:
        return list(rng.integers(0, 256, (count, 256, 512, 3), dtype=np.uint8))

    def frame(scale: float, shift: int, mirrored: bool = False) -> np.ndarray:
        head = cv2.warpAffine(photo, np.float32([[scale, 0, shift], [0, scale, 0]]), (256, 256), borderMode=1)
        return np.concatenate([head, head[:, ::-1] if mirrored else head * 0], axis=1)

    both = [frame(0.9, i // 2, mirrored=True) for i in range(30)]
    nearer = [frame(0.9 + 0.005 * i, 0) for i in range(30)]
    whole = [*both, *noise(4), *nearer, *noise(4), *[frame(0.8, 0)] * 6]
    write_movie(folder / "talk.mp4", whole, RATE)
    write_movie(folder / "soft.mp4", [cv2.GaussianBlur(f, (0, 0), 2.5) for f in nearer], RATE)
    write_movie(folder / "noise.mp4", noise(30), RATE)
    content = (folder / "talk.mp4").read_bytes()
    (folder / "cut.mp4").write_bytes(content[:1000])  # within the index, which comes first
    return folder


def prepare(footage: Path, output: Path, *more: str) -> int:
    return main(["prepare", str(footage), *more, "-o", str(output), "--size", "128", "--frames", "4"])


@pytest.fixture(scope="module")
def made(footage: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("shards")
    assert prepare(footage, output, "--processes", "2") == 0
    return output


def face_of(clip: ShardClip) -> tuple[float, float]:
    return np.mean([frame.label.landmarks for frame in clip.frames], axis=(0, 1))


def test_each_face_of_each_shot_is_a_clip_of_steady_heads(made: Path) -> None:
    clips = sorted(read_clips([made]), key=lambda clip: clip.name)
    assert [(clip.name, clip.person, len(clip.frames)) for clip in clips] == [
        ("talk-000", "talk", 4),
        ("talk-001", "talk", 4),
        ("talk-002", "talk", 4),
    ]
    numbers = [[frame.label.frame for frame in clip.frames] for clip in clips]
    assert all(rising == sorted(set(rising)) for rising in numbers)
    assert max(numbers[0] + numbers[1]) <= 30 < 35 <= min(numbers[2])
    for clip in clips:
        assert np.allclose(face_of(clip), (64, 70), atol=10)
        frame = clip.frames[0]
        assert frame.read("jpg").shape == (128, 128, 3)
        nose = np.round(frame.label.landmarks[30]).astype(int)
        assert frame.read("matte.png")[nose[1], nose[0]] == 255
    assert clips[0].frames[0].label.extra["seconds"] == pytest.approx((numbers[0][0] - 1) / 24, abs=1e-3)
    # The second face is the first one's mirror image.
    left, right = clips[0].frames[0].read("jpg").astype(int), clips[1].frames[0].read("jpg").astype(int)
    assert np.abs(left - right[:, ::-1]).mean() < 0.5 * np.abs(left - right).mean()


def test_what_was_left_out_is_listed_with_the_reason(footage: Path, made: Path) -> None:
    lines = [line.split("\t") for line in (made / "left_out.tsv").read_text().splitlines()]
    reasons = {(Path(video).name, clip): reason for video, clip, reason in lines}
    assert len(lines) == len(reasons)
    assert reasons.pop(("talk.mp4", "talk-003")).startswith("too short: 0.2")
    assert reasons.pop(("soft.mp4", "soft-000")).startswith("blurred")
    assert reasons.pop(("soft.mp4", "")) == "no face is good enough"
    assert reasons.pop(("noise.mp4", "")) == "no face"
    assert reasons.pop(("cut.mp4", "")).startswith("unreadable")
    assert not reasons


def test_a_second_run_goes_on(footage: Path, made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    listed = (made / "left_out.tsv").read_text()
    capsys.readouterr()
    assert prepare(footage, made) == 0
    assert "0 videos, 0 tracks, 0 frames, 0 left out; 4 videos were done before" in capsys.readouterr().out
    # As a kill leaves it: lines, but no shard.
    (made / "talk.tar").unlink()
    assert prepare(footage, made) == 0
    assert "1 videos, 3 tracks, 12 frames, 1 left out; 3 videos" in capsys.readouterr().out
    assert (made / "left_out.tsv").read_text() == listed
    assert {path.name for path in made.iterdir()} == {"talk.tar", "left_out.tsv"}


def test_errors_of_a_process_arrive_as_errors(
    footage: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HEADCAST_FACE_LANDMARKER", "/nowhere.task")
    assert prepare(footage, tmp_path) == 2
    assert "/nowhere.task" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_people_and_names_come_from_where_a_video_lies(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("vox/id10001/xyz/00001.mp4", "vox/id10002/xyz/00001.mp4", "own/A talk. Part 2.MOV"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = [(video.name, video.person) for video in find_videos([str(tmp_path / "vox"), str(tmp_path / "own")])]
    assert found == [
        ("id10001_xyz_00001", "id10001"),
        ("id10002_xyz_00001", "id10002"),
        ("A-talk-Part-2", "A-talk-Part-2"),
    ]
    assert prepare(tmp_path / "vox" / "id10001" / "xyz", tmp_path / "out", str(tmp_path / "vox/id10002/xyz")) == 2
    assert "both be called 00001" in capsys.readouterr().err
    assert prepare(tmp_path / "nowhere", tmp_path / "out") == 2
    assert "nowhere is not there" in capsys.readouterr().err
