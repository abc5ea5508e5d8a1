# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of a rig that its face is read from: vertex groups, empties, bones, shape keys. In this order they are trusted.

A vertex group, bone or empty says where a point of the face is, and what a rig lacks of the 70 the linear face model adds.
Shape keys say what the face does; where it is, and how large, is read off the vertices that they move.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import bpy
import numpy as np

from ..core.arrays import Doubles
from ..core.errors import RigError
from ..core.landmarks import arkit, ibug68
from ..core.landmarks.naming import LANDMARKS, Match, Matched, match_bones, match_points, match_shapes
from ..core.landmarks.rig_face import LEAST_POINTS, RigFace, place_model, similarity

NUMBERED = re.compile(r"lm_\d\d$")
"""Vertex groups may be called like bones ("nose", "chin") and mean skinning: only numbered ones are points."""


class Posed(NamedTuple):
    """A face of the scene in one frame."""

    points: Doubles
    """[70, 3] world positions"""
    expression: Doubles
    """[52] weights of `arkit.EXPRESSIONS`; NaN where the rig has points and not expressions"""
    rest: Doubles
    """[70, 3] the same face doing nothing, its head where it is"""


Reader = Callable[[bpy.types.Depsgraph], Posed]
UNREAD = np.full(len(arkit.EXPRESSIONS), np.nan)


NAMING = {"groups": "points", "empties": "points", "bones": "bones", "shapes": "shapes"}
"""Each kind of source, and the kind of naming table that it goes by; the most trusted first."""


class RigMatch(NamedTuple):
    """The part of a rig that gives a landmark or an expression."""

    kind: str
    """one of NAMING"""
    owner: bpy.types.Object
    """the mesh, the armature, or the parent of the empties"""
    matched: Matched


class Candidate(NamedTuple):
    """Everything that might be read of a rig."""

    kind: str
    owner: bpy.types.Object
    names: Sequence[str]


def family_of(rig: bpy.types.Object) -> list[bpy.types.Object]:
    """The rig and what hangs below it."""
    return [rig, *rig.children_recursive]


def match_rig(rig: bpy.types.Object, folders: Sequence[Path] = ()) -> RigMatch:
    """Find by names how `rig`, or what hangs below it, is read. `folders` hold tables of the user's own. Raises RigError."""
    failed: list[RigError] = []
    for kind, owner, names in _candidates(rig):
        try:
            if kind == "bones":
                return RigMatch(kind, owner, match_bones(_bones_at_rest(owner), folders))
            find = match_shapes if kind == "shapes" else match_points
            return RigMatch(kind, owner, find(names, folders))
        except RigError as error:
            failed.append(error)
    raise failed[0] if failed else _faceless(rig)


def adopt(rig: bpy.types.Object, kind: str, matched: Matched) -> RigMatch:
    """A kept map on this rig; kind: that of the naming table. Raises RigError where the rig lacks its names."""
    wanted = {row.source for row in matched.matches}
    absent = wanted
    for candidate in _candidates(rig):
        if NAMING[candidate.kind] == kind:
            lacking = wanted.difference(candidate.names)
            if not lacking:
                return RigMatch(candidate.kind, candidate.owner, matched)
            absent = min(absent, lacking, key=len)
    raise RigError(
        f"'{rig.name}' lacks {len(absent)} of the map's names: {', '.join(sorted(absent)[:4])}",
        "Choose the rig that the map was made for, or match by names",
    )


def _candidates(rig: bpy.types.Object) -> list[Candidate]:
    """The most trusted first; of meshes with shape keys the one that has most."""
    meshes = [item for item in family_of(rig) if item.type == "MESH"]
    found = [
        Candidate("groups", mesh, [group.name for group in mesh.vertex_groups if NUMBERED.match(group.name)])
        for mesh in meshes
    ]
    found.append(Candidate("empties", rig, list(_empties(rig))))
    armatures = [item for item in family_of(rig) if item.type == "ARMATURE"]
    found += [Candidate("bones", armature, list(_bones_at_rest(armature))) for armature in armatures]
    keyed = [Candidate("shapes", mesh, list(_keys(mesh))) for mesh in meshes if mesh.data.shape_keys]
    found += sorted(keyed, key=lambda candidate: -len(candidate.names))
    return [candidate for candidate in found if candidate.names]


