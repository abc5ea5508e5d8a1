# SPDX-License-Identifier: GPL-3.0-or-later
"""Files into Headcast: chosen, dropped, used again; and .blend files of other versions."""

from __future__ import annotations

from pathlib import Path

import bpy
import pytest
from headcast import drops, jobs, recent, versioning
from headcast.core.errors import UnsavedError
from headcast.scene.photos import chosen_photos


def dropped(handler: type, folder: Path, *names: str) -> set[str]:
    """As Blender hands over what was dropped: the handler's operator, by invoke."""
    kind, name = handler.bl_import_operator.split(".")
    run = getattr(getattr(bpy.ops, kind), name)
    assert all(Path(name).suffix in handler.bl_file_extensions.split(";") for name in names)
    if "files" in run.get_rna_type().properties:
        return run("INVOKE_DEFAULT", directory=str(folder), files=[{"name": name} for name in names])
    return run("INVOKE_DEFAULT", filepath=str(folder / names[0]))


def test_photos_are_dropped(scene: bpy.types.Scene, tmp_path: Path) -> None:
    settings = scene.headcast
    assert dropped(drops.HEADCAST_FH_photos, tmp_path / "photos", "a.jpg", "b.exr") == {"FINISHED"}
    assert settings.photos == "//photos"
    assert chosen_photos(settings) == [str(tmp_path / "photos" / name) for name in ("a.jpg", "b.exr")]
    assert dropped(drops.HEADCAST_FH_photos, tmp_path, "c.png") == {"FINISHED"}
    assert chosen_photos(settings) == [str(tmp_path / "c.png")]
    settings.photos = "//others/*.jpg"
    assert chosen_photos(settings) == [str(tmp_path / "others" / "*.jpg")]


def test_other_files_are_dropped(scene: bpy.types.Scene, tmp_path: Path) -> None:
    settings = scene.headcast
    settings.source = "RIG"
    dropped(drops.HEADCAST_FH_clip, tmp_path, "talk.mp4")
    assert (settings.source, settings.clip) == ("CLIP", "//talk.mp4")
    dropped(drops.HEADCAST_FH_performance, tmp_path, "talk.performance")
    assert settings.performance == "//talk.performance"
    dropped(drops.HEADCAST_FH_likeness, tmp_path, "anna.likeness")
    assert settings.likeness == "//anna.likeness"


def test_the_last_likenesses_come_first(scene: bpy.types.Scene, tmp_path: Path) -> None:
    assert recent.recent() == []
    files = [tmp_path / f"{name}.likeness" for name in range(recent.MOST + 2)]
    for path in files:
        path.touch()
        recent.remember(path)
    recent.remember(files[4])
    assert recent.recent()[:2] == [files[4], files[-1]]
    assert len(recent.recent()) == recent.MOST
    files[4].unlink()
    assert files[4] not in recent.recent()


def test_a_file_never_saved_says_so(scene: bpy.types.Scene) -> None:
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.context.scene.headcast.photos = "//photos"
    with pytest.raises(RuntimeError, match="not saved yet"):
        bpy.ops.headcast.adapt()
    assert type(jobs.last.error) is UnsavedError


def test_a_file_of_a_newer_headcast_warns(scene: bpy.types.Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versioning, "FORMAT", versioning.FORMAT + 1)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "newer.blend"))
    monkeypatch.undo()
    jobs.end()
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "newer.blend"))
    assert "newer Headcast" in jobs.last.error.message
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "ours.blend"))
    jobs.end()
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "ours.blend"))
    assert jobs.last.error is None
