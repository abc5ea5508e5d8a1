# SPDX-License-Identifier: GPL-3.0-or-later
"""Several takes one after the other."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import bpy
import pytest
from headcast import jobs
from headcast.core.errors import CancelledError
from headcast.render_queue import DONE, FAILED, RENDERING, WAITING, QueueJob

from .test_jobs import ready

__all__ = ["ready"]


def queue_takes(scene: bpy.types.Scene, *takes: tuple[str, str]) -> bpy.types.bpy_prop_collection:
    """A take of each name and performance, each painted from one photo more than the one before."""
    settings = scene.headcast
    settings.render.tries = 0
    for take, performance in takes:
        settings.output, settings.performance = f"//{take}/shot_v001.####.exr", performance
        settings.render.photos = 1 + len(settings.queue)
        assert bpy.ops.headcast.queue_add() == {"FINISHED"}
    return settings.queue


def test_neither_a_take_that_fails_nor_a_worker_that_dies_stops_the_others(ready: bpy.types.Scene, tmp_path: Path) -> None:
    ready.frame_end = 6
    bpy.ops.headcast.track_rig()
    good = ready.headcast.performance
    queue = queue_takes(ready, ("a", good), ("b", "//gone.performance"), ("c", good))
    assert [row.render.photos for row in queue] == [1, 2, 3]
    job = QueueJob(ready)
    while not list((tmp_path / "a").glob("*.exr")):
        assert job.poll() is None
    os.kill(job._job.process_id, signal.SIGKILL)
    assert jobs.wait(job) == {"takes": 3, "failed": 2}
    assert [row.state for row in queue] == [FAILED, FAILED, DONE]
    assert "signal 9" in queue[0].why
    assert "gone.performance is not there" in queue[1].why

    assert bpy.ops.headcast.queue_render() == {"FINISHED"}
    assert [row.state for row in queue] == [DONE, FAILED, DONE]
    assert [len(list((tmp_path / take).glob("*.exr"))) for take in "ac"] == [6, 6]
    assert any("gone.performance" in note for note in jobs.last.notes)


def test_a_take_is_replaced_and_taken_out(scene: bpy.types.Scene) -> None:
    queue = queue_takes(scene, ("a", "//one.performance"), ("b", "//one.performance"), ("a", "//two.performance"))
    assert [Path(row.name).parent.name for row in queue] == ["a", "b"]
    assert queue[0].performance.endswith("two.performance")
    assert scene.headcast.queue_index == 0
    assert bpy.ops.headcast.queue_remove() == {"FINISHED"}
    assert bpy.ops.headcast.queue_remove() == {"FINISHED"}
    assert not bpy.ops.headcast.queue_render.poll()


class Endless:
    """A job of the worker's that is stopped."""

    def __init__(self, *_: object) -> None:
        self.status = jobs.Status(what="render", done=1, total=2)
        self.cancelled = False

    def poll(self) -> None:
        if self.cancelled:
            raise CancelledError()

    def cancel(self) -> None:
        self.cancelled = True


def test_cancel_leaves_the_rest_waiting(scene: bpy.types.Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "EngineJob", Endless)
    queue = queue_takes(scene, ("a", "//one.performance"), ("b", "//one.performance"))
    job = QueueJob(scene)
    assert job.poll() is None
    assert [row.state for row in queue] == [RENDERING, WAITING]
    assert (job.status.what, job.status.part) == ("take 1 of 2: render", 0.5)
    job.cancel()
    with pytest.raises(CancelledError):
        jobs.wait(job)
    assert [row.state for row in queue] == [WAITING, WAITING]


def test_a_closed_window_leaves_all_waiting(scene: bpy.types.Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "EngineJob", Endless)
    queue = queue_takes(scene, ("a", "//one.performance"), ("b", "//one.performance"))
    job = QueueJob(scene)
    assert job.poll() is None
    job.abandon()
    assert job._job.cancelled
    assert [row.state for row in queue] == [WAITING, WAITING]


class AtOnce:
    """A job of the worker's that is done, and keeps what it was asked."""

    asked: list[tuple[str, str, int]] = []

    def __init__(self, name: str, arguments: dict[str, str], settings: dict[str, object]) -> None:
        self.status = jobs.Status()
        self.asked.append((Path(arguments["output"]).parent.name, Path(arguments["performance"]).name, settings["photos"]))

    def poll(self) -> dict[str, object]:
        return {}


@pytest.mark.parametrize("gone", [False, True])
def test_takes_are_rendered_as_they_were_when_the_queue_began(
    scene: bpy.types.Scene, monkeypatch: pytest.MonkeyPatch, gone: bool
) -> None:
    """Whatever is set meanwhile, and without their scene too."""
    monkeypatch.setattr(jobs, "EngineJob", AtOnce)
    monkeypatch.setattr(AtOnce, "asked", [])
    queue = queue_takes(scene, ("a", "//one.performance"), ("b", "//two.performance"))
    job = QueueJob(scene)
    if gone:
        bpy.context.window.scene = bpy.data.scenes.new("Another")
        bpy.data.scenes.remove(scene)
    else:
        scene.name, queue[1].performance, queue[1].render.photos = "Renamed", "/three.performance", 9
    assert jobs.wait(job) == {"takes": 2, "failed": 0}
    assert AtOnce.asked == [("a", "one.performance", 1), ("b", "two.performance", 2)]
    if not gone:
        assert [row.state for row in queue] == [DONE, DONE]
