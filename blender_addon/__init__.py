# SPDX-License-Identifier: GPL-3.0-or-later
"""Headcast in Blender: the extension's root. Talks to artists and to the scene; the engine runs in a process of its own.

Nothing heavy is imported here: `headcast.core` is used without Blender, and Blender starts without waiting for us.
"""

from __future__ import annotations


def register() -> None:
    """Called by Blender when the add-on is enabled."""
    from . import registration

    registration.register()


def unregister() -> None:
    """Called by Blender when the add-on is disabled: the worker is stopped, the classes go."""
    from . import registration

    registration.unregister()
