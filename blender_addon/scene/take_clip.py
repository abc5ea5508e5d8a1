# SPDX-License-Identifier: GPL-3.0-or-later
"""A take in the Movie Clip Editor: to track it, stabilise it, or look at it beside its footage."""

from __future__ import annotations

from typing import Any

import bpy

from .files import kept
from .identity import shows_take
from .sequence import set_colour_space, take_name


def place_clip(take: dict[str, Any]) -> bpy.types.MovieClip:
    """The take as a clip whose first frame lies at its own number; the clip that is there already keeps its tracks.

    Raises SettingError.
    """
    clip = next((clip for clip in bpy.data.movieclips if shows_take(clip, take["pattern"])), None)
    if clip is None:
        clip = bpy.data.movieclips.load(take["output"])
        clip.name = take_name(take)
    clip.filepath = kept(take["output"])
    set_colour_space(clip.colorspace_settings, take)
    clip.frame_start, clip.frame_offset = take["first"], 0
    return clip
