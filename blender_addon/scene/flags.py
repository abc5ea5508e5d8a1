# SPDX-License-Identifier: GPL-3.0-or-later
"""Markers on the timeline where the quality gate flagged a frame."""

from __future__ import annotations

import bpy

from ..core.take import FramePattern, read_manifest

PREFIX = "Headcast: "


def flag_frames(scene: bpy.types.Scene, pattern: FramePattern) -> int:
    """Put a marker such as "Headcast: mouth" on each flagged frame of the take, replacing those of an earlier render.

    Other markers stay. Returns how many frames are flagged.
    """
    markers = scene.timeline_markers
    for marker in [marker for marker in markers if marker.name.startswith(PREFIX)]:
        markers.remove(marker)
    flagged = {frame: record["flagged"] for frame, record in read_manifest(pattern).items() if record.get("flagged")}
    for frame, reasons in sorted(flagged.items()):
        markers.new(PREFIX + ", ".join(reasons), frame=frame)
    return len(flagged)
