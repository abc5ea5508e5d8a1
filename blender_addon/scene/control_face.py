# SPDX-License-Identifier: GPL-3.0-or-later
"""The control face: a rig whose sliders, keys and poses are Blender's own, and which is read as any other rig.

An armature with a bone that turns the head and a bone whose custom properties are the sliders, and a mesh of the 70
landmarks, whose shape keys follow the sliders through drivers that need no permission to run Python. Nothing in it needs the
add-on: a file that holds one plays everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from math import pi

import bpy
import numpy as np
from mathutils import Matrix, Vector

from ..core.arrays import Doubles
from ..core.errors import RigError
from ..core.landmarks import arkit, ibug68
from ..core.landmarks.face_model import face_model
from ..core.landmarks.naming import LANDMARKS
from .cameras import camera_at
from .rig import frame_size, lens_of, seen_at

NAME = "Headcast Face"
KEY, VERSION = "headcast_face", 1
"""Custom property by which the armature is known, and how it is built."""
HEAD, FACE = "head", "face"
"""The bones."""
TURN_ORDER = "ZXY"
"""Blender's word for: yaw, in which pitch, in which roll. So yaw stays a turn about the neck however the head nods."""
LOOKS = {
    "eyeLookOutLeft": ("gaze_x", 1),
    "eyeLookInRight": ("gaze_x", 1),
    "eyeLookInLeft": ("gaze_x", -1),
    "eyeLookOutRight": ("gaze_x", -1),
    "eyeLookUpLeft": ("gaze_y", 1),
    "eyeLookUpRight": ("gaze_y", 1),
    "eyeLookDownLeft": ("gaze_y", -1),
    "eyeLookDownRight": ("gaze_y", -1),
}
"""Expressions that follow from where the eyes look, and which way of it."""
GAZE = {
    "gaze_x": "Where the eyes look: to the picture's left (-1) or right (1)",
    "gaze_y": "Where the eyes look: down or up",
}
EXPRESSIONS = tuple(name for name in arkit.EXPRESSIONS if name not in LOOKS)
SLIDERS = (*GAZE, *EXPRESSIONS)
"""Custom properties of the bone FACE."""

UNIT = 0.063
"""Metres between the eyes."""
AXES = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])
"""From the model's axes to those of a face that looks along -Y with Z up."""
PIVOT, CROWN = (0.0, 0.75, 1.35), (0.0, -1.2, 1.35)
"""Where the skull sits on the neck, and where its bone ends, in model units."""
CHIN, BELOW = (0.0, 2.1, 0.0), (0.0, 2.5, 0.0)
"""Where the bone FACE begins and ends."""
EYES_PART = 0.15
"""Distance of the eyes in parts of the frame's shorter side, when the face is added: the head fills about half of it."""
DOT = 0.035
"""Half the width of the diamond that shows a pupil, in model units."""
LIGHT = 1e-3
"""Weight of the head on each landmark, so small that a landmark's own handle has the say wherever there is one."""


def is_control_face(item: bpy.types.Object | None) -> bool:
    """Whether an object is the armature of a control face."""
    return item is not None and item.type == "ARMATURE" and KEY in item


def in_metres(points: Doubles) -> Doubles:
    """Model points [..., 3] in the armature's space."""
    return np.asarray(UNIT * np.asarray(points) @ AXES.T)


def add_face(scene: bpy.types.Scene, rest: Doubles | None = None, part: float = EYES_PART) -> bpy.types.Object:
    """Add a control face before the scene's camera, which is added where there is none, and return its armature.

    rest: [70, 3] the face doing nothing, in model units, as it is seen without perspective; the average one without. part:
    the distance of its eyes in parts of the frame's shorter side. Raises RigError for a camera without perspective.
    """
    camera = camera_at(scene, scene.frame_current) or _add_camera(scene)
    check_camera(camera)
    bpy.context.view_layer.update()
    depsgraph = bpy.context.evaluated_depsgraph_get()
    seeing = camera.evaluated_get(depsgraph)
    lens, (width, height) = lens_of(seeing, scene, depsgraph), frame_size(scene)
    distance = lens[0, 0] * width / 2 / (part * min(width, height))
    place = Matrix.Translation(seen_at(lens, 0.0, 0.0, UNIT * distance)) @ Matrix.Rotation(-pi / 2, 4, "X")
    data = bpy.data.armatures.new(NAME)
    data.display_type = "STICK"
    rig = bpy.data.objects.new(NAME, data)
    rig[KEY] = VERSION
    rig.show_in_front = True
    scene.collection.objects.link(rig)
    _add_bones(rig)
    _add_sliders(rig.pose.bones[FACE])
    _add_landmarks(scene, rig, face_model().neutral if rest is None else rest, distance)
    rig.matrix_world = seeing.matrix_world.normalized() @ place
    return rig


