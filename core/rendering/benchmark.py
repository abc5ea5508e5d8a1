# SPDX-License-Identifier: GPL-3.0-or-later
"""`make bench`: time per frame and peak memory of each preset, the whole road from landmarks to EXR.

With the weights that a render would take. A preset that has none is timed with random ones: they take as long, and nobody
looks at the pictures. The made-up face moves its features in every frame, so that mouth and eyes are painted.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from fractions import Fraction
from itertools import product
from pathlib import Path

import numpy as np

from ..likeness import Likeness
from ..performance import performance_from_points
from ..progress import Stopwatch
from ..settings import PRESETS, RenderSettings
from ..threads import choose_threads

FRAMES = 40
WARM_UP = 5
"""Frames that are not timed: the first few are slower."""
MOVED = 0.006
"""How far each landmark moves from frame to frame, in pictures."""
PHOTOS = (1, 10)


def measure_preset(preset: str, photos: int, device: str, folder: Path) -> dict[str, float | str]:
    """Render FRAMES frames of a made-up likeness in this process; without the quality gate, which sees no face in noise."""
    import torch

    from ..landmarks.head import head_model
    from ..network.build import build_painter
    from ..painting.weights import find_weights, load_weights, save_weights
    from .render import render

    painter, weights = build_painter(preset), find_weights(preset, "")
    if weights is None:
        weights = folder / "random.safetensors"
        save_weights(painter, "random", weights)
    rng, size = np.random.default_rng(0), painter.preset.size
    face = (head_model().landmarks[:, :2] * 0.2 + (0.5, 0.41)) * size
    moved = rng.normal(0, MOVED * size, (max(FRAMES, photos), *face.shape))
    landmarks = (face + moved).astype(np.float32)
    Likeness(
        preset=preset,
        weights=load_weights(painter, weights),
        pictures=rng.integers(0, 256, (photos, size, size, 3), dtype=np.uint8),
        mattes=np.full((photos, size, size), 255, np.uint8),
        landmarks=landmarks[:photos],
        embedding=rng.random(painter.preset.embedding).astype(np.float32),
        names=tuple(f"{i}.png" for i in range(photos)),
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
        "photos": photos,
        "device": torch.cuda.get_device_name() if cuda else f"CPU, {torch.get_num_threads()} threads",
        "milliseconds": stopwatch.seconds(WARM_UP) * 1000,
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def main() -> None:
    """Measure each preset in a process of its own, and print a table."""
    parser = argparse.ArgumentParser(description="Time per frame and peak memory of each preset.")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--preset", choices=PRESETS, help="only this one, as JSON, in this process")
    parser.add_argument("--photos", type=int, default=PHOTOS[0], help="of the likeness, with --preset")
    given = parser.parse_args()
    if given.preset:
        with tempfile.TemporaryDirectory(prefix="headcast-bench-") as folder:
            print(json.dumps(measure_preset(given.preset, given.photos, given.device, Path(folder))))
        return
    choose_threads()  # for the processes that measure
    print("| preset | photos | device | ms a frame | peak memory, MB |\n| --- | --- | --- | --- | --- |")
    for preset, photos in product(PRESETS, PHOTOS):
        options = ["--preset", preset, "--photos", str(photos), "--device", given.device]
        command = [sys.executable, "-m", "headcast.core.rendering.benchmark", *options]
        found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1])
        row = preset, photos, found["device"], f"{found['milliseconds']:.0f}", f"{found['megabytes']:.0f}"
        print(f"| {' | '.join(map(str, row))} |", flush=True)


if __name__ == "__main__":
    main()
