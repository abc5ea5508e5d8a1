# SPDX-License-Identifier: GPL-3.0-or-later
"""Groups of people, by which a model card tells what was measured: read from a table."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from ..errors import WrongFileError

Groups = Mapping[str, Sequence[str]]
"""The groups of each clip, by its file's name."""


def read_groups(path: Path) -> Groups:
    """The table at `path`: in each line a clip's file name and a group, with a tab between. A clip may stand in several
    lines: `skin: dark`, `age: 60 and over`. Raises WrongFileError."""
    found: dict[str, list[str]] = {}
    try:
        with open(path, newline="", encoding="utf-8") as file:
            for number, line in enumerate(csv.reader(file, delimiter="\t"), start=1):
                if not line:
                    continue
                if len(line) != 2:
                    raise WrongFileError(f"Line {number} of {path} has {len(line)} columns", "Give two: file name, group")
                found.setdefault(line[0], []).append(line[1])
    except (OSError, UnicodeDecodeError) as error:
        raise WrongFileError(f"{path} cannot be read ({error})", "Check --groups") from error
    return found
