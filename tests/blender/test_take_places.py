# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a take can be put: each place shows its frames, at their numbers, and once."""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np
import pytest
from headcast import compat
from headcast.core.imaging import exr
from headcast.core.take import FramePattern, Manifest
from headcast.nodes.build import ensure_group
from headcast.nodes.shelf import TAKE
from headcast.scene.take_state import take_state
from numpy.typing import NDArray

from .test_nodes import render

SIDE = 16
FRAMES = (1001, 1002, 1003)


def colour(frame: int) -> tuple[float, float, float]:
    return (0.25 * (frame - 1000), 0.5, 0.125)


@pytest.fixture
def take(scene: bpy.types.Scene, tmp_path: Path) -> FramePattern:
    """Frames from 1001, each of a colour of its own in the left half; the right half is clear."""
    scene.render.resolution_x = scene.render.resolution_y = SIDE
    scene.headcast.output = "//shot_v001.####.exr"
    pattern = FramePattern.parse(str(tmp_path / "shot_v001.####.exr"))
    manifest = Manifest(pattern, dict.fromkeys(range(2000), "x"))
    for frame in FRAMES:
        add_frame(pattern, manifest, frame)
    return pattern


def add_frame(pattern: FramePattern, manifest: Manifest, frame: int, **facts: object) -> None:
    picture = np.zeros((SIDE, SIDE, 4), np.float32)
    picture[:, : SIDE // 2] = (*colour(frame), 1.0)
    exr.write_rgba(pattern.path(frame), picture, {})
    manifest.record(frame, **facts)


def halves(picture: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The colour in the middle of the left and of the right half."""
    return picture[SIDE // 2, SIDE // 4, :3], picture[SIDE // 2, 3 * SIDE // 4, :3]


def test_in_the_sequencer_the_frames_keep_their_numbers(scene: bpy.types.Scene, take: FramePattern, tmp_path: Path) -> None:
    assert bpy.ops.headcast.take_to_sequencer() == {"FINISHED"}
    (strip,) = compat.strips_of(scene.sequence_editor)
    assert (strip.frame_final_start, strip.frame_final_end) == (1001, 1004)
    scene.sequencer_colorspace_settings.name = "Linear Rec.709"
    for frame in (1001, 1003):
        left, right = halves(render(scene, frame, tmp_path))
        assert np.abs(left - colour(frame)).max() < 1e-3
        assert not right.any()


def test_a_longer_take_makes_the_same_strip_longer(scene: bpy.types.Scene, take: FramePattern) -> None:
    bpy.ops.headcast.take_to_sequencer()
    for frame in (1000, 1004):
        add_frame(take, Manifest(take, dict.fromkeys(range(2000), "x")), frame)
    bpy.ops.headcast.take_to_sequencer()
    (strip,) = compat.strips_of(scene.sequence_editor)
    files = [element.filename for element in strip.elements]
    assert files == [f"shot_v001.{frame}.exr" for frame in (1000, *FRAMES, 1004)]
    assert (strip.frame_final_start, strip.frame_final_end) == (1000, 1005)


@pytest.mark.skipif(not compat.HAS_STRIP_COMPOSITOR, reason="no compositor in strips")
def test_over_the_strip_that_is_its_plate(scene: bpy.types.Scene, take: FramePattern, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="Choose the strip"):
        bpy.ops.headcast.take_over_strip()
    editor = scene.sequence_editor_create()
    plate = editor.strips.new_effect(name="Plate", type="COLOR", channel=1, frame_start=1001, length=3)
    plate.color = (1.0, 1.0, 1.0)
    editor.active_strip = plate
    scene.sequencer_colorspace_settings.name = "Linear Rec.709"
    for _ in range(2):
        assert bpy.ops.headcast.take_over_strip() == {"FINISHED"}
    assert len(plate.modifiers) == 1
    for frame in (1001, 1003):
        left, right = halves(render(scene, frame, tmp_path))
        assert np.abs(left - colour(frame)).max() < 1e-3
        assert np.abs(right - 1.0).max() < 1e-3


def test_on_a_plane_it_fills_the_cameras_frame(scene: bpy.types.Scene, take: FramePattern, tmp_path: Path) -> None:
    scene.camera.location = (3.0, -7.0, 2.0)
    scene.camera.data.shift_x = 0.1
    scene.cycles.use_denoising = False
    for distance in (5.0, 20.0):
        assert bpy.ops.headcast.take_to_plane(distance=distance) == {"FINISHED"}
        for frame in (1001, 1003):
            picture = render(scene, frame, tmp_path)
            left, right = halves(picture)
            assert np.abs(left - colour(frame)).max() < 1e-3
            assert np.abs(right).max() < 1e-3
            assert np.abs(picture[1:-1, 1, :3] - colour(frame)).max() < 1e-3
    assert len([item for item in scene.objects if item.type == "MESH"]) == 1


def test_a_wide_frame_has_the_take_in_its_middle(scene: bpy.types.Scene, take: FramePattern) -> None:
    scene.render.resolution_x = 2 * SIDE
    bpy.ops.headcast.take_to_plane()
    plane = next(item for item in scene.objects if item.type == "MESH")
    assert plane.scale.x == pytest.approx(plane.scale.y)


def test_in_the_movie_clip_editor_it_begins_at_its_number(scene: bpy.types.Scene, take: FramePattern) -> None:
    for _ in range(2):
        assert bpy.ops.headcast.take_to_clip() == {"FINISHED"}
    (clip,) = bpy.data.movieclips
    assert (clip.frame_start, clip.frame_duration, tuple(clip.size)) == (1001, 3, (SIDE, SIDE))


def test_of_many_layers_every_place_shows_the_head(scene: bpy.types.Scene, take: FramePattern, tmp_path: Path) -> None:
    manifest = Manifest(take, dict.fromkeys(range(2000), "x"))
    for frame in FRAMES:
        head = exr.read_rgba(take.path(frame))
        others = {name: exr.Layer(np.full_like(head[..., :3], 0.75)) for name in ("comp", "raw")}
        exr.write_layers(take.path(frame), {"head": exr.Layer(head), **others, "core": exr.Layer(head[..., 3])}, {})
        manifest.record(frame)
    bpy.ops.headcast.take_to_plane()
    scene.cycles.use_denoising = False
    left, right = halves(render(scene, 1002, tmp_path))
    assert np.abs(left - colour(1002)).max() < 1e-3
    assert np.abs(right).max() < 1e-3
    bpy.ops.headcast.take_to_clip()
    assert tuple(bpy.data.movieclips[0].size) == (SIDE, SIDE)
    if bpy.app.version < (4, 5, 0):
        with pytest.raises(RuntimeError, match="cannot show"):
            bpy.ops.headcast.take_to_sequencer()
        return
    bpy.ops.headcast.take_to_sequencer()
    scene.sequencer_colorspace_settings.name = "Linear Rec.709"
    left, right = halves(render(scene, 1002, tmp_path))
    assert np.abs(left - colour(1002)).max() < 1e-3
    assert not right.any()


def test_a_take_from_the_asset_library_shows_the_scenes_own(
    scene: bpy.types.Scene, take: FramePattern, tmp_path: Path
) -> None:
    tree = compat.compositor_tree(scene)
    tree.nodes.clear()
    output = compat.compositor_output(tree)
    node = tree.nodes.new("CompositorNodeGroup")
    node.node_tree = ensure_group(TAKE)
    tree.links.new(node.outputs["Head"], output.inputs[0])
    with bpy.context.temp_override(active_node=node):
        assert bpy.ops.headcast.take_to_node() == {"FINISHED"}
    left, right = halves(render(scene, 1003, tmp_path))
    assert np.abs(left - colour(1003)).max() < 1e-3
    assert not right.any()


def test_without_a_take_each_place_says_so(scene: bpy.types.Scene, tmp_path: Path) -> None:
    scene.headcast.output = str(tmp_path / "none.####.exr")
    for place in ("composite", "take_to_sequencer", "take_to_plane", "take_to_clip"):
        with pytest.raises(RuntimeError, match="There is no take"):
            getattr(bpy.ops.headcast, place)()


def test_the_state_of_a_take_follows_its_files(take: FramePattern) -> None:
    output = str(take.folder / "shot_v001.####.exr")
    state = take_state(output)
    assert tuple(state.frames) == FRAMES
    assert state.done.all()
    assert not state.reasons
    assert take_state(output) is state
    add_frame(take, Manifest(take, dict.fromkeys(range(2000), "x")), 1004, flagged={"sharpness": "Too soft."})
    take.path(1002).unlink()
    state = take_state(output)
    assert list(state.done) == [True, False, True, True]
    assert list(state.flagged) == [False, False, False, True]
    assert state.reasons == {1004: "Too soft."}


def test_a_new_version_leaves_what_is_there_alone(scene: bpy.types.Scene, take: FramePattern) -> None:
    scene.headcast.output = str(take)
    before = take.version
    assert bpy.ops.headcast.next_version() == {"FINISHED"}
    assert FramePattern.parse(scene.headcast.output).version == before + 1
    scene.headcast.output = "//shot.####.exr"
    with pytest.raises(RuntimeError, match="no version"):
        bpy.ops.headcast.next_version()
