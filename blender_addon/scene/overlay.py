# SPDX-License-Identifier: GPL-3.0-or-later
"""The performance's landmarks over the Clip Editor and over the camera's view, in the frame that each shows.

The drawing is registered once and for all, and does nothing where the scene does not ask for it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import bpy
import numpy as np

from ..core.arrays import Doubles
from ..core.landmarks import ibug68
from .performance_state import performance_at

LINE = 1.5
"""Width of a line, in pixels of an interface of scale 1."""
DOT = 4.0
"""Length of the dash that stands for a pupil, in widths of a line."""

_handles: list[tuple[type[bpy.types.Space], Any]] = []


class Rectangle(NamedTuple):
    """Upright, in pixels of a region from its bottom left corner."""

    low: Doubles
    """[2] bottom left"""
    high: Doubles
    """[2] top right"""


def register() -> None:
    """Have Blender call us whenever it draws one of the two editors."""
    for space, draw in ((bpy.types.SpaceClipEditor, _draw_over_clip), (bpy.types.SpaceView3D, _draw_over_camera)):
        _handles.append((space, space.draw_handler_add(draw, (), "WINDOW", "POST_PIXEL")))


def unregister() -> None:
    """The reverse."""
    while _handles:
        space, handle = _handles.pop()
        space.draw_handler_remove(handle, "WINDOW")


def redraw(settings: bpy.types.PropertyGroup | None, context: bpy.types.Context) -> None:
    """Have both editors drawn anew."""
    for window in context.window_manager.windows:
        for area in window.screen.areas:
            if area.type in {"CLIP_EDITOR", "VIEW_3D"}:
                area.tag_redraw()


def shown_face(scene: bpy.types.Scene, frame: int) -> tuple[Doubles, tuple[int, int]] | None:
    """Landmarks [70, 2] in a frame of the scene, in plate pixels, and the plate's width and height.

    None if they are not asked for, if the file is missing or not Headcast's, and in gaps.
    """
    if not scene.headcast.show_landmarks:
        return None
    performance = performance_at(bpy.path.abspath(scene.headcast.performance))
    if performance is None:
        return None
    at = int(np.searchsorted(performance.frames, frame))
    if at == len(performance) or performance.frames[at] != frame or not performance.seen[at]:
        return None
    return performance.landmarks[at].astype(np.float64), (performance.width, performance.height)


def clip_rectangle(visible: tuple[float, float, float, float], region: tuple[int, int]) -> Rectangle:
    """The clip in a region of some width and height that shows the `visible` part of it: left, bottom, right and top, in
    widths and heights of the clip."""
    low, high = np.array(visible[:2]), np.array(visible[2:])
    scale = np.array(region) / (high - low)
    return Rectangle(-low * scale, (1 - low) * scale)


def camera_rectangle(corners: Doubles, view: Doubles, region: tuple[int, int]) -> Rectangle:
    """The camera's frame, its `corners` [4, 3] in the world, in a region seen through the matrix `view` [4, 4]."""
    seen = np.column_stack([corners, np.ones(len(corners))]) @ view.T
    places = (seen[:, :2] / seen[:, 3:] + 1) / 2 * region
    return Rectangle(places.min(axis=0), places.max(axis=0))


def fitted(frame: Rectangle, width: float, height: float) -> Rectangle:
    """The largest rectangle of the shape `width` by `height` in the middle of `frame`."""
    size = np.array([width, height])
    half = size * ((frame.high - frame.low) / size).min() / 2
    middle = (frame.low + frame.high) / 2
    return Rectangle(middle - half, middle + half)


def placed(points: Doubles, plate: tuple[int, int], rectangle: Rectangle) -> Doubles:
    """Plate pixels [N, 2] from the top left corner to pixels of the region whose `rectangle` the plate fills."""
    parts = points / plate
    parts[:, 1] = 1 - parts[:, 1]
    return rectangle.low + parts * (rectangle.high - rectangle.low)


def line_vertices(points: Doubles, dot: float) -> tuple[Doubles, Doubles]:
    """Both ends [2S, 3] of every stroke's segments through `points` [70, 2], and their colours [2S, 4].

    A stroke of one point becomes a dash of the length `dot`.
    """
    first, last, colours = ibug68.segments()
    ends = np.stack([points[first], points[last]], axis=1)
    alone = np.array(first) == np.array(last)
    ends[alone, :, 0] += np.array([-dot, dot]) / 2
    flat = ends.reshape(-1, 2)
    paint = np.repeat(np.column_stack([colours, np.ones(len(colours))]), 2, axis=0)
    return np.column_stack([flat, np.zeros(len(flat))]), paint


def plate_over_clip(context: bpy.types.Context) -> Rectangle | None:
    """Where the plate lies in the Clip Editor that is being drawn; None where it shows no clip."""
    if context.space_data.clip is None:
        return None
    region = context.region
    size = (region.width, region.height)
    visible = (*region.view2d.region_to_view(0, 0), *region.view2d.region_to_view(*size))
    return clip_rectangle(visible, size)


def plate_over_camera(context: bpy.types.Context, plate: tuple[int, int]) -> Rectangle | None:
    """Where a plate of some width and height lies in the 3D view that is being drawn; None where no camera looks."""
    space, view = context.space_data, context.region_data
    camera = space.camera if space.use_local_camera else context.scene.camera
    if view.view_perspective != "CAMERA" or camera is None or camera.type != "CAMERA":
        return None
    render = context.scene.render
    placing = camera.matrix_world.normalized()  # Blender leaves a camera's scale alone
    corners = np.array([placing @ corner for corner in camera.data.view_frame(scene=context.scene)])
    frame = camera_rectangle(corners, np.array(view.perspective_matrix), (context.region.width, context.region.height))
    if render.use_border and render.use_crop_to_border:
        low, high = (
            np.array([render.border_min_x, render.border_min_y]),
            np.array([render.border_max_x, render.border_max_y]),
        )
        frame = Rectangle(*(frame.low + part * (frame.high - frame.low) for part in (low, high)))
    return fitted(frame, plate[0] * render.pixel_aspect_x, plate[1] * render.pixel_aspect_y)


def _draw_over_clip() -> None:
    context = bpy.context
    face = shown_face(context.scene, context.space_data.clip_user.frame_current)
    rectangle = plate_over_clip(context)
    if face is not None and rectangle is not None:
        _draw(placed(*face, rectangle))


def _draw_over_camera() -> None:
    context = bpy.context
    face = shown_face(context.scene, context.scene.frame_current)
    if face is None or not context.space_data.overlay.show_overlays:
        return
    rectangle = plate_over_camera(context, face[1])
    if rectangle is not None:
        _draw(placed(*face, rectangle))


def _draw(points: Doubles) -> None:
    """Points [70, 2] in pixels of the region that is being drawn."""
    import gpu  # where Blender has no window there is no GPU to be had
    from gpu_extras.batch import batch_for_shader

    width = LINE * bpy.context.preferences.system.ui_scale
    places, colours = line_vertices(points, DOT * width)
    shader = gpu.shader.from_builtin("POLYLINE_FLAT_COLOR")
    batch = batch_for_shader(shader, "LINES", {"pos": places.astype(np.float32), "color": colours.astype(np.float32)})
    shader.bind()
    shader.uniform_float("viewportSize", gpu.state.viewport_get()[2:])
    shader.uniform_float("lineWidth", width)
    gpu.state.blend_set("ALPHA")
    batch.draw(shader)
    gpu.state.blend_set("NONE")
