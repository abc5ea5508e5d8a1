# SPDX-License-Identifier: GPL-3.0-or-later
"""A take in the sequencer: a strip of its own over the others, or a modifier of the strip that is its plate."""

from __future__ import annotations

from typing import Any

import bpy

from .. import compat
from ..core.errors import SettingError, UnreadableImageError
from ..core.take import FramePattern
from ..nodes.take import SEQUENCE
from .composite import take_group
from .files import kept
from .identity import family_of, family_of_files, family_of_take
from .sequence import missing_frames, set_colour_space, take_name

KEY, FIRST_KEY = "headcast_take", "headcast_first"
"""Custom properties of our strips: the name of the take, and the number of its first frame."""


def place_strip(scene: bpy.types.Scene, take: dict[str, Any]) -> bpy.types.Strip:
    """The take as a strip of pictures that begins at its own frame number, over all strips there. The one that is there
    already gets the frames of now, and stays where it was put.

    Raises UnreadableImageError before 4.5 where files have several layers, and SettingError, also where frames are missing
    in between: Blender (4.2 to 5.2) may crash on a strip that lacks a picture.
    """
    missing = missing_frames(take)
    if missing:
        raise SettingError(
            f"The take lacks frame {missing[0]}, and Blender may crash on a strip that lacks pictures",
            "Render what is between, or use Take to Compositor",
        )
    name, pattern = take_name(take), FramePattern.parse(take["pattern"])
    files = [pattern.path(frame).name for frame in range(take["first"], take["last"] + 1)]
    strips = compat.strips_of(scene.sequence_editor or scene.sequence_editor_create())
    strip = next((strip for strip in strips if KEY in strip and _family(strip) == family_of_take(take["pattern"])), None)
    if strip is None:
        channel = 1 + max((other.channel for other in strips if _overlaps(other, take)), default=0)
        strip = strips.new_image(name, take["output"], channel, take["first"])
        if not strip.elements[0].orig_width:
            strips.remove(strip)
            raise UnreadableImageError(
                f"Blender {bpy.app.version_string} cannot show {take['output']} in the sequencer",
                "Files of several layers need a later Blender: render the head's layer alone",
            )
        strip[KEY], strip[FIRST_KEY] = name, take["first"]
        strip.blend_type, strip.alpha_mode = "ALPHA_OVER", "PREMUL"
        set_colour_space(strip.colorspace_settings, take)
    strip[KEY] = name
    strip.directory = kept(str(pattern.folder))
    while len(strip.elements) > len(files):
        strip.elements.pop(-1)
    for element, file in zip(strip.elements, files, strict=False):
        element.filename = file
    for file in files[len(strip.elements) :]:
        strip.elements.append(file)
    strip.frame_start += take["first"] - strip[FIRST_KEY]
    strip[FIRST_KEY] = take["first"]
    return strip


def place_modifier(plate: bpy.types.Strip, image: bpy.types.Image, take: dict[str, Any]) -> bpy.types.StripModifier:
    """The take over the pictures of the strip `plate`, by the take's node group. Since 5.2."""
    group = take_group(image, take)
    for modifier in plate.modifiers:
        if modifier.type == "COMPOSITOR" and modifier.node_group and _shows(modifier.node_group) == family_of(image):
            modifier.node_group = group
            return modifier
    modifier = plate.modifiers.new(group.name, "COMPOSITOR")
    modifier.node_group = group
    return modifier


def _shows(group: bpy.types.NodeTree) -> str:
    """The family of the take that a group shows; empty for none."""
    return family_of(getattr(group.nodes.get(SEQUENCE), "image", None))


def _family(strip: bpy.types.Strip) -> str:
    """The take whose frames one of Headcast's strips shows."""
    elements = getattr(strip, "elements", ())
    return family_of_files(bpy.path.abspath(strip.directory), elements[0].filename) if len(elements) else ""


def _overlaps(strip: bpy.types.Strip, take: dict[str, Any]) -> bool:
    return strip.frame_final_start <= take["last"] and strip.frame_final_end > take["first"]
