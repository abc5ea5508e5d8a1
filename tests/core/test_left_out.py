# SPDX-License-Identifier: GPL-3.0-or-later
"""Nothing that is given is left out, misread or cut down without a word."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from headcast.core.cli.main import main
from headcast.core.errors import NoFaceError, SettingError, UnreadableImageError
from headcast.core.imaging.preview import write_png
from headcast.core.imaging.read import read_photo
from headcast.core.landmarks.detectors import Face
from headcast.core.listing import parse_ranges
from headcast.core.settings import AdaptSettings, GateSettings, RenderSettings, TrackSettings
from headcast.core.tracking.searching import QUICK, find_faces


@pytest.mark.parametrize(
    ("kind", "values", "wanted"),
    [
        (RenderSettings, {"photos": 2.5}, "a whole number of at least 1, 16 at most"),
        (RenderSettings, {"photos": True}, "a whole number"),
        (RenderSettings, {"pose": "a"}, "a number of at least 0, 2 at most"),
        (RenderSettings, {"pose": math.nan}, "a number"),
        (RenderSettings, {"rate": math.inf}, "a number"),
        (RenderSettings, {"grow": None}, "a number"),
        (RenderSettings, {"opaque": "yes"}, "true or false"),
        (RenderSettings, {"plate": 3}, "a text"),
        (TrackSettings, {"first": "1"}, "a whole number"),
        (GateSettings, {"flicker_limit": math.nan}, "a number"),
        (AdaptSettings, {"steps": math.nan}, "a whole number"),
    ],
)
def test_a_setting_is_of_its_kind(kind: Callable[..., Any], values: dict[str, Any], wanted: str) -> None:
    (name,) = values
    with pytest.raises(SettingError, match="--" + name.replace("_", "-")) as refused:
        kind(**values)
    assert refused.value.hint.startswith(f"Give {wanted}")


def test_whole_numbers_do_for_others() -> None:
    assert RenderSettings(pose=1, grow=-2).pose == 1


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("1001-1003", [1001, 1002, 1003]),
        ("1005", [1005]),
        ("1009-2000, 1001", [1001, 1009, 1010]),
        ("0-1001", [1001]),
        ("1001-1009x4", [1001, 1005, 1009]),
    ],
)
def test_some_of_the_frames(text: str, numbers: list[int]) -> None:
    assert parse_ranges(text, list(range(1001, 1011))) == numbers


def test_frames_before_zero_and_none() -> None:
    assert parse_ranges("-5--4,-1", list(range(-5, 2))) == [-5, -4, -1]
    for text in ("a", "5-", "9-3", "1,,2", "1.5", "1001-1003 1007"):
        with pytest.raises(SettingError, match="--frames cannot be"):
            parse_ranges(text, [1, 2, 3])
    with pytest.raises(SettingError, match="names no frame of the take") as none:
        parse_ranges("7", [1, 2, 3])
    assert none.value.hint == "It has 1 to 3"


def jpeg(picture: np.ndarray, *options: int) -> bytes:
    return cv2.imencode(".jpg", picture, list(options))[1].tobytes()


@pytest.mark.parametrize("progressive", [0, 1])
@pytest.mark.parametrize("more", [b"", bytes(100_000), b"\0\0\0\x18ftypmp42" + os.urandom(50_000)])
def test_what_follows_a_photo_counts_for_nothing(tmp_path: Path, progressive: int, more: bytes) -> None:
    """Motion photos have a movie behind the picture; copies are padded."""
    picture = np.random.default_rng(0).integers(0, 255, (90, 120, 3), np.uint8)
    whole = jpeg(picture, cv2.IMWRITE_JPEG_PROGRESSIVE, progressive, cv2.IMWRITE_JPEG_RST_INTERVAL, 4)
    path = tmp_path / "a.jpg"
    path.write_bytes(whole)
    alone = read_photo(path)
    path.write_bytes(whole + more)
    assert np.array_equal(read_photo(path), alone)
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UnreadableImageError, match="cut short"):
        read_photo(path)


def test_the_end_of_a_thumbnail_is_not_that_of_the_photo(tmp_path: Path) -> None:
    picture = np.random.default_rng(0).integers(0, 255, (90, 120, 3), np.uint8)
    whole, small = jpeg(picture), jpeg(picture[:16, :16])
    segment = b"\xff\xe1" + (len(small) + 2).to_bytes(2, "big") + small
    (tmp_path / "a.jpg").write_bytes((whole[:2] + segment + whole[2:])[: -len(whole) // 3])
    with pytest.raises(UnreadableImageError, match="cut short"):
        read_photo(tmp_path / "a.jpg")


@pytest.fixture(scope="module")
def photos(astronaut: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One good photo, one of a wall, one that is cut short."""
    folder = tmp_path_factory.mktemp("photos")
    photo = read_photo(astronaut)
    write_png(folder / "good.png", np.ascontiguousarray(photo[0:256, 96:352]))
    write_png(folder / "wall.png", np.full((200, 200, 3), 90, np.uint8))
    (folder / "cut.png").write_bytes((folder / "good.png").read_bytes()[:20_000])
    return folder


