# SPDX-License-Identifier: GPL-3.0-or-later
"""Matches between a rig and a face: found by names, changed by hand, kept for the next rig."""

from __future__ import annotations

from pathlib import Path

import bpy
from bpy_extras.io_utils import ExportHelper, ImportHelper

from ..core.landmarks.naming import Match, load_matches, match_points, save_matches
from ..locale import said
from ..scene.matches import add, fill, rows_of, user_folders
from ..scene.rig_sources import NAMING, adopt, match_rig
from ..scene.tracks import track_names
from .errors import reports_errors
from .polls import allow, read_only

EMPTY = "The list is empty"


def chosen_matches(context: bpy.types.Context) -> bpy.types.PropertyGroup:
    """The list of the source that is in use."""
    settings = context.scene.headcast
    return settings.track_matches if settings.source == "TRACKS" else settings.rig_matches


def nothing_to_match(context: bpy.types.Context) -> str:
    """Why there are no names to be matched; empty where there are."""
    settings = context.scene.headcast
    if settings.source == "TRACKS":
        return "" if settings.movie_clip else "Choose the clip first"
    return "" if settings.source == "RIG" and settings.rig else "Choose the rig first"


class ChangesMatches:
    """An operator that changes the list; where `lacking` says why it cannot, it is grey."""

    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return allow(cls, read_only(context) or cls.lacking(context))

    @staticmethod
    def lacking(context: bpy.types.Context) -> str:
        return nothing_to_match(context)


class HEADCAST_OT_match(ChangesMatches, bpy.types.Operator):
    """Find by names what drives which point or expression of the face"""

    bl_idname = "headcast.match"
    bl_label = "Match Names"

    @reports_errors
    def execute(self, context: bpy.types.Context) -> set[str]:
        settings, group = context.scene.headcast, chosen_matches(context)
        if settings.source == "TRACKS":
            kind, owner, matched = "tracks", None, match_points(track_names(settings.movie_clip), user_folders())
        else:
            kind, owner, matched = match_rig(settings.rig, user_folders())
        fill(group, kind, owner, matched)
        driven = said("{}: {} driven", matched.convention, len({row.target for row in matched.matches}))
        missing = said("; without: {}", ", ".join(matched.missing[:6])) if matched.missing else ""
        self.report({"INFO"}, driven + missing)
        return {"FINISHED"}


class HEADCAST_OT_match_add(ChangesMatches, bpy.types.Operator):
    """Add a row to what drives what"""

    bl_idname = "headcast.match_add"
    bl_label = "Add"

    @staticmethod
    def lacking(context: bpy.types.Context) -> str:
        return ""

    def execute(self, context: bpy.types.Context) -> set[str]:
        group = chosen_matches(context)
        add(group, Match("", ""))
        group.index = len(group.rows) - 1
        return {"FINISHED"}


class HEADCAST_OT_match_remove(ChangesMatches, bpy.types.Operator):
    """Remove the chosen row of what drives what"""

    bl_idname = "headcast.match_remove"
    bl_label = "Remove"

    @staticmethod
    def lacking(context: bpy.types.Context) -> str:
        return "" if chosen_matches(context).rows else EMPTY

    def execute(self, context: bpy.types.Context) -> set[str]:
        group = chosen_matches(context)
        group.rows.remove(group.index)
        group.index = max(0, min(group.index, len(group.rows) - 1))
        return {"FINISHED"}


class HEADCAST_OT_match_save(bpy.types.Operator, ExportHelper):
    """Keep what drives what in a file, for other scenes"""

    bl_idname = "headcast.match_save"
    bl_label = "Save"
    filename_ext = ".json"
    filter_glob: bpy.props.StringProperty(default="*.json", options={"HIDDEN"})

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return allow(cls, "" if chosen_matches(context).rows else EMPTY)

    @reports_errors
    def execute(self, context: bpy.types.Context) -> set[str]:
        group, path = chosen_matches(context), Path(self.filepath)
        save_matches(path, path.stem, NAMING.get(group.kind, "points"), rows_of(group))
        self.report({"INFO"}, said("Saved {}", path))
        return {"FINISHED"}


class HEADCAST_OT_match_load(ChangesMatches, bpy.types.Operator, ImportHelper):
    """Take what drives what from a file"""

    bl_idname = "headcast.match_load"
    bl_label = "Load"
    filename_ext = ".json"
    filter_glob: bpy.props.StringProperty(default="*.json", options={"HIDDEN"})

    @reports_errors
    def execute(self, context: bpy.types.Context) -> set[str]:
        settings, group = context.scene.headcast, chosen_matches(context)
        kind, matched = load_matches(Path(self.filepath))
        if settings.source == "TRACKS":
            fill(group, "tracks", None, matched)
        else:
            fill(group, *adopt(settings.rig, kind, matched))
        return {"FINISHED"}