def _faceless(rig: bpy.types.Object) -> RigError:
    return RigError(
        f"'{rig.name}' has neither vertex groups lm_00 to lm_69, nor empties, bones or shape keys below it",
        "Choose the face's mesh or armature",
    )


def make_reader(match: RigMatch) -> Reader:
    """How the rig is read in each frame. Raises RigError, which names what is missing or says too little."""
    if match.kind == "shapes":
        return _shape_reader(match.owner, match.matched.matches)
    sources = sorted({row.source for row in match.matched.matches})
    rows = [row for row in match.matched.matches if row.target in LANDMARKS]
    shares = np.zeros((ibug68.COUNT, len(sources)))
    for row in rows:
        shares[LANDMARKS.index(row.target), sources.index(row.source)] += row.weight
    totals = shares.sum(axis=1)
    given = totals > 0
    if given.sum() < LEAST_POINTS:
        raise RigError(
            f"'{match.owner.name}' gives only {int(given.sum())} points of a face",
            "Assign at least eyes, nose, mouth and chin",
        )
    shares[given] /= totals[given, None]
    read = {"groups": _group_reader, "empties": _empty_reader, "bones": _bone_reader}[match.kind](match.owner, sources)

    def landmarks(places: Doubles) -> Doubles:
        points = shares @ places
        points[~given] = np.nan
        return points

    face, acts = RigFace(landmarks(read(None))), _has_arkit(match.owner)

    def posed(depsgraph: bpy.types.Depsgraph) -> Posed:
        points = face.complete(landmarks(read(depsgraph)))
        values = np.clip(_key_values(match.owner, depsgraph, arkit.EXPRESSIONS), 0.0, 1.0) if acts else UNREAD
        return Posed(points, values, face.at_rest(points))

    return posed


def _has_arkit(mesh: bpy.types.Object) -> bool:
    """Whether a mesh that has points has all of ARKit's shape keys too, as a control face has."""
    return mesh.type == "MESH" and mesh.data.shape_keys is not None and _keys(mesh).keys() >= arkit.INDEX.keys()


PlaceReader = Callable[["bpy.types.Depsgraph | None"], Doubles]
"""Positions [S, 3] of the sources in the world; without a depsgraph at rest, in a space of the reader's own. Empties have no
rest: theirs is the frame in which the reading begins."""


def _group_reader(mesh: bpy.types.Object, names: Sequence[str]) -> PlaceReader:
    """The weighted middle of each vertex group."""
    absent = [name for name in names if name not in mesh.vertex_groups]
    if absent:
        raise RigError(f"'{mesh.name}' has no vertex group {', '.join(absent[:4])}", "Match the names again")
    numbers = {mesh.vertex_groups[name].index: i for i, name in enumerate(names)}
    weights = np.zeros((len(names), len(mesh.data.vertices)))
    for vertex in mesh.data.vertices:
        for group in vertex.groups:
            if group.group in numbers:
                weights[numbers[group.group], vertex.index] = group.weight
    totals = weights.sum(axis=1)
    if (totals == 0).any():
        empty = [names[i] for i in np.flatnonzero(totals == 0)]
        raise RigError(f"Vertex groups of '{mesh.name}' have no vertex: {', '.join(empty)}", "Assign a vertex to each")
    weights /= totals[:, None]
    used = np.flatnonzero(weights.any(axis=0))
    weights = weights[:, used]

    def read(depsgraph: bpy.types.Depsgraph | None) -> Doubles:
        if depsgraph is None:
            return weights @ vertices_of(mesh)[used]
        evaluated = mesh.evaluated_get(depsgraph)
        return _transformed(weights @ vertices_of(evaluated, len(mesh.data.vertices))[used], evaluated.matrix_world)

    return read


def _bone_reader(armature: bpy.types.Object, ends: Sequence[str]) -> PlaceReader:
    at_rest = _bones_at_rest(armature)
    absent = [end for end in ends if end not in at_rest]
    if absent:
        raise RigError(f"'{armature.name}' has no bone {', '.join(absent[:4])}", "Match the names again")
    split = [end.rsplit("@", 1) for end in ends]

    def read(depsgraph: bpy.types.Depsgraph | None) -> Doubles:
        if depsgraph is None:
            return np.array([at_rest[end] for end in ends])
        evaluated = armature.evaluated_get(depsgraph)
        bones = evaluated.pose.bones
        return _transformed(np.array([getattr(bones[name], end) for name, end in split]), evaluated.matrix_world)

    return read


