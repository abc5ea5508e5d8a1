# SPDX-License-Identifier: GPL-3.0-or-later
"""The detectors' own files: none is read that is not the one that was tested."""

from __future__ import annotations

import hashlib
from pathlib import Path

from ...errors import MissingWeightsError


def verify(path: Path, sha256: str, way_out: str) -> bytes:
    """The content of `path`, whose SHA-256 begins with `sha256`. Raises MissingWeightsError where it is another, or none."""
    if not path.is_file():
        raise MissingWeightsError(f"{path} is not there", way_out)
    content = path.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if not found.startswith(sha256):
        raise MissingWeightsError(f"{path} is not the model that was tested (sha256 {found[:12]}...)", way_out)
    return content
