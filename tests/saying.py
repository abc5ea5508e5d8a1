# SPDX-License-Identifier: GPL-3.0-or-later
"""A voice for tests that run in a Blender: the engine's Python has espeak-ng say a line."""

from __future__ import annotations

import subprocess
from pathlib import Path

from .conftest import ENGINE_PYTHON

LINE = "My mother made a big map."
SAY = """
import sys, wave
import numpy as np
from headcast.core.speech.espeak import synthesize
spoken = synthesize(sys.argv[2], "en-us")
with wave.open(sys.argv[1], "wb") as file:
    file.setnchannels(1); file.setsampwidth(2); file.setframerate(spoken.rate)
    file.writeframes((spoken.samples * 32767).astype("<i2").tobytes())
"""


def say(path: Path, line: str = LINE) -> Path:
    """The line, in American English, as a WAV."""
    subprocess.run([ENGINE_PYTHON, "-c", SAY, str(path), line], check=True)
    return path
