# SPDX-License-Identifier: GPL-3.0-or-later
"""A field for a file, with the button that asks for one: Blender's own shows every file, and takes one alone."""

from __future__ import annotations

import bpy


def draw_file(layout: bpy.types.UILayout, settings: bpy.types.PropertyGroup, field: str, text: str | None = None) -> None:
    """The scene's field of that name, labelled `text` instead of its own name."""
    row = layout.row(align=True)
    row.prop(settings, field, text=text)
    if field == "likeness":
        row.menu("HEADCAST_MT_recent", text="", icon="DOWNARROW_HLT")
    row.operator(f"headcast.choose_{field}", text="", icon="FILE_FOLDER")
