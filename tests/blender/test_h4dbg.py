"""Blender's tracker: what it follows is read back as a face, and what a detector sees is given to it."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

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
    """Twelve pictures from 1001 of the face model with a spotted skin, rendered, and where its points are in them."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.render.engine, scene.cycles.samples, scene.cycles.use_denoising = "CYCLES", 8, False
    scene.render.resolution_x = scene.render.resolution_y = SIDE
    scene.view_settings.view_transform = "Standard"
    scene.camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    scene.camera.location, scene.camera.rotation_euler, scene.camera.data.lens = (0, -12, 0), (np.pi / 2, 0, 0), 85
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
    e = np.linalg.norm(performance.landmarks[:, tracked] - filmed.truth[:, tracked], axis=-1)
    for n, r in zip(tracked, e.T): print("DBG", LABELS[n], r.round(2))
    print(f"{found:.3f} px of 14 tracks, {whole:.3f} px of the whole face")
    assert found < 1.0
    assert whole < 2.5
