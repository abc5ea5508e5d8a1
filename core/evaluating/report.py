# SPDX-License-Identifier: GPL-3.0-or-later
"""Reports of an evaluation: tables in Markdown, and every row as CSV."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import asdict, fields
from math import isnan
from pathlib import Path

import numpy as np

from ..files import whole_file
from .close_up import CloseScores
from .cross_identity import CrossScores
from .evaluation import CrossRow, Evaluation, Row
from .response import Response
from .scores import Scores
from .trial import Trial

TableRow = dict[str, str | int | float | None]
"""A row of plain values; None is what was not measured."""
FRAMES = "_frames"
"""Ending of a column that says on how many frames the one of that name before it was measured."""
KINDS = {
    "Pictures": (Scores, CrossScores),
    "Close-ups": (CloseScores,),
    "Painted against asked for": (Response,),
    "Without a driver": (Trial,),
}
"""The measurements, a table each."""


def record(row: Row | CrossRow) -> TableRow:
    """The row, all that was measured beside what it belongs to."""
    plain: TableRow = {}
    for name, value in asdict(row).items():
        plain |= value if isinstance(value, dict) else {name: value}
    return {name: None if isinstance(value, float) and isnan(value) else value for name, value in plain.items()}


def markdown(evaluation: Evaluation) -> str:
    """The instruments, the clips left out, the means over clips, those of groups, then clip by clip."""
    parts = [evaluation.summary, *evaluation.notes]
    for title, rows, by in (
        ("", [record(row) for row in evaluation.rows], ("photos", "method")),
        ("Cross-identity", [record(row) for row in evaluation.cross], ("method",)),
    ):
        if not rows:
            continue
        means = sorted(_means(rows, by), key=lambda row: int(row.get("photos") or 0))
        parts += _tables(f"{title}, means over clips" if title else "Means over clips", means, (*by, "clips"))
        subject = "likeness" if title else "clip"
        grouped = [{"group": group, **row} for row in rows for group in evaluation.groups.get(str(row[subject]), ())]
        if grouped:
            means = sorted(_means(grouped, ("group", *by)), key=lambda row: str(row["group"]))
            parts += _tables(f"{title}, by group" if title else "By group", means, ("group", *by, "clips"))
        own = ("likeness", "drive") if title else ("clip", "photos")
        parts += _tables(f"{title}, clip by clip" if title else "Clip by clip", rows, (*own, "method"))
    return "\n\n".join(parts)


def _tables(title: str, rows: Sequence[TableRow], by: Sequence[str]) -> list[str]:
    """Titles and tables, one for each kind of what was measured."""
    parts = []
    for kind, classes in KINDS.items():
        names = [item.name for each in classes for item in fields(each)]
        measured = [row for row in rows if any(row.get(name) is not None for name in names)]
        if measured:
            parts += [f"{title}: {kind.lower()}", _table(measured, [*by, *names])]
    return parts


def _means(rows: Sequence[TableRow], by: Sequence[str]) -> list[TableRow]:
    """One row for each of the values of `by`, how many `clips` it is made of, and the means of the numbers. Where a column
    says on how many frames it was measured, each clip counts by its own, and they are added up."""
    groups: dict[tuple[object, ...], list[TableRow]] = {}
    for row in rows:
        groups.setdefault(tuple(row[name] for name in by), []).append(row)
    means: list[TableRow] = []
    for same in groups.values():
        mean: TableRow = {**{name: same[0][name] for name in by}, "clips": len(same)}
        for name in (name for name, value in same[0].items() if name not in by and not isinstance(value, str)):
            of = name.removesuffix(FRAMES)
            known = [(value, row.get(of + FRAMES)) for row in same if isinstance(value := row[of], int | float)]
            counts = [float(count) if isinstance(count, int | float) else 1.0 for _, count in known]
            if of != name:
                mean[name] = int(sum(counts))
            else:
                mean[name] = float(np.average([value for value, _ in known], weights=counts)) if sum(counts) else None
        means.append(mean)
    return means


def _table(rows: Sequence[TableRow], names: Sequence[str]) -> str:
    """A column that nothing was measured for is left out."""
    names = [name for name in names if any(row.get(name) is not None for row in rows)]
    lines = ["| " + " | ".join(name.replace("_", " ") for name in names) + " |", "| --- " * len(names) + "|"]
    lines += ["| " + " | ".join(_cell(row.get(name)) for name in names) + " |" for row in rows]
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


def _write_records(path: Path, rows: Sequence[TableRow]) -> None:
    with whole_file(path) as part, open(part, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
