# SPDX-License-Identifier: GPL-3.0-or-later
"""The command `headcast`: adapt, track, render, doctor. Options are made from the settings' fields.

May enter: root, doors, worker.
"""

from ..threads import choose_threads

choose_threads()
