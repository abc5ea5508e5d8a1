# SPDX-License-Identifier: GPL-3.0-or-later
"""A scene to try everything with: a portrait of a person who does not exist, and a performance to drive it."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import bpy

from .. import compat
from ..core.errors import writing
from ..core.files import whole_file
from ..core.performance import Performance
from .colour_spaces import space_named
from .files import kept
from .sequence import UNTAGGED

SHIPPED = Path(__file__).parents[1] / "sample"
PORTRAIT, DRIVE = "portrait.jpg", "talk.performance"
TAKE = "sample_v001"
SIDE = 256
"""Pixels of the take's square."""


def open_sample(folder: Path) -> bpy.types.Scene:
    """A new scene whose camera shows the take as soon as it is rendered; all its files are in `folder`.

    Raises UnwritableError.
    """
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    for name in (PORTRAIT, DRIVE):
        with whole_file(folder / name) as part:
            shutil.copyfile(SHIPPED / name, part)
    drive = Performance.load(folder / DRIVE)
    scene = bpy.data.scenes.new("Headcast Sample")
    scene.frame_start, scene.frame_end = int(drive.frames[0]), int(drive.frames[-1])
    scene.frame_set(scene.frame_start)
    scene.render.fps, scene.render.fps_base = drive.rate.numerator, drive.rate.denominator
    scene.render.resolution_x = scene.render.resolution_y = SIDE
    scene.view_settings.view_transform = "Standard"
    compat.use_processor_for_compositing(scene)
    settings = scene.headcast
    settings.photos = kept(str(folder / PORTRAIT))
    settings.likeness = kept(str(folder / "sample.likeness"))
    settings.performance = kept(str(folder / DRIVE))
    settings.output = kept(str(folder / "take" / f"{TAKE}.####.exr"))
    settings.render.motion = "relative"
    first = Path(bpy.path.abspath(settings.output.replace("####", f"{scene.frame_start:04d}")))
    scene.camera = _camera(scene, _take_to_come(first), len(drive))
    return scene


def _take_to_come(first: Path) -> bpy.types.Image:
    """The image that `sequence.load_take` fills once there are frames."""
    image = bpy.data.images.get(TAKE) or bpy.data.images.new(TAKE, SIDE, SIDE)
    image.source = "SEQUENCE"
    image.filepath = kept(str(first))
    settings = image.colorspace_settings
    known = [item.identifier for item in settings.bl_rna.properties["name"].enum_items]
    settings.name = space_named(UNTAGGED, known) or settings.name
    return image


def _camera(scene: bpy.types.Scene, image: bpy.types.Image, frames: int) -> bpy.types.Object:
    """A camera that looks at nothing, with the image over its frame."""
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    camera.rotation_euler = (math.pi / 2, 0.0, 0.0)
    scene.collection.objects.link(camera)
    camera.data.show_background_images = True
    shown = camera.data.background_images.new()
    shown.image, shown.alpha, shown.display_depth = image, 1.0, "FRONT"
    user = shown.image_user
    user.frame_start, user.frame_duration = scene.frame_start, frames
    user.frame_offset = scene.frame_start - 1
    user.use_auto_refresh = True
    return camera
