# SPDX-License-Identifier: GPL-3.0-or-later
"""The end of a Python that has Blender as a module, as farms do: it ends well, whatever was registered.

Blender goes as its module is freed. Python's own end frees it too late, or never, while registered properties hold
functions of ours that hold it: 4.2 then crashes, unregistered or not, and 4.5 hangs. In Blender itself add-ons are
unregistered before Python ends, and there is nothing to do.
"""

from __future__ import annotations

import atexit
import sys
from collections.abc import Callable

import bpy


def ensure_clean(unregister: Callable[[], None]) -> None:
    """Have `unregister` called before Python ends, if Blender is a module of it. Once, however often this is called."""
    if not bpy.app.binary_path:
        atexit.unregister(_end)
        atexit.register(_end, unregister)


def _end(unregister: Callable[[], None]) -> None:
    try:
        if hasattr(bpy.types.Scene, "headcast"):
            unregister()
    finally:
        sys.modules[str(__package__)].__addon_enabled__ = False  # or Blender does it again, further on in its end
        for name, module in list(sys.modules.items()):
            if name.startswith(f"{__package__}."):
                vars(module).pop("bpy", None)
