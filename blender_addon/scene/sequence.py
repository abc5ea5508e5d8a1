# SPDX-License-Identifier: GPL-3.0-or-later
"""A take's frames as an image sequence in the .blend file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy

from ..core.errors import SettingError, WrongFileError
from ..core.take import FramePattern, last_run, read_manifest
from .colour_spaces import space_named
from .files import kept
from .identity import shows_take

UNTAGGED = "lin_rec709_scene"


def load_take(take: dict[str, Any]) -> bpy.types.Image:
    """The take (a render's result) as an image; the same image is used again when a take is rendered again.

    An image of another take that bears the same name is left alone.
    """
    first = Path(take["output"])
    image = next((image for image in bpy.data.images if shows_take(image, take["pattern"])), None)
    if image is None:
        image = bpy.data.images.load(str(first))
        image.name = take_name(take)
    image.filepath = kept(str(first))
    image.source = "SEQUENCE"
    set_colour_space(image.colorspace_settings, take)
    image.alpha_mode = "PREMUL"
    image.reload()
    return image


def set_colour_space(settings: bpy.types.ColorManagedInputColorspaceSettings, take: dict[str, Any]) -> None:
    """That of the take's frames, by what its manifest says. Raises SettingError for one that this Blender does not have."""
    tag = last_run(FramePattern.parse(take["pattern"])).get("colour", {}).get("colorInteropID", UNTAGGED)
    name = space_named(tag, [item.identifier for item in settings.bl_rna.properties["name"].enum_items])
    if not name:
        raise SettingError(
            f"Blender has no colour space for frames in '{tag}'", "Convert the plate to ACEScg or linear Rec.709 first"
        )
    settings.name = name


def take_name(take: dict[str, Any]) -> str:
    """`shot_v001` of `shot_v001.1001.exr`."""
    manifest = Path(take["manifest"]).name
    return manifest.split(".")[0]


def find_take(output: str) -> dict[str, Any]:
    """The result of a render for a take that is on disk already. Raises WrongFileError where there is none."""
    pattern = FramePattern.parse(output)
    frames = [frame for frame in read_manifest(pattern) if pattern.path(frame).is_file()]
    if not frames:
        raise WrongFileError(f"There is no take at {output}", "Render it first")
    return _take_of(pattern, frames)


def in_sequences(take: dict[str, Any]) -> dict[str, Any]:
    """The part of a take of `find_take` that Blender's image sequences and clips can show: they do not count below 0.

    Raises SettingError where that is nothing.
    """
    frames = [frame for frame in take["numbers"] if frame >= 0]
    if not frames:
        raise SettingError(
            "Blender's image sequences do not count below 0, and the take ends there", "Use Take to Sequencer"
        )
    return _take_of(FramePattern.parse(take["pattern"]), frames)


def missing_frames(take: dict[str, Any]) -> list[int]:
    """The numbers between a take's first frame and its last that it has no frame for. Blender 4.2's compositor is opaque
    there, and later ones show nothing."""
    return sorted({*range(take["first"], take["last"] + 1)}.difference(take["numbers"]))


def _take_of(pattern: FramePattern, frames: list[int]) -> dict[str, Any]:
    first, last = min(frames), max(frames)
    return {
        "pattern": str(pattern),
        "output": str(pattern.path(first)),
        "manifest": str(pattern.manifest),
        "frames": len(frames),
        "numbers": sorted(frames),
        "first": first,
        "last": last,
    }


def frame_size(image: bpy.types.Image) -> tuple[int, int]:
    """Width and height of a sequence in pixels. A clip knows them, where an image of a sequence or of layers has none
    before it is drawn."""
    clip = bpy.data.movieclips.load(image.filepath)
    try:
        return tuple(clip.size)
    finally:
        bpy.data.movieclips.remove(clip)
