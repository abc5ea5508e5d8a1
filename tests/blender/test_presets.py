# SPDX-License-Identifier: GPL-3.0-or-later
"""Presets that Headcast brings, and those that a user keeps."""

from __future__ import annotations

from pathlib import Path

import bpy
import pytest
from headcast.core.settings import AdaptSettings, RenderSettings, TrackSettings
from headcast.properties import values_of

KINDS = {"adapt": AdaptSettings, "track": TrackSettings, "render": RenderSettings}


def load(kind: str, path: Path) -> None:
    menu = f"HEADCAST_PT_{kind}_presets"
    assert bpy.ops.script.execute_preset(filepath=str(path), menu_idname=menu) == {"FINISHED"}


@pytest.mark.parametrize("kind", KINDS)
def test_those_that_headcast_brings_are_settings_that_the_core_takes(kind: str, scene: bpy.types.Scene) -> None:
    paths = [path for folder in bpy.utils.preset_paths(f"headcast/{kind}") for path in Path(folder).glob("*.py")]
    assert len(paths) > 1
    seen = set()
    for path in paths:
        bpy.ops.wm.read_factory_settings(use_empty=True)
        load(kind, path)
        values = KINDS[kind](**values_of(getattr(bpy.context.scene.headcast, kind), KINDS[kind]))
        seen.add(values)
    assert len(seen) == len(paths)


def test_a_user_keeps_settings_but_not_the_shot(
    scene: bpy.types.Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bpy.utils, "user_resource", lambda *_, path, create: str(_made(tmp_path / path)))
    settings = scene.headcast.render
    settings.photos, settings.plate = 5, "//plate.mp4"
    assert bpy.ops.headcast.render_preset(name="Mine") == {"FINISHED"}
    settings.photos, settings.plate = 1, "//other.mp4"
    load("render", tmp_path / "presets" / "headcast" / "render" / "Mine.py")
    assert (settings.photos, settings.plate) == (5, "//other.mp4")


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder
