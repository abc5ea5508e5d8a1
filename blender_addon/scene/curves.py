# SPDX-License-Identifier: GPL-3.0-or-later
"""A Performance's expressions as F-curves on shape keys, so that footage drives a rig and an animator edits between."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import bpy
import numpy as np
from numpy.typing import NDArray

from .. import compat
from ..core.errors import RigError
from ..core.landmarks import arkit
from ..core.landmarks.naming import Match, match_shapes
from ..core.performance import Performance
from .matches import user_folders
from .rig_sources import family_of

NEW_KEYS = {"interpolation": "BEZIER", "handle_left_type": "AUTO_CLAMPED", "handle_right_type": "AUTO_CLAMPED"}


class WrittenCurves(NamedTuple):
    """The curves made from a Performance."""

    meshes: int
    curves: int
    """F-curves, over all meshes"""
    frames: int
    """frames that have keys"""
    without: tuple[str, ...]
    """ARKit expressions that no curve was written for"""
    driven: tuple[str, ...]
    """shape keys that drivers move, and that were left alone"""


def write_curves(rig: bpy.types.Object, performance: Performance, matches: Sequence[Match] = ()) -> WrittenCurves:
    """Key the shape keys of `rig` and of the meshes below it at the Performance's frames; gaps have no keys.

    From the first of those frames to the last the keys of these curves are replaced, all else stays. matches: what each
    shape key stands for; by its names without. Raises RigError where no key stands for one expression, or they are linked.
    """
    meshes = _keyed(rig)
    if not all(keys.is_editable for keys in meshes):
        raise RigError(f"The shape keys of '{rig.name}' are linked from another file", "Write the curves in that file")
    names = list(dict.fromkeys(block.name for keys in meshes for block in keys.key_blocks[1:]))
    meant = writable(matches or match_shapes(names, user_folders()).matches)
    values = performance.face_curves()
    known = np.isfinite(values).all(axis=1)
    frames = performance.frames[known]
    span = (int(performance.frames[0]), int(performance.frames[-1]))
    written: set[str] = set()
    driven: set[str] = set()
    used = curves = 0
    for keys in meshes:
        paths = {name: f"{keys.key_blocks[name].path_from_id()}.value" for name in meant if name in keys.key_blocks}
        moved = {name for name, path in paths.items() if _has_driver(keys, path)}
        for name in paths.keys() - moved:
            weights = values[known][:, [arkit.INDEX[target] for target in meant[name]]].mean(axis=1)
            replace_keys(compat.curve_of(keys, paths[name]), frames, weights, span)
            written.update(meant[name])
        driven |= moved
        used += paths.keys() != moved
        curves += len(paths) - len(moved)
    if not curves:
        raise RigError(
            f"'{rig.name}' has no shape key that stands for one ARKit expression alone and has no driver",
            "Choose a mesh with ARKit's shape keys",
        )
    without = tuple(name for name in arkit.EXPRESSIONS if name not in written)
    return WrittenCurves(used, curves, len(frames), without, tuple(sorted(driven)))


def writable(matches: Iterable[Match]) -> dict[str, tuple[str, ...]]:
    """The shape keys that can be written, each with the expression that it stands for, or with both sides of it.

    A mixture (a smile that also squints) cannot. Nor can a key whose expression has a key of its own: they would add up.
    """
    rows: dict[str, list[Match]] = {}
    for match in matches:
        rows.setdefault(match.source, []).append(match)
    found: dict[str, tuple[str, ...]] = {}
    for name, own in sorted(rows.items(), key=lambda item: len(item[1])):
        targets = tuple(row.target for row in own)
        taken = {target for others in found.values() for target in others}
        if _is_one(targets) and all(row.weight == 1 for row in own) and not taken.intersection(targets):
            found[name] = targets
    return found


def _is_one(targets: Sequence[str]) -> bool:
    """True for one expression, and for both sides of one."""
    if len(targets) == 2:
        left, right = sorted(targets)
        return left.endswith("Left") and right == left.removesuffix("Left") + "Right"
    return len(targets) == 1


def _keyed(rig: bpy.types.Object) -> list[bpy.types.Key]:
    """The shape keys of each mesh, once where objects share a mesh."""
    meshes = [item.data for item in family_of(rig) if item.type == "MESH" and item.data.shape_keys]
    return list({mesh.name: mesh.shape_keys for mesh in meshes}.values())


def _has_driver(keys: bpy.types.Key, path: str) -> bool:
    return keys.animation_data is not None and keys.animation_data.drivers.find(path) is not None


def replace_keys(
    curve: bpy.types.FCurve, frames: NDArray[np.int32], values: NDArray[np.float32], span: tuple[int, int]
) -> None:
    """Put keys at `frames` [K] instead of those within `span`; all at once, as one at a time takes minutes."""
    points = curve.keyframe_points
    places = np.empty((len(points), 2), np.float32)
    points.foreach_get("co", places.reshape(-1))
    inside = (places[:, 0] >= span[0]) & (places[:, 0] <= span[1])
    for i in np.flatnonzero(inside)[::-1].tolist():
        points.remove(points[i], fast=True)
    kept = len(points)
    points.add(len(frames))
    points.foreach_set("co", np.concatenate([places[~inside], np.column_stack([frames, values])]).astype(np.float32).ravel())
    for name, choice in NEW_KEYS.items():
        choices = np.empty(len(points), np.int32)
        points.foreach_get(name, choices)
        choices[kept:] = bpy.types.Keyframe.bl_rna.properties[name].enum_items[choice].value
        points.foreach_set(name, choices)
    curve.update()
