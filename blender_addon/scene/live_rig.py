# SPDX-License-Identifier: GPL-3.0-or-later
"""A rig's face as Blender shows it just now, through the scene's camera: read when something moved, and not before."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np

from ..core.errors import RigError
from .matches import rig_match, rows_of, user_folders
from .rig import frame_size, project, region_of
from .rig_sources import Posed, Reader, make_reader, match_rig
from .shown_rig import ensure_evaluated


class LiveRig:
    """Keeps what was read, and how the rig is read, as long as either holds."""

    def __init__(self) -> None:
        self._stale = True
        self._last: dict[str, Any] | RigError = {}
        self._reader: Reader | None = None
        self._owner: bpy.types.Object | None = None
        self._of: tuple[object, ...] = ()

    def moved(self) -> None:
        """Something in the scene did: what was read counts no more."""
        self._stale = True

    def forget(self) -> None:
        """Blender replaced its data: the rig is matched anew."""
        self._stale, self._reader = True, None

    def drive(self, scene: bpy.types.Scene) -> dict[str, Any]:
        """The face as the job `preview` takes it. Raises RigError, the same until something moved."""
        if self._stale:
            self._stale = False
            try:
                self._last = self._look(scene)
            except RigError as error:
                self._last = error
        if isinstance(self._last, RigError):
            raise self._last
        return self._last

    def _look(self, scene: bpy.types.Scene) -> dict[str, Any]:
        rig = scene.headcast.rig
        if rig is None or scene.camera is None:
            raise RigError(f"There is no {'rig' if rig is None else 'camera'}", "Choose the rig, and a camera that sees it")
        depsgraph = bpy.context.evaluated_depsgraph_get()
        try:
            posed = self._posed(scene, rig, depsgraph)
        except (KeyError, ReferenceError, ValueError):  # bones, shape keys or vertices are others than when it was matched
            self._reader = None
            posed = self._posed(scene, rig, depsgraph)
        left, top, width, height = region_of(scene)
        points = project(np.concatenate([posed.points, posed.rest]), scene, depsgraph, *frame_size(scene)) - (left, top)
        if not np.isfinite(points).all():
            raise RigError(f"'{rig.name}' is behind the camera", "Move one or the other")
        landmarks, rest = np.split(points, 2)
        return {"landmarks": landmarks.tolist(), "rest": rest.tolist(), "width": width, "height": height}

    def _posed(self, scene: bpy.types.Scene, rig: bpy.types.Object, depsgraph: bpy.types.Depsgraph) -> Posed:
        matches = scene.headcast.rig_matches
        of = (rig.name_full, *rows_of(matches))
        if self._reader is None or of != self._of:
            match = rig_match(matches, rig) or match_rig(rig, user_folders())
            self._reader, self._owner = make_reader(match), match.owner
            self._of = of
        ensure_evaluated([self._owner], depsgraph)
        return self._reader(depsgraph)