def landmarks_of(rig: bpy.types.Object) -> bpy.types.Object:
    """The mesh of the landmarks. Raises RigError where it is gone."""
    for child in rig.children:
        if child.type == "MESH" and LANDMARKS[0] in child.vertex_groups:
            return child
    raise RigError(f"'{rig.name}' has lost its landmarks", "Add a control face anew")


def reset(rig: bpy.types.Object) -> None:
    """Put every control to rest."""
    for name in SLIDERS:
        rig.pose.bones[FACE][name] = 0.0
    for bone in (rig.pose.bones[HEAD], *handles(rig)):
        bone.location, bone.rotation_euler = (0.0, 0.0, 0.0), (0.0, 0.0, 0.0)
    rig.update_tag()


def key_all(rig: bpy.types.Object, frame: int) -> None:
    """Key every control as it stands."""
    key_expression(rig, frame)
    for name in GAZE:
        rig.pose.bones[FACE].keyframe_insert(slider_path(name), frame=frame, group=FACE)
    for channel in ("location", "rotation_euler"):
        rig.pose.bones[HEAD].keyframe_insert(channel, frame=frame, group=HEAD)


def key_expression(rig: bpy.types.Object, frame: int) -> None:
    """Key what the face does; not how the head is turned nor where the eyes look."""
    for name in EXPRESSIONS:
        rig.pose.bones[FACE].keyframe_insert(slider_path(name), frame=frame, group=FACE)
    for bone in handles(rig):
        bone.keyframe_insert("location", frame=frame, group=bone.name)


def handles(rig: bpy.types.Object) -> list[bpy.types.PoseBone]:
    """The landmarks' handles, as many as were added."""
    return [bone for bone in rig.pose.bones if bone.name in LANDMARKS]


def slider_path(name: str) -> str:
    """Blender's word for a slider, said of the bone FACE."""
    return f'["{name}"]'


def animated_path(bone: str, channel: str) -> str:
    """Blender's word for what `slider_path` says, or for a channel such as `.location`, said of the armature."""
    return f'pose.bones["{bone}"]{channel}'


@contextmanager
def editing(rig: bpy.types.Object) -> Iterator[bpy.types.ArmatureEditBones]:
    """The armature's bones, to be changed. It is the active object then, in the mode that it was in."""
    mode = rig.mode
    if bpy.context.mode != "OBJECT":
        bpy.ops.object.mode_set(mode="OBJECT")
    bpy.context.view_layer.objects.active = rig
    bpy.ops.object.mode_set(mode="EDIT")
    try:
        yield rig.data.edit_bones
    finally:
        bpy.ops.object.mode_set(mode=mode)


def add_bone(
    bones: bpy.types.ArmatureEditBones, name: str, start: Doubles, end: Doubles, parent: str = ""
) -> bpy.types.EditBone:
    """A bone between two places in the armature's space, which turns about the axes that `core.landmarks.measure` counts by:
    X lifts the nose, Y turns it to the picture's right, Z tilts the head clockwise."""
    bone = bones.new(name)
    bone.head, bone.tail = Vector(start), Vector(end)
    bone.align_roll(Vector((0.0, 1.0, 0.0)))
    bone.parent = bones.get(parent)
    return bone


def check_camera(camera: bpy.types.Object | None) -> None:
    """Raises RigError where there is none, and for one without perspective, which shows nobody larger who comes near."""
    if camera is None:
        raise RigError("The scene has no camera", "Add one, or make one the active camera")
    if camera.type != "CAMERA" or camera.data.type != "PERSP":
        raise RigError(f"The camera '{camera.name}' has no perspective", "Set its type to Perspective")


def _add_bones(rig: bpy.types.Object) -> None:
    with editing(rig) as bones:
        add_bone(bones, HEAD, *in_metres([PIVOT, CROWN]))
        add_bone(bones, FACE, *in_metres([CHIN, BELOW]), HEAD).use_deform = False
    rig.pose.bones[HEAD].rotation_mode = TURN_ORDER
    rig.pose.bones[HEAD].lock_scale = (True, True, True)
    sliders = rig.pose.bones[FACE]
    sliders.lock_location = sliders.lock_rotation = sliders.lock_scale = (True, True, True)


