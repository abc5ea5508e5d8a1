# SPDX-License-Identifier: GPL-3.0-or-later
"""Long jobs: Blender is never held, a dead worker is an error and no more, the next render goes on."""

from __future__ import annotations

import os
import signal
import time
from contextlib import AbstractContextManager
from dataclasses import fields
from pathlib import Path
from types import SimpleNamespace

import bpy
import pytest
from headcast import compat, fixes, jobs, notices
from headcast.core.errors import CancelledError, DeadWorkerError, HeadcastError
from headcast.core.imaging import exr
from headcast.core.settings import AdaptSettings, RenderSettings
from headcast.operators.modal import JobOperator
from headcast.operators.render import HEADCAST_OT_render
from headcast.operators.track_rig import HEADCAST_OT_track_rig
from headcast.properties import values_of

from .test_rig import mesh_rig, turn

LONGEST_HOLD = 0.05
"""Seconds of Blender's own thread: a busy machine counts for nothing."""


@pytest.fixture
def ready(scene: bpy.types.Scene, astronaut: Path, tmp_path: Path) -> bpy.types.Scene:
    """A likeness and a performance of 30 frames, ready to be rendered."""
    rig = mesh_rig(scene)
    turn(rig)
    scene.frame_end = 30
    settings = scene.headcast
    settings.photos, settings.rig = str(astronaut), rig
    assert bpy.ops.headcast.adapt() == {"FINISHED"}
    assert bpy.ops.headcast.track_rig() == {"FINISHED"}
    return scene


def begin(scene: bpy.types.Scene) -> tuple[object, jobs.EngineJob]:
    """Press the button, as far as Blender without a window lets it be pressed."""
    press = SimpleNamespace()
    job = HEADCAST_OT_render.begin_job(press, bpy.context)
    jobs.begin(job)
    return press, job


def test_settings_are_the_cores(scene: bpy.types.Scene) -> None:
    for group, settings in ((scene.headcast.adapt, AdaptSettings), (scene.headcast.render, RenderSettings)):
        assert settings(**values_of(group, settings)) == settings()
        for item in fields(settings):
            shown = group.bl_rna.properties[item.name]
            assert shown.description == item.metadata["text"]


def test_blender_is_never_held(ready: bpy.types.Scene) -> None:
    """The longest of all that a render does in Blender's event loop, its last step into the compositor included."""
    holds = []

    def timed(function: object, *arguments: object) -> object:
        start = time.thread_time()
        result = function(*arguments)
        holds.append(time.thread_time() - start)
        return result

    jobs.stop_engine()
    press, job = timed(begin, ready)
    while (result := timed(job.poll)) is None:
        time.sleep(0.01)
    timed(HEADCAST_OT_render.finish, press, bpy.context, result)
    jobs.end()
    print(f"held for at most {max(holds) * 1000:.1f} ms in {len(holds)} steps")
    assert result["frames"] == 30
    assert max(holds) < LONGEST_HOLD


def test_reading_a_rig_is_sliced(ready: bpy.types.Scene, tmp_path: Path) -> None:
    from headcast.operators.track_rig import _read_and_save

    ready.frame_end = 50_000
    ready.frame_set(7)
    job = jobs.SceneJob(_read_and_save(ready, ready.headcast.rig, tmp_path / "long.performance"))
    holds = []
    for _ in range(10):
        start = time.thread_time()
        assert job.poll() is None
        holds.append(time.thread_time() - start)
    assert max(holds) < LONGEST_HOLD
    assert ready.frame_current > 10
    job.cancel()
    with pytest.raises(CancelledError):
        job.poll()
    assert ready.frame_current == 7
    assert not (tmp_path / "long.performance").exists()


