# SPDX-License-Identifier: GPL-3.0-or-later
"""Sequences are known by their names as pipelines write them, and never counted anew in silence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from headcast.core.errors import AmbiguousSequenceError, SettingError
from headcast.core.imaging.names import find_photos, find_sequence, left_out_of, pictures_of
from headcast.core.listing import ranges
from headcast.core.take import FramePattern


def put(folder: Path, *names: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).touch()
    return folder


@pytest.mark.parametrize(
    "name", ["a.####.exr", "a.%04d.exr", "a.$F4.exr", "a.${F4}.exr", "a.@@@@.exr", "a.<f4>.exr", "a.%d.exr"]
)
def test_each_way_to_write_a_number(tmp_path: Path, name: str) -> None:
    put(
        tmp_path,
        "a.0998.exr",
        "a.1001.exr",
        "a.10010.exr",
        "a.matte.1001.exr",
        "a.1001.exr.txt",
        "._a.1001.exr",
        "b.1001.exr",
    )
    found = find_sequence(str(tmp_path / name))
    assert found.numbers == (998, 1001, 10010)
    assert found.said == name


def test_signs_stand_for_digits(tmp_path: Path) -> None:
    put(tmp_path, "a.001.exr", "a.0001.exr", "a.12.exr")
    assert find_sequence(str(tmp_path / "a.###.exr")).numbers == (1,)
    assert [p.name for p in find_sequence(str(tmp_path / "a.####.exr")).paths] == ["a.0001.exr"]
    loose = find_sequence(str(put(tmp_path / "b", "a.1.exr", "a.10.exr", "a.9.exr") / "a.####.exr"))
    assert loose.numbers == (1, 9, 10)
    assert "whatever the number of digits" in loose.said


@pytest.mark.parametrize("folder", ["in [wip]", "take #2", "100%d", "a*b", "v$F"])
def test_signs_of_a_folder_are_letters(tmp_path: Path, folder: str) -> None:
    put(tmp_path / folder, "sh#1 [a].1001.png", "sh#1 [a].1002.png")
    for name in ("sh#1 [a].####.png", "sh#1 [a].1002.png", ""):
        assert find_sequence(str(tmp_path / folder / name)).numbers == (1001, 1002)
    assert len(find_photos([str(tmp_path / folder / "*.png"), str(tmp_path / folder)])) == 2


def test_a_number_that_is_not_the_last(tmp_path: Path) -> None:
    put(tmp_path, "sh010.1001.2k.png", "sh010.1002.2k.png")
    for name in ("sh010.####.2k.png", "sh010.1001.2k.png", ""):
        assert find_sequence(str(tmp_path / name)).numbers == (1001, 1002)


@pytest.mark.parametrize(
    ("names", "numbers", "said"),
    [
        (["sh010.1001.png"], (1001,), "sh010.####.png"),
        (["a1.1001.v002.png"], (1001,), "a1.####.v002.png"),
        (["plate0007.png"], (7,), "plate####.png"),
        (["big12mp.jpg"], (1,), "no frame numbers in the names"),
        (["anna.png", "bert.png"], (1, 2), "no frame numbers in the names"),
        (["o.-005.exr", "o.0000.exr", "o.0001.exr"], (-5, 0, 1), "o.###.exr"),
        (["shot-5.png", "shot-6.png"], (5, 6), "shot-#.png"),
        (["IMG_9.JPG", "IMG_10.jpg"], (9, 10), "IMG_#.JPG"),
        (["a.1001.exr", "a.1002.exr", "poster.png"], (1001, 1002), "left out: poster.png"),
    ],
)
def test_what_a_folder_holds(tmp_path: Path, names: list[str], numbers: tuple[int, ...], said: str) -> None:
    put(tmp_path, *names, "._" + names[0])
    found = find_sequence(str(tmp_path))
    assert found.numbers == numbers
    assert said in found.said
    assert len(found.paths) == len(numbers)


@pytest.mark.parametrize(
    "names",
    [
        ["sh010.1001.png", "sh010.matte.1001.png"],
        ["sh010.1001.png", "sh020.1001.png", "sh010.1002.png"],
        ["a_v001.1001.exr", "a_v002.1001.exr"],
        ["a.1001.exr", "a.1001.jpg"],
        ["a.1.png", "a.01.png"],
        ["sh010.1001.exr", "sh020.1001.exr"],
    ],
)
def test_several_sequences_are_told_apart_by_the_user(tmp_path: Path, names: list[str]) -> None:
    put(tmp_path, *names)
    with pytest.raises(AmbiguousSequenceError, match="sequences: "):
        find_sequence(str(tmp_path))
    assert len(pictures_of(str(tmp_path))) == len(names)  # as photos they are pictures like others


def test_one_picture_is_its_sequence(tmp_path: Path) -> None:
    put(tmp_path, "sh010.1001.png", "sh010.1002.png", "sh020.1001.png", "sh010.matte.1001.png", "still.png")
    assert find_sequence(str(tmp_path / "sh010.1002.png")).numbers == (1001, 1002)
    assert find_sequence(str(tmp_path / "sh010.matte.1001.png")).said == "sh010.matte.####.png"
    assert find_sequence(str(tmp_path / "still.png")).numbers == (1,)
    assert pictures_of(str(tmp_path / "sh010.1002.png")) == [tmp_path / "sh010.1002.png"]


def test_one_frame_of_a_shot_is_none_of_the_next_shots(tmp_path: Path) -> None:
    put(tmp_path, "sh010.1001.exr", "sh020.1001.exr", "sh030.1001.exr", "cam1.png", "cam2.png")
    found = find_sequence(str(tmp_path / "sh020.1001.exr"))
    assert (found.numbers, found.said) == ((1001,), "sh020.####.exr")
    assert find_sequence(str(tmp_path / "cam2.png")).numbers == (1, 2)


def test_pictures_of_other_kinds_are_said(tmp_path: Path) -> None:
    put(tmp_path, "a.jpg", "b.JFIF", "c.CR3", "d.dng", "._e.dng", "a.xmp", "a.mov")
    assert [p.name for p in find_photos([str(tmp_path)])] == ["a.jpg", "b.JFIF"]
    assert left_out_of([str(tmp_path), str(tmp_path / "a.jpg")]) == ["c.CR3", "d.dng"]


def test_takes_are_named_alike() -> None:
    for name in ("o_v001.%04d.exr", "o_v001.$F4.exr", "o_v001.@@@@.exr", "o_v001.<f4>.exr"):
        assert str(FramePattern.parse(name)) == "o_v001.####.exr"
    assert FramePattern.parse("o.%d.exr").path(7).name == "o.7.exr"
    for name in ("o.%04d.%04d.exr", "o.%04d.final.exr"):
        with pytest.raises(SettingError, match="no single frame number"):
            FramePattern.parse(name)


@pytest.mark.parametrize("name", ["out/", "s.*.exr", "s.<UDIM>.exr", "s.-###.exr", "a#b.####.exr"])
def test_a_take_is_not_given_a_name_that_is_a_slip(name: str) -> None:
    with pytest.raises(SettingError):
        FramePattern.parse(name)


def test_a_folder_is_not_the_name_of_frames(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="is a folder"):
        FramePattern.parse(str(tmp_path))


def test_times_of_day_are_no_frame_numbers(tmp_path: Path) -> None:
    put(tmp_path, "IMG_20261128123456.png", "IMG_20261128123457.png")
    assert find_sequence(str(tmp_path)).numbers == (1, 2)
    assert "counted from 1" in find_sequence(str(tmp_path)).said
    put(tmp_path, "a.1.png")
    assert find_sequence(str(tmp_path)).numbers == (1,)
    assert "left out: IMG_20261128123456.png" in find_sequence(str(tmp_path)).said
    assert ranges(np.array([1, 2, 999_999_999])) == "1-2, 999999999"


def test_frames_that_a_name_lists_and_capitals_of_an_ending(tmp_path: Path) -> None:
    put(tmp_path, *(f"a.{number}.png" for number in range(1001, 1011)))
    assert find_sequence(str(tmp_path / "a.1003-1008x2#.png")).numbers == (1003, 1005, 1007)
    assert find_sequence(str(tmp_path / "a.1001,1009-1010@@@@.png")).numbers == (1001, 1009, 1010)
    put(tmp_path, "b.0001.PNG", "b.0002.PNG")
    assert find_sequence(str(tmp_path / "b.####.png")).numbers == (1, 2)


def test_a_name_of_odd_digits_sorts(tmp_path: Path) -> None:
    put(tmp_path, "5²6.png", "5²7.png")
    assert len(find_sequence(str(tmp_path)).paths) == 2


def test_frames_before_zero_are_known(tmp_path: Path) -> None:
    pattern = FramePattern.parse(str(tmp_path / "o.####.exr"))
    put(tmp_path, *(pattern.path(n).name for n in (-5, -12345, 0, 3)), "o.00003.exr", "o.x.exr")
    assert sorted(p.name for p in pattern.on_disk()) == ["o.-005.exr", "o.-12345.exr", "o.0000.exr", "o.0003.exr"]
