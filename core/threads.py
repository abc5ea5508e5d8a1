# SPDX-License-Identifier: GPL-3.0-or-later
"""How many threads the libraries under us take, and how they wait. To be called before NumPy and torch are loaded."""

from __future__ import annotations

import os

CHOICES = {
    # Threads that spin while they wait take the cores from Blender, and from each other. On two cores that others use too, a
    # frame took 0.36 s of the processors' time so, 0.34 on one thread, 2.28 with threads that spin. Two that sleep were done
    # sooner than one, so their number stays the library's: one for each core.
    "OMP_WAIT_POLICY": "PASSIVE",
    # Our matrices are 6 by 6: to wake another thread costs more than to solve them.
    "OPENBLAS_NUM_THREADS": "1",
}


def choose_threads() -> None:
    """Set what the user has not set."""
    for name, value in CHOICES.items():
        os.environ.setdefault(name, value)
