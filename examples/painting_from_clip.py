# SPDX-License-Identifier: GPL-3.0-or-later
"""Walk-through: a painting acts what somebody does in a clip.

    python examples/painting_from_clip.py PAINTING CLIP OUT_FOLDER

Makes the likeness of PAINTING, tracks the face in CLIP and has the painting play it: whole pictures, for a painting's own
background goes with its head. Leaves in OUT_FOLDER the scene, the take, the comp, a contact sheet and a movie.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import bpy
from headcast.core.imaging.read import open_clip
from headcast.core.performance import Performance
from showing import leave
from staging import empty_scene, end, render_scene, save_as


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    for name in ("painting", "clip", "folder"):
        parser.add_argument(name, type=Path)
    given = parser.parse_args()
    folder, clip = given.folder.resolve(), open_clip(str(given.clip))

    scene = empty_scene(frames=1)
    save_as(folder / "painting_from_clip.blend")
    settings = scene.headcast
    settings.photos = str(given.painting.resolve())
    settings.source, settings.clip = "CLIP", str(given.clip.resolve())
    settings.output = "//take/painting_v001.####.exr"
    settings.render.motion, settings.render.opaque = "relative", True
    bpy.ops.headcast.adapt()
    bpy.ops.headcast.track()
    bpy.ops.headcast.render()

    performance = Performance.load(Path(bpy.path.abspath(settings.performance)))
    scene.frame_start, scene.frame_end = int(performance.frames[0]), int(performance.frames[-1])
    bpy.ops.wm.save_mainfile()
    drive = [frame.picture for frame in clip.frames()]
    leave(folder, [drive, sorted((folder / "take").glob("*.exr")), render_scene(folder, "comp")], clip.rate)


if __name__ == "__main__":
    main()
    end()
