# SPDX-License-Identifier: GPL-3.0-or-later
"""The guide shows the pictures that there are."""

from __future__ import annotations

import re
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def test_each_picture_is_there_and_shown() -> None:
    shown = {
        (page.parent / name).resolve()
        for page in DOCS.rglob("*.md")
        for name in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", page.read_text("utf-8"))
    }
    assert shown == set((DOCS / "pictures").glob("*.*"))