def _empty_reader(parent: bpy.types.Object, names: Sequence[str]) -> PlaceReader:
    empties = _empties(parent)
    absent = [name for name in names if name not in empties]
    if absent:
        raise RigError(f"'{parent.name}' has no empty {', '.join(absent[:4])} below it", "Match the names again")

    def read(depsgraph: bpy.types.Depsgraph | None) -> Doubles:
        graph = depsgraph or bpy.context.evaluated_depsgraph_get()
        return np.array([empties[name].evaluated_get(graph).matrix_world.translation for name in names])

    return read


def _shape_reader(mesh: bpy.types.Object, matches: Sequence[Match]) -> Reader:
    keys = _keys(mesh)
    absent = sorted({match.source for match in matches}.difference(keys))
    if absent:
        raise RigError(f"'{mesh.name}' has no shape key {', '.join(absent[:4])}", "Match the names again")
    basis = vertices_of(mesh)
    placed = place_model(basis, {name: _key_points(block) for name, block in keys.items()}, matches)
    names = sorted({match.source for match in matches})
    mixing = np.zeros((len(arkit.EXPRESSIONS), len(names)))
    for match in matches:
        mixing[arkit.INDEX[match.target], names.index(match.source)] += match.weight
    skull = basis[placed.skull]

    def read(depsgraph: bpy.types.Depsgraph) -> Posed:
        weights = np.clip(mixing @ _key_values(mesh, depsgraph, names), 0.0, 1.0)
        evaluated = mesh.evaluated_get(depsgraph)
        head = similarity(skull, vertices_of(evaluated, len(basis))[placed.skull])
        points, rest = (
            _transformed(head(placed.points(acted)), evaluated.matrix_world) for acted in (weights, np.zeros_like(weights))
        )
        return Posed(points, weights, rest)

    return read


def vertices_of(mesh: bpy.types.Object, count: int = 0) -> Doubles:
    """[V, 3] of a mesh object, evaluated or not, in its own space; the first `count` where it must have so many.

    Subdivision keeps the vertices that it began from in front. Raises RigError where modifiers leave fewer.
    """
    data = mesh.data
    if count and len(data.vertices) < count:
        raise RigError(f"Modifiers take vertices of '{mesh.name}' away", "Disable decimate, mask and the like")
    places = np.empty(len(data.vertices) * 3, np.float32)
    data.attributes["position"].data.foreach_get("vector", places)
    return places.reshape(-1, 3)[: count or None].astype(np.float64)


def _key_points(block: bpy.types.ShapeKey) -> Doubles:
    """[V, 3] of a key at 1."""
    places = np.empty(len(block.data) * 3, np.float32)
    block.data.foreach_get("co", places)
    return places.reshape(-1, 3).astype(np.float64)


def _key_values(mesh: bpy.types.Object, depsgraph: bpy.types.Depsgraph, names: Sequence[str]) -> Doubles:
    """[N] of shape keys by name, as drivers and keyframes have them; 0 where one is switched off."""
    blocks = mesh.data.shape_keys.evaluated_get(depsgraph).key_blocks
    return np.array([0.0 if blocks[name].mute else blocks[name].value for name in names])


def _keys(mesh: bpy.types.Object) -> dict[str, bpy.types.ShapeKey]:
    return {block.name: block for block in mesh.data.shape_keys.key_blocks[1:]}


def _empties(parent: bpy.types.Object) -> dict[str, bpy.types.Object]:
    return {child.name.split(".")[0]: child for child in parent.children_recursive if child.type == "EMPTY"}


def _bones_at_rest(armature: bpy.types.Object) -> dict[str, Doubles]:
    """Both ends of each bone, in the armature's space."""
    return {
        f"{bone.name}@{end}": np.array(place)
        for bone in armature.data.bones
        for end, place in (("head", bone.head_local), ("tail", bone.tail_local))
    }


def _transformed(points: Doubles, matrix: object) -> Doubles:
    whole = np.array(matrix)
    return np.asarray(points @ whole[:3, :3].T + whole[:3, 3])
