# SPDX-License-Identifier: GPL-3.0-or-later
"""From a clean Blender to a moving head in five clicks, by mouse, in the real window; and nothing holds the window up."""

from __future__ import annotations

import os
import time

import cv2
import numpy as np
from headcast.core.imaging import exr
from headcast.core.imaging.preview import over_checker
from headcast.core.imaging.read import read_photo

from ..conftest import ENGINE_PYTHON
from .window import HEIGHT, PREVIEWED, Window

ENGINE = {
    "python": os.environ.get("HEADCAST_GUI_PYTHON", ENGINE_PYTHON),
    "wheels": os.environ.get("HEADCAST_GUI_WHEELS", ""),
}
"""The preferences. A Python that has the engine is taken as it is; with another, and a folder of wheels, pip is at work."""
INSTALL_SECONDS = 600
MOST_HELD = 50.0
"""Milliseconds that a call from Blender into Headcast may take."""
STILL = "the window stood still"
"""For whatever reason: drawing by software, other programs."""
FRAMES = 48
SIDE = 256
"""Side in pixels of pictures that are compared."""

READY = """
import sys
environment = sys.modules["bl_ext.user_default.headcast.environment"]
report = environment.recall(environment.find_python())
result = bool(report and report["healthy"])
"""
DONE = """
import pathlib, sys
settings = bpy.context.scene.headcast
made = pathlib.Path(bpy.path.abspath(settings.{path}))
result = sys.modules["bl_ext.user_default.headcast.jobs"].current is None and {test}
"""
IN_CAMERA = """
from bpy_extras.view3d_utils import location_3d_to_region_2d
camera = bpy.context.scene.camera
area = next(area for area in bpy.context.window.screen.areas if area.type == "VIEW_3D")
region = next(region for region in area.regions if region.type == "WINDOW")
corners = [camera.matrix_world @ corner for corner in camera.data.view_frame(scene=bpy.context.scene)]
seen = [location_3d_to_region_2d(region, area.spaces.active.region_3d, corner) for corner in corners]
result = [(region.x + round(point.x), region.y + round(point.y)) for point in seen]
"""


def test_from_a_clean_blender_to_a_moving_head(window: Window) -> None:
    held: dict[str, float] = {}
    window.preferences(ENGINE)
    window.run("watch.begin()")
    window.click("headcast.set_up", "PREFERENCES", "WINDOW")  # first
    window.wait(READY, INSTALL_SECONDS)
    held |= longest(window, "set up")
    window.picture("preferences_ready")
    window.view_3d()

    window.show()
    window.click("headcast.open_sample")  # second
    window.wait("result = bpy.context.scene.name == 'Headcast Sample'", 10)
    window.run("watch.begin()")
    window.click("headcast.adapt")  # third
    window.wait(DONE.format(path="likeness", test="made.is_file()"), 180)
    held |= longest(window, "adapt")
    empty = viewport(window, "ready")
    window.run("watch.begin()")
    window.click("headcast.render")  # fourth
    window.wait(DONE.format(path="output", test=f"len(list(made.parent.glob('*.exr'))) == {FRAMES}"), 600)
    held |= longest(window, "render")

    frames = sorted(window.folder.rglob("sample_v001.*.exr"))
    assert len(frames) == FRAMES
    window.run("bpy.context.scene.frame_set(20)")
    take = cv2.resize(exr.read_rgba(frames[19]), (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    shown = viewport(window, "done")
    solid = take[..., 3] > 0.99
    assert solid.mean() > 0.1
    wanted = over_checker(take)
    assert np.abs(shown.astype(int) - wanted)[solid].mean() < 12
    assert np.abs(shown.astype(int) - empty)[solid].mean() > 25

    window.run("bpy.context.scene.frame_set(1)")
    window.click("screen.animation_play", "DOPESHEET_EDITOR", "HEADER")  # fifth
    window.wait("result = bpy.context.scene.frame_current > 12", 60)
    assert np.abs(viewport(window, "plays").astype(int) - shown)[solid].mean() > 1

    complain(held)


def test_the_preview_follows_the_timeline_and_holds_nothing_up(window: Window) -> None:
    window.preferences({"python": ENGINE_PYTHON})
    window.view_3d()
    window.run("bpy.ops.headcast.open_sample()")
    window.run("bpy.ops.headcast.adapt()")
    empty = viewport(window, "no_preview")
    window.run("watch.begin()")
    window.run("bpy.ops.headcast.preview()")
    window.wait(PREVIEWED, 180)
    window.run("bpy.context.scene.frame_set(20)")
    window.wait(PREVIEWED, 60)
    shown = viewport(window, "preview")
    changed = np.abs(shown.astype(int) - empty).max(axis=-1) > 25
    assert 0.1 < changed.mean() < 0.9  # a head, and what is round it
    window.run("bpy.ops.screen.animation_play()")
    time.sleep(8)
    window.run("bpy.ops.screen.animation_cancel()")
    held = longest(window, "preview")
    window.run("bpy.ops.headcast.preview()")
    assert np.abs(viewport(window, "preview_off").astype(int) - empty).mean() < 1
    complain(held)


def complain(held: dict[str, float]) -> None:
    """Fail if Headcast held the window up; the measurements are printed either way."""
    print("\n".join(f"{took:7.1f} ms  {name}" for name, took in sorted(held.items())))
    assert not {name: took for name, took in held.items() if took > MOST_HELD and not name.endswith(STILL)}


def longest(window: Window, during: str) -> dict[str, float]:
    """Milliseconds: the longest that a call held the window, and the longest that it stood still for whatever reason."""
    seen = window.run("result = watch.result()")
    name, (held, took, _) = max(seen["calls"].items(), key=lambda call: call[1][0])
    return {f"{during}: {name} ({took:.1f} ms by the clock)": held, f"{during}: {STILL}": seen["gap"]}


def viewport(window: Window, name: str) -> np.ndarray:
    """[SIDE, SIDE, 3] what the 3D view shows within the camera's frame, sRGB bytes."""
    corners = np.array(window.run(IN_CAMERA))
    (left, bottom), (right, top) = corners.min(axis=0), corners.max(axis=0)
    screen = read_photo(window.picture(name))
    return cv2.resize(screen[HEIGHT - top : HEIGHT - bottom, left:right], (SIDE, SIDE), interpolation=cv2.INTER_AREA)
