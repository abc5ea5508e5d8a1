# SPDX-License-Identifier: GPL-3.0-or-later
"""Live Link Face: a phone's take becomes a performance, frame for frame; what is wrong with a file is named."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from headcast.core.cli.main import main
from headcast.core.errors import WrongFileError
from headcast.core.landmarks import arkit, ibug68
from headcast.core.landmarks.livelink import read_livelink
from headcast.core.landmarks.measure import measure_faces
from headcast.core.performance import Performance

ANGLES = [f"{part}{turn}" for part in ("Head", "LeftEye", "RightEye") for turn in ("Yaw", "Pitch", "Roll")]
SHAPES = [name[0].upper() + name[1:] for name in reversed(arkit.EXPRESSIONS)]


def clock(frame: float, start: float = 12 * 3600 + 59, counted: int = 60) -> str:
    """The timecode `frame` frames after `start` seconds, as the app writes it."""
    second, part = divmod(start * counted + frame, counted)
    hours, minutes, seconds = int(second) // 3600 % 24, int(second) // 60 % 60, int(second) % 60
    return f"{hours:02d}:{minutes:02d}:{seconds:02d}:{part:06.3f}"


def drop_frame_clock(frame: int, start: str, counted: int, mark: str) -> str:
    """The drop-frame timecode `frame` frames after `start`, by counting: the first labels of a minute are passed over, but
    not those of every tenth."""
    hours, minutes, seconds, label = map(int, start.split(":"))
    for _ in range(frame):
        label += 1
        if label == counted:
            label, seconds = 0, seconds + 1
            minutes, seconds = minutes + seconds // 60, seconds % 60
            hours, minutes = (hours + minutes // 60) % 24, minutes % 60
            label = counted // 15 if seconds == 0 and minutes % 10 else 0
    return f"{hours:02d}:{minutes:02d}:{seconds:02d}{mark}{label:02d}.000"


def write_take(path: Path, clocks: Sequence[str], **curves: Sequence[float]) -> Path:
    """A CSV with a row for each timecode: columns in an order of their own, all 0 but those of `curves`."""
    columns = [*SHAPES, *ANGLES]
    lines = [",".join(["Timecode", "BlendShapeCount", *columns])]
    for i, timecode in enumerate(clocks):
        values = [f"{curves[name][i] if name in curves else 0:.10f}" for name in columns]
        lines.append(",".join([f'"{timecode}"' if "," in timecode else timecode, "61", *values]))
    path.write_text("\n".join(lines) + "\n")
    return path


def captured(path: Path, capsys: pytest.CaptureFixture[str], *options: str) -> tuple[Performance, str]:
    output = path.with_suffix(".performance")
    assert main(["track", str(path), "-o", str(output), *options]) == 0
    return Performance.load(output), capsys.readouterr().err


def test_a_take_of_thirty_frames_on_a_clock_of_sixty(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Through midnight, a camera that drifts, and columns that are found by their names."""
    clocks = [clock(0.6 + 1.9997 * i, 24 * 3600 - 1) for i in range(90)]
    wave = np.linspace(0.0, 1.0, 90)
    path = write_take(tmp_path / "take.CSV", clocks, JawOpen=wave, EyeBlinkRight=1 - wave)
    performance, said = captured(path, capsys)
    assert performance.rate == 30
    assert performance.frames.tolist() == list(range(1, 91))
    assert performance.seen.all()
    assert performance.expression[:, arkit.INDEX["jawOpen"]] == pytest.approx(wave, abs=1e-6)
    assert performance.expression[:, arkit.INDEX["eyeBlinkRight"]] == pytest.approx(1 - wave, abs=1e-6)
    measured = measure_faces(performance.landmarks)
    assert measured.lips[-1] > measured.lips[0] + 0.2
    assert measured.eyes[-1, 0] > measured.eyes[0, 0] + 0.1
    assert np.ptp(measured.eyes[:, 1]) < 0.05
    assert (performance.landmarks > 0).all()
    assert (performance.landmarks < performance.width).all()
    assert "no rotation of the head" in said


def test_the_numbering_and_the_rate_that_were_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_take(tmp_path / "take.csv", [clock(i) for i in range(130)], HeadYaw=np.full(130, 0.1))
    performance, said = captured(path, capsys, "--first", "1001", "--rate", "59.94")
    assert performance.frames[[0, -1]].tolist() == [1001, 1130]
    assert float(performance.rate) == pytest.approx(60000 / 1001)
    assert "numbered from 1001" in said
    assert captured(path, capsys)[0].rate == 60


@pytest.mark.parametrize("start", ["10:00:58:00", "10:09:58:00", "23:59:58:00"], ids=["minute", "tenth minute", "midnight"])
@pytest.mark.parametrize("mark", [";", ".", ","])
@pytest.mark.parametrize("counted", [30, 60])
def test_labels_that_a_drop_frame_timecode_leaves_out_are_no_gaps(
    tmp_path: Path, start: str, mark: str, counted: int
) -> None:
    clocks = [drop_frame_clock(i, start, counted, mark) for i in range(4 * counted)]
    take = read_livelink(write_take(tmp_path / "take.csv", clocks))
    assert take.rate == Fraction(counted * 1000, 1001)
    assert len(take.weights) == 4 * counted
    assert np.isfinite(take.weights).all()
    lost = read_livelink(write_take(tmp_path / "lost.csv", clocks[:50] + clocks[52:]))
    assert np.flatnonzero(np.isnan(lost.weights[:, 0])).tolist() == [50, 51]


