# SPDX-License-Identifier: GPL-3.0-or-later
"""The dials of speech that an artist has keyed, over time."""

from __future__ import annotations

from fractions import Fraction

import bpy

from .. import compat
from ..core.settings import KEYED

PATH = "headcast.speak."


def speech_keys(scene: bpy.types.Scene, first: int, rate: Fraction) -> dict[str, list[float]]:
    """A value of each keyed dial for every frame from its first key to the last of all, and the seconds of these since frame
    `first`; empty where none is keyed."""
    curves = {curve.data_path.removeprefix(PATH): curve for curve in compat.curves_of(scene)}
    curves = {name: curve for name, curve in curves.items() if name in KEYED and len(curve.keyframe_points)}
    if not curves:
        return {}
    ranges = [curve.range() for curve in curves.values()]
    frames = range(int(min(begin for begin, _ in ranges)), int(max(end for _, end in ranges)) + 2)
    keys = {"seconds": [float((frame - first) / rate) for frame in frames]}
    for name, curve in curves.items():
        limits = scene.headcast.speak.bl_rna.properties[name]
        keys[name] = [min(max(curve.evaluate(frame), limits.hard_min), limits.hard_max) for frame in frames]
    return keys
