# SPDX-License-Identifier: GPL-3.0-or-later
"""Which camera a frame is seen by: markers may switch them, also where the scene itself has none."""

from __future__ import annotations

import bpy


def camera_at(scene: bpy.types.Scene, frame: int) -> bpy.types.Object | None:
    """As Blender chooses it: of the last marker at or before `frame` that has one, or else of the first such marker after
    it; the scene's own without such markers."""
    bound = _bound(scene)
    before = [camera for at, camera in bound if at <= frame]
    return before[-1] if before else bound[0][1] if bound else scene.camera


def cameras_between(scene: bpy.types.Scene, first: int, last: int) -> list[bpy.types.Object]:
    """Those that the frames `first` to `last` are seen by, in order; none where there is no camera."""
    camera = camera_at(scene, first)
    return [*([camera] if camera else []), *(camera for at, camera in _bound(scene) if first < at <= last)]


def _bound(scene: bpy.types.Scene) -> list[tuple[int, bpy.types.Object]]:
    """Frame and camera of each marker that has one, in order."""
    found = [(marker.frame, marker.camera) for marker in scene.timeline_markers if marker.camera]
    return sorted(found, key=lambda pair: pair[0])
