"""What an evaluation tells: tables in Markdown, and every row as CSV."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import asdict
from math import isnan
from pathlib import Path

from ..files import whole_file
from .evaluation import CrossRow, Evaluation, Row
from .scores import mean_of_measured

Record = dict[str, str | int | float | None]
"""A row of plain values; None is what was not measured."""


def record(row: Row | CrossRow) -> Record:
    """The row, its scores beside what they belong to."""
    plain = asdict(row)
    scores = plain.pop("scores")
    return {**plain, **{name: None if isnan(value) else value for name, value in scores.items()}}


def markdown(evaluation: Evaluation) -> str:
    """What was measured with, what was left out, the means over clips, then clip by clip."""
    rows = [record(row) for row in evaluation.rows]
    means = sorted(_means(rows, ("photos", "method")), key=lambda row: int(row["photos"] or 0))
    parts = [evaluation.summary, *evaluation.notes, "Means over clips:", _table(means), "Clip by clip:", _table(rows)]
    if evaluation.cross:
        cross = [record(row) for row in evaluation.cross]
        parts += ["Cross-identity:", _table(_means(cross, ("method",))), _table(cross)]
    return "\n\n".join(parts)


def _means(rows: Sequence[Record], by: Sequence[str]) -> list[Record]:
    """One row for each of the values of `by`, how many `clips` it is made of, and the means of the numbers."""
    groups: dict[tuple[object, ...], list[Record]] = {}
    for row in rows:
        groups.setdefault(tuple(row[name] for name in by), []).append(row)
    means: list[Record] = []
    for same in groups.values():
        mean: Record = {**{name: same[0][name] for name in by}, "clips": len(same)}
        for name in (name for name, value in same[0].items() if name not in by and not isinstance(value, str)):
            value = mean_of_measured([value for row in same if isinstance(value := row[name], int | float)])
            mean[name] = None if isnan(value) else value
        means.append(mean)
    return means


def _table(rows: Sequence[Record]) -> str:
    """A column that nothing was measured for is left out."""
    names = [name for name in rows[0] if any(row[name] is not None for row in rows)]
    lines = ["| " + " | ".join(name.replace("_", " ") for name in names) + " |", "| --- " * len(names) + "|"]
    lines += ["| " + " | ".join(_cell(row[name]) for name in names) + " |" for row in rows]
    return "\n".join(lines)


def _cell(value: str | int | float | None) -> str:
    if isinstance(value, float):
        return f"{value:.4f}" if abs(value) < 5 else f"{value:.2f}"
    return "–" if value is None else str(value)


def write_csv(evaluation: Evaluation, path: Path) -> None:
    """Every row into `path`; those of cross-identity, which have other columns, beside it: `x.csv`, `x.cross.csv`.

    Raises UnwritableError.
    """
    _write_records(path, [record(row) for row in evaluation.rows])
    if evaluation.cross:
        _write_records(path.with_suffix(".cross.csv"), [record(row) for row in evaluation.cross])


def _write_records(path: Path, rows: Sequence[Record]) -> None:
    with whole_file(path) as part, open(part, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
