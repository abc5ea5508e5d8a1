# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes of Epic's Live Link Face, as the app's CSV has them: the 52 ARKit weights, and how the head is turned.

There is no specification; this is what recorded takes show. The header names the columns, in no certain order or casing:
Timecode, BlendShapeCount, 52 weights, and yaw, pitch and roll of the head and of both eyes, in radians. A timecode is
HH:MM:SS:FF.fff by the phone's clock; FF counts sixty a second in takes of thirty, too. A row that counts 0 shapes has no
values: the phone saw no face. The head's rotation is 0 throughout where the app was not told to stream it.

Takes that are in step with a broadcast camera have drop-frame timecodes (SMPTE ST 12-1), mostly with a semicolon before the
frames: labels are left out that no frame has (`timecode`), and the rate is 30000/1001 or 60000/1001.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..arrays import Doubles, Reals
from ..errors import WrongFileError
from ..timecode import DROPPED
from .arkit import EXPRESSIONS
from .head import rotations

TIMECODE, COUNT = "timecode", "blendshapecount"
HEAD = ("headyaw", "headpitch", "headroll")
CLOCK = re.compile(r"\s*(\d+)[:;](\d+)[:;](\d+)([:;.,])(\d+(?:\.\d*)?)\s*")
COUNTED = (24, 25, 30, 48, 50, 60, 120, 240)
"""Frames that a timecode may count in a second."""
PHONE_COUNTS = 60
"""The app's frame rate, assumed where a take is too short to tell."""
DAY = 24 * 3600
LONGEST_GAP = 600
"""Seconds: whatever jumps further is another take."""


class LiveLinkTake(NamedTuple):
    """F frames, those that the phone dropped among them."""

    weights: NDArray[np.float32]
    """[F, 52] 0 to 1 in the order of `arkit.EXPRESSIONS`; NaN where a frame was dropped or shows no face"""
    head: Doubles
    """[F, 3] yaw, pitch and roll in radians, as the file has them; NaN as above"""
    rate: Fraction
    """whole frames a second of the phone's clock"""
    lacking: tuple[str, ...]
    """expressions that the file has no column for: their weight is 0"""


def read_livelink(path: Path) -> LiveLinkTake:
    """Read a take. Raises WrongFileError, which names row and column."""
    rows = _rows(path)
    header = [name.strip().casefold() for name in rows[0][1]]
    columns = {name: header.index(name.casefold()) for name in EXPRESSIONS if name.casefold() in header}
    if TIMECODE not in header or not columns:
        raise WrongFileError(
            f"{path} is no take of Live Link Face: row 1 does not name Timecode and ARKit's expressions",
            "Give the CSV of the take as the app wrote it",
        )
    if len(rows) == 1:
        raise WrongFileError(f"{path} has a header and no rows", "Record the take again")
    index, rate = _frames(path, [(row, cells[header.index(TIMECODE)]) for row, cells in rows[1:]])
    wanted = [columns.get(name, -1) for name in EXPRESSIONS] + [
        header.index(name) if name in header else -1 for name in HEAD
    ]
    values = np.full((index[-1] + 1, len(wanted)), np.nan)
    for place, (row, cells) in zip(index, rows[1:], strict=True):
        if _has_values(header, cells):
            values[place] = [_value(path, row, rows[0][1][at], cells[at]) if at >= 0 else 0.0 for at in wanted]
    weights, head = values[:, : len(EXPRESSIONS)], values[:, len(EXPRESSIONS) :]
    return LiveLinkTake(
        np.clip(weights, 0.0, 1.0).astype(np.float32), head, rate, tuple(name for name in EXPRESSIONS if name not in columns)
    )


def head_rotations(head: Doubles) -> Doubles:
    """[F, 3, 3] rotations of `head.HeadPose` for yaw, pitch and roll [F, 3].

    Positive yaw turns to the subject's own right, positive pitch lifts the nose, positive roll tilts clockwise as the
    picture shows it: so other importers for Blender take these columns.
    """
    yaw, pitch, roll = head.T
    none = np.zeros_like(yaw)
    turns = (np.stack(axis, axis=-1) for axis in ((none, yaw, none), (-pitch, none, none), (none, none, roll)))
    first, second, third = map(rotations, turns)
    return np.asarray(first @ second @ third)


