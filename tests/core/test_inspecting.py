# SPDX-License-Identifier: GPL-3.0-or-later
"""Photos looked at before a likeness is made of them, and what the likeness then says of itself."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from headcast.core.adapting import inspecting
from headcast.core.cli.main import main
from headcast.core.errors import WrongFileError
from headcast.core.imaging.preview import write_png
from headcast.core.imaging.read import read_photo
from headcast.core.jobs import run_job
from headcast.core.likeness import Likeness, read_card
from headcast.core.progress import Silent


@pytest.fixture(scope="module")
def photos(astronaut: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder: the photo, the photo blurred, made small, mirrored beside itself; no face; no picture."""
    folder = tmp_path_factory.mktemp("photos")
    photo = read_photo(astronaut)
    head = np.ascontiguousarray(photo[0:256, 96:352])
    small = cv2.resize(head, (112, 112), interpolation=cv2.INTER_AREA)
    for name, picture in {
        "good": photo,
        "blurred": cv2.GaussianBlur(photo, (0, 0), 5),
        "small": cv2.copyMakeBorder(small, 24, 24, 24, 24, cv2.BORDER_REPLICATE),
        "two": np.hstack([head, head[:, ::-1]]),
        "wall": np.full((256, 256, 3), 120, np.uint8),
    }.items():
        write_png(folder / f"{name}.png", picture)
    (folder / "broken.png").write_text("no picture")
    return folder


def test_it_says_what_is_wrong_with_each_photo(photos: Path, tmp_path: Path) -> None:
    result = run_job("inspect", {"photos": [str(photos)], "folder": str(tmp_path)}, {}, Silent())
    found = {Path(photo["path"]).stem: photo for photo in result["photos"]}
    problems = {name: ", ".join(photo["problems"]) for name, photo in found.items()}
    assert problems["good"] == ""
    assert problems["blurred"] == "blurred"
    assert problems["small"].startswith("face too small: 1")
    assert problems["two"] == "2 faces: the largest is taken"
    assert problems["wall"] == "no face"
    assert problems["broken"] == "damaged, or no picture"
    assert {name for name, photo in found.items() if not photo["usable"]} == {"wall", "broken"}
    for photo in found.values():
        assert np.load(photo["thumbnail"]).shape == (inspecting.SIDE, inspecting.SIDE, 3)


def test_another_person_is_told_by_the_descriptor(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three photos of one person, one of another; and the descriptor that tells them apart."""

    class Describer:
        def describe(self, picture: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
            return np.full(128, float(picture.mean() > 200))

    bright = tmp_path / "other.png"
    write_png(bright, (read_photo(photos / "good.png") // 8 + 222).astype(np.uint8))
    monkeypatch.setattr(inspecting, "open_describer", lambda reporter: Describer())
    names = [str(photos / f"{name}.png") for name in ("good", "blurred", "small")]
    found = inspecting.inspect([*names, str(bright)], tmp_path, inspecting.AdaptSettings(), Silent())
    assert ["perhaps another person" in photo.problems for photo in found] == [False, False, False, True]


def test_a_likeness_says_what_it_is_without_its_arrays(tmp_path: Path) -> None:
    plain = Likeness(
        preset="warp-256",
        weights="",
        pictures=np.zeros((2, 64, 64, 3), np.uint8),
        mattes=np.zeros((2, 64, 64), np.uint8),
        landmarks=np.zeros((2, 70, 2), np.float32),
        embedding=np.zeros(4, np.float32),
        names=("a.jpg", "b.jpg"),
        adapted={"style": np.zeros(3, np.float16)},
        gain=0.234567,
    )
    plain.save(tmp_path / "x.likeness")
    card = read_card(tmp_path / "x.likeness")
    assert (card.names, card.size, card.tuned, card.gain) == (("a.jpg", "b.jpg"), 64, True, 0.2346)
    assert Likeness.load(tmp_path / "x.likeness").gain == 0.2346
    (tmp_path / "x.likeness").write_text("something else altogether")
    with pytest.raises(WrongFileError, match=r"x\.likeness is damaged"):
        read_card(tmp_path / "x.likeness")


def test_adapt_says_it_too(photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    side = tmp_path / "side.png"
    write_png(side, np.ascontiguousarray(np.rot90(read_photo(photos / "good.png"))))
    names = [str(photos / f"{name}.png") for name in ("good", "blurred", "small")]
    assert main(["adapt", *names, str(side), "-o", str(tmp_path / "x.likeness"), "--steps", "0"]) == 0
    said = capsys.readouterr().err
    assert "blurred.png: blurred" in said
    assert "small.png: face too small: 1" in said
    assert "side.png: lies on its side: turn the photo upright" in said
    assert "good.png" not in said
