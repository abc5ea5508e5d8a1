# SPDX-License-Identifier: GPL-3.0-or-later
"""The guide shows the pictures that there are."""

from __future__ import annotations

import importlib.util
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


def test_the_page_of_options_is_that_of_the_settings() -> None:
    spec = importlib.util.spec_from_file_location("options_page", DOCS.parent / "tools" / "options_page.py")
    assert spec is not None
    assert spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    made = tool.HEAD + "\n".join(tool.chapter(*item) for item in tool.CHAPTERS.items())
    assert (DOCS / "options.md").read_text("utf-8").split() == made.split(), (
        "Run: python tools/options_page.py docs/options.md"
    )
