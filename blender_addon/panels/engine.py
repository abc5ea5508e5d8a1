# SPDX-License-Identifier: GPL-3.0-or-later
"""How the engine stands: in the preferences all of it, in the tab while there is none."""

from __future__ import annotations

import bpy

from .. import jobs
from ..core.errors import MissingEngineError
from ..environment import find_python, lacking, recall, summary
from ..locale import said
from .tab import draw_action, draw_job, draw_text

SET_UP, CHECK, REMOVE = "headcast.set_up", "headcast.check_engine", "headcast.remove_engine"


def draw_engine(layout: bpy.types.UILayout) -> None:
    """Where there is no engine yet: that, and the button that mends it; then the sample, until there is a photo."""
    setting_up = jobs.current is not None and jobs.last.operator == SET_UP
    try:
        find_python()
    except MissingEngineError as error:
        if not setting_up:
            draw_text(layout, error.message, "INFO")
        draw_action(layout, SET_UP, "IMPORT")
        return
    if setting_up:
        draw_job(layout, SET_UP)
    elif not bpy.context.scene.headcast.photos:
        layout.operator("headcast.open_sample", icon="FILE_NEW")


def draw_engine_state(layout: bpy.types.UILayout) -> None:
    """The state of the engine, anything it lacks, and the way out."""
    try:
        python = find_python()
    except MissingEngineError as error:
        draw_text(layout, error.message, "INFO")
    else:
        report = recall(python)
        if report is None:
            draw_text(layout, said("Not checked yet: {}", python), "QUESTION")
        elif report["healthy"]:
            draw_text(layout, said("Ready: {}", summary(report)), "CHECKMARK")
        else:
            draw_text(layout, said("Broken: {}", lacking(report)), "ERROR")
    layout.operator(SET_UP, icon="IMPORT")
    row = layout.row(align=True)
    row.operator(CHECK, icon="VIEWZOOM")
    row.operator(REMOVE, icon="TRASH")
    draw_job(layout, SET_UP, CHECK, REMOVE)
