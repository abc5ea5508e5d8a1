# SPDX-License-Identifier: GPL-3.0-or-later
"""How many threads the libraries under us take, and how they wait. To be called before NumPy and torch are loaded."""

from __future__ import annotations

import os

CHOICES = {
    # Threads that spin while they wait take the cores from Blender, and from each other: four times as slow when busy.
    "OMP_WAIT_POLICY": "PASSIVE",
    # Our matrices are 6 by 6: to wake another thread costs more than to solve them.
    "OPENBLAS_NUM_THREADS": "1",
}


def choose_threads() -> None:
    """Set what the user has not set."""
    for name, value in CHOICES.items():
        os.environ.setdefault(name, value)
