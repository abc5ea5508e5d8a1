# SPDX-License-Identifier: GPL-3.0-or-later
"""The scene's list of what drives what, to and from the core's matches."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import bpy

from ..core.landmarks.naming import Match, Matched
from .rig_sources import RigMatch, family_of

FOLDER = "headcast"


def user_folders() -> list[Path]:
    """Where naming tables of the user's own lie: `presets/headcast` in Blender's script folders."""
    return [Path(path) for path in bpy.utils.preset_paths(FOLDER)]


def fill(group: bpy.types.PropertyGroup, kind: str, owner: bpy.types.Object | None, matched: Matched) -> None:
    """Put what was matched into the scene's list."""
    group.convention, group.kind, group.owner = matched.convention, kind, owner
    group.rows.clear()
    for match in matched.matches:
        add(group, match)
    group.index = 0


def add(group: bpy.types.PropertyGroup, match: Match) -> None:
    """One more row."""
    row = group.rows.add()
    row.source, row.target, row.weight = match


def add_missing(group: bpy.types.PropertyGroup, matches: Iterable[Match]) -> None:
    """Rows for what has none yet. An empty list stays empty: it is matched when it is read."""
    driven = {row.target for row in group.rows}
    for match in matches:
        if driven and match.target not in driven:
            add(group, match)


def rows_of(group: bpy.types.PropertyGroup) -> list[Match]:
    """The rows that say something."""
    return [Match(row.source, row.target, row.weight) for row in group.rows if row.source and row.target]


def rig_match(group: bpy.types.PropertyGroup, rig: bpy.types.Object) -> RigMatch | None:
    """The list as the rig's match; None where it is empty, or of another rig."""
    rows = rows_of(group)
    if not rows or group.owner not in family_of(rig):
        return None
    return RigMatch(group.kind, group.owner, Matched(group.convention, tuple(rows), ()))
