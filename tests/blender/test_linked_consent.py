# SPDX-License-Identifier: GPL-3.0-or-later
"""A likeness that a linked .blend brings along is rendered by the same leave as one of this file's own."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import bpy
import pytest
from headcast import environment, preview
from headcast.core.consent import Consent
from headcast.core.errors import ConsentError
from headcast.core.likeness import record_consent
from headcast.operators.polls import LINKED
from headcast.render_queue import DONE, FAILED

from ..conftest import ENGINE_PYTHON
from .test_consent import likeness
from .test_linked import link
from .test_registration import refusal

__all__ = ["likeness"]

ENDED = Consent(kind="own", until="2020-01-31")
VALID = Consent(kind="own", until="2999-12-31")
PATIENCE = 60.0


@pytest.fixture
def linked(scene: bpy.types.Scene, likeness: Path, tmp_path: Path) -> Iterator[bpy.types.Scene]:
    """The scene, linked from another folder's file; this file's own is empty. Its likeness lies beside that file."""
    there, drive = tmp_path / "library", tmp_path / "drive.performance"
    there.mkdir()
    moved = likeness.rename(there / likeness.name)
    settings = scene.headcast
    settings.likeness, settings.performance = str(moved), str(drive)
    settings.output = str(tmp_path / "take" / "shot_v001.####.exr")
    settings.render.tries = 0
    linked = link(scene, scene, "scenes", there)
    bpy.context.window.scene = linked
    yield linked
    preview.stop()


@pytest.fixture
def local(linked: bpy.types.Scene) -> bpy.types.Scene:
    """The linked scene, made local as an artist would."""
    linked.make_local()
    local = next(scene for scene in bpy.data.scenes if scene.library is None and scene.headcast.likeness)
    bpy.context.window.scene = local
    return local


def demand_consent(monkeypatch: pytest.MonkeyPatch) -> None:
    """The studio's preference."""
    preferences = SimpleNamespace(require_consent=True, python=ENGINE_PYTHON)
    addons = {environment.__package__: SimpleNamespace(preferences=preferences)}
    context = SimpleNamespace(preferences=SimpleNamespace(addons=addons))
    monkeypatch.setattr(environment, "bpy", SimpleNamespace(context=context, path=bpy.path, utils=bpy.utils))


def frames_of(scene: bpy.types.Scene) -> int:
    return len(list(Path(scene.headcast.output).parent.glob("*.exr")))


def refused(scene: bpy.types.Scene, why: str) -> None:
    """Neither the button nor the queue renders a frame, and both say why."""
    there = frames_of(scene)
    with pytest.raises(RuntimeError, match=why) as caught:
        bpy.ops.headcast.render()
    assert "Traceback" not in str(caught.value)
    assert bpy.ops.headcast.queue_add() == {"FINISHED"}
    bpy.ops.headcast.queue_render()
    assert scene.headcast.queue[0].state == FAILED
    assert why in scene.headcast.queue[0].why
    assert frames_of(scene) == there


def test_without_a_record_it_renders_and_the_studio_may_refuse(
    local: bpy.types.Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    demand_consent(monkeypatch)
    refused(local, "this studio demands one")
    monkeypatch.undo()
    monkeypatch.setenv("HEADCAST_PYTHON", ENGINE_PYTHON)
    assert bpy.ops.headcast.render() == {"FINISHED"}
    assert frames_of(local) > 0


def test_the_record_in_the_linked_likeness_counts(local: bpy.types.Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    demand_consent(monkeypatch)
    likeness = Path(local.headcast.likeness)
    record_consent(likeness, ENDED)
    refused(local, "ended on 2020-01-31")
    record_consent(likeness, VALID)
    bpy.ops.headcast.queue_render()
    assert local.headcast.queue[0].state == DONE
    assert frames_of(local) > 0


def test_who_is_forgotten_through_a_linked_scene_is_not_rendered_again(local: bpy.types.Scene) -> None:
    likeness = Path(local.headcast.likeness)
    assert bpy.ops.headcast.render() == {"FINISHED"}
    assert bpy.ops.headcast.forget() == {"FINISHED"}
    assert bpy.ops.headcast.forget_listed() == {"FINISHED"}
    assert not likeness.exists()
    refused(local, "is not there")


@pytest.mark.parametrize("consent", [Consent(), ENDED, VALID], ids=["missing", "ended", "valid"])
def test_a_scene_that_is_still_linked_renders_nothing_whatever_is_on_record(
    linked: bpy.types.Scene, consent: Consent
) -> None:
    if consent:
        record_consent(Path(linked.headcast.likeness), consent)
    for name in ("render", "queue_render", "forget"):
        assert refusal(getattr(bpy.types, f"HEADCAST_OT_{name}")) == LINKED
        with pytest.raises(RuntimeError, match="linked from another file"):
            getattr(bpy.ops.headcast, name)()
    assert frames_of(linked) == 0


def test_the_preview_of_a_linked_scene_asks_for_leave_too(linked: bpy.types.Scene) -> None:
    record_consent(Path(linked.headcast.likeness), ENDED)
    bpy.ops.headcast.preview()
    end = time.monotonic() + PATIENCE
    while preview.current.error is None:
        assert time.monotonic() < end
        preview._tick()
        time.sleep(0.005)
    assert isinstance(preview.current.error, ConsentError)
    assert preview.current.result is None
