# SPDX-License-Identifier: GPL-3.0-or-later
"""The device that this machine computes with, and the build of torch for it.

torch's builds (2.12 to 2.14) are for CUDA 12.6, which runs on cards from Maxwell to Hopper, for CUDA 13.0, which runs on
Turing and later with a driver for CUDA 13, and for processors. macOS has one build for all. PyPI has one for each system:
macOS's, CUDA 13.0's for Linux, and the processors' for Windows. All others are on PyTorch's own index. Its build for ROCm
has no hashes to be known by.
"""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path
from typing import NamedTuple

INDEX = "https://download.pytorch.org/whl/"
MAC = "macos"
ON_PYPI = {"darwin": MAC, "linux": "cu130", "win32": "cpu"}
"""Which build PyPI has, by `sys.platform`."""
DRIVER = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
KFD = Path("/sys/class/kfd/kfd/topology/nodes")
"""Where Linux lists what AMD's compute driver can use."""
MAJOR, MINOR = 75, 76
"""The driver's numbers for the two halves of a card's compute capability."""
TURING = (7, 5)


class Nvidia(NamedTuple):
    """A machine with NVIDIA's driver."""

    cuda: tuple[int, int]
    """the newest that the driver runs"""
    capability: tuple[int, int]
    """of the first card"""


def find_nvidia() -> Nvidia | None:
    """Ask the driver itself; None where there is none, or no card."""
    try:
        driver = ctypes.CDLL(DRIVER)
    except OSError:
        return None
    version, major, minor = ctypes.c_int(), ctypes.c_int(), ctypes.c_int()
    failed = (
        driver.cuInit(0)
        or driver.cuDriverGetVersion(ctypes.byref(version))
        or driver.cuDeviceGetAttribute(ctypes.byref(major), MAJOR, 0)
        or driver.cuDeviceGetAttribute(ctypes.byref(minor), MINOR, 0)
    )
    if failed:
        return None
    return Nvidia((version.value // 1000, version.value % 1000 // 10), (major.value, minor.value))


def has_rocm() -> bool:
    """True where Linux drives an AMD card that can compute."""
    return any(path.read_text().strip() not in ("", "0") for path in KFD.glob("*/gpu_id"))


def detect_device() -> str:
    """ "cuda", "rocm", "mps" or "cpu"."""
    if sys.platform == "darwin":
        return "mps"
    if find_nvidia() is not None:
        return "cuda"
    return "rocm" if has_rocm() else "cpu"


def torch_index(device: str) -> str:
    """The address of the packages of torch for a device; "" is PyPI, whose files are locked."""
    build = _build(device)
    return "" if build == ON_PYPI.get(sys.platform) else INDEX + build


def _build(device: str) -> str:
    """By the name of its index."""
    if sys.platform == "darwin":
        return MAC
    if device != "cuda":
        return "cpu"
    card = find_nvidia()
    new = card is None or (card.cuda >= (13, 0) and card.capability >= TURING)
    return "cu130" if new else "cu126"
