# SPDX-License-Identifier: GPL-3.0-or-later
"""A placed take has an end, and is told by its files: nothing outside its frames, no other shot's picture, one version."""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np
import pytest
from headcast import compat
from headcast.core.imaging import exr
from headcast.core.take import FramePattern, Manifest
from headcast.scene.colour_spaces import space_named

from .test_nodes import render

SIDE = 16
FIRST, LAST = 3, 4


def make_take(folder: Path, name: str, red: float, frames: range = range(FIRST, LAST + 1)) -> str:
    """Frames whose left half is `red`."""
    folder.mkdir(parents=True, exist_ok=True)
    pattern = FramePattern.parse(str(folder / f"{name}.####.exr"))
    manifest = Manifest(pattern, dict.fromkeys(range(-9, 3000), "x"))
    picture = np.zeros((SIDE, SIDE, 4), np.float32)
    picture[:, : SIDE // 2] = (red, 0.0, 0.0, 1.0)
    for frame in frames:
        exr.write_rgba(pattern.path(frame), picture, {})
        manifest.record(frame)
    return str(pattern)


@pytest.fixture
def small(scene: bpy.types.Scene) -> bpy.types.Scene:
    scene.render.resolution_x = scene.render.resolution_y = SIDE
    scene.render.film_transparent = True
    scene.cycles.use_denoising = False
    return scene


def red_of(scene: bpy.types.Scene, frame: int, folder: Path) -> float:
    picture = render(scene, frame, folder)
    assert picture[SIDE // 2, 3 * SIDE // 4, 3] < 1e-3
    left = picture[SIDE // 2, SIDE // 4]
    assert left[3] == pytest.approx(1.0 if left[0] > 1e-3 else 0.0, abs=1e-3)
    return round(float(left[0]), 2)


@pytest.mark.parametrize("place", ["composite", "take_to_plane", "take_to_sequencer"])
def test_before_and_after_its_frames_there_is_nothing(small: bpy.types.Scene, tmp_path: Path, place: str) -> None:
    small.headcast.output = make_take(tmp_path / "a", "shot_v001", 0.5)
    getattr(bpy.ops.headcast, place)()
    if place == "take_to_sequencer":
        small.sequencer_colorspace_settings.name = "Linear Rec.709"
    for frame, red in ((1, 0.0), (FIRST - 1, 0.0), (FIRST, 0.5), (LAST, 0.5), (LAST + 1, 0.0), (LAST + 90, 0.0)):
        assert red_of(small, frame, tmp_path) == red
    make_take(tmp_path / "a", "shot_v001", 0.5, range(LAST + 1, LAST + 3))
    getattr(bpy.ops.headcast, place)()
    assert red_of(small, LAST + 1, tmp_path) == 0.5
    assert red_of(small, LAST + 3, tmp_path) == 0.0


@pytest.mark.parametrize("place", ["composite", "take_to_plane"])
def test_another_version_takes_the_place_of_the_first(small: bpy.types.Scene, tmp_path: Path, place: str) -> None:
    for version, red in (("v001", 0.25), ("v002", 0.75)):
        small.headcast.output = make_take(tmp_path / version, f"shot_{version}", red)
        getattr(bpy.ops.headcast, place)()
    assert red_of(small, FIRST, tmp_path) == 0.75
    nodes = [node for node in compat.compositor_tree(small).nodes if node.bl_idname == "CompositorNodeGroup"]
    assert len(nodes) == (place == "composite")
    assert len([item for item in small.objects if item.type == "MESH"]) == (place == "take_to_plane")


@pytest.mark.parametrize("place", ["composite", "take_to_plane", "take_to_sequencer"])
def test_two_shots_with_takes_of_one_name(small: bpy.types.Scene, tmp_path: Path, place: str) -> None:
    other = small.copy()
    for scene, shot, red in ((small, "sh010", 0.25), (other, "sh020", 0.75)):
        scene.headcast.output = make_take(tmp_path / shot, "comp_v001", red)
        with bpy.context.temp_override(scene=scene, view_layer=scene.view_layers[0]):
            getattr(bpy.ops.headcast, place)()
    if place == "take_to_sequencer":
        small.sequencer_colorspace_settings.name = "Linear Rec.709"
    assert red_of(small, FIRST, tmp_path) == 0.25
    paths = {Path(bpy.path.abspath(image.filepath)).parent.name for image in bpy.data.images if image.source == "SEQUENCE"}
    assert place == "take_to_sequencer" or paths == {"sh010", "sh020"}


def test_links_and_fades_outlive_another_version(small: bpy.types.Scene, tmp_path: Path) -> None:
    small.headcast.output = make_take(tmp_path / "v001", "shot_v001", 1.0)
    bpy.ops.headcast.composite()
    tree = compat.compositor_tree(small)
    node = next(node for node in tree.nodes if node.bl_idname == "CompositorNodeGroup")
    node.inputs["Blend"].default_value = 0.5
    small.headcast.output = make_take(tmp_path / "v002", "shot_v002", 0.5)
    bpy.ops.headcast.composite()
    assert node.inputs["Blend"].default_value == 0.5
    assert node.inputs["Plate"].is_linked
    assert node.outputs["Image"].is_linked
    assert "v002" in node.label


def test_at_half_the_resolution_the_head_is_half_as_large(small: bpy.types.Scene, tmp_path: Path) -> None:
    small.headcast.output = make_take(tmp_path, "shot_v001", 0.5)
    bpy.ops.headcast.composite()
    small.render.resolution_percentage = 50
    picture = render(small, FIRST, tmp_path)
    assert picture.shape[:2] == (SIDE // 2, SIDE // 2)
    assert picture[1:-1, 1 : SIDE // 4 - 1, 3].min() > 0.99
    assert picture[1:-1, SIDE // 4 + 1 : -1, 3].max() < 0.01


def test_the_plane_stays_in_the_frame_of_a_lens_that_zooms(small: bpy.types.Scene, tmp_path: Path) -> None:
    small.headcast.output = make_take(tmp_path, "shot_v001", 0.5)
    camera = small.camera.data
    for frame, lens, shift in ((FIRST, 85, 0.0), (LAST, 30, 0.2)):
        camera.lens, camera.shift_x = lens, shift
        camera.keyframe_insert("lens", frame=frame)
        camera.keyframe_insert("shift_x", frame=frame)
    small.frame_set(FIRST)
    bpy.ops.headcast.take_to_plane()
    for frame in (FIRST, LAST):
        picture = render(small, frame, tmp_path)
        assert picture[1:-1, 1 : SIDE // 2 - 1, 3].min() > 0.99
        assert picture[1:-1, SIDE // 2 + 1 : -1, 3].max() < 0.01


def test_a_region_that_is_cropped_to_and_a_panorama_are_said(small: bpy.types.Scene, tmp_path: Path) -> None:
    small.headcast.output = make_take(tmp_path, "shot_v001", 0.5)
    render_settings = small.render
    render_settings.use_border = render_settings.use_crop_to_border = True
    render_settings.border_min_x, render_settings.border_max_x = 0.25, 1.0
    with pytest.raises(RuntimeError, match="cropped to its region"):
        bpy.ops.headcast.composite()
    render_settings.use_crop_to_border = False
    assert bpy.ops.headcast.composite() == {"FINISHED"}
    small.camera.data.type = "PANO"
    with pytest.raises(RuntimeError, match="panoramic camera is bent"):
        bpy.ops.headcast.take_to_plane()


def test_the_plane_is_before_the_camera_of_the_takes_frames(small: bpy.types.Scene, tmp_path: Path) -> None:
    small.headcast.output = make_take(tmp_path, "shot_v001", 0.5)
    other = small.camera.copy()
    other.name, other.location.x = "Other", 30.0
    small.collection.objects.link(other)
    for frame, camera in ((FIRST - 50, small.camera), (FIRST, other)):
        small.timeline_markers.new(camera.name, frame=frame).camera = camera
    small.frame_set(FIRST - 10)
    bpy.ops.headcast.take_to_plane()
    assert red_of(small, FIRST, tmp_path) == 0.5


def test_compositing_is_switched_on_and_strips_are_said(small: bpy.types.Scene, tmp_path: Path) -> None:
    small.headcast.output = make_take(tmp_path, "shot_v001", 0.5)
    small.render.use_compositing = False
    bpy.ops.headcast.composite()
    assert small.render.use_compositing
    bpy.ops.headcast.take_to_sequencer()
    with pytest.raises(RuntimeError, match="sequencer has strips"):
        bpy.ops.headcast.composite()
    small.render.use_sequencer = False
    assert bpy.ops.headcast.composite() == {"FINISHED"}


CONFIG = """
roles:
  aces_interchange: Exchange
colorspaces:
  - !<ColorSpace>
    name: Flat
    aliases: [x, "lin_srgb"]
    from_scene_reference: !<MatrixTransform> {name: to Flat}
  - !<ColorSpace>
    name: "Wide, of ours"
    interop_id: lin_ap1_scene
"""


def test_spaces_of_other_configurations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "studio.ocio").write_text(CONFIG)
    monkeypatch.setenv("OCIO", str(tmp_path / "studio.ocio"))
    there = ["Flat", "Wide, of ours", "Exchange", "Raw"]
    for tag, name in {"lin_rec709_scene": "Flat", "lin_ap1_scene": "Wide, of ours", "lin_ap0_scene": "Exchange"}.items():
        assert space_named(tag, there) == name
    assert space_named("lin_rec2020_scene", there) == ""
    assert space_named("lin_rec709_scene", ["Utility - Linear - sRGB"]) == "Utility - Linear - sRGB"
    assert space_named("lin_ap1_scene", ["ACES - ACEScg", "acescg"]) == "acescg"


@pytest.mark.parametrize("place", ["composite", "take_to_plane"])
def test_where_a_frame_is_missing_there_is_nothing(small: bpy.types.Scene, tmp_path: Path, place: str) -> None:
    for red, frames in ((0.25, range(1, 3)), (0.75, range(5, 7))):
        small.headcast.output = make_take(tmp_path, "shot_v001", red, frames)
    getattr(bpy.ops.headcast, place)()
    if place == "composite" and bpy.app.version < (4, 5):
        pytest.skip("Blender 4.2 has something opaque there: the operator says so")
    assert [red_of(small, frame, tmp_path) for frame in range(1, 8)] == [0.25, 0.25, 0.0, 0.0, 0.75, 0.75, 0.0]


def test_a_strip_is_not_made_of_a_take_with_gaps(small: bpy.types.Scene, tmp_path: Path) -> None:
    """Blender crashes on pictures that a strip lacks."""
    for frames in (range(1, 3), range(5, 7)):
        small.headcast.output = make_take(tmp_path, "shot_v001", 0.5, frames)
    with pytest.raises(RuntimeError, match="lacks frame 3"):
        bpy.ops.headcast.take_to_sequencer()


@pytest.mark.parametrize("place", ["composite", "take_to_plane"])
def test_time_that_is_stretched_moves_no_frame(small: bpy.types.Scene, tmp_path: Path, place: str) -> None:
    for frame in range(1, 5):
        small.headcast.output = make_take(tmp_path, "shot_v001", frame / 8, range(frame, frame + 1))
    getattr(bpy.ops.headcast, place)()
    small.render.frame_map_new = 200
    assert [red_of(small, frame, tmp_path) for frame in range(1, 6)] == [0.12, 0.25, 0.38, 0.5, 0.0]


@pytest.mark.parametrize("place", ["composite", "take_to_plane"])
def test_blender_does_not_count_below_0(small: bpy.types.Scene, tmp_path: Path, place: str) -> None:
    for frame in range(-2, 3):
        small.headcast.output = make_take(tmp_path, "shot_v001", (frame + 3) / 8, range(frame, frame + 1))
    getattr(bpy.ops.headcast, place)()
    assert [red_of(small, frame, tmp_path) for frame in range(4)] == [0.38, 0.5, 0.62, 0.0]
    small.headcast.output = make_take(tmp_path, "early_v001", 0.5, range(-4, -1))
    with pytest.raises(RuntimeError, match="do not count below 0"):
        getattr(bpy.ops.headcast, place)()


@pytest.mark.parametrize("place", ["composite", "take_to_plane", "take_to_sequencer"])
def test_a_project_that_moves_keeps_its_take(small: bpy.types.Scene, tmp_path: Path, place: str) -> None:
    old, new = tmp_path / "job", tmp_path / "moved"
    old.mkdir()
    bpy.ops.wm.save_as_mainfile(filepath=str(old / "shot.blend"))
    make_take(old / "take", "shot_v001", 0.25)
    small.headcast.output = "//take/shot_v001.####.exr"
    getattr(bpy.ops.headcast, place)()
    if place == "take_to_sequencer":
        small.sequencer_colorspace_settings.name = "Linear Rec.709"
    bpy.ops.wm.save_mainfile()
    old.rename(new)
    bpy.ops.wm.open_mainfile(filepath=str(new / "shot.blend"))
    assert red_of(bpy.context.scene, FIRST, tmp_path) == 0.25
    make_take(new / "take", "shot_v002", 0.75)
    bpy.context.scene.headcast.output = "//take/shot_v002.####.exr"
    getattr(bpy.ops.headcast, place)()
    assert red_of(bpy.context.scene, FIRST, tmp_path) == 0.75


def test_a_copy_of_a_shot_leaves_the_shot_alone(small: bpy.types.Scene, tmp_path: Path) -> None:
    small.headcast.output = make_take(tmp_path / "sh010", "comp_v001", 0.25)
    bpy.ops.headcast.composite()
    other = small.copy()
    other.headcast.output = make_take(tmp_path / "sh020", "comp_v001", 0.75)
    with bpy.context.temp_override(scene=other, view_layer=other.view_layers[0]):
        bpy.ops.headcast.composite()
    assert red_of(small, FIRST, tmp_path) == 0.25


def test_a_camera_that_a_marker_alone_names(small: bpy.types.Scene, tmp_path: Path) -> None:
    small.headcast.output = make_take(tmp_path, "shot_v001", 0.5)
    small.timeline_markers.new("A", frame=FIRST + 5).camera = small.camera
    small.camera = None
    assert bpy.ops.headcast.take_to_plane() == {"FINISHED"}
    assert red_of(small, FIRST, tmp_path) == 0.5
