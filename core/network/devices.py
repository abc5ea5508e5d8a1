"""Where the networks run."""

from __future__ import annotations

import torch

from ..errors import SettingError


def choose_device(name: str) -> torch.device:
    """The device called `name`; "auto" is the first of CUDA (ROCm too), MPS and CPU. Raises SettingError."""
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise SettingError(f"The device '{name}' cannot be used", "Try --device auto, or: headcast doctor") from error
    return device
