# SPDX-License-Identifier: GPL-3.0-or-later
"""Drive a photographed head from an animated rig, and comp it into the scene.

    python examples/portrait_from_rig.py PHOTO OUT_FOLDER [--frames 48] [--preset warp-256]

Builds its own scene: a face of 68 vertices with shape keys and a nodding head, a plinth, a camera. Makes the likeness of
PHOTO, reads the rig through the camera, renders the take as EXR, wires it into the compositor and renders the comp. Leaves
in OUT_FOLDER the scene, the take, the comp, a contact sheet and a preview movie. Runs on bpy 4.2 to 5.2; where this Python
has no torch, `$HEADCAST_PYTHON` names one that has.
"""

from __future__ import annotations

import argparse
import math
import time
from fractions import Fraction
from pathlib import Path

import bpy
import numpy as np
from headcast.core.landmarks.head import head_model
from mathutils.geometry import delaunay_2d_cdt
from showing import leave
from staging import RATE, add_plinth, empty_scene, end, render_scene, save_as


def build_scene(frames: int) -> bpy.types.Object:
    """The face above a plinth, before the camera; returns the face."""
    scene = empty_scene(frames)
    scene.camera.location = (0.0, -13.0, -0.35)
    add_plinth((0.0, 1.3, -2.25), 0.95)
    return build_face(scene)


def build_face(scene: bpy.types.Scene) -> bpy.types.Object:
    """A mask of 68 vertices, each in its vertex group `lm_NN`, with shape keys and a neck to turn on."""
    points = head_model().landmarks
    places = points[:, [0, 2, 1]] * (1.0, 1.0, -1.0)  # model: y down, z away; Blender: y away, z up
    mesh = bpy.data.meshes.new("Face")
    triangles = delaunay_2d_cdt([tuple(p) for p in points[:, :2] * (1, -1)], [], [], 0, 1e-6)[2]
    mesh.from_pydata([tuple(p) for p in places], [], [tuple(t) for t in triangles])
    face = bpy.data.objects.new("Face", mesh)
    scene.collection.objects.link(face)
    for i in range(len(points)):
        face.vertex_groups.new(name=f"lm_{i:02d}").add([i], 1.0, "REPLACE")

    face.shape_key_add(name="Basis")
    for name, change in expressions(points).items():
        key = face.shape_key_add(name=name)
        moved = (points + change)[:, [0, 2, 1]] * (1.0, 1.0, -1.0)
        key.data.foreach_set("co", moved.astype(np.float32).ravel())

    neck = bpy.data.objects.new("Neck", None)
    neck.location = (0.0, 1.3, -1.4)
    scene.collection.objects.link(neck)
    face.parent = neck
    face.location = -neck.location
    return face


def expressions(points: np.ndarray) -> dict[str, np.ndarray]:
    """Shape keys as offsets [68, 3] from the neutral face."""
    jaw = np.zeros_like(points)
    jaw[4:13, 1] = 0.3 * np.cos(np.linspace(-1.1, 1.1, 9))
    jaw[[55, 56, 57, 58, 59], 1] = (0.2, 0.28, 0.3, 0.28, 0.2)
    jaw[[65, 66, 67], 1] = (0.26, 0.28, 0.26)
    jaw[[48, 54, 60, 64], 1] = 0.1
    blink = np.zeros_like(points)
    for upper, lower in ((37, 41), (38, 40), (43, 47), (44, 46)):
        blink[upper] = (points[lower] - points[upper]) * 0.9
    smile = np.zeros_like(points)
    smile[[48, 60]] = (-0.09, -0.06, 0.04)
    smile[[54, 64]] = (0.09, -0.06, 0.04)
    brows = np.zeros_like(points)
    brows[17:27, 1] = -0.1
    return {"jawOpen": jaw, "blink": blink, "smile": smile, "browsUp": brows}


def animate(face: bpy.types.Object, frames: int) -> None:
    """The head looks round and nods while it speaks, smiles and blinks."""
    neck, keys = face.parent, face.data.shape_keys.key_blocks
    for frame in range(1, frames + 1):
        t = (frame - 1) / max(1, frames - 1)
        neck.rotation_euler = (
            math.radians(5 * math.sin(4 * math.pi * t)),
            math.radians(4 * math.sin(2 * math.pi * t + 1)),
            math.radians(16 * math.sin(2 * math.pi * t)),
        )
        neck.keyframe_insert("rotation_euler", frame=frame)
        keys["jawOpen"].value = 0.45 * max(0.0, math.sin(10 * math.pi * t)) * (t < 0.8)
        keys["smile"].value = max(0.0, min(1.0, 5 * (t - 0.75)))
        keys["browsUp"].value = 0.5 + 0.5 * math.sin(3 * math.pi * t)
        keys["blink"].value = max(math.exp(-(((t - at) / 0.03) ** 2)) for at in (0.3, 0.72))
        for name in ("jawOpen", "smile", "browsUp", "blink"):
            keys[name].keyframe_insert("value", frame=frame)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("photo", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--frames", type=int, default=48)
    parser.add_argument("--preset", default="warp-256")
    given = parser.parse_args()
    started = time.monotonic()
    folder = given.folder.resolve()

    face = build_scene(given.frames)
    animate(face, given.frames)
    save_as(folder / "portrait_from_rig.blend")
    rig_frames = render_scene(folder, "rig")

    settings = bpy.context.scene.headcast
    settings.photos = str(given.photo.resolve())
    settings.source, settings.rig = "RIG", face
    settings.output = "//take/portrait_v001.####.exr"
    settings.adapt.preset = given.preset
    settings.render.motion, settings.render.frame = "relative", "plate"
    bpy.ops.headcast.adapt()
    bpy.ops.headcast.track_rig()
    bpy.ops.headcast.render()
    bpy.ops.wm.save_mainfile()
    face.hide_render = True
    comp_frames = render_scene(folder, "comp")
    leave(folder, [rig_frames, sorted((folder / "take").glob("*.exr")), comp_frames], Fraction(RATE))
    print(f"{time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
    end()
