# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the locks of core/installing anew: `python tools/lock.py`. Needs `uv` on the path, and the internet.

What Set Up Engine fetches of PyPI: each package by its version and by the hashes of its files for every platform and Python.
The versions are those of the environment that the tests run in. torch and what it alone needs have files of their own, as
many machines need a build that is not on PyPI. Those builds' locks, `torch_cpu.txt` and its like, are written by hand, from
the hashes on the pages of PyTorch's index; and CUDA_12_6, from what its wheel for Linux says that it needs.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from importlib.metadata import distributions
from pathlib import Path

from headcast.core.installing.requirements import (
    LEAST_PYTHON,
    LIBRARIES_LOCK,
    LOCK,
    LOCKED_TORCH,
    MODEL_FILES,
    NEEDS_LOCK,
    PACKAGES,
    PIP,
    PIP_LOCK,
    TORCH_LOCK,
)

LATER_NUMPY = "numpy==2.2.6 ; python_version >= '3.13'"
"""NumPy 1 has no wheels for Python 3.13."""
CUDA_12_6 = """triton==3.7.1
cuda-bindings==12.9.7
cuda-toolkit[cublas,cudart,cufft,cufile,cupti,curand,cusolver,cusparse,nvjitlink,nvrtc,nvtx]==12.6.3
nvidia-cudnn-cu12==9.10.2.21
nvidia-cusparselt-cu12==0.7.1
nvidia-nccl-cu12==2.29.3
nvidia-nvshmem-cu12==3.4.5
"""
HEAD = "# SPDX-License-Identifier: GPL-3.0-or-later\n# Written by tools/lock.py.\n"


def compiled(wanted: str, *options: str) -> str:
    """uv's answer, without its comments."""
    with tempfile.TemporaryDirectory() as folder:
        asked = Path(folder) / "asked.txt"
        asked.write_text(wanted)
        python = ".".join(map(str, LEAST_PYTHON))
        command = ["uv", "pip", "compile", "-q", "--universal", "--generate-hashes", "--only-binary", ":all:"]
        command += [
            "--default-index",
            "https://pypi.org/simple",
            "--no-config",
            "--no-annotate",
            "--no-header",
            "--python-version",
            python,
            *options,
            str(asked),
        ]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def apart(torch: str) -> tuple[str, str]:
    """The lock of torch in two: torch with the libraries that its build for Linux needs, and what all builds need."""
    builds, needs = [], []
    for block in re.split(r"^(?=[\w.-]+==)", torch, flags=re.MULTILINE):
        first = block.partition("\n")[0]
        (builds if first.startswith("torch==") or "sys_platform == 'linux'" in first else needs).append(block)
    return "".join(builds), "".join(needs)


def main() -> None:
    """Write the files."""
    tested = [
        f"{found.name}=={found.version}" + (" ; python_version < '3.13'" if found.name == "numpy" else "")
        for found in distributions()
        if found.name and found.name not in ("headcast", "torch", "bpy")
    ]
    with tempfile.TemporaryDirectory() as folder:
        constraints = Path(folder) / "constraints.txt"
        constraints.write_text("\n".join([*tested, LATER_NUMPY]))
        packages = compiled("\n".join(PACKAGES), "-c", str(constraints))
        torch = compiled(LOCKED_TORCH, "-c", str(constraints))
    on_linux = "".join(f"{line} ; sys_platform == 'linux'\n" for line in CUDA_12_6.splitlines())
    PIP_LOCK.write_text(HEAD + compiled(PIP))
    LIBRARIES_LOCK.write_text(HEAD + compiled(on_linux))
    LOCK.write_text(HEAD + packages + compiled(MODEL_FILES, "--no-deps"))
    for path, part in zip((TORCH_LOCK, NEEDS_LOCK), apart(torch), strict=True):
        path.write_text(HEAD + part)


if __name__ == "__main__":
    main()