def test_bad_photos_are_left_out_with_a_word(photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = ["-o", str(tmp_path / "x.likeness")]
    assert main(["adapt", str(photos), *output, "--json"]) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert events[-1]["result"]["photos"] == 1
    (note,) = [event["text"] for event in events if "left out" in event.get("text", "")]
    assert note.startswith("2 of 3 photos are left out: ")
    assert "cut.png" in note
    assert "No face in" in note
    assert main(["adapt", str(photos), *output, "--strict"]) == 2
    assert main(["adapt", str(photos / "wall.png"), str(photos / "cut.png"), *output]) == 2
    assert "None of 2 photos can be used" in capsys.readouterr().err


def test_a_small_face_and_two_people_are_found(astronaut: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    head = cv2.resize(read_photo(astronaut)[0:256, 96:352], (170, 170), interpolation=cv2.INTER_AREA)
    wide = np.full((1080, 1920, 3), 120, np.uint8)
    wide[700:870, 1500:1670] = head
    write_png(tmp_path / "one.png", wide)
    wide[300:470, 200:370] = head[:, ::-1]
    write_png(tmp_path / "two.png", wide)
    for name, face, middle in (("one", "largest", 1585), ("two", "280,380", 285), ("two", "1590,780", 1585)):
        performance = tmp_path / "y.performance"
        assert main(["track", str(tmp_path / f"{name}.png"), "-o", str(performance), "--face", face]) == 0
        where = np.load(performance)["landmarks"][0].mean(axis=0)
        assert abs(where[0] - middle) < 15
    capsys.readouterr()
    assert main(["adapt", str(tmp_path / "two.png"), "-o", str(tmp_path / "x.likeness"), "--face", "280,380"]) == 0
    assert "2 faces in" in capsys.readouterr().err


class OneFace:
    """Sees a face of 40 pixels where a picture of at most 300 pixels shows white; counts its looks."""

    looks = 0

    def detect(self, picture: np.ndarray) -> list[Face]:
        self.looks += 1
        rows, columns = np.nonzero(picture[..., 0] > 200)
        if not len(rows) or np.ptp(columns) < picture.shape[1] * 0.15:
            return []
        low, high = np.array([columns.min(), rows.min()]), np.array([columns.max(), rows.max()])
        return [Face(np.linspace(low, high, 70).astype(np.float32), 1.0)]

    def close(self) -> None:
        pass


def test_the_search_is_no_longer_than_it_need_be() -> None:
    picture = np.zeros((600, 800, 3), np.uint8)
    detector = OneFace()
    assert find_faces(detector, picture, halvings=0) == []
    assert detector.looks == 1
    assert find_faces(detector, picture, halvings=QUICK) == []
    quick = detector.looks
    assert quick < 20
    picture[500:540, 700:740] = 255
    (face,) = find_faces(detector, picture)
    assert np.abs(face.landmarks.mean(axis=0) - (720, 520)).max() < 3
    before = detector.looks
    assert len(find_faces(detector, picture, [face])) == 1
    assert detector.looks == before + 2


def test_libraries_are_quiet_on_a_terminal_and_python_is_not(tmp_path: Path) -> None:
    code = (
        "import os, sys\nfrom headcast.core.cli.console import quiet_libraries\nquiet_libraries()\n"
        "os.write(2, b'W0000 from a library\\n')\nprint('said', file=sys.stderr)\nprint('\\u0141')"
    )
    env = {**os.environ, "HEADCAST_LOGS": str(tmp_path), "PYTHONIOENCODING": "cp1252"}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, check=True)
    assert done.stderr.split() == [b"said"]
    assert done.stdout.split() == [b"\\u0141"]
    assert "from a library" in (tmp_path / "libraries.log").read_text()


def test_no_face_in_the_only_photo_stops(photos: Path, tmp_path: Path) -> None:
    from headcast.core.adapting.adapt import adapt
    from headcast.core.progress import Silent

    with pytest.raises(NoFaceError, match=r"No face in .*wall\.png"):
        adapt([str(photos / "wall.png")], tmp_path / "x.likeness", AdaptSettings(), Silent())


def test_weights_that_are_missing_are_found_out_before_any_photo(
    astronaut: Path, tmp_path: Path, untrained: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def never(*given: object) -> None:
        raise AssertionError("a detector was opened")

    monkeypatch.setattr("headcast.core.adapting.adapt.open_detector", never)
    assert main(["adapt", str(astronaut), "-o", str(tmp_path / "x.likeness"), "--preset", "fsth-256"]) == 2
    assert "There are no weights for 'fsth-256'" in capsys.readouterr().err