def _add_sliders(bone: bpy.types.PoseBone) -> None:
    for name in SLIDERS:
        low, about = (-1.0, GAZE[name]) if name in GAZE else (0.0, f"How much of ARKit's {name}")
        bone[name] = 0.0
        limits = {"min": low, "max": 1.0, "soft_min": low, "soft_max": 1.0}
        bone.id_properties_ui(name).update(default=0.0, description=about, **limits)
        bone.property_overridable_library_set(slider_path(name), True)


def _add_landmarks(scene: bpy.types.Scene, rig: bpy.types.Object, rest: Doubles, distance: float) -> None:
    """The mesh, which the head carries: a vertex group for each landmark, a driven shape key for each expression.

    distance: of the camera, in model units.
    """

    def places(face: Doubles) -> Doubles:
        return in_metres(_with_dots(_seen_from(face, distance)))

    data = bpy.data.meshes.new(f"{NAME} Landmarks")
    data.from_pydata([Vector(place) for place in places(rest)], _edges(), [])
    mesh = bpy.data.objects.new(data.name, data)
    scene.collection.objects.link(mesh)
    mesh.parent = rig
    mesh.display_type, mesh.show_in_front, mesh.hide_select, mesh.hide_render = "WIRE", True, True, True
    for i, name in enumerate(LANDMARKS):
        mesh.vertex_groups.new(name=name).add([i, *_dot(i)], 1.0, "REPLACE")
    mesh.vertex_groups.new(name=HEAD).add(list(range(len(data.vertices))), LIGHT, "REPLACE")
    mesh.modifiers.new(rig.name, "ARMATURE").object = rig
    mesh.shape_key_add(name="Basis")
    for name, acts in zip(arkit.EXPRESSIONS, face_model().expressions, strict=True):
        key = mesh.shape_key_add(name=name)
        key.value = 0.0  # Blender 5.2 makes it 1
        key.data.foreach_set("co", places(rest + acts).astype(np.float32).ravel())
        _drive(key, rig, name)


def _dot(landmark: int) -> range:
    """The vertices of the diamond round a pupil; none for other landmarks."""
    first = ibug68.COUNT + 4 * (landmark - ibug68.RIGHT_PUPIL)
    return range(first, first + 4) if landmark in ibug68.PUPILS else range(0)


def _with_dots(face: Doubles) -> Doubles:
    """The face [70, 3] and the corners of both diamonds, which have the pupils in their middles: [78, 3]."""
    corners = DOT * np.array([(1, 0, 0), (0, 1, 0), (-1, 0, 0), (0, -1, 0)])
    return np.concatenate([face, *(face[pupil] + corners for pupil in ibug68.PUPILS)])


def _edges() -> list[tuple[int, int]]:
    """The strokes, and both diamonds."""
    first, last, _ = ibug68.segments()
    strokes = [(a, b) for a, b in zip(first, last, strict=True) if a != b]
    dots = [(dot[i], dot[i - 1]) for dot in map(_dot, ibug68.PUPILS) for i in range(4)]
    return strokes + dots


def _seen_from(face: Doubles, distance: float) -> Doubles:
    """The face [70, 3] that looks from so near as `face` does without perspective: wider where it is farther away."""
    depth = face[:, 2:]
    return np.concatenate([face[:, :2] * (1 + depth / distance), depth], axis=1)


def _drive(key: bpy.types.ShapeKey, rig: bpy.types.Object, name: str) -> None:
    """Have the shape key follow its slider."""
    slider, way = LOOKS.get(name, (name, 0))
    driver = key.driver_add("value").driver
    follow = driver.variables.new()
    follow.name, follow.targets[0].id = "v", rig
    follow.targets[0].data_path = animated_path(FACE, slider_path(slider))
    if way:  # one of Blender's simple expressions, which no file needs to be trusted for
        driver.type, driver.expression = "SCRIPTED", "max(v, 0)" if way > 0 else "max(-v, 0)"
    else:
        driver.type = "SUM"


def _add_camera(scene: bpy.types.Scene) -> bpy.types.Object:
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    camera.location, camera.rotation_euler = (0.0, -1.0, 0.0), (pi / 2, 0.0, 0.0)
    scene.collection.objects.link(camera)
    scene.camera = camera
    return camera
