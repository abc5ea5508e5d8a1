# SPDX-License-Identifier: GPL-3.0-or-later
"""Which button mends which error: the error box shows it. What is not here is mended by reading the hint."""

from __future__ import annotations

import bpy

from .core.errors import (
    DeadWorkerError,
    HeadcastError,
    MissingEngineError,
    NoLikenessError,
    OfflineError,
    UnsavedError,
    VersionTakenError,
)

AGAIN = ""
"""The operator whose job it was, once more."""

FIXES: dict[type[HeadcastError], str] = {
    UnsavedError: "wm.save_as_mainfile",
    MissingEngineError: "headcast.set_up",
    OfflineError: "extensions.userpref_allow_online",
    NoLikenessError: "headcast.adapt",
    VersionTakenError: "headcast.next_version",
    DeadWorkerError: AGAIN,
}


def draw_fix(layout: bpy.types.UILayout, error: HeadcastError, operator: str) -> None:
    """The button, where there is one, for an error of a job of `operator`."""
    fix = FIXES.get(type(error))
    layout.operator_context = "INVOKE_DEFAULT"
    if fix == AGAIN:
        layout.operator(operator, text="Try Again", icon="FILE_REFRESH")
    elif fix:
        layout.operator(fix, icon="TOOL_SETTINGS")
