# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks in ONNX files, run by ONNX Runtime on the CPU."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import Any

from .errors import MissingPackageError
from .fetching import ModelFile

THREADS = 4
"""More gain nothing."""


def open_session(model: ModelFile) -> Any:
    """The network of a model file, opened once. Raises MissingPackageError, MissingWeightsError."""
    return _session(model, model.find())


@lru_cache(maxsize=2)
def _session(model: ModelFile, path: Path) -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise MissingPackageError("The package onnxruntime is not installed", "Run: pip install onnxruntime") from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = min(THREADS, os.cpu_count() or 1)
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model.verified(path), options, providers=["CPUExecutionProvider"])
