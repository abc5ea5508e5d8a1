# SPDX-License-Identifier: GPL-3.0-or-later
"""Files appear whole, under the umask, and where a link leads; a face is its owner's alone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from headcast.core.errors import UnwritableError
from headcast.core.files import ensure_writable, whole_file
from headcast.core.imaging import exr
from headcast.core.likeness import Likeness

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no modes")


@pytest.fixture(params=[0o022, 0o002, 0o027, 0o077])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_the_umask_says_who_may_read_a_file(tmp_path: Path, umask: int) -> None:
    exr.write_rgba(tmp_path / "a.exr", np.zeros((4, 4, 4), np.float32), {})
    with whole_file(tmp_path / "b") as part:
        part.write_text("b")
    assert mode(tmp_path / "a.exr") == mode(tmp_path / "b") == 0o666 & ~umask


def test_a_likeness_is_its_owners(tmp_path: Path, umask: int) -> None:
    path = tmp_path / "x.likeness"
    path.write_text("an older one that all could read")
    picture = np.zeros((1, 64, 64, 3), np.uint8)
    points = np.zeros((1, 70, 2), np.float32)
    Likeness("warp-256", "", picture, picture[..., 0], points, np.zeros(4, np.float32), ("a.png",)).save(path)
    assert mode(path) == 0o600
    assert len(Likeness.load(path)) == 1


def test_a_link_stays_and_its_target_is_written(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "store" / "file")
    for text in ("one", "two"):
        with whole_file(tmp_path / "link") as part:
            part.write_text(text)
        assert (tmp_path / "link").is_symlink()
        assert (tmp_path / "store" / "file").read_text() == text
    assert len(list(tmp_path.rglob("*"))) == 3


def test_a_failure_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("before")
    writing = whole_file(tmp_path / "a")
    writing.__enter__().write_text("half")
    assert not writing.__exit__(ZeroDivisionError, ZeroDivisionError(), None)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["before"]


def test_a_folder_in_a_files_place_is_found_out_before_the_work(tmp_path: Path) -> None:
    with pytest.raises(UnwritableError, match="is a folder"):
        ensure_writable(tmp_path)
    with pytest.raises(UnwritableError):
        ensure_writable(tmp_path / ("d" * 300))
