# SPDX-License-Identifier: GPL-3.0-or-later
"""A performance onto shape keys: what Blender evaluates in each frame is what the performance says."""

from __future__ import annotations

import time
from fractions import Fraction
from pathlib import Path

import bpy
import numpy as np
import pytest
from headcast import compat
from headcast.core.errors import RigError
from headcast.core.landmarks import arkit
from headcast.core.landmarks.face_model import face_model
from headcast.core.landmarks.naming import Match
from headcast.core.performance import Performance
from headcast.core.rates import exact_rate
from headcast.scene.curves import WrittenCurves, writable, write_curves
from headcast.scene.timing import scene_rate

FIRST = 1001
SIDED = [name.replace("Left", "_L").replace("Right", "_R") if name not in ("jawLeft", "jawRight", "mouthLeft", "mouthRight")
         else name for name in arkit.EXPRESSIONS]  # fmt: skip


def acting(frames: int = 20, gap: slice = slice(8, 11), rate: int = 24) -> Performance:
    """Some expressions come and go; some frames show no face."""
    weights = np.zeros((frames, len(arkit.EXPRESSIONS)), np.float32)
    phase = np.linspace(0, 2 * np.pi, frames)
    for name, speed in (("jawOpen", 1.0), ("eyeBlinkLeft", 2.0), ("eyeBlinkRight", 3.0), ("browInnerUp", 1.5)):
        weights[:, arkit.INDEX[name]] = 0.5 - 0.5 * np.cos(speed * phase)
    landmarks = (face_model().acted(weights)[..., :2] * 100 + 256).astype(np.float32)
    seen = np.ones(frames, np.float32)
    seen[gap] = 0
    landmarks[gap], weights[gap] = np.nan, np.nan
    crops = np.tile([256.0, 256.0, 460.0], (frames, 1))
    numbers = np.arange(FIRST, FIRST + frames, dtype=np.int32)
    return Performance(numbers, landmarks, weights, seen, crops, 512, 512, Fraction(rate), "test")


def face(scene: bpy.types.Scene, names: list[str], name: str = "Face") -> bpy.types.Object:
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata([(0, 0, 0), (1, 0, 0), (0, 1, 0)], [], [])
    item = bpy.data.objects.new(name, mesh)
    scene.collection.objects.link(item)
    item.shape_key_add(name="Basis")
    for key in names:
        item.shape_key_add(name=key)
    return item


def value(item: bpy.types.Object, name: str) -> float:
    """As Blender evaluates it in the current frame."""
    keys = item.data.shape_keys.evaluated_get(bpy.context.evaluated_depsgraph_get())
    return keys.key_blocks[name].value


def frames_of(item: bpy.types.Object, name: str) -> list[float]:
    curve = compat.curve_of(item.data.shape_keys, f'key_blocks["{name}"].value')
    return [point.co.x for point in curve.keyframe_points]


@pytest.mark.parametrize("spelling", [list(arkit.EXPRESSIONS), SIDED])
def test_the_rig_does_what_the_performance_says(scene: bpy.types.Scene, spelling: list[str]) -> None:
    rig, performance = face(scene, spelling), acting()
    written = write_curves(rig, performance)
    assert written == WrittenCurves(meshes=1, curves=52, frames=17, without=(), driven=())
    for i in (0, 5, 11, 19):
        scene.frame_set(FIRST + i)
        for j in (arkit.INDEX["jawOpen"], arkit.INDEX["eyeBlinkLeft"], arkit.INDEX["eyeBlinkRight"], 0):
            assert value(rig, spelling[j]) == pytest.approx(performance.expression[i, j], abs=1e-5)
    assert frames_of(rig, "jawOpen") == [f for f in range(FIRST, FIRST + 20) if not FIRST + 8 <= f < FIRST + 11]
    scene.frame_set(FIRST + 9)
    around = performance.expression[[7, 11], arkit.INDEX["jawOpen"]]
    assert min(around) - 1e-5 <= value(rig, "jawOpen") <= max(around) + 1e-5


