# SPDX-License-Identifier: GPL-3.0-or-later
"""How Blender counts time."""

from __future__ import annotations

from fractions import Fraction

import bpy

from ..core.rates import exact_rate
from ..locale import said


def scene_rate(scene: bpy.types.Scene) -> Fraction:
    """Frames per second. Blender has them as a whole number over a float of 32 bits."""
    return exact_rate(Fraction(scene.render.fps) / Fraction(scene.render.fps_base).limit_denominator(1001))


def clip_rate(clip: bpy.types.MovieClip, scene: bpy.types.Scene) -> Fraction:
    """Frames per second: a movie's own, the scene's for numbered pictures."""
    return exact_rate(clip.fps) if clip.source == "MOVIE" and clip.fps else scene_rate(scene)


def two_rates(performance: Fraction, scene: Fraction) -> str:
    """That a performance and the scene count time in different ways, in words."""
    return said("The performance has {:.5g} frames a second, the scene {:.5g}", float(performance), float(scene))
