# SPDX-License-Identifier: GPL-3.0-or-later
"""`make bench`: time per frame and peak memory of each preset, the whole road from landmarks to EXR.

Weights do not change the time, so a preset that has none is timed untrained; what it paints is not looked at.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from fractions import Fraction
from pathlib import Path

import numpy as np

from ..likeness import Likeness
from ..performance import performance_from_points
from ..progress import Stopwatch
from ..settings import PRESETS, RenderSettings

FRAMES = 40
WARM_UP = 5
"""Frames that are not timed: the first few are slower."""
PHOTOS = 8


def measure_preset(preset: str, device: str, folder: Path) -> dict[str, float | str]:
    """Render FRAMES frames of a made-up likeness in this process; without the quality gate, which sees no face in noise."""
    import torch

    from ..landmarks.head import head_model
    from ..network.build import build_painter
    from ..painting.weights import save_weights
    from .render import render

    weights = folder / "untrained.safetensors"
    painter = build_painter(preset)
    save_weights(painter, "untrained", weights)
    rng, size = np.random.default_rng(0), painter.preset.size
    face = (head_model().landmarks[:, :2] * 0.2 + (0.5, 0.41)) * size
    landmarks = np.stack([face + rng.normal(0, 2, 2) for _ in range(max(FRAMES, PHOTOS))]).astype(np.float32)
    Likeness(
        preset=preset,
        weights="untrained",
        pictures=rng.integers(0, 256, (PHOTOS, size, size, 3), dtype=np.uint8),
        mattes=np.full((PHOTOS, size, size), 255, np.uint8),
        landmarks=landmarks[:PHOTOS],
        embedding=rng.random(painter.preset.embedding).astype(np.float32),
        names=tuple(f"{i}.png" for i in range(PHOTOS)),
    ).save(folder / "x.likeness")
    crops = np.tile([size / 2, size / 2, size], (FRAMES, 1)).astype(np.float64)
    performance_from_points(
        np.arange(1, FRAMES + 1, dtype=np.int32), landmarks[:FRAMES], crops, (size, size), Fraction(24), "benchmark"
    ).save(folder / "y.performance")
    stopwatch = Stopwatch()
    settings = RenderSettings(weights=str(weights), device=device, tries=0)
    render(folder / "x.likeness", folder / "y.performance", str(folder / "o.####.exr"), settings, stopwatch)
    cuda = device.startswith("cuda") or (device == "auto" and torch.cuda.is_available())
    return {
        "preset": preset,
        "device": torch.cuda.get_device_name() if cuda else f"CPU, {torch.get_num_threads()} threads",
        "milliseconds": stopwatch.seconds(WARM_UP) * 1000,
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def main() -> None:
    """Measure each preset in a process of its own, and print a table."""
    parser = argparse.ArgumentParser(description="Time per frame and peak memory of each preset.")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--preset", choices=PRESETS, help="only this one, as JSON, in this process")
    given = parser.parse_args()
    if given.preset:
        with tempfile.TemporaryDirectory(prefix="headcast-bench-") as folder:
            print(json.dumps(measure_preset(given.preset, given.device, Path(folder))))
        return
    print("| preset | device | ms a frame | peak memory, MB |\n| --- | --- | --- | --- |")
    for preset in PRESETS:
        command = [sys.executable, "-m", "headcast.core.rendering.benchmark", "--preset", preset, "--device", given.device]
        found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1])
        print(
            f"| {found['preset']} | {found['device']} | {found['milliseconds']:.0f} | {found['megabytes']:.0f} |", flush=True
        )


if __name__ == "__main__":
    main()
