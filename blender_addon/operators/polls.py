# SPDX-License-Identifier: GPL-3.0-or-later
"""Shared by every `poll`: who refuses says why."""

from __future__ import annotations

import bpy

from .. import jobs
from ..locale import said

LINKED = "This scene is linked from another file: change it there, or make it local"


def allow(operator: type[bpy.types.Operator], refusal: str) -> bool:
    """True where nothing refuses; else the button's tooltip says what does."""
    if refusal:
        operator.poll_message_set(said(refusal))
    return not refusal


def read_only(context: bpy.types.Context) -> str:
    """Why the scene's settings cannot be changed; empty where they can."""
    return "" if context.scene.is_editable else LINKED


def busy() -> str:
    """Why no job can begin; empty where one can."""
    return "Another job is running" if jobs.current is not None else ""
