# SPDX-License-Identifier: GPL-3.0-or-later
"""Headcast in other languages than English: one table of texts each, by Blender's name of the language."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import bpy

OURS = "Headcast"
"""Context of words that Blender has too and means otherwise: Performance, Tracks, Crop."""
CONTEXTS = ("*", "Operator", OURS)
"""Where Blender looks: buttons of operators have a context of their own."""


@cache
def texts(language: str) -> dict[str, str]:
    """The translation of each English text."""
    return json.loads(Path(__file__).with_name(f"{language}.json").read_text("utf-8"))


def languages() -> list[str]:
    """Those that there is a table of."""
    return sorted(path.stem for path in Path(__file__).parent.glob("*.json"))


def said(text: str, *values: object) -> str:
    """The text in the user's language, with the values in the places of its {}: what Blender does not translate itself."""
    there = bpy.app.translations.pgettext_iface(text)
    return there.format(*values) if values else there


def register() -> None:
    """Give Blender every table."""
    tables = {
        language: {(context, english): text for english, text in texts(language).items() for context in CONTEXTS}
        for language in languages()
    }
    bpy.app.translations.register(__package__, tables)


def unregister() -> None:
    """The reverse."""
    bpy.app.translations.unregister(__package__)
