# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames that the quality gate flagged are marked on the timeline."""

from __future__ import annotations

from pathlib import Path

import bpy
from headcast.core.take import FramePattern, Manifest
from headcast.scene.flags import flag_frames


def markers(scene: bpy.types.Scene) -> dict[str, int]:
    return {marker.name: marker.frame for marker in scene.timeline_markers}


def test_flagged_frames_have_markers_and_other_markers_stay(scene: bpy.types.Scene, tmp_path: Path) -> None:
    pattern = FramePattern.parse(str(tmp_path / "shot_v001.####.exr"))
    manifest = Manifest(pattern, dict.fromkeys(range(2000), "x"))
    scene.timeline_markers.new("mine", frame=3)

    def render(frame: int, *reasons: str) -> None:
        pattern.path(frame).touch()
        manifest.record(frame, flagged=dict.fromkeys(reasons, "too much of it"))

    render(1001)
    render(1002, "mouth")
    render(1004, "identity", "flicker")
    found = {"mine": 3, "Headcast: mouth": 1002, "Headcast: identity, flicker": 1004}
    for _ in range(2):
        assert flag_frames(scene, pattern) == 2
        assert markers(scene) == found
    render(1002)
    render(1004, "flicker")
    assert flag_frames(scene, pattern) == 1
    assert markers(scene) == {"mine": 3, "Headcast: flicker": 1004}