def test_a_rig_into_a_folder_that_cannot_be_written(ready: bpy.types.Scene, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ready.headcast.performance = str(tmp_path / "file" / "x.performance")
    with pytest.raises(RuntimeError, match="cannot be written"):
        bpy.ops.headcast.track_rig()
    assert jobs.current is None


def test_a_bug_does_not_leave_the_buttons_grey(ready: bpy.types.Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headcast.operators.track_rig.read_rig", lambda scene, rig: iter([("read", 0)]))
    with pytest.raises(RuntimeError, match="TypeError"):
        bpy.ops.headcast.track_rig()
    assert jobs.current is None


def test_a_killed_worker_leaves_whole_frames_and_the_next_render_goes_on(ready: bpy.types.Scene, tmp_path: Path) -> None:
    _, job = begin(ready)
    while job.status.what != "render" or job.status.done < 4:
        assert job.poll() is None
        time.sleep(0.005)
    os.kill(job.process_id, signal.SIGKILL)
    with pytest.raises(DeadWorkerError, match="signal 9") as caught:
        jobs.wait(job)
    assert "render again" in caught.value.hint
    assert fixes.FIXES[DeadWorkerError] == fixes.AGAIN
    jobs.end(caught.value)
    assert jobs.current is None
    assert "signal 9" in jobs.last.error.message
    folder = tmp_path / "headcast"
    frames = sorted(folder.glob("*.exr"))
    assert 4 <= len(frames) < 30
    for path in frames:
        exr.read_rgba(path)

    assert bpy.ops.headcast.render() == {"FINISHED"}
    assert jobs.last.error is None
    assert len(list(folder.glob("*.exr"))) == 30
    assert not [path for path in folder.iterdir() if path.name.endswith(".part")]
    kept = [path for path in frames if path.stat().st_mtime_ns < folder.joinpath("shot_v001.0030.exr").stat().st_mtime_ns]
    assert len(kept) == len(frames)


def test_cancel_keeps_what_is_finished(ready: bpy.types.Scene, tmp_path: Path) -> None:
    _, job = begin(ready)
    while job.status.what != "render" or job.status.done < 2:
        job.poll()
        time.sleep(0.005)
    assert bpy.ops.headcast.cancel() == {"FINISHED"}
    with pytest.raises(CancelledError):
        jobs.wait(job)
    jobs.end()
    assert 2 <= len(list((tmp_path / "headcast").glob("*.exr"))) < 30


class Window:
    """The operator as a window's button runs it: Blender without one never calls `modal`."""

    def __init__(self, operator: type, **kept: object) -> None:
        names = ("invoke", "modal", "cancel", "put", "begin_job", "finish", "_let_go", "_finished", "_failed")
        self.reported: list[str] = []
        timers = SimpleNamespace(
            event_timer_add=lambda *_, **__: "timer",
            event_timer_remove=lambda timer: None,
            modal_handler_add=lambda operator: None,
            windows=(),
        )
        self.workspace = SimpleNamespace(status_text_set=lambda text: None)
        self.window_manager, self.window = timers, None
        kind = type(
            operator.__name__,
            (JobOperator,),
            {name: getattr(operator, name) for name in names}
            | {"bl_idname": operator.bl_idname, "report": lambda _, kind, text: self.reported.append(text), **kept},
        )
        self.operator = kind()

    @property
    def scene(self) -> bpy.types.Scene:
        return bpy.context.scene

    def temp_override(self, **members: object) -> AbstractContextManager[None]:
        return bpy.context.temp_override(**members)

    def press(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("headcast.operators.modal.bpy", SimpleNamespace(app=SimpleNamespace(background=False)))
        assert self.operator.invoke(self, None) == {"RUNNING_MODAL"}

    def send(self, event: str) -> set[str]:
        return self.operator.modal(self, SimpleNamespace(type=event))

    def wait(self) -> set[str]:
        """Timer events until the job is over."""
        while (answer := self.send("TIMER")) == {"PASS_THROUGH"}:
            time.sleep(0.01)
        return answer


@pytest.fixture
def pressed(ready: bpy.types.Scene, monkeypatch: pytest.MonkeyPatch) -> Window:
    """A take that is being rendered, four frames of it, one of which is flagged."""
    ready.frame_end = 4
    bpy.ops.headcast.track_rig()
    ready.headcast.render.mouth_limit = 0.001
    window = Window(HEADCAST_OT_render)
    window.press(monkeypatch)
    assert jobs.current is window.operator._job
    assert not bpy.ops.headcast.adapt.poll()
    return window


def nothing_is_grey(scene: bpy.types.Scene) -> bool:
    scene.headcast.photos = "/photo.jpg"
    return jobs.current is None and bpy.ops.headcast.adapt.poll()


def flags(scene: bpy.types.Scene) -> list[str]:
    return [marker.name for marker in scene.timeline_markers]


def test_a_take_goes_to_the_scene_that_it_was_rendered_in(pressed: Window, ready: bpy.types.Scene, tmp_path: Path) -> None:
    """Whatever is shown, and set, by the time that it is done."""
    other = bpy.data.scenes.new("Another")
    bpy.context.window.scene = other
    output, ready.name = ready.headcast.output, "Renamed"
    ready.headcast.output = other.headcast.output = "//elsewhere/b_v007.####.exr"
    ready.headcast.composite = not ready.headcast.composite
    assert pressed.wait() == {"FINISHED"}
    assert flags(ready)
    assert not flags(other)
    groups = [
        [node for node in compat.compositor_tree(scene).nodes if node.bl_idname == "CompositorNodeGroup"]
        for scene in (ready, other)
    ]
    assert [len(group) for group in groups] == [1, 0]
    assert len(list(Path(bpy.path.abspath(output)).parent.glob("*.exr"))) == 4
    assert nothing_is_grey(other)


def test_a_take_whose_scene_was_removed_is_put_nowhere(pressed: Window, ready: bpy.types.Scene) -> None:
    other = bpy.data.scenes.new("Another")
    bpy.context.window.scene = other
    name = ready.name
    bpy.data.scenes.remove(ready)
    assert pressed.wait() == {"FINISHED"}
    assert any(f"The scene '{name}' is gone: nothing was put there" in text for text in pressed.reported)
    assert not flags(other)
    assert nothing_is_grey(other)


@pytest.mark.parametrize("leave", ["new", "open"])
def test_another_file_in_mid_job_leaves_nothing_grey(pressed: Window, tmp_path: Path, leave: str) -> None:
    if leave == "new":
        bpy.ops.wm.read_homefile(use_empty=True)
    else:
        bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "scene.blend"))
    assert nothing_is_grey(bpy.context.scene)
    assert "another file was opened" in notices._text
    assert pressed.send("TIMER") == {"CANCELLED"}
    assert not flags(bpy.context.scene)


def test_another_file_while_a_rig_is_read(ready: bpy.types.Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    ready.frame_end = 50_000
    window = Window(HEADCAST_OT_track_rig)
    window.press(monkeypatch)
    assert window.send("TIMER") == {"PASS_THROUGH"}
    bpy.ops.wm.read_homefile(use_empty=True)
    assert nothing_is_grey(bpy.context.scene)
    assert window.send("TIMER") == {"CANCELLED"}


def test_a_scene_removed_while_its_rig_is_read(ready: bpy.types.Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    ready.frame_end = 50_000
    window = Window(HEADCAST_OT_track_rig)
    window.press(monkeypatch)
    assert window.send("TIMER") == {"PASS_THROUGH"}
    bpy.context.window.scene = other = bpy.data.scenes.new("Another")
    bpy.data.scenes.remove(ready)
    assert window.wait() == {"CANCELLED"}
    assert "was removed" in window.reported[-1]
    assert nothing_is_grey(other)


def test_a_closed_window_leaves_nothing_grey(pressed: Window, ready: bpy.types.Scene) -> None:
    pressed.operator.cancel(pressed)
    assert nothing_is_grey(ready)
    assert "its window was closed" in notices._text


def test_esc_stops_the_job_and_nothing_else(pressed: Window, ready: bpy.types.Scene) -> None:
    assert pressed.send("ESC") == {"RUNNING_MODAL"}  # a handler that answers so keeps the event
    assert pressed.send("A") == {"PASS_THROUGH"}
    assert pressed.wait() == {"CANCELLED"}
    assert nothing_is_grey(ready)


def test_errors_reach_the_panel_and_the_script(scene: bpy.types.Scene, tmp_path: Path) -> None:
    (tmp_path / "text.jpg").write_text("no picture")
    scene.headcast.photos = str(tmp_path / "text.jpg")
    with pytest.raises(RuntimeError, match=r"text\.jpg is damaged"):
        bpy.ops.headcast.adapt()
    assert isinstance(jobs.last.error, HeadcastError)
    assert "text.jpg" in jobs.last.error.message
    assert jobs.current is None


def test_an_engine_that_is_not_there_is_said(scene: bpy.types.Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADCAST_PYTHON", "/nowhere/python")
    scene.headcast.photos = "/photo.jpg"
    with pytest.raises(RuntimeError, match="/nowhere/python"):
        bpy.ops.headcast.adapt()


def test_what_is_missing_is_said_before_a_button_is_pressed(scene: bpy.types.Scene) -> None:
    assert not bpy.ops.headcast.adapt.poll()
    with pytest.raises(RuntimeError, match="Choose the photos first"):
        bpy.ops.headcast.adapt()
    assert not bpy.ops.headcast.cancel.poll()
