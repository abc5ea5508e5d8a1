# SPDX-License-Identifier: GPL-3.0-or-later
"""A take on a plane that fills the camera's frame."""

from __future__ import annotations

from typing import Any

import bpy
from mathutils import Vector

from ..core.errors import RigError
from .cameras import camera_at
from .identity import family_of, family_of_take
from .sequence import frame_size, take_name

KEY = "headcast_take"
"""Custom property of our planes: the name of the take, for people. Which take it is the image says."""
LIFETIME = "Lifetime"
"""The node that makes the plane clear before the take's first frame and after its last."""


def place_plane(scene: bpy.types.Scene, image: bpy.types.Image, take: dict[str, Any], distance: float) -> bpy.types.Object:
    """The take on a plane, `distance` before the camera of its first frame, that shines by itself. The one that is there
    already is fitted anew. Raises RigError where the scene has no camera, or a panoramic one."""
    camera = camera_at(scene, take["first"])
    if camera is None or camera.type != "CAMERA":
        raise RigError(f"The scene '{scene.name}' has no camera", "Add one, or make one the active camera")
    if camera.data.type == "PANO":
        raise RigError("A plane before a panoramic camera is bent", "Use a perspective or an orthographic camera")
    name = take_name(take)
    family = family_of_take(take["pattern"])
    plane = next((item for item in scene.objects if KEY in item and _family(item) == family), None)
    if plane is None:
        plane = bpy.data.objects.new(f"Headcast {name}", _square(name))
        plane[KEY] = name
        scene.collection.objects.link(plane)
        plane.data.materials.append(_shining(name))
        for ray in ("diffuse", "glossy", "transmission", "volume_scatter", "shadow"):
            setattr(plane, f"visible_{ray}", False)
    plane[KEY] = name
    plane.parent = camera
    plane.matrix_parent_inverse.identity()
    _fit(plane, scene, camera.data, frame_size(image), distance)
    _follow_lens(plane, camera.data, distance)
    _show(plane.data.materials[0], image, take)
    return plane


def _square(name: str) -> bpy.types.Mesh:
    """From -1 to 1, with the picture on its whole front."""
    mesh = bpy.data.meshes.new(f"Headcast {name}")
    corners = [(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)]
    mesh.from_pydata([(x, y, 0.0) for x, y in corners], [], [range(4)])
    layer = mesh.uv_layers.new(name="UVMap")
    for loop, (x, y) in zip(layer.data, corners, strict=True):
        loop.uv = ((x + 1) / 2, (y + 1) / 2)
    return mesh


def _fit(
    plane: bpy.types.Object, scene: bpy.types.Scene, camera: bpy.types.Camera, size: tuple[int, int], distance: float
) -> None:
    """Into the middle of the camera's frame, as large as a picture of this shape can be in there."""
    corners = camera.view_frame(scene=scene)
    reach = distance / -corners[0].z if camera.type == "PERSP" else 1.0
    low, high = (Vector(pick(corner[axis] for corner in corners) for axis in (0, 1)) * reach for pick in (min, max))
    width, height = high - low
    shape = size[0] * scene.render.pixel_aspect_x, size[1] * scene.render.pixel_aspect_y
    scale = min(width / shape[0], height / shape[1]) / 2
    plane.location = (*((low + high) / 2), -distance)
    plane.rotation_euler = (0.0, 0.0, 0.0)
    plane.scale = (shape[0] * scale, shape[1] * scale, 1.0)


def _follow_lens(plane: bpy.types.Object, camera: bpy.types.Camera, distance: float) -> None:
    """Drivers that keep the plane in the frame of a camera whose lens or shift changes."""
    if camera.type == "ORTHO":
        paths, reach, now = {"size": "ortho_scale"}, "size", camera.ortho_scale
    else:
        sensor = "sensor_height" if camera.sensor_fit == "VERTICAL" else "sensor_width"
        paths, reach = {"lens": "lens", "sensor": sensor}, f"{distance:.9g} * sensor / lens"
        now = distance * getattr(camera, sensor) / camera.lens
    for axis, shift in enumerate(("shift_x", "shift_y")):
        _drive(plane, "scale", axis, f"{plane.scale[axis] / now:.9g} * {reach}", camera, paths)
        _drive(plane, "location", axis, f"shift * {reach}", camera, {**paths, "shift": shift})


