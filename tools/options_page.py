# SPDX-License-Identifier: GPL-3.0-or-later
"""The guide's page of every option, made from the settings classes: `python tools/options_page.py docs/options.md`."""

from __future__ import annotations

import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

from headcast.core import settings

CHAPTERS = {
    "Likeness": settings.AdaptSettings,
    "Performance": settings.TrackSettings,
    "Speech": settings.SpeakSettings,
    "Take": settings.RenderSettings,
    "Share": settings.ShareSettings,
    "Evaluate": settings.EvaluateSettings,
    "Synthesize": settings.SynthesizeSettings,
    "Prepare": settings.PrepareSettings,
    "Train": settings.TrainSettings,
}
HEAD = "# Every option\n\nAs the command line names them; the panels say the same in words.\n"


def chapter(title: str, chosen: type[Any]) -> str:
    """A heading and a table of the class's fields."""
    rows = [f"| `--{item.name.replace('_', '-')}` | {default(item)} | {text(item)} |" for item in fields(chosen)]
    return "\n".join(
        [f"\n## {title}\n", chosen.__doc__ or "", "", "| option | without it | what |", "| --- | --- | --- |", *rows]
    )


def default(item: Any) -> str:
    """A field's default as a reader takes it."""
    return "" if item.default == "" else f"`{item.default}`"


def text(item: Any) -> str:
    """A field's help, its range, and its choices."""
    limits = item.metadata
    said = [limits["text"]]
    if limits["choices"]:
        said += [f"`{value}`: {about}" for value, about in limits["choices"].items()]
    if limits["low"] is not None:
        said.append(f"from {limits['low']}" + ("" if limits["high"] is None else f" to {limits['high']}"))
    return "<br>".join(part.replace("|", "\\|") for part in said)


if __name__ == "__main__":
    page = HEAD + "\n".join(chapter(title, chosen) for title, chosen in CHAPTERS.items()) + "\n"
    Path(sys.argv[1]).write_text(page, "utf-8")
