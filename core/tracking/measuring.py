# SPDX-License-Identifier: GPL-3.0-or-later
"""A performance as a table: what the face does in each frame, for a spreadsheet, a graph, or another program."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from ..files import whole_file
from ..landmarks.arkit import EXPRESSIONS
from ..landmarks.measure import measure_faces
from ..performance import Performance

COLUMNS = ("yaw", "pitch", "roll", "gaze_right", "gaze_up", "eye_right", "eye_left", "lips")
"""Degrees, and openings over the feature's width; see `landmarks.measure.FaceMeasures`."""


def write_measures(performance: Performance, output: Path) -> int:
    """Write a CSV with a row a frame: number, confidence, COLUMNS, the 52 ARKit expressions. A gap's cells are empty.

    Returns how many frames show a face. Raises UnwritableError.
    """
    seen = performance.seen
    table = np.full((len(performance), len(COLUMNS) + len(EXPRESSIONS)), np.nan)
    if seen.any():
        found = measure_faces(performance.in_square_pixels().landmarks[seen])
        angles = np.column_stack([found.yaw, found.pitch, found.roll, found.gaze, found.eyes, found.lips])
        table[seen] = np.column_stack([angles, performance.face_curves()[seen]])
    with whole_file(output) as part, open(part, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["frame", "confidence", *COLUMNS, *EXPRESSIONS])
        for number, confidence, row in zip(performance.frames, performance.confidence, table, strict=True):
            cells = ["" if np.isnan(value) else f"{value:.4f}" for value in row]
            writer.writerow([int(number), f"{confidence:.3f}", *cells])
    return int(seen.sum())