def _drive(
    owner: bpy.types.ID, path: str, index: int, expression: str, source: bpy.types.ID | None, paths: dict[str, str]
) -> None:
    """A driver of simple arithmetic, which Blender runs where scripts are not trusted, too."""
    owner.driver_remove(path, index)
    driver = owner.driver_add(path, index).driver
    for name, of in paths.items():
        variable = driver.variables.new()
        variable.name = name
        target = variable.targets[0]
        target.id_type, target.id, target.data_path = "CAMERA", source, of
    driver.expression = expression


def _family(plane: bpy.types.Object) -> str:
    """The take that one of Headcast's planes shows."""
    material = plane.data.materials[0] if plane.type == "MESH" and plane.data.materials else None
    node = material.node_tree.nodes.get("Take") if material and material.node_tree else None
    return family_of(getattr(node, "image", None))


def _shining(name: str) -> bpy.types.Material:
    """The plane shows the picture's own colour whatever the light, and is transparent where its alpha is 0."""
    material = bpy.data.materials.new(f"Headcast {name}")
    material.use_nodes = True
    material.surface_render_method = "BLENDED"
    tree = material.node_tree
    tree.nodes.clear()
    kinds = ("TexImage", "Emission", "BsdfTransparent", "MixShader", "OutputMaterial")
    picture, light, clear, mixed, output = (tree.nodes.new(f"ShaderNode{kind}") for kind in kinds)
    seen = _lifetime(tree)
    picture.name, picture.extension = "Take", "CLIP"
    link = tree.links.new
    link(picture.outputs["Color"], light.inputs["Color"])
    link(picture.outputs["Alpha"], seen.inputs[0])
    link(seen.outputs[0], mixed.inputs[0])
    link(clear.outputs[0], mixed.inputs[1])
    link(light.outputs[0], mixed.inputs[2])
    link(mixed.outputs[0], output.inputs["Surface"])
    for column, node in enumerate((picture, light, clear, mixed, output)):
        node.location = (column * 220, -200 if node is clear else 0)
    return material


def _lifetime(tree: bpy.types.NodeTree) -> bpy.types.Node:
    """A product whose second factor is to be 1 within the take's frames and 0 elsewhere."""
    node = tree.nodes.new("ShaderNodeMath")
    node.name = node.label = LIFETIME
    node.operation, node.location = "MULTIPLY", (220, 200)
    return node


def _show(material: bpy.types.Material, image: bpy.types.Image, take: dict[str, Any]) -> None:
    tree = material.node_tree
    picture = tree.nodes["Take"]
    picture.image = image
    seen = tree.nodes.get(LIFETIME)
    if seen is None:  # of a plane from before takes had an end
        seen = _lifetime(tree)
        tree.links.new(picture.outputs["Alpha"], seen.inputs[0])
        tree.links.new(seen.outputs[0], next(node for node in tree.nodes if node.type == "MIX_SHADER").inputs[0])
    path = f'nodes["{LIFETIME}"].inputs[1].default_value'
    tree.driver_remove(path)
    _live(tree.driver_add(path), take["numbers"])
    user = picture.image_user
    user.frame_duration = take["last"] - take["first"] + 1
    user.frame_start, user.frame_offset = take["first"], take["first"] - 1
    user.use_auto_refresh = True


def _live(curve: bpy.types.FCurve, numbers: list[int]) -> None:
    """A driver that is 1 in the frames `numbers`, rising, and 0 in all others: Blender would show the last picture for ever,
    and a bright one where a file is missing.

    The scene's own frame number drives it, as it chooses the picture, too: time that is stretched is another.
    """
    driver = curve.driver
    driver.type = "SUM"
    variable = driver.variables.new()
    variable.type = "CONTEXT_PROP"
    target = variable.targets[0]
    target.context_property, target.data_path = "ACTIVE_SCENE", "frame_current"
    for modifier in list(curve.modifiers):
        curve.modifiers.remove(modifier)
    before = [None, *numbers[:-1]]
    starts = [number for number, last in zip(numbers, before, strict=True) if last is None or number > last + 1]
    ends = [number + 1 for number in numbers if number + 1 not in set(numbers)]
    while len(curve.keyframe_points):
        curve.keyframe_points.remove(curve.keyframe_points[0])
    for frame, value in sorted([(starts[0] - 1, 0.0), *((at, 1.0) for at in starts), *((at, 0.0) for at in ends)]):
        curve.keyframe_points.insert(frame, value).interpolation = "CONSTANT"
    curve.extrapolation = "CONSTANT"
