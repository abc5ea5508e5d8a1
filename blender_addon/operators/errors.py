# SPDX-License-Identifier: GPL-3.0-or-later
"""How an error that the artist can mend reaches them."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import bpy

from ..core.errors import HeadcastError
from ..locale import said

Execute = Callable[[Any, bpy.types.Context], set[str]]


def reports_errors(execute: Execute) -> Execute:
    """An operator's `execute` that reports a HeadcastError, with the way out, and is cancelled."""

    @wraps(execute)
    def reporting(self: Any, context: bpy.types.Context) -> set[str]:
        try:
            return execute(self, context)
        except HeadcastError as error:
            self.report({"ERROR"}, f"{said(error.message)}. {said(error.hint)}")
            return {"CANCELLED"}

    return reporting
