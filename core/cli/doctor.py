"""`headcast doctor`: what is installed, which device, which weights, what is missing and how to get it."""

from __future__ import annotations

import json
import platform
import sys
from importlib import metadata, util
from typing import NamedTuple

from ..errors import HeadcastError
from ..paths import cache_folder
from ..version import VERSION

NEEDED = {
    "numpy": "numpy",
    "torch": "torch",
    "opencv-python-headless": "cv2",
    "OpenEXR": "OpenEXR",
    "safetensors": "safetensors",
    "mediapipe": "mediapipe",
}
OPTIONAL = {
    "face-alignment": "face_alignment",
    "dlib-bin": "dlib",
    "opencolorio": "PyOpenColorIO",
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


def _packages() -> list[Finding]:
    found = []
    for names, absent in ((NEEDED, "missing"), (OPTIONAL, "optional")):
        for package, module in names.items():
            if util.find_spec(module) is None:
                found.append(Finding(package, absent, "not installed", f"pip install {package}"))
                continue
            try:
                version = metadata.version(package)
            except metadata.PackageNotFoundError:
                version = "from another distribution"
            found.append(Finding(package, "ok", version))
    return found


def _device() -> Finding:
    if util.find_spec("torch") is None:
        return Finding("device", "missing", "torch is not installed", "pip install torch")
    import torch

    from ..network.devices import choose_device

    device = choose_device("auto")
    detail = torch.cuda.get_device_name(device) if device.type == "cuda" else f"{torch.get_num_threads()} threads"
    return Finding("device", "ok", f"{device.type} ({detail})")


def _weights() -> list[Finding]:
    if util.find_spec("torch") is None:
        return []
    from ..network.painter import PRESETS, build_painter
    from ..network.weights import find_weights, weights_name

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


def _detector() -> Finding:
    from ..landmarks.detectors.mediapipe import find_model

    try:
        return Finding("mediapipe's model", "ok", str(find_model()))
    except HeadcastError as error:
        return Finding("mediapipe's model", "missing", error.message, error.hint)


def examine(as_json: bool) -> int:
    """Print the findings; the exit code is 0 where nothing that is needed is missing, else 2."""
    findings = [*_packages(), _device(), *_weights(), _detector()]
    healthy = all(finding.state != "missing" for finding in findings)
    if as_json:
        report = {"version": VERSION, "python": platform.python_version(), "healthy": healthy}
        print(json.dumps({**report, "findings": [finding._asdict() for finding in findings]}))
        return 0 if healthy else 2
    print(f"headcast {VERSION}, Python {platform.python_version()} at {sys.executable}, cache {cache_folder()}")
    for finding in findings:
        print(f"  {finding.state:9} {finding.name:26} {finding.detail}")
        if finding.way_out:
            print(f"  {'':9} {'':26} {finding.way_out}")
    return 0 if healthy else 2
