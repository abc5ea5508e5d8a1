# SPDX-License-Identifier: GPL-3.0-or-later
"""Walk-through: drive a portrait from a Rigify face.

    python examples/portrait_from_rigify.py PHOTO OUT_FOLDER [--frames 48]

Generates Rigify's human, sets keys on the controls of its face, makes the likeness of PHOTO, reads the rig through the
scene's camera and renders the take over the scene. Leaves in OUT_FOLDER the scene, the take, the comp, a contact sheet and a
movie.
"""

from __future__ import annotations

import argparse
import math
from fractions import Fraction
from pathlib import Path

import bpy
from showing import leave
from staging import RATE, add_plinth, empty_scene, end, render_scene, save_as

DISTANCE = 1.2
"""From the camera to the face, in metres."""

ROTATIONS = {"head": (6.0, 18.0, 4.0), "jaw_master": (9.0, 0.0, 0.0)}
"""Degrees about each control's own axes, at most."""
MOVES = {
    "lips.L": (0.008, 0.0, 0.006),
    "lips.R": (-0.008, 0.0, 0.006),
    "brow.T.L.002": (0.0, 0.0, 0.006),
    "brow.T.R.002": (0.0, 0.0, 0.006),
}
"""Metres along each control's own axes, at most."""


def build_rig(scene: bpy.types.Scene) -> bpy.types.Object:
    """Rigify's human, the camera before its face and a plinth below it."""
    bpy.ops.preferences.addon_enable(module="rigify")
    bpy.ops.object.armature_human_metarig_add()
    metarig = bpy.context.object
    bpy.ops.pose.rigify_generate()
    rig = next(item for item in bpy.data.objects if item.type == "ARMATURE" and item is not metarig)
    bpy.data.objects.remove(metarig)
    face = rig.matrix_world @ rig.data.bones["DEF-nose"].head_local
    scene.camera.location = (face.x, face.y - DISTANCE, face.z)
    add_plinth((face.x, face.y + 0.1, face.z - 0.16), 0.09)
    return rig


def animate(rig: bpy.types.Object, frames: int) -> None:
    """The head looks round and nods while it speaks, smiles and lifts its brows."""
    for frame in range(1, frames + 1):
        t = (frame - 1) / max(1, frames - 1)
        turn = (math.sin(4 * math.pi * t), math.sin(2 * math.pi * t), math.sin(2 * math.pi * t + 1))
        speech, smile = max(0.0, math.sin(10 * math.pi * t)) * (t < 0.8), max(0.0, min(1.0, 5 * (t - 0.75)))
        shares = {"head": turn, "jaw_master": (speech,) * 3, "lips.L": (smile,) * 3, "lips.R": (smile,) * 3}
        lift = (0.5 + 0.5 * math.sin(3 * math.pi * t),) * 3
        for name, most in ROTATIONS.items():
            bone = rig.pose.bones[name]
            bone.rotation_mode = "XYZ"
            bone.rotation_euler = [math.radians(angle * share) for angle, share in zip(most, shares[name], strict=True)]
            bone.keyframe_insert("rotation_euler", frame=frame)
        for name, most in MOVES.items():
            bone = rig.pose.bones[name]
            bone.location = [way * share for way, share in zip(most, shares.get(name, lift), strict=True)]
            bone.keyframe_insert("location", frame=frame)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("photo", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--frames", type=int, default=48)
    given = parser.parse_args()
    folder = given.folder.resolve()

    scene = empty_scene(given.frames)
    rig = build_rig(scene)
    animate(rig, given.frames)
    save_as(folder / "portrait_from_rigify.blend")

    settings = scene.headcast
    settings.photos = str(given.photo.resolve())
    settings.source, settings.rig = "RIG", rig
    settings.output = "//take/portrait_v001.####.exr"
    settings.render.motion, settings.render.frame = "relative", "plate"
    bpy.ops.headcast.adapt()
    bpy.ops.headcast.track_rig()
    bpy.ops.headcast.render()
    bpy.ops.wm.save_mainfile()
    leave(folder, [sorted((folder / "take").glob("*.exr")), render_scene(folder, "comp")], Fraction(RATE))


if __name__ == "__main__":
    main()
    end()
