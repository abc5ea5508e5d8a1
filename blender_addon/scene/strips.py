"""A take in the sequencer: a strip of its own over the others, or a modifier of the strip that is its plate."""

from __future__ import annotations

from typing import Any

import bpy

from .. import compat
from ..core.take import FramePattern
from .composite import take_group
from .sequence import COLOUR_SPACE, take_name

KEY = "headcast_take"
"""Custom property of our strips: the name of the take."""


def place_strip(scene: bpy.types.Scene, take: dict[str, Any]) -> bpy.types.Strip:
    """The take as a strip of pictures that begins at its own frame number, over all strips there. The one that is there
    already gets the frames of now, and stays where it was put."""
    name, pattern = take_name(take), FramePattern.parse(take["pattern"])
    files = [pattern.path(frame).name for frame in range(take["first"], take["last"] + 1)]
    strips = compat.strips_of(scene.sequence_editor or scene.sequence_editor_create())
    strip = next((strip for strip in strips if strip.get(KEY) == name), None)
    if strip is None:
        channel = 1 + max((other.channel for other in strips if _overlaps(other, take)), default=0)
        strip = strips.new_image(name, take["output"], channel, take["first"])
        strip[KEY] = name
        strip.blend_type, strip.alpha_mode = "ALPHA_OVER", "PREMUL"
        strip.colorspace_settings.name = COLOUR_SPACE
    strip.directory = str(pattern.folder)
    while len(strip.elements) > len(files):
        strip.elements.pop(-1)
    for element, file in zip(strip.elements, files, strict=False):
        element.filename = file
    for file in files[len(strip.elements) :]:
        strip.elements.append(file)
    return strip


def place_modifier(plate: bpy.types.Strip, image: bpy.types.Image, take: dict[str, Any]) -> bpy.types.StripModifier:
    """The take over the pictures of the strip `plate`, by the take's node group. Since 5.1."""
    group = take_group(image, take)
    for modifier in plate.modifiers:
        if modifier.type == "COMPOSITOR" and modifier.node_group == group:
            return modifier
    modifier = plate.modifiers.new(group.name, "COMPOSITOR")
    modifier.node_group = group
    return modifier


def _overlaps(strip: bpy.types.Strip, take: dict[str, Any]) -> bool:
    return strip.frame_final_start <= take["last"] and strip.frame_final_end > take["first"]
