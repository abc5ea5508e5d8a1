# SPDX-License-Identifier: GPL-3.0-or-later
"""The process that holds torch: JSON lines in and out, so that Blender never waits for the engine nor falls with it.

`protocol` says what the lines are, `process` runs the jobs. The add-on's `engine.py` is the other end.

May enter: root, doors.
"""

from ..threads import choose_threads

choose_threads()
