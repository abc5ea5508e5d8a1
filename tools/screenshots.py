# SPDX-License-Identifier: GPL-3.0-or-later
"""`make screenshots`: the guide's pictures, from the real window: `python -m tools.screenshots`.

`$HEADCAST_BLENDER` starts a Blender with windows, `$HEADCAST_PYTHON` is the engine's Python (this one without it). Shows the
sample alone, whose person never lived. The pictures go into docs/pictures; look at them before you commit them.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.gui.window import ADDON, HEIGHT, PREVIEWED, Window, missing

ROOT = Path(__file__).parents[1]
PICTURES = ROOT / "docs" / "pictures"
COLOURS = "160"
"""Colours of a picture's palette: small files, and no gradient that would show it."""
ASIDE = (5, HEIGHT - 5)
"""Where the mouse lights no button."""
SECONDS = 300.0
"""For the longest job, on a busy machine."""

DONE = f"import sys; result = sys.modules['{ADDON}.jobs'].current is None and {{}}"
FAILED = DONE.format(f"sys.modules['{ADDON}.jobs'].last.error is not None")
HALF_WAY = f"import sys; job = sys.modules['{ADDON}.jobs'].current; result = job is not None and job.status.done >= 20"
EXISTS = "__import__('pathlib').Path(bpy.path.abspath(bpy.context.scene.headcast.{})).exists()"
NODES = """
area = [a for a in bpy.context.window.screen.areas if a.type == "VIEW_3D"][0]
area.type = "NODE_EDITOR"
area.ui_type = "CompositorNodeTree"
"""
VIEW_ALL = """
area = [a for a in bpy.context.window.screen.areas if a.type == "NODE_EDITOR"][0]
region = [r for r in area.regions if r.type == "WINDOW"][0]
with bpy.context.temp_override(area=area, region=region):
    bpy.ops.node.view_all()
"""
SCROLL = """
area = [a for a in bpy.context.window.screen.areas if a.type == "VIEW_3D"][0]
region = [r for r in area.regions if r.type == "UI"][0]
with bpy.context.temp_override(area=area, region=region):
    bpy.ops.view2d.scroll_{}(deltay={})
"""
POSE = """
bpy.context.scene.camera.data.show_background_images = False
bones = bpy.context.scene.headcast.rig.pose.bones
bones["head"].rotation_euler[1] = 0.3
for name in ("jawOpen", "browInnerUp"):
    bones["face"][name] = 0.5
bpy.context.scene.headcast.rig.update_tag()
"""
BACK = "[a for a in bpy.context.window.screen.areas if a.type == 'NODE_EDITOR'][0].type = 'VIEW_3D'"


class PictureAlbum:
    """Pictures of a window, cut to what they are about."""

    def __init__(self, window: Window) -> None:
        self.window = window

    def sidebar(self, name: str, area: str = "VIEW_3D") -> None:
        """The Headcast tab alone, as far down as there are panels."""
        self._keep(name, self.window.run(f"result = regions({area!r}, 'UI')[0]"), "-trim", "+repage")

    def editor(self, name: str, area: str = "VIEW_3D") -> None:
        """The editor with its sidebar."""
        left, bottom, width, height = self.window.run(f"result = regions({area!r}, 'WINDOW')[0]")
        self._keep(name, (left, bottom, width, height), "-resize", "900x")

    def _keep(self, name: str, region: tuple[int, int, int, int], *how: str) -> None:
        left, bottom, width, height = region
        self.window.move(*ASIDE)  # no tooltip, no lit button
        time.sleep(2.0)
        cut = f"{width}x{height}+{left}+{HEIGHT - bottom - height}"
        shot = self.window.picture(name)
        made = PICTURES / f"{name}.png"
        subprocess.run(
            ["convert", shot, "-crop", cut, "+repage", *how, "-strip", "+dither", "-colors", COLOURS, f"png8:{made}"],
            check=True,
        )


def take_pictures(window: Window) -> None:
    """From the empty tab to a take in the compositor."""
    album, python = PictureAlbum(window), os.environ.get("HEADCAST_PYTHON", sys.executable)
    window.show()
    album.sidebar("no_engine")
    window.preferences({"python": python})
    window.click("headcast.check_engine", "PREFERENCES", "WINDOW")
    window.wait(DONE.format("True"), SECONDS)
    album.editor("preferences", "PREFERENCES")
    window.view_3d()
    window.show()
    window.run(f"bpy.ops.wm.save_as_mainfile(filepath={str(window.folder / 'sample.blend')!r})")
    window.click("headcast.open_sample")
    window.wait("result = bpy.context.scene.name == 'Headcast Sample'", SECONDS)
    album.sidebar("ready")

    window.click("headcast.check_photos")
    window.wait(DONE.format("len(bpy.context.scene.headcast.checked)"), SECONDS)
    window.click("headcast.adapt")
    window.wait(DONE.format(EXISTS.format("likeness")), SECONDS)
    album.sidebar("likeness")
    photos = window.run("result = bpy.context.scene.headcast.photos")
    window.run(f"bpy.context.scene.headcast.photos = {str(PICTURES / 'preferences.png')!r}")  # nobody's face
    window.click("headcast.adapt")
    window.move(*ASIDE)  # where Blender's own message then appears
    window.wait(FAILED, SECONDS)
    album.sidebar("failed")
    window.press("Escape")  # closes that message, which would take the mouse
    window.run(f"bpy.context.scene.headcast.photos = {photos!r}")
    window.run(SCROLL.format("down", 600))
    window.click("headcast.render")
    window.wait(HALF_WAY, SECONDS)
    album.sidebar("running")
    window.wait(DONE.format("True"), SECONDS)
    window.run(SCROLL.format("up", 600))
    window.run("bpy.context.scene.frame_set(20)")
    album.editor("done")
    window.run(NODES)
    window.show("NODE_EDITOR")
    window.run(VIEW_ALL)
    album.editor("compositor", "NODE_EDITOR")
    window.run(BACK)

    window.run("bpy.ops.headcast.add_control_face('EXEC_DEFAULT')")
    window.run("bpy.ops.headcast.preview()")
    window.run(POSE)
    window.wait(PREVIEWED, SECONDS)
    time.sleep(5.0)  # from the draft to the full picture
    window.run(SCROLL.format("down", 400))
    album.sidebar("control_face")
    album.editor("preview")
    window.run("bpy.ops.headcast.preview()")


def main() -> None:
    reason = missing()
    if reason:
        sys.exit(reason)
    subprocess.run(["make", "-s", "extension"], cwd=ROOT, check=True)
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="headcast-screenshots-") as folder:
        window = Window(Path(folder))
        try:
            window.install(ROOT / "build" / "headcast.zip")
            take_pictures(window)
        finally:
            window.close()


if __name__ == "__main__":
    main()
