# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of the engine: packages, device, weights, anything missing and how to get it."""

from __future__ import annotations

import platform
from collections.abc import Callable
from importlib import import_module, metadata, util
from pathlib import Path
from typing import Any, NamedTuple

from .errors import HeadcastError
from .paths import cache_folder
from .version import VERSION

NEEDED = {
    "numpy": "numpy",
    "torch": "torch",
    "opencv-python-headless": "cv2",
    "OpenEXR": "OpenEXR",
    "safetensors": "safetensors",
    "mediapipe": "mediapipe",
    "av": "av",
    "pillow": "PIL",
    "platformdirs": "platformdirs",
    "c2pa-python": "c2pa",
    "cryptography": "cryptography",
    "espeakng-loader": "espeakng_loader",
}
OPTIONAL = {
    "face-alignment": "face_alignment",
    "dlib-bin": "dlib",
    "opencolorio": "PyOpenColorIO",
    "pillow-heif": "pillow_heif",
    "bpy": "bpy",
    "h5py": "h5py",
}


class Finding(NamedTuple):
    """One line of the report."""

    name: str
    state: str
    """"ok", "missing" or "optional" """
    detail: str
    way_out: str = ""


def _package(package: str, module: str) -> Finding:
    """One that is needed: it must load, too."""
    try:
        import_module(module)
    except ModuleNotFoundError:
        return Finding(package, "missing", "not installed", f"pip install {package}")
    except (ImportError, OSError) as error:
        return Finding(package, "missing", f"does not load ({error})", f"pip install --force-reinstall {package}")
    return Finding(package, "ok", _version(package))


def _optional(package: str, module: str) -> Finding:
    if util.find_spec(module) is None:
        return Finding(package, "optional", "not installed", f"pip install {package}")
    return Finding(package, "ok", _version(package))


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "from another distribution"


def _device() -> Finding:
    import torch

    from .painting.devices import choose_device

    device = choose_device("auto")
    detail = torch.cuda.get_device_name(device) if device.type == "cuda" else f"{torch.get_num_threads()} threads"
    return Finding("device", "ok", f"{device.type} ({detail})")


def _weights() -> list[Finding]:
    from .network.build import build_painter
    from .network.painter import PRESETS
    from .painting.weights import find_weights, weights_name

    found = []
    for preset in PRESETS:
        path = find_weights(preset)
        way_out = f"put {weights_name(preset)}.safetensors into {cache_folder()}, or give --weights"
        if path is not None:
            found.append(Finding(f"weights of {preset}", "ok", str(path)))
        elif build_painter(preset).starts_as_warp:
            found.append(Finding(f"weights of {preset}", "optional", "none: photos are warped by geometry alone", way_out))
        else:
            found.append(Finding(f"weights of {preset}", "optional", "none: this preset cannot render", way_out))
    return found


def _models() -> list[Finding]:
    from .fetching import FILES
    from .landmarks.detectors.mediapipe import find_model

    return [_model("mediapipe's model", find_model), *(_model(f"model that {file.purpose}", file.find) for file in FILES)]


def _model(name: str, find: Callable[[], Path]) -> Finding:
    try:
        return Finding(name, "ok", str(find()))
    except HeadcastError as error:
        return Finding(name, "missing", error.message, error.hint)


def examine() -> dict[str, Any]:
    """`version`, `python`, `healthy` (nothing that is needed is missing) and `findings`, each as a dictionary."""
    findings = [_package(*names) for names in NEEDED.items()]
    if not _lacking(findings):
        findings += [_device(), *_weights(), *_models()]
    findings += [_optional(*names) for names in OPTIONAL.items()]
    return {
        "version": VERSION,
        "python": platform.python_version(),
        "healthy": not _lacking(findings),
        "findings": [finding._asdict() for finding in findings],
    }


def _lacking(findings: list[Finding]) -> bool:
    return any(finding.state == "missing" for finding in findings)