def _rows(path: Path) -> list[tuple[int, list[str]]]:
    """Rows with their number in the file, the header first, none shorter; empty ones left out."""
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            rows = [(row, cells) for row, cells in enumerate(csv.reader(file), start=1) if any(cells)]
    except (OSError, ValueError, csv.Error) as error:
        raise WrongFileError(f"{path} cannot be read as CSV ({error})", "Give the CSV that Live Link Face wrote") from error
    if not rows:
        raise WrongFileError(f"{path} is empty", "Record the take again")
    width = len(rows[0][1])
    return [(row, cells + [""] * (width - len(cells))) for row, cells in rows]


def _frames(path: Path, clocks: Sequence[tuple[int, str]]) -> tuple[NDArray[np.int64], Fraction]:
    """The frame [R] of each row, from 0, and frames a second, from pairs of row number and timecode.

    Rows are counted from one to the next, so that a camera which drifts against the clock gains or loses none.
    """
    read = [CLOCK.fullmatch(text) for _, text in clocks]
    if None in read:
        row, text = clocks[read.index(None)]
        raise WrongFileError(f"{path} row {row}: Timecode '{text}' is not HH:MM:SS:FF", "Mend the row, or take it out")
    parts: Doubles = np.array([[float(match[i]) for i in (1, 2, 3, 5)] for match in read if match])
    seconds, labels = parts[:, :3] @ np.array([3600.0, 60.0, 1.0]), parts[:, 3]
    within = float(labels.max())
    counted = next((count for count in COUNTED if within < count), None)
    if counted is None:
        raise WrongFileError(f"{path}: its timecodes count {within:.0f} frames within a second", "Write them as HH:MM:SS:FF")
    if np.ptp(seconds) < 2:
        counted = max(counted, PHONE_COUNTS)
    dropped = _dropped(seconds, labels, counted, {match[4] for match in read if match} != {":"})
    minutes = seconds // 60
    steps = np.diff(seconds * counted + labels - dropped * (minutes - minutes // 10))
    day = DAY * counted - dropped * (DAY // 60 - DAY // 600)
    steps[steps < -day / 2] += day  # midnight
    step = float(np.median(steps)) if len(steps) else 1.0
    wrong = np.flatnonzero((steps <= 0) | (steps > LONGEST_GAP * counted))
    if len(wrong):
        (_, before), (row, text) = clocks[wrong[0]], clocks[wrong[0] + 1]
        raise WrongFileError(
            f"{path} row {row}: Timecode {text} does not go on from {before}", "Make a file of each take, its rows in order"
        )
    jumps = np.maximum(1, np.rint(steps / step)).astype(np.int64)
    rate = Fraction(max(1, round(counted / step)))
    return np.append(0, jumps.cumsum()), rate * Fraction(1000, 1001) if dropped else rate


def _dropped(seconds: Reals, labels: Reals, counted: int, marked: bool) -> int:
    """How many labels these timecodes [R] leave out in each minute but every tenth: 0 where they are no drop-frame ones.

    They are where they are `marked`; and, as some programs write colons throughout, where just those labels are missing in
    every minute that the take enters. They are none where one of those labels is there.
    """
    dropped = DROPPED.get(counted, 0)
    minutes = seconds // 60
    leaving_out = minutes % 10 != 0
    if (labels[(seconds % 60 == 0) & leaving_out] < dropped).any():
        return 0
    steps = np.diff(seconds * counted + labels)
    entered = steps[(np.diff(minutes) == 1) & leaving_out[1:]]
    found = len(entered) > 0 and bool((np.rint(entered - np.median(steps)) == dropped).all())
    return dropped if marked or found else 0


def _has_values(header: Sequence[str], cells: Sequence[str]) -> bool:
    """False for the row of a frame in which the phone saw no face."""
    return COUNT not in header or cells[header.index(COUNT)].strip() not in ("0", "")


def _value(path: Path, row: int, column: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    is_angle = column.strip().casefold() in HEAD
    if not math.isfinite(value) or (is_angle and abs(value) > math.pi):
        wanted = "an angle in radians" if is_angle else "a weight"
        raise WrongFileError(f"{path} row {row}: {column} '{text}' is not {wanted}", "Mend the row, or take it out")
    return value
