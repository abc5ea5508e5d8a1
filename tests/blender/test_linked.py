# SPDX-License-Identifier: GPL-3.0-or-later
"""What comes from other files: linked scenes are left alone, linked and overridden rigs are read."""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np
import pytest
from headcast import versioning
from headcast.core.landmarks import arkit
from headcast.core.performance import Performance
from headcast.operators.polls import LINKED

from .test_curves import acting, face
from .test_registration import OPERATORS, refusal
from .test_rig import mesh_rig, read


def link(scene: bpy.types.Scene, datablock: bpy.types.ID, kind: str, folder: Path) -> bpy.types.ID:
    """The datablock, of `bpy.data`'s collection `kind`, written to a library, and linked from there."""
    name, library = datablock.name, folder / "library.blend"
    bpy.data.libraries.write(str(library), {datablock}, fake_user=True)
    if kind == "objects":
        bpy.data.objects.remove(datablock)
    with bpy.data.libraries.load(str(library), link=True) as (_, here):
        setattr(here, kind, [name])
    return getattr(here, kind)[0]


def test_a_linked_scene_is_left_alone(scene: bpy.types.Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.headcast.likeness = "//anna.likeness"
    linked = link(scene, scene, "scenes", tmp_path)
    bpy.context.window.scene = linked
    assert linked.headcast.likeness == "//anna.likeness"
    said = {operator.bl_idname: refusal(operator) for operator in OPERATORS}
    for name in ("adapt", "render", "choose_photos", "queue_add", "composite", "match_add"):
        assert said[f"headcast.{name}"] == LINKED
    monkeypatch.setattr(versioning, "FORMAT", 9)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "links.blend"))
    assert linked.headcast.version != 9


def test_a_linked_rig_and_its_override_are_read(scene: bpy.types.Scene, tmp_path: Path) -> None:
    rig = mesh_rig(scene)
    there = read(scene, rig).landmarks
    linked = link(scene, rig, "objects", tmp_path)
    scene.collection.objects.link(linked)
    scene.headcast.rig = linked
    assert bpy.ops.headcast.track_rig() == {"FINISHED"}
    own = linked.override_create(remap_local_usages=True)
    assert scene.headcast.rig == own
    assert bpy.ops.headcast.track_rig() == {"FINISHED"}
    read_again = Performance.load(Path(bpy.path.abspath(scene.headcast.performance)))
    assert np.allclose(read_again.landmarks, there, atol=0.01)


def test_curves_are_not_written_into_another_file(scene: bpy.types.Scene, tmp_path: Path) -> None:
    linked = link(scene, face(scene, list(arkit.EXPRESSIONS)), "objects", tmp_path)
    acting().save(tmp_path / "talk.performance")
    scene.headcast.rig, scene.headcast.performance = linked, "//talk.performance"
    with pytest.raises(RuntimeError, match="linked") as caught:
        bpy.ops.headcast.write_curves()
    assert "Traceback" not in str(caught.value)
