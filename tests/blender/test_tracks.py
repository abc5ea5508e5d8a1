# SPDX-License-Identifier: GPL-3.0-or-later
"""Blender's tracker: what it follows is read back as a face, and what a detector sees is given to it."""

from __future__ import annotations

import subprocess
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import bmesh
import bpy
import numpy as np
import pytest
from bpy_extras.object_utils import world_to_camera_view
from headcast import jobs
from headcast.core.errors import NoFaceError, RigError
from headcast.core.landmarks import arkit
from headcast.core.landmarks.face_model import face_model
from headcast.core.landmarks.naming import LANDMARKS, Match, landmark_labels, match_points, track_presets
from headcast.core.performance import Performance
from headcast.scene.markers import place_tracks
from headcast.scene.tracks import read_tracks, track_names
from mathutils import Vector
from mathutils.geometry import delaunay_2d_cdt

from ..conftest import ENGINE_PYTHON

FRAMES, SIDE, FIRST = 12, 512, 1001
FEW = track_presets()["14 points"]
LABELS = landmark_labels()


class Filmed(NamedTuple):
    """A face that turns its head and opens its mouth, filmed."""

    first: Path
    truth: np.ndarray
    """[F, 70, 2] pixels"""


@pytest.fixture(scope="module")
def filmed(registered: None, tmp_path_factory: pytest.TempPathFactory) -> Filmed:
    """Twelve pictures from 1001 of the face model with dots on its skin, rendered, and where its points are in them."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.render.engine, scene.cycles.samples, scene.cycles.use_denoising = "CYCLES", 8, False
    scene.render.resolution_x = scene.render.resolution_y = SIDE
    scene.view_settings.view_transform = "Standard"
    scene.camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    scene.camera.location, scene.camera.rotation_euler, scene.camera.data.lens = (0, -30, 0), (np.pi / 2, 0, 0), 210
    scene.collection.objects.link(scene.camera)

    gaping = face_model().acted((np.array(arkit.EXPRESSIONS) == "jawOpen") * 0.4)
    rest, open_ = ([Vector((x, z, -y)) for x, y, z in points] for points in (face_model().neutral, gaping))
    faces = delaunay_2d_cdt([Vector((point.x, point.z)) for point in rest], [], [], 0, 1e-6)[2]
    mesh = bpy.data.meshes.new("Face")
    mesh.from_pydata(rest, [], faces)
    mesh.materials.append(spotted_skin())
    face = bpy.data.objects.new("Face", mesh)
    scene.collection.objects.link(face)
    face.shape_key_add(name="Basis")
    key = face.shape_key_add(name="open")
    for vertex, point in zip(key.data, open_, strict=True):
        vertex.co = point
    for number in FEW:
        paint_dot(face, number)
    for frame, part in ((FIRST, 0.0), (FIRST + FRAMES - 1, 1.0)):
        face.rotation_euler, face.location = (0.1 * part, 0.0, 0.3 * part - 0.15), (0.4 * part, 0.0, 0.2)
        key.value = part
        face.keyframe_insert("rotation_euler", frame=frame)
        face.keyframe_insert("location", frame=frame)
        key.keyframe_insert("value", frame=frame)

    folder, truth = tmp_path_factory.mktemp("plate"), np.empty((FRAMES, 70, 2))
    for i in range(FRAMES):
        scene.frame_set(FIRST + i)
        scene.render.filepath = str(folder / f"plate.{FIRST + i}.png")
        bpy.ops.render.render(write_still=True)
        posed = face.evaluated_get(bpy.context.evaluated_depsgraph_get())
        for number, vertex in enumerate(posed.data.vertices):
            flat = world_to_camera_view(scene, scene.camera, posed.matrix_world @ vertex.co)
            truth[i, number] = flat.x * SIDE, (1 - flat.y) * SIDE
    return Filmed(folder / f"plate.{FIRST}.png", truth)


def paint_dot(face: bpy.types.Object, number: int) -> None:
    """A black dot on the skin, as actors wear them, that goes with a vertex."""
    dot = bpy.data.meshes.new("Dot")
    bm = bmesh.new()
    bmesh.ops.create_icosphere(bm, subdivisions=2, radius=0.04)
    bm.to_mesh(dot)
    bm.free()
    on_face = bpy.data.objects.new("Dot", dot)
    on_face.parent, on_face.parent_type, on_face.parent_vertices = face, "VERTEX", (number, 0, 0)
    face.users_scene[0].collection.objects.link(on_face)


def spotted_skin() -> bpy.types.Material:
    material = bpy.data.materials.new("Skin")
    material.use_nodes = True
    nodes, links = material.node_tree.nodes, material.node_tree.links
    nodes.clear()
    place, spots = nodes.new("ShaderNodeTexCoord"), nodes.new("ShaderNodeTexNoise")
    light, output = nodes.new("ShaderNodeEmission"), nodes.new("ShaderNodeOutputMaterial")
    spots.inputs["Scale"].default_value, spots.inputs["Detail"].default_value = 12.0, 1.0
    links.new(place.outputs["Generated"], spots.inputs["Vector"])
    links.new(spots.outputs["Color"], light.inputs["Color"])
    links.new(light.outputs["Emission"], output.inputs["Surface"])
    return material


def load(first: Path, start: int = FIRST) -> bpy.types.MovieClip:
    clip = bpy.data.movieclips.load(str(first))
    clip.frame_start = start
    bpy.context.scene.headcast.movie_clip = clip
    return clip


@pytest.fixture
def clip(scene: bpy.types.Scene, filmed: Filmed) -> bpy.types.MovieClip:
    return load(filmed.first)


def write(track: bpy.types.MovieTrackingTrack, pixels: np.ndarray) -> None:
    """Markers on frames 1 to F at `pixels` [F, 2]."""
    for frame, (x, y) in enumerate(pixels, 1):
        track.markers.insert_frame(frame, co=(x / SIDE, 1 - y / SIDE))


def by_hand(clip: bpy.types.MovieClip, truth: np.ndarray, landmarks: Sequence[int] = FEW) -> list[Match]:
    """Perfect tracks of some landmarks."""
    for number in landmarks:
        write(clip.tracking.tracks.new(name=LABELS[number], frame=1), truth[:, number])
    return [Match(LABELS[number], LANDMARKS[number]) for number in landmarks]


def read(clip: bpy.types.MovieClip, matches: Sequence[Match]) -> tuple[Performance, list[str]]:
    """The performance, and the notes."""
    notes = []

    def steps() -> Generator[Any, None, dict[str, Any]]:
        return {"performance": (yield from read_tracks(bpy.context.scene, clip, matches))}

    job = jobs.SceneJob(steps())
    result = jobs.wait(job)
    notes = job.status.notes
    return result["performance"], notes


def rms(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.sqrt(np.square(a - b).sum(axis=-1).mean()))


def track_with_blender(clip: bpy.types.MovieClip) -> None:
    """What Track Forwards does with the selected tracks."""
    window = bpy.context.window_manager.windows[0]
    area = window.screen.areas[0]
    area.type = "CLIP_EDITOR"
    space = area.spaces.active
    space.clip = clip
    bpy.context.scene.frame_end = clip.frame_start + clip.frame_duration - 1
    # With windows, the editor's own frame follows the scene's.
    space.clip_user.frame_current = clip.frame_start
    region = next(region for region in area.regions if region.type == "WINDOW")
    with bpy.context.temp_override(window=window, screen=window.screen, area=area, region=region, space_data=space):
        assert bpy.ops.clip.track_markers(sequence=True) == {"FINISHED"}


def test_what_blenders_own_tracker_follows_is_read_within_a_pixel(clip: bpy.types.MovieClip, filmed: Filmed) -> None:
    place_tracks(clip, 1, filmed.truth[0], (SIDE, SIDE), FEW)
    track_with_blender(clip)
    performance, notes = read(clip, match_points(track_names(clip)).matches)
    assert performance.frames.tolist() == list(range(FIRST, FIRST + FRAMES))
    assert performance.seen.all()
    assert not notes
    tracked, whole = list(FEW), rms(performance.landmarks, filmed.truth)
    found = rms(performance.landmarks[:, tracked], filmed.truth[:, tracked])
    print(f"{found:.3f} px of 14 tracks, {whole:.3f} px of the whole face")
    assert found < 1.0
    assert whole < 4.0


def test_frames_with_too_few_tracks_are_gaps(clip: bpy.types.MovieClip, filmed: Filmed) -> None:
    matches = by_hand(clip, filmed.truth)
    for track in list(clip.tracking.tracks)[:7]:
        track.markers.find_frame(4).mute = True
        track.markers.delete_frame(9)
    clip.tracking.tracks["Nose tip"].markers.delete_frame(6)
    performance, notes = read(clip, [*matches, Match("Wart", "lm_03")])
    assert np.flatnonzero(~performance.seen).tolist() == [3, 8]
    assert rms(performance.landmarks[5, 30], filmed.truth[5, 30]) < 10
    absent, gaps = notes
    assert "no track Wart" in absent
    assert "2 of 12" in gaps
    assert "1004, 1009" in gaps


def test_too_few_assigned_tracks_say_what_is_needed(clip: bpy.types.MovieClip, filmed: Filmed) -> None:
    matches = by_hand(clip, filmed.truth, [*range(17, 27), 8, 30])
    with pytest.raises(RigError, match="12 landmarks have a track") as caught:
        read(clip, matches)
    assert "at least 8 landmarks, eyes and nose or mouth among them" in caught.value.hint
    assert "Right eye, outer corner" in caught.value.hint
    assert "Chin" not in caught.value.hint
    for track in clip.tracking.tracks:
        for frame in range(1, FRAMES + 1):
            track.markers.find_frame(frame).mute = True
    with pytest.raises(NoFaceError, match=r"No frame of plate\.1001\.png"):
        read(clip, [*matches, Match("Chin", "lm_36")])


def test_a_landmark_between_tracks_and_tracks_of_objects(clip: bpy.types.MovieClip, filmed: Filmed) -> None:
    matches = by_hand(clip, filmed.truth)
    head = clip.tracking.objects.new("Head")
    for name, number in (("Chin", 8), ("Dimple", 6)):
        write(head.tracks.new(name=name, frame=1), filmed.truth[:, number])
    clip.tracking.tracks["Nose tip"].offset = (0.01, 0.02)
    performance, _ = read(clip, [*matches, Match("Head/Chin", "lm_07", 1.0), Match("Dimple", "lm_07", 3.0)])
    between = (filmed.truth[:, 8] + 3 * filmed.truth[:, 6]) / 4
    assert performance.landmarks[:, 7] == pytest.approx(between, abs=1e-3)
    assert performance.landmarks[:, 8] == pytest.approx(filmed.truth[:, 8], abs=1e-3)
    moved = np.array([0.01, -0.02]) * SIDE
    assert performance.landmarks[:, 30] == pytest.approx(filmed.truth[:, 30] + moved, abs=1e-3)


def test_reading_by_button_uses_the_list_or_the_names(
    clip: bpy.types.MovieClip, filmed: Filmed, scene: bpy.types.Scene, tmp_path: Path
) -> None:
    by_hand(clip, filmed.truth)
    assert bpy.ops.headcast.read_tracks() == {"FINISHED"}
    path = tmp_path / "headcast" / "drive.performance"
    assert Performance.load(path).landmarks[:, 8] == pytest.approx(filmed.truth[:, 8], abs=1e-3)
    scene.headcast.source = "TRACKS"
    assert bpy.ops.headcast.match() == {"FINISHED"}
    row = next(row for row in scene.headcast.track_matches.rows if row.source == "Chin")
    row.target = "lm_07"
    assert bpy.ops.headcast.read_tracks() == {"FINISHED"}
    assert Performance.load(path).landmarks[:, 7] == pytest.approx(filmed.truth[:, 8], abs=1e-3)


@pytest.fixture
def photographed(scene: bpy.types.Scene, astronaut: Path, tmp_path: Path) -> bpy.types.MovieClip:
    """Six pictures of the astronaut, who moves 12 pixels to the right from one to the next; the fourth is black."""
    photo = bpy.data.images.load(str(astronaut))
    pixels = np.empty((SIDE, SIDE, 4), np.float32)
    photo.pixels.foreach_get(pixels.ravel())
    for i in range(6):
        shown = np.roll(pixels, 12 * i, axis=1) if i != 3 else np.zeros_like(pixels)
        picture = bpy.data.images.new("Picture", SIDE, SIDE)
        picture.pixels.foreach_set(shown.ravel())
        picture.filepath_raw, picture.file_format = str(tmp_path / f"shot.[v2].{FIRST + i}.png"), "PNG"
        picture.save()
    return load(tmp_path / f"shot.[v2].{FIRST}.png", start=101)


def test_tracks_of_the_detector_are_read_back_as_they_were(photographed: bpy.types.MovieClip, tmp_path: Path) -> None:
    clip, settings = photographed, bpy.context.scene.headcast
    kept = clip.tracking.tracks.new(name="Chin", frame=1)
    kept.markers.insert_frame(9, co=(0.5, 0.5))
    settings.clip, settings.track.smoothing = str(tmp_path), 0.0
    assert bpy.ops.headcast.track() == {"FINISHED"}
    path = tmp_path / "headcast" / "drive.performance"
    detected = Performance.load(path)
    assert detected.seen.tolist() == [True, True, True, False, True, True]

    assert bpy.ops.headcast.detector_tracks() == {"FINISHED"}
    assert len(clip.tracking.tracks) == 70
    assert [(marker.frame, marker.mute) for marker in kept.markers] == [
        *((0, True), (1, False), (2, False), (3, False)),
        *((4, True), (5, False), (6, False), (7, True)),
    ]
    assert not any(marker.is_keyed for marker in kept.markers if not marker.mute)
    assert bpy.ops.headcast.read_tracks() == {"FINISHED"}
    performance = Performance.load(path)
    assert performance.frames.tolist() == [101, 102, 103, 104, 105, 106]
    assert np.array_equal(performance.seen, detected.seen)
    seen = performance.seen
    assert np.abs(performance.landmarks[seen] - detected.landmarks[seen]).max() < 1e-3
    assert "1 of 6 frames" in jobs.last.notes[-1]
    assert "(104)" in jobs.last.notes[-1]

    kept.markers.find_frame(2).co.x += 10 / SIDE
    kept.lock = True
    assert bpy.ops.headcast.detector_tracks(preset="8") == {"FINISHED"}
    assert bpy.ops.headcast.read_tracks() == {"FINISHED"}
    moved = Performance.load(path).landmarks[1] - detected.landmarks[1]
    assert moved[8] == pytest.approx((10, 0), abs=1e-3)
    assert np.abs(np.delete(moved, 8, axis=0)).max() < 1e-3


MAKE_MOVIE = """
import sys
from fractions import Fraction
from pathlib import Path
import numpy as np
from headcast.core.imaging.preview import write_movie
from headcast.core.imaging.read import read_photo
photo = read_photo(Path(sys.argv[1]))
write_movie(Path(sys.argv[2]), (np.roll(photo, 12 * i, axis=1) for i in range(5)), Fraction(25))
"""


def test_a_movies_tracks_lie_on_its_frames(scene: bpy.types.Scene, astronaut: Path, tmp_path: Path) -> None:
    movie = tmp_path / "shot.mp4"
    subprocess.run([ENGINE_PYTHON, "-c", MAKE_MOVIE, str(astronaut), str(movie)], check=True)
    clip, settings = load(movie, start=11), scene.headcast
    clip.frame_offset = 1
    settings.clip, settings.track.first = str(movie), 1001
    path = tmp_path / "headcast" / "drive.performance"
    assert bpy.ops.headcast.track() == {"FINISHED"}
    detected = Performance.load(path)
    assert bpy.ops.headcast.detector_tracks(preset="22") == {"FINISHED"}
    assert bpy.ops.headcast.read_tracks() == {"FINISHED"}
    performance = Performance.load(path)
    assert performance.rate == detected.rate == 25
    assert performance.frames[performance.seen].tolist() == [11, 12, 13, 14]
    tracked = track_presets()["22 points"]
    difference = performance.landmarks[:4, tracked] - detected.landmarks[1:, tracked]
    assert np.abs(difference).max() < 1e-3


def test_tracks_are_placed_where_the_face_is(photographed: bpy.types.MovieClip, scene: bpy.types.Scene) -> None:
    clip = photographed
    clip.frame_offset = 1
    numbered = clip.tracking.tracks.new(name="lm_08", frame=1)
    scene.frame_set(102)
    assert bpy.ops.headcast.place_tracks(preset="14") == {"FINISHED"}
    assert len(clip.tracking.tracks) == 14
    assert "Chin" not in clip.tracking.tracks
    assert numbered.select
    eye = clip.tracking.tracks["Left eye, outer corner"]
    assert [marker.frame for marker in eye.markers] == [2]
    face = np.array([track.markers.find_frame(2).co for track in clip.tracking.tracks]) * SIDE
    # Her face is at 224 in the first picture, and the clip's frame 2 shows the third.
    assert face[:, 0].mean() == pytest.approx(224 + 24, abs=6)
    assert 11 / SIDE - 1e-6 <= eye.markers[0].pattern_corners[1][0] * 2 < 0.1

    settings = scene.headcast.track_matches
    settings.rows.add().target = "lm_08"
    scene.frame_set(103)
    with pytest.raises(RuntimeError, match="No face in frame 1004"):
        bpy.ops.headcast.place_tracks()
    scene.frame_set(101)
    assert bpy.ops.headcast.place_tracks(preset="8") == {"FINISHED"}
    assert len(settings.rows) == 8
    scene.frame_set(99)
    with pytest.raises(RuntimeError, match="Go to a frame from 101 to 106"):
        bpy.ops.headcast.place_tracks()
