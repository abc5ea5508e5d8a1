# SPDX-License-Identifier: GPL-3.0-or-later
"""A rig as renders show it: what is switched off in viewports alone, to keep them quick, is on while the rig is read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import bpy

from ..core.errors import RigError


@contextmanager
def as_rendered(scene: bpy.types.Scene, family: Iterable[bpy.types.Object]) -> Iterator[None]:
    """Within the block the objects, their collections and their modifiers are on in viewports as in renders."""
    family = list(family)
    before: list[tuple[Any, str, bool]] = []

    def put(owner: Any, name: str, value: bool) -> None:
        if getattr(owner, name) != value:
            before.append((owner, name, not value))
            setattr(owner, name, value)

    try:
        for collection in [scene.collection, *scene.collection.children_recursive]:
            if any(item.name in collection.all_objects for item in family):
                put(collection, "hide_viewport", False)
        for item in family:
            put(item, "hide_viewport", False)
            for modifier in item.modifiers:
                put(modifier, "show_viewport", modifier.show_render)
        if before:
            bpy.context.view_layer.update()
        yield
    finally:
        for owner, name, value in reversed(before):
            with suppress(ReferenceError):  # it was removed meanwhile
                setattr(owner, name, value)


def ensure_evaluated(owners: Iterable[bpy.types.Object], depsgraph: bpy.types.Depsgraph) -> None:
    """Raise RigError where Blender does not move one of the objects: it would be read as standing still."""
    for owner in owners:
        if not owner.evaluated_get(depsgraph).is_evaluated:
            raise RigError(
                f"'{owner.name}' is switched off in the view layer, so that it does not move",
                "Switch it and its collections on: the monitor icon, and the box before the collection",
            )
