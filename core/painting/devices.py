# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the networks run."""

from __future__ import annotations

import ctypes
import sys

import torch

from ..errors import SettingError

# <malloc.h>
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3
_KEPT = 1 << 30


def choose_device(name: str) -> torch.device:
    """The device called `name`; "auto" is the first of CUDA (ROCm too), MPS and CPU. Raises SettingError."""
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        name = "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise SettingError(f"The device '{name}' cannot be used", "Try --device auto, or: headcast doctor") from error
    if device.type == "cpu":
        _keep_memory()
    return device


def has_brain_floats(device: torch.device) -> bool:
    """True where the device computes in bfloat16 by instructions of its own, so that convolutions take half the time."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return device.type == "cpu" and bool(torch.cpu.get_capabilities().get("avx512_bf16"))


def _keep_memory() -> None:
    """Let glibc keep what is freed. It gives every large tensor back to the system, and asks for it page by page again."""
    if sys.platform == "linux" and hasattr(library := ctypes.CDLL(None), "mallopt"):
        library.mallopt(_MMAP_THRESHOLD, _KEPT)
        library.mallopt(_TRIM_THRESHOLD, _KEPT)
        library.mallopt(_TOP_PAD, _KEPT // 4)
