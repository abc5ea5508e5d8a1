# SPDX-License-Identifier: GPL-3.0-or-later
"""Blender's names of the spaces that frames are in: its own, or those of the OpenColorIO configuration that it runs with."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator
from functools import lru_cache
from pathlib import Path

NAMES = {
    "lin_rec709_scene": ("Linear Rec.709", "Linear Rec.709 (sRGB)", "lin_rec709", "lin_srgb", "Utility - Linear - sRGB"),
    "lin_ap1_scene": ("ACEScg", "ACES - ACEScg", "lin_ap1"),
    "lin_ap0_scene": ("ACES2065-1", "ACES - ACES2065-1", "lin_ap0"),
    "lin_rec2020_scene": ("Linear Rec.2020", "lin_rec2020", "Utility - Linear - Rec.2020"),
    "lin_p3d65_scene": ("Linear DCI-P3 D65", "Linear P3-D65", "lin_p3d65", "Utility - Linear - P3-D65"),
}
"""By what frames are tagged with: Blender's own name, then those of the ACES configurations, and short ones."""
ROLES = {"lin_ap0_scene": "aces_interchange"}
"""Roles that a configuration gives to a space that is always the same."""
FIELD = re.compile(r"\b(name|interop_id|aliases):\s*(\[[^\]]*\]|\"[^\"]*\"|[^\n,}]+)")
SPACE = re.compile(r"^\s*-\s*!<ColorSpace>", re.MULTILINE)


def space_named(tag: str, known: Collection[str]) -> str:
    """Blender's name for the colour space that frames are tagged with; empty for none."""
    names = NAMES.get(tag, (tag,))
    plain = {_plain(name): name for name in known}
    direct = next((plain[_plain(name)] for name in (*names, tag) if _plain(name) in plain), "")
    return direct or next((name for name in _configured(tag, os.environ.get("OCIO", "")) if name in known), "")


@lru_cache(maxsize=16)
def _configured(tag: str, config: str) -> tuple[str, ...]:
    """The names of spaces which a configuration says are that of the tag: by interop ID, by an alias, by a role."""
    try:
        text = Path(config).read_text(encoding="utf-8") if config else ""
    except (OSError, UnicodeDecodeError):
        return ()
    wanted = {_plain(name) for name in (*NAMES.get(tag, ()), tag)}
    return (*_spaces(text, tag, wanted), *_role(text, ROLES.get(tag, "")))


def _spaces(text: str, tag: str, wanted: set[str]) -> Iterator[str]:
    for block in SPACE.split(text)[1:]:
        fields: dict[str, str] = {}
        for key, value in FIELD.findall(block):
            fields.setdefault(key, value)  # transforms further down have names, too
        name = fields.get("name", "").strip().strip("\"'")
        aliases = {_plain(alias) for alias in fields.get("aliases", "").strip("[]").split(",")}
        if name and (fields.get("interop_id", "").strip().strip("\"'") == tag or wanted & aliases):
            yield name


def _role(text: str, role: str) -> Iterator[str]:
    found = re.search(rf"^\s+{role}:\s*(.+)$", text, re.MULTILINE) if role else None
    if found:
        yield found[1].strip().strip("\"'")


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
