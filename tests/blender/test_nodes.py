# SPDX-License-Identifier: GPL-3.0-or-later
"""The node groups: pixels against NumPy, through a real render."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import bpy
import numpy as np
import pytest
from headcast import compat
from headcast.core.imaging import exr
from headcast.nodes import comp, grade, grain, matte
from headcast.nodes.build import NAME_KEY, STAMP_KEY, Recipe, ensure_group
from headcast.nodes.shelf import CATALOG, CATALOG_LINE, SHELF
from headcast.nodes.take import TakeRange, build_take_group, take_recipe
from headcast.scene.asset_library import CATALOGS, write_assets
from numpy.typing import NDArray

SIDE = 24
Picture = NDArray[np.float32]


@pytest.fixture
def head() -> Picture:
    """[24, 24, 4] premultiplied: a square of 10 pixels, bright above 1 and with a negative, on a soft edge of one pixel."""
    alpha = np.zeros((SIDE, SIDE, 1), np.float32)
    alpha[6:18, 6:18] = 0.5
    alpha[7:17, 7:17] = 1.0
    colour = np.random.default_rng(1).uniform(0.05, 4.0, (SIDE, SIDE, 3)).astype(np.float32)
    colour[10, 10] = -0.25
    return np.concatenate([colour * alpha, alpha], axis=-1).astype(np.float16).astype(np.float32)


@pytest.fixture
def plate() -> Picture:
    """[24, 24, 4] of noise up to 8, opaque."""
    colour = np.random.default_rng(2).uniform(0.0, 8.0, (SIDE, SIDE, 3))
    return np.concatenate([colour, np.ones((SIDE, SIDE, 1))], axis=-1).astype(np.float16).astype(np.float32)


class Bench:
    """A compositor that holds one node of a group and shows one of its outputs."""

    def __init__(self, scene: bpy.types.Scene, folder: Path, recipe: Recipe) -> None:
        scene.render.resolution_x = scene.render.resolution_y = SIDE
        self.scene, self.folder = scene, folder
        self.tree = compat.compositor_tree(scene)
        self.tree.nodes.clear()
        self.output = compat.compositor_output(self.tree)
        self.node = self.tree.nodes.new("CompositorNodeGroup")
        self.node.node_tree = ensure_group(recipe)

    def give(self, **inputs: Picture | float | tuple[float, ...]) -> None:
        for name, value in inputs.items():
            socket = self.node.inputs[name.capitalize()]
            if isinstance(value, np.ndarray):
                self.tree.links.new(self.picture(name, value).outputs["Image"], socket)
            else:
                socket.default_value = value

    def picture(self, name: str, pixels: Picture) -> bpy.types.Node:
        path = self.folder / f"{name}.exr"
        exr.write_rgba(path, pixels, {})
        node = self.tree.nodes.new("CompositorNodeImage")
        node.image = bpy.data.images.load(str(path))
        node.image.colorspace_settings.name = "Linear Rec.709"
        node.image.alpha_mode = "PREMUL"
        return node

    def show(self, output: str, frame: int = 1) -> Picture:
        """[24, 24, 4] what comes out, in full floats."""
        self.tree.links.new(self.node.outputs[output], self.output.inputs[0])
        return render(self.scene, frame, self.folder)


def render(scene: bpy.types.Scene, frame: int, folder: Path) -> Picture:
    scene.frame_set(frame)
    settings = scene.render.image_settings
    if hasattr(settings, "media_type"):
        settings.media_type = "IMAGE"
    settings.file_format, settings.color_depth, settings.color_mode = "OPEN_EXR", "32", "RGBA"
    scene.render.filepath = str(folder / f"out.{frame}.exr")
    bpy.ops.render.render(write_still=True)
    return exr.read_rgba(Path(scene.render.filepath))


@pytest.fixture
def bench(scene: bpy.types.Scene, tmp_path: Path) -> Callable[[Recipe], Bench]:
    return lambda recipe: Bench(scene, tmp_path, recipe)


def grown(alpha: Picture, pixels: int) -> Picture:
    """The largest (smallest) value in a square."""
    reach, best = abs(pixels), np.maximum if pixels > 0 else np.minimum
    padded = np.pad(alpha, reach, mode="edge")
    result = alpha
    for y in range(2 * reach + 1):
        for x in range(2 * reach + 1):
            result = best(result, padded[y : y + SIDE, x : x + SIDE])
    return result


def blurred(alpha: Picture, radius: float) -> Picture:
    """Gauss, cut off at three standard deviations."""
    places = np.arange(-int(np.ceil(radius)), int(np.ceil(radius)) + 1)
    weights = np.exp(-4.5 * (places / radius) ** 2)
    weights /= weights.sum()
    for axis in (0, 1):
        alpha = sum(weight * np.roll(alpha, place, axis) for weight, place in zip(weights, places, strict=True))
    return alpha


def with_matte(head: Picture, alpha: Picture) -> Picture:
    scale = np.divide(alpha, head[..., 3], out=np.zeros_like(alpha), where=head[..., 3] > 0)
    return np.concatenate([head[..., :3] * scale[..., None], alpha[..., None]], axis=-1)


def test_a_matte_with_nothing_set_leaves_the_head_bit_for_bit(bench: Callable[[Recipe], Bench], head: Picture) -> None:
    table = bench(matte.MATTE)
    table.give(head=head)
    assert np.array_equal(table.show("Head"), head)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"gain": 3.0, "offset": -0.75}, lambda a: np.clip(a * 3 - 0.75, 0, 1)),
        ({"grow": 3.0}, lambda a: grown(a, 3)),
        ({"grow": -4.0}, lambda a: grown(a, -4)),
        ({"grow": 1.25}, lambda a: 0.75 * grown(a, 1) + 0.25 * grown(a, 2)),
        ({"feather": 3.0}, lambda a: blurred(a, 3.0)),
        ({"invert": 1.0}, lambda a: 1 - a),
        ({"grow": -1.0, "feather": 2.0, "invert": 1.0}, lambda a: 1 - blurred(grown(a, -1), 2.0)),
    ],
)
def test_the_edge_of_the_matte(
    bench: Callable[[Recipe], Bench], head: Picture, settings: dict[str, float], expected: Callable[[Picture], Picture]
) -> None:
    table = bench(matte.MATTE)
    table.give(head=head, **settings)
    wanted = with_matte(head, expected(head[..., 3]))
    assert np.abs(table.show("Head") - wanted).max() < 2e-4
    assert np.abs(table.show("Matte")[..., 0] - wanted[..., 3]).max() < 1e-4


def test_garbage_is_thrown_away(bench: Callable[[Recipe], Bench], head: Picture) -> None:
    garbage = np.zeros((SIDE, SIDE, 4), np.float32)
    garbage[:, :12] = 1.0
    table = bench(matte.MATTE)
    table.give(head=head, garbage=garbage)
    assert np.array_equal(table.show("Head"), np.where(garbage > 0, 0, head))


def test_a_grade_with_nothing_set_leaves_the_head(bench: Callable[[Recipe], Bench], head: Picture) -> None:
    table = bench(grade.GRADE)
    table.give(head=head)
    assert np.abs(table.show("Head") - head).max() < 1e-5


def test_the_grade_works_on_straight_colour_within_the_matte(bench: Callable[[Recipe], Bench], head: Picture) -> None:
    gain, offset, gamma, saturation = (1.5, 0.5, 1.0), (0.1, -0.2, 0.0), (1.0, 1.0, 2.2), 0.4
    mask = np.zeros((SIDE, SIDE, 4), np.float32)
    mask[:12], mask[12:16] = 1.0, 0.5
    table = bench(grade.GRADE)
    table.give(head=head, matte=mask, gain=gain, offset=offset, gamma=gamma, saturation=saturation)
    alpha = head[..., 3:]
    straight = np.divide(head[..., :3], alpha, out=np.zeros_like(head[..., :3]), where=alpha > 0)
    lit = straight * gain + offset
    lit = np.sign(lit) * np.abs(lit) ** (1 / np.array(gamma))
    grey = lit @ (0.2126, 0.7152, 0.0722)
    graded = (grey[..., None] + saturation * (lit - grey[..., None])) * alpha
    wanted = head[..., :3] + mask[..., :1] * (graded - head[..., :3])
    shown = table.show("Head")
    assert np.abs(shown[..., :3] - wanted).max() < 2e-3
    assert np.array_equal(shown[..., 3], head[..., 3])


def test_the_layer_of_grain_goes_where_the_matte_is(bench: Callable[[Recipe], Bench], plate: Picture, head: Picture) -> None:
    layer = np.random.default_rng(3).normal(0, 0.1, (SIDE, SIDE, 4)).astype(np.float16).astype(np.float32)
    layer[..., 3] = 1.0
    mask = np.repeat(head[..., 3:], 4, axis=-1)
    table = bench(grain.GRAIN)
    table.give(image=plate, grain=layer, matte=mask, amount=0.5)
    wanted = plate[..., :3] + 0.5 * layer[..., :3] * mask[..., :3]
    shown = table.show("Image")
    assert np.abs(shown[..., :3] - wanted).max() < 1e-5
    assert np.array_equal(shown[mask[..., 0] == 0], plate[mask[..., 0] == 0])


@pytest.mark.skipif(not compat.HAS_NOISE, reason="no noise before 4.5")
def test_noise_is_another_in_each_frame_and_always_the_same(bench: Callable[[Recipe], Bench], head: Picture) -> None:
    grey = np.full((SIDE, SIDE, 4), 1.0, np.float32)
    mask = np.repeat(head[..., 3:], 4, axis=-1)
    table = bench(grain.GRAIN)
    table.give(image=grey, matte=mask, noise=0.1)
    first, second, again = (table.show("Image", frame)[..., :3] - 1 for frame in (1001, 1002, 1001))
    inside = mask[..., 0] == 1
    assert np.array_equal(first, again)
    assert not first[mask[..., 0] == 0].any()
    assert abs(first[inside].std() - 0.1) < 0.015
    assert abs(first[inside].mean()) < 0.02
    assert abs(np.corrcoef(first[inside].ravel(), second[inside].ravel())[0, 1]) < 0.25
    assert abs(np.corrcoef(first[inside][:, 0], first[inside][:, 1])[0, 1]) < 0.35


@pytest.mark.parametrize("blend", [1.0, 0.25])
def test_the_comp_is_the_head_over_the_plate(
    bench: Callable[[Recipe], Bench], head: Picture, plate: Picture, blend: float
) -> None:
    table = bench(comp.COMP)
    table.give(head=head, plate=plate, blend=blend)
    faded = head * blend
    shown = table.show("Image")
    assert np.abs(shown - (faded + (1 - faded[..., 3:]) * plate)).max() < 1e-5
    assert np.array_equal(shown[head[..., 3] == 0], plate[head[..., 3] == 0])


def test_the_views_of_the_comp(bench: Callable[[Recipe], Bench], head: Picture, plate: Picture) -> None:
    table = bench(comp.COMP)
    table.give(head=head, plate=plate)
    over = head + (1 - head[..., 3:]) * plate
    wanted = {"Plate": plate, "Head": head, "Matte": head[..., [3, 3, 3]], "Difference": np.abs(over - plate)[..., :3]}
    for name, picture in wanted.items():
        table.give(view=float(comp.VIEWS.index(name)))
        assert np.abs(table.show("Image")[..., : picture.shape[-1]] - picture).max() < 1e-5, name


def test_keyframes_fade_the_head_on_their_own_frames(
    bench: Callable[[Recipe], Bench], head: Picture, plate: Picture, tmp_path: Path
) -> None:
    table = bench(comp.COMP)
    table.give(head=head, plate=plate)
    blend = table.node.inputs["Blend"]
    for frame, value in ((1, 0.0), (2, 1.0)):
        blend.default_value = value
        blend.keyframe_insert("default_value", frame=frame)
    assert np.array_equal(table.show("Image", 1), plate)
    assert np.abs(table.show("Image", 2) - head - (1 - head[..., 3:]) * plate).max() < 1e-5


def layers_of(head: Picture) -> dict[str, exr.Layer]:
    """What a take over a plate writes of each frame, with other pixels in every layer."""
    half = (0.5 * head[..., 3]).astype(np.float32)
    across, down = np.meshgrid(np.linspace(0, 1, SIDE), np.linspace(1, 0, SIDE))
    places = np.stack([across, down, np.zeros_like(across)], axis=-1).astype(np.float32)
    return {
        "head": exr.Layer(head),
        "comp": exr.Layer(head[..., :3] + 1),
        "raw": exr.Layer(head[..., :3] + 2),
        "grain": exr.Layer(head[..., :3] - 1),
        "core": exr.Layer(half),
        "edge": exr.Layer(head[..., 3] - half / 2),
        "confidence": exr.Layer(half / 4),
        "st": exr.Layer(places, full=True, vector=True),
    }


def sequence(path: Path) -> bpy.types.Image:
    image = bpy.data.images.load(str(path))
    image.source = "SEQUENCE"
    image.colorspace_settings.name = "Linear Rec.709"
    image.alpha_mode = "PREMUL"
    return image


def test_a_take_of_many_layers_shows_each(bench: Callable[[Recipe], Bench], head: Picture, tmp_path: Path) -> None:
    layers, some = layers_of(head), slice(18, 22)
    written = dict(layers)
    for name in ("raw", "grain", "core"):  # only these rows hold something
        layer = layers[name]
        written[name] = layer._replace(pixels=layer.pixels[some], corner=(0, some.start))
        layer.pixels[: some.start] = layer.pixels[some.stop :] = 0
    exr.write_layers(tmp_path / "shot.1001.exr", written, {})
    image = sequence(tmp_path / "shot.1001.exr")
    table = bench(take_recipe("shot", image))
    assert table.node.node_tree == build_take_group("shot", image, TakeRange(1001, 1001))
    assert np.abs(table.show("Head", 1001) - head).max() < 1e-5
    assert np.abs(table.show("Matte", 1001)[..., 0] - head[..., 3]).max() < 1e-5
    for name in ("Comp", "Raw", "Grain", "Core", "Edge", "Confidence", "ST"):
        pixels = layers[name.lower()].pixels
        channels = pixels.shape[-1] if pixels.ndim == 3 else 1
        shown = table.show(name, 1001)[..., :channels].squeeze()
        assert np.abs(shown - pixels).max() < 2e-3, name


def test_layers_that_come_later_cost_no_link(bench: Callable[[Recipe], Bench], head: Picture, tmp_path: Path) -> None:
    exr.write_rgba(tmp_path / "shot.1001.exr", head, {})
    table = bench(take_recipe("shot", sequence(tmp_path / "shot.1001.exr")))
    table.tree.links.new(table.node.outputs["Head"], table.output.inputs[0])
    table.give(blend=0.25)
    exr.write_layers(tmp_path / "shot.1001.exr", layers_of(head), {})
    group = build_take_group("shot", sequence(tmp_path / "shot.1001.exr"), TakeRange(1001, 1001))
    assert table.node.node_tree == group
    assert "Confidence" in table.node.outputs
    assert table.output.inputs[0].links[0].from_socket == table.node.outputs["Head"]
    assert table.node.inputs["Blend"].default_value == 0.25


@pytest.mark.parametrize("key", SHELF)
def test_a_group_of_another_version_is_built_anew_where_it_is(scene: bpy.types.Scene, key: str) -> None:
    group = ensure_group(SHELF[key])
    groups, sockets = len(bpy.data.node_groups), [item.name for item in group.interface.items_tree]
    assert ensure_group(SHELF[key]) == group
    group[STAMP_KEY] = "0"
    group.nodes.clear()
    group.interface.new_socket("Former", in_out="INPUT", socket_type="NodeSocketFloat")
    assert ensure_group(SHELF[key]) == group
    assert [item.name for item in group.interface.items_tree] == sockets
    assert group.nodes
    assert len(bpy.data.node_groups) == groups


def test_the_asset_library_has_every_group(scene: bpy.types.Scene, tmp_path: Path) -> None:
    folder = tmp_path / "new" / "assets"
    kept = ensure_group(matte.MATTE)
    path = write_assets(folder)
    with open(folder / CATALOGS, "a") as catalogs:
        catalogs.write("1b0a:Mine:Mine\n")
    write_assets(folder)
    assert list(bpy.data.node_groups) == [kept]
    assert kept.asset_data is None
    lines = (folder / CATALOGS).read_text().splitlines()
    assert lines.count(CATALOG_LINE) == lines.count("1b0a:Mine:Mine") == lines.count("VERSION 1") == 1
    with bpy.data.libraries.load(str(path), assets_only=True) as (offered, _):
        assert sorted(offered.node_groups) == sorted(recipe.name for recipe in SHELF.values())
    with bpy.data.libraries.load(str(path), link=True) as (offered, wanted):
        wanted.node_groups = offered.node_groups
    linked = next(group for group in wanted.node_groups if group.get(NAME_KEY) == comp.COMP.name)
    assert (linked.asset_data.catalog_id, linked.asset_data.description) == (CATALOG, comp.COMP.text)
    assert np.ptp(linked.preview.image_pixels_float[:]) > 0.5
    assert ensure_group(comp.COMP) != linked


def test_nodes_are_added_from_the_menu(scene: bpy.types.Scene) -> None:
    tree = compat.compositor_tree(scene)
    before = len(tree.nodes)
    for key in ("MATTE", "GRADE", "GRAIN", "COMP"):
        assert bpy.ops.headcast.add_node(kind=key) == {"FINISHED"}
        assert tree.nodes.active.node_tree == ensure_group(SHELF[key])
    assert len(tree.nodes) == before + 4
    scene.headcast.output = "//nothing.####.exr"
    with pytest.raises(RuntimeError, match="There is no take"):
        bpy.ops.headcast.add_node(kind="TAKE")


def test_the_active_comp_changes_its_view(scene: bpy.types.Scene) -> None:
    bpy.ops.headcast.add_node(kind="COMP")
    node = compat.compositor_tree(scene).nodes.active
    with bpy.context.temp_override(active_node=node):
        assert bpy.ops.headcast.view(number=comp.VIEWS.index("Matte")) == {"FINISHED"}
    assert node.inputs["View"].default_value == 3.0
