# SPDX-License-Identifier: GPL-3.0-or-later
"""The live preview's picture over the camera's view and the Clip Editor, at the place of the head in the plate.

As with the landmarks, the drawing is registered once and for all, and does nothing where there is nothing to show.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import bpy
import numpy as np
from numpy.typing import NDArray

from .overlay import Rectangle, placed, plate_over_camera, plate_over_clip, redraw

CORNER = 0.4
"""Side of the picture in the corner, in parts of the region's shorter side."""
MARGIN = 20
"""Pixels round it, of an interface of scale 1."""


class PaintedPicture(NamedTuple):
    """A picture that the worker painted."""

    pixels: NDArray[np.float32]
    """[S, S, 4] sRGB, premultiplied, from the top row"""
    crop: tuple[float, float, float]
    """centre x, centre y and side of its square in the plate"""
    plate: tuple[int, int]
    """width and height in pixels"""
    scene: str
    """name of the scene that it is of"""


_shown: PaintedPicture | None = None
_loaded: tuple[PaintedPicture, Any] | None = None
"""The last picture that was drawn, and its texture."""
_handles: list[tuple[type[bpy.types.Space], Any]] = []


def register() -> None:
    """Have Blender call us whenever it draws one of the two editors."""
    for space, draw in ((bpy.types.SpaceClipEditor, _draw_over_clip), (bpy.types.SpaceView3D, _draw_over_view)):
        _handles.append((space, space.draw_handler_add(draw, (), "WINDOW", "POST_PIXEL")))


def unregister() -> None:
    """The reverse."""
    while _handles:
        space, handle = _handles.pop()
        space.draw_handler_remove(handle, "WINDOW")


def show(picture: PaintedPicture | None) -> None:
    """Show this picture from now on, or none."""
    global _shown, _loaded
    _shown = picture
    if picture is None:
        _loaded = None
    redraw(None, bpy.context)


def crop_rectangle(picture: PaintedPicture, plate: Rectangle) -> Rectangle:
    """Where its square lies in a region whose rectangle `plate` the plate fills."""
    x, y, side = picture.crop
    ends = np.array([[x - side / 2, y + side / 2], [x + side / 2, y - side / 2]])
    return Rectangle(*placed(ends, picture.plate, plate))


def corner_rectangle(region: tuple[int, int], covered: int, margin: float) -> Rectangle:
    """A square in the bottom right corner of a region of some width and height, beside a sidebar that covers so much."""
    side = CORNER * min(region[0] - covered, region[1])
    high = np.array([region[0] - covered - margin, margin + side])
    return Rectangle(high - side, high)


def _picture(scene: bpy.types.Scene) -> PaintedPicture | None:
    return _shown if _shown is not None and _shown.scene == scene.name else None


def _draw_over_clip() -> None:
    context = bpy.context
    picture, plate = _picture(context.scene), plate_over_clip(context)
    if picture is not None and plate is not None:
        _draw(picture, crop_rectangle(picture, plate), context)


def _draw_over_view() -> None:
    context = bpy.context
    picture = _picture(context.scene)
    if picture is None or not context.space_data.overlay.show_overlays:
        return
    plate = plate_over_camera(context, picture.plate)
    if plate is not None:
        _draw(picture, crop_rectangle(picture, plate), context)
    elif context.scene.headcast.preview.corner:
        covered = sum(region.width for region in context.area.regions if region.type == "UI" and region.alignment == "RIGHT")
        margin = MARGIN * context.preferences.system.ui_scale
        _draw(picture, corner_rectangle((context.region.width, context.region.height), covered, margin), context)


def _draw(picture: PaintedPicture, where: Rectangle, context: bpy.types.Context) -> None:
    import gpu  # where Blender has no window there is no GPU to be had
    from gpu_extras.batch import batch_for_shader

    (left, bottom), (right, top) = where
    corners = [(left, bottom, 0), (right, bottom, 0), (left, top, 0), (right, top, 0)]
    shader = gpu.shader.from_builtin("IMAGE_COLOR")
    batch = batch_for_shader(shader, "TRI_STRIP", {"pos": corners, "texCoord": [(0, 1), (1, 1), (0, 0), (1, 0)]})
    shader.bind()
    shader.uniform_sampler("image", _texture(picture))
    shader.uniform_float("color", (context.scene.headcast.preview.opacity,) * 4)
    gpu.state.blend_set("ALPHA_PREMULT")
    batch.draw(shader)
    gpu.state.blend_set("NONE")


def _texture(picture: PaintedPicture) -> Any:
    """On the graphics card, once for each picture."""
    global _loaded
    import gpu

    if _loaded is None or _loaded[0] is not picture:
        side = len(picture.pixels)
        values = gpu.types.Buffer("FLOAT", picture.pixels.size, picture.pixels.ravel())
        _loaded = picture, gpu.types.GPUTexture((side, side), format="RGBA16F", data=values)
    return _loaded[1]