def test_a_key_without_a_side_gets_the_mean_and_mixtures_are_left(scene: bpy.types.Scene) -> None:
    rig, performance = face(scene, ["aa", "ih", "ou", "blink", "happy", "angry"]), acting(gap=slice(0, 0))
    written = write_curves(rig, performance)
    assert written.curves == 1
    assert set(arkit.EXPRESSIONS).difference(written.without) == {"eyeBlinkLeft", "eyeBlinkRight"}
    scene.frame_set(FIRST + 4)
    both = performance.expression[4, [arkit.INDEX["eyeBlinkLeft"], arkit.INDEX["eyeBlinkRight"]]]
    assert value(rig, "blink") == pytest.approx(both.mean(), abs=1e-5)


def test_what_can_be_written() -> None:
    rows = [
        ("blink", "eyeBlinkLeft", 1),
        ("blink", "eyeBlinkRight", 1),
        ("wink", "eyeBlinkLeft", 1),
        ("jaw", "jawOpen", 0.5),
    ]
    rows += [("look", "eyeLookInRight", 1), ("look", "eyeLookOutLeft", 1), ("smile", "mouthSmileRight", 1)]
    rows += [("smile", "mouthSmileLeft", 1)]
    found = writable(Match(*row) for row in rows)
    assert found == {"wink": ("eyeBlinkLeft",), "smile": ("mouthSmileRight", "mouthSmileLeft")}


def test_an_animators_other_keys_stay(scene: bpy.types.Scene) -> None:
    """Keys before and after, keys of other shapes, keys of a key whose values are replaced, and what a driver moves."""
    rig, performance = face(scene, [*arkit.EXPRESSIONS, "own"]), acting()
    keys = rig.data.shape_keys
    for name, frame, weight in (("jawOpen", 990, 0.9), ("jawOpen", 1005, 0.9), ("jawOpen", 1100, 0.4), ("own", 1005, 0.3)):
        keys.key_blocks[name].value = weight
        keys.key_blocks[name].keyframe_insert("value", frame=frame)
    driver = keys.key_blocks["tongueOut"].driver_add("value").driver
    driver.expression = "0.25"
    action = keys.animation_data.action
    for _ in range(2):
        written = write_curves(rig, performance)
        assert (written.curves, written.without, written.driven) == (51, ("tongueOut",), ("tongueOut",))
    assert keys.animation_data.action == action
    frames = frames_of(rig, "jawOpen")
    assert frames == sorted(frames)
    assert (frames[0], frames[-1], len(frames)) == (990, 1100, 17 + 2)
    assert frames_of(rig, "own") == [1005]
    for frame, name, weight in (
        (990, "jawOpen", 0.9),
        (1100, "jawOpen", 0.4),
        (1005, "own", 0.3),
        (1005, "tongueOut", 0.25),
    ):
        scene.frame_set(frame)
        assert value(rig, name) == pytest.approx(weight, abs=1e-5)


def test_meshes_below_an_armature(scene: bpy.types.Scene) -> None:
    """Lashes have too few keys to be recognised alone; a mesh without any is passed over."""
    rig = bpy.data.objects.new("Rig", bpy.data.armatures.new("Rig"))
    scene.collection.objects.link(rig)
    parts = face(scene, list(arkit.EXPRESSIONS)), face(scene, ["eyeBlinkLeft"], "Lashes")
    plain = bpy.data.objects.new("Hair", bpy.data.meshes.new("Hair"))
    for part in (*parts, plain):
        part.parent = rig
    performance = acting()
    written = write_curves(rig, performance)
    assert (written.meshes, written.curves) == (2, 53)
    scene.frame_set(FIRST + 3)
    assert value(parts[0], "eyeBlinkLeft") == value(parts[1], "eyeBlinkLeft") > 0.1


