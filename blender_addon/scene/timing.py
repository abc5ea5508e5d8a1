"""How Blender counts time."""

from __future__ import annotations

from fractions import Fraction

import bpy


def scene_rate(scene: bpy.types.Scene) -> Fraction:
    """Frames per second."""
    return Fraction(scene.render.fps) / Fraction(scene.render.fps_base).limit_denominator(1001)


def clip_rate(clip: bpy.types.MovieClip, scene: bpy.types.Scene) -> Fraction:
    """Frames per second: a movie's own, the scene's for numbered pictures."""
    return Fraction(clip.fps).limit_denominator(1001) if clip.source == "MOVIE" and clip.fps else scene_rate(scene)
