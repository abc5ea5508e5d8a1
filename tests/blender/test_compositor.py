# SPDX-License-Identifier: GPL-3.0-or-later
"""The take's node group: pixels against NumPy, through a real render."""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np
import pytest
from headcast import compat
from headcast.core.imaging import exr
from headcast.core.imaging.colour_space import AP1, colour_tag, to_linear_rec709
from headcast.core.take import FramePattern, Manifest
from headcast.scene.composite import PLATE, composite_take
from headcast.scene.sequence import find_take, load_take

PLATE_COLOUR = (0.25, 0.5, 0.125, 1.0)


@pytest.fixture
def take(tmp_path: Path) -> dict[str, object]:
    """Three frames from 1001, each of a brightness of its own; the left half is the head."""
    for i, frame in enumerate((1001, 1002, 1003)):
        picture = np.zeros((128, 128, 4), np.float32)
        picture[:, :64] = (0.1 * (i + 1), 0.2, 2.0, 1.0)
        picture[:, 40:64] *= 0.5
        exr.write_rgba(tmp_path / f"shot_v001.{frame}.exr", picture, {})
    return {
        "pattern": str(tmp_path / "shot_v001.####.exr"),
        "output": str(tmp_path / "shot_v001.1001.exr"),
        "manifest": str(tmp_path / "shot_v001.manifest.jsonl"),
        "frames": 3,
        "first": 1001,
        "last": 1003,
    }


def add_plate(scene: bpy.types.Scene) -> None:
    """A flat plate in the compositor, as an artist may have wired it."""
    tree = compat.compositor_tree(scene)
    output = compat.compositor_output(tree)
    plate = tree.nodes.new("CompositorNodeRGB")
    plate.outputs[0].default_value = PLATE_COLOUR
    tree.links.new(plate.outputs[0], output.inputs[0])


def render(scene: bpy.types.Scene, frame: int, folder: Path) -> np.ndarray:
    """[128, 128, 4] what the compositor gives, linear."""
    scene.frame_set(frame)
    settings = scene.render.image_settings
    if hasattr(settings, "media_type"):
        settings.media_type = "IMAGE"
    settings.file_format, settings.color_depth, settings.color_mode = "OPEN_EXR", "32", "RGBA"
    scene.render.filepath = str(folder / f"comp.{frame}.exr")
    bpy.ops.render.render(write_still=True)
    return exr.read_rgba(Path(scene.render.filepath))


def over(frame: int, blend: float = 1.0) -> np.ndarray:
    picture = np.zeros((128, 128, 4), np.float32)
    picture[:, :64] = (0.1 * (frame - 1000), 0.2, 2.0, 1.0)
    picture[:, 40:64] *= 0.5
    picture *= blend
    return picture + (1 - picture[..., 3:]) * np.array(PLATE_COLOUR, np.float32)


@pytest.mark.parametrize("frame", [1001, 1003])
def test_each_frame_lies_over_the_plate(scene: bpy.types.Scene, take: dict[str, object], tmp_path: Path, frame: int) -> None:
    add_plate(scene)
    composite_take(scene, load_take(take), take)
    assert np.abs(render(scene, frame, tmp_path)[..., :3] - over(frame)[..., :3]).max() < 1e-3


def test_blend_goes_from_plate_to_head(scene: bpy.types.Scene, take: dict[str, object], tmp_path: Path) -> None:
    add_plate(scene)
    node = composite_take(scene, load_take(take), take)
    node.inputs["Blend"].default_value = 0.0
    assert np.abs(render(scene, 1002, tmp_path)[..., :3] - PLATE_COLOUR[:3]).max() < 1e-3


def test_wiring_twice_is_wiring_once(scene: bpy.types.Scene, take: dict[str, object]) -> None:
    add_plate(scene)
    first = composite_take(scene, load_take(take), take)
    trees, images = len(bpy.data.node_groups), len(bpy.data.images)
    second = composite_take(scene, load_take(take), {**take, "last": 1002})
    assert first == second
    assert (len(bpy.data.node_groups), len(bpy.data.images)) == (trees, images)
    assert second.node_tree.nodes["Take"].frame_duration == 2
    assert second.inputs[PLATE].links[0].from_node.bl_idname == "CompositorNodeRGB"


def test_an_empty_compositor_gets_the_scenes_own_render(scene: bpy.types.Scene, take: dict[str, object]) -> None:
    compat.compositor_tree(scene).nodes.clear()
    node = composite_take(scene, load_take(take), take)
    assert node.inputs[PLATE].links[0].from_node.bl_idname == "CompositorNodeRLayers"
    assert compat.compositor_output(compat.compositor_tree(scene)).inputs[0].links[0].from_node == node


def test_a_saved_file_shows_the_take_without_the_addon(
    scene: bpy.types.Scene, take: dict[str, object], tmp_path: Path
) -> None:
    """Nothing but Blender's own nodes is in the file."""
    add_plate(scene)
    composite_take(scene, load_take(take), take)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "comp.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "comp.blend"))
    reopened = bpy.context.scene
    kinds = {node.bl_idname for tree in bpy.data.node_groups for node in tree.nodes}
    assert all(kind.startswith(("CompositorNode", "NodeGroup", "NodeReroute", "ShaderNode")) for kind in kinds)
    assert np.abs(render(reopened, 1002, tmp_path)[..., :3] - over(1002)[..., :3]).max() < 1e-3


def test_a_take_on_disk_is_put_into_the_compositor(scene: bpy.types.Scene, take: dict[str, object], tmp_path: Path) -> None:
    pattern = FramePattern.parse(str(tmp_path / "shot_v001.####.exr"))
    scene.headcast.output = "//shot_v001.####.exr"
    with pytest.raises(RuntimeError, match="There is no take"):
        bpy.ops.headcast.composite()
    manifest = Manifest(pattern, dict.fromkeys(range(2000), "x"))
    for frame in (1001, 1002, 1003):
        manifest.record(frame)
    assert bpy.ops.headcast.composite() == {"FINISHED"}
    sequence = bpy.data.node_groups["Headcast Take shot_v001"].nodes["Take"]
    assert (sequence.frame_start, sequence.frame_duration) == (1001, 3)


def test_a_take_in_acescg_is_brought_to_the_files_space_and_its_data_is_not(scene: bpy.types.Scene, tmp_path: Path) -> None:
    light, places = np.array([0.5, 0.2, 0.1], np.float32), np.array([0.25, 0.75, 0.0], np.float32)
    head = np.concatenate([np.tile(light, (128, 128, 1)), np.ones((128, 128, 1), np.float32)], axis=-1)
    layers = {
        "head": exr.Layer(head, colour_tag(AP1)),
        "st": exr.Layer(np.tile(places, (128, 128, 1)), full=True, vector=True),
    }
    pattern = FramePattern.parse(str(tmp_path / "shot_v001.####.exr"))
    manifest = Manifest(pattern, dict.fromkeys(range(2000), "a run"))
    manifest.begin({"colour": colour_tag(AP1)})
    exr.write_layers(pattern.path(1001), layers, {})
    manifest.record(1001)
    take = find_take(str(pattern))
    node = composite_take(scene, load_take(take), take)
    seen = render(scene, 1001, tmp_path)[64, 64, :3]
    assert seen == pytest.approx(to_linear_rec709(light[None, None], AP1)[0, 0], rel=2e-3)
    tree = compat.compositor_tree(scene)
    tree.links.new(node.outputs["ST"], compat.compositor_output(tree).inputs[0])
    assert render(scene, 1001, tmp_path)[64, 64, :3] == pytest.approx(places, abs=1e-6)