def test_expressions_that_nobody_read_come_from_the_landmarks(scene: bpy.types.Scene) -> None:
    rig, performance = face(scene, list(arkit.EXPRESSIONS)), acting(40)
    truth = performance.expression.copy()
    performance.expression[:] = np.nan
    assert write_curves(rig, performance).frames == 37
    got = []
    for frame in performance.frames[performance.seen].tolist():
        scene.frame_set(frame)
        got.append(value(rig, "jawOpen"))
    assert np.corrcoef(got, truth[performance.seen, arkit.INDEX["jawOpen"]])[0, 1] > 0.9


def test_a_minute_is_written_in_a_moment(scene: bpy.types.Scene) -> None:
    rig, performance = face(scene, list(arkit.EXPRESSIONS)), acting(1440)
    compat.curve_of(rig.data.shape_keys, 'key_blocks["jawOpen"].value').keyframe_points.insert(5000, 1.0)
    begun = time.thread_time()
    write_curves(rig, performance)
    first = time.thread_time() - begun
    write_curves(rig, performance)
    again = time.thread_time() - begun - first
    print(f"written in {first:.2f} s, again in {again:.2f} s")
    assert max(first, again) < 3


def test_a_rig_that_has_none(scene: bpy.types.Scene) -> None:
    with pytest.raises(RigError, match="No known convention"):
        write_curves(face(scene, ["Key 1", "Key 2"]), acting())
    with pytest.raises(RigError, match="stands for one ARKit expression"):
        write_curves(face(scene, ["aa", "ih", "ou"], "Mixed"), acting())


@pytest.mark.parametrize("fps", [(24, 1.0), (24, 1.001), (24, 24 / 23.976), (30, 1.001)])
def test_a_second_of_the_performance_is_a_second_of_the_scene(
    scene: bpy.types.Scene, tmp_path: Path, fps: tuple[int, float], capfd: pytest.CaptureFixture[str]
) -> None:
    """60 frames a second, the jaw widest after one second of two."""
    rig, performance = face(scene, list(arkit.EXPRESSIONS)), acting(121, slice(0, 0), 60)
    performance.save(tmp_path / "drive.performance")
    scene.headcast.rig, scene.headcast.performance = rig, "//drive.performance"
    scene.render.fps, scene.render.fps_base = fps
    assert bpy.ops.headcast.write_curves() == {"FINISHED"}
    rate = round(fps[0] / fps[1], 5)
    assert scene_rate(scene) == exact_rate(rate)
    curve = compat.curve_of(rig.data.shape_keys, 'key_blocks["jawOpen"].value')
    at = np.arange(FIRST, FIRST + 2 * rate, 0.25)
    assert at[np.argmax([curve.evaluate(frame) for frame in at])] == pytest.approx(FIRST + rate, abs=0.5)
    assert frames_of(rig, "jawOpen")[-1] == FIRST + int(2 * rate)
    assert "The performance has 60 frames a second" in capfd.readouterr().out


def test_frame_for_frame_where_that_is_wanted(
    scene: bpy.types.Scene, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    rig, performance = face(scene, list(arkit.EXPRESSIONS)), acting(rate=30)
    performance.save(tmp_path / "drive.performance")
    scene.headcast.rig, scene.headcast.performance, scene.headcast.retime = rig, "//drive.performance", False
    assert bpy.ops.headcast.write_curves() == {"FINISHED"}
    assert "frame for frame" in capfd.readouterr().out
    assert frames_of(rig, "jawOpen")[-1] == FIRST + 19


def test_the_operator(scene: bpy.types.Scene, tmp_path: Path) -> None:
    assert not bpy.ops.headcast.write_curves.poll()
    rig, performance = face(scene, list(arkit.EXPRESSIONS)), acting()
    performance.save(tmp_path / "drive.performance")
    scene.headcast.rig, scene.headcast.performance = rig, "//drive.performance"
    assert bpy.ops.headcast.write_curves() == {"FINISHED"}
    scene.frame_set(FIRST + 5)
    assert value(rig, "jawOpen") == pytest.approx(performance.expression[5, arkit.INDEX["jawOpen"]], abs=1e-5)
    scene.headcast.performance = "//none.performance"
    with pytest.raises(RuntimeError, match=r"none\.performance is not there"):
        bpy.ops.headcast.write_curves()