def test_every_other_label_of_a_drop_frame_timecode(tmp_path: Path) -> None:
    clocks = [drop_frame_clock(i, "10:00:57:00", 60, ";") for i in range(0, 480, 2)]
    take = read_livelink(write_take(tmp_path / "take.csv", clocks))
    assert (take.rate, len(take.weights)) == (Fraction(30000, 1001), 240)


def test_drop_frame_labels_with_a_colon_are_known_by_what_they_leave_out(tmp_path: Path) -> None:
    clocks = [drop_frame_clock(i, "10:00:58:00", 30, ":") for i in range(120)]
    assert read_livelink(write_take(tmp_path / "take.csv", clocks)).rate == Fraction(30000, 1001)
    plain = [clock(i, 10 * 3600 + 58, 30) for i in range(120)]
    for mark in ":;":
        marked = [f"{text[:8]}{mark}{text[9:]}" for text in plain]
        take = read_livelink(write_take(tmp_path / "take.csv", marked))
        assert (take.rate, len(take.weights)) == (30, 120)


def test_dropped_frames_and_rows_without_a_face_are_gaps(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clocks = [clock(i) for i in range(130) if i not in (10, 11, 12)]
    path = write_take(tmp_path / "take.csv", clocks)
    lines = path.read_text().splitlines()
    lines[1 + 50] = lines[1 + 50].split(",")[0] + ",0"
    path.write_text("\n".join(lines))
    performance, said = captured(path, capsys)
    assert performance.frames.tolist() == list(range(1, 131))
    assert np.flatnonzero(~performance.seen).tolist() == [10, 11, 12, 53]
    assert np.isnan(performance.landmarks[53]).all()
    assert np.isnan(performance.expression[53]).all()
    assert np.isfinite(performance.crops).all()
    assert "4 of 130 frames" in said
    assert "(11-13, 54)" in said


def test_head_and_eyes_turn_as_the_file_says(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Radians. Yaw to the subject's right is the picture's left."""
    turns = np.zeros((5, 3))
    turns[1:4] = np.diag([0.3, 0.2, 0.25])
    path = write_take(
        tmp_path / "take.csv",
        [clock(i) for i in range(5)],
        HeadYaw=turns[:, 0],
        HeadPitch=turns[:, 1],
        HeadRoll=turns[:, 2],
        EyeLookOutLeft=[0, 0, 0, 0, 1],
        EyeLookInRight=[0, 0, 0, 0, 1],
    )
    performance, _ = captured(path, capsys)
    measured = measure_faces(performance.landmarks)
    assert measured.yaw == pytest.approx([0, -np.degrees(0.3), 0, 0, 0], abs=1.5)
    assert measured.pitch - measured.pitch[0] == pytest.approx([0, 0, np.degrees(0.2), 0, 0], abs=1.5)
    assert measured.roll == pytest.approx([0, 0, 0, np.degrees(0.25), 0], abs=1.5)
    moved = performance.landmarks[4] - performance.landmarks[0]
    assert (moved[list(ibug68.PUPILS), 0] > 10).all()


def test_what_is_wrong_is_named(tmp_path: Path) -> None:
    def broken(old: str, new: str, **curves: Sequence[float]) -> Path:
        path = write_take(tmp_path / "take.csv", [clock(i) for i in range(4)], **curves)
        path.write_text(path.read_text().replace(old, new))
        return path

    for old, new, words in (
        ("12:00:59:02.000", "a quarter past", r"row 4: Timecode 'a quarter past'"),
        ("12:00:59:02.000", "12:00:59:00.500", r"row 4: Timecode 12:00:59:00\.500 does not go on"),
        ("12:00:59:02.000", "15:00:59:02.000", r"row 4: .* does not go on"),
        ("0.25", "loud", r"row 3: JawOpen 'loud"),
        ("0.2500000000", "", r"row 3: JawOpen"),
        ("Timecode", "When", r"row 1 does not name Timecode"),
    ):
        with pytest.raises(WrongFileError, match=words):
            read_livelink(broken(old, new, JawOpen=[0, 0.25, 0, 0]))
    with pytest.raises(WrongFileError, match=r"row 3: HeadYaw '12\.5.*radians"):
        read_livelink(broken("", "", HeadYaw=[0, 12.5, 0, 0]))
    with pytest.raises(WrongFileError, match="cannot be read"):
        read_livelink(tmp_path / "none.csv")
    take = read_livelink(broken("TongueOut", "Tongue", JawOpen=[0, 0, 0, 1]))
    assert take.lacking == ("tongueOut",)
    assert not take.weights[:, arkit.INDEX["tongueOut"]].any()
