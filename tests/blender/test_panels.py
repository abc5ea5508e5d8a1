# SPDX-License-Identifier: GPL-3.0-or-later
"""The panels: the same in each editor, what they say of the files, and photos that are left out."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import bpy
import numpy as np
import pytest
from headcast import jobs, thumbnails
from headcast.core.errors import HeadcastError, SettingError
from headcast.core.take import FramePattern, Manifest
from headcast.panels.tab import OTHER_EDITORS, duration
from headcast.registration import CLASSES
from headcast.scene.checked_photos import list_photos, taken_photos
from headcast.scene.likeness_state import in_words, likeness_at
from headcast.scene.performance_state import GAP, SURE, UNSURE, confidence_picture, performance_at

from .test_rig import mesh_rig, turn

ROADS = ("likeness", "performance", "take")


class Paper:
    """A layout that keeps the texts and the buttons that are drawn on it."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def label(self, text: str = "", **_: Any) -> None:
        self.said.append(text)

    def operator(self, name: str, **_: Any) -> SimpleNamespace:
        self.said.append(name)
        return SimpleNamespace()

    def progress(self, text: str = "", **_: Any) -> None:
        self.said.append(text)

    def __getattr__(self, name: str) -> Any:
        """Rows, columns and boxes are the paper itself; of the rest nothing is asked."""
        return (lambda *_, **__: self) if name in {"row", "column", "box", "grid_flow"} else (lambda *_, **__: None)


def drawn(panel: str) -> list[str]:
    """What a panel shows."""
    paper = Paper()
    cls = next(cls for cls in CLASSES if cls.__name__ == f"HEADCAST_PT_{panel}")
    cls.draw(SimpleNamespace(layout=paper), bpy.context)
    return paper.said


def photo(path: Path, *problems: str, usable: bool = True) -> dict[str, Any]:
    """What the engine says of one."""
    return {"path": str(path), "thumbnail": "", "problems": list(problems), "usable": usable}


@pytest.fixture
def photos(scene: bpy.types.Scene, tmp_path: Path) -> list[Path]:
    """Three files of a folder that the scene takes its photos from."""
    folder = tmp_path / "photos"
    folder.mkdir()
    paths = [folder / name for name in ("a.jpg", "b.jpg", "c.jpg")]
    for path in paths:
        path.touch()
    scene.headcast.photos = str(folder)
    return paths


def test_the_tab_is_the_same_in_each_editor(scene: bpy.types.Scene) -> None:
    for ending, editor in ("", "VIEW_3D"), *((ending, editor) for editor, ending in OTHER_EDITORS.items()):
        panels = {cls.__name__: cls for cls in CLASSES if getattr(cls, "bl_space_type", "") == editor}
        roads = [panels[f"HEADCAST_PT_{road}{ending}"] for road in ROADS]
        assert [panel.bl_label for panel in roads] == ["Likeness", "Performance", "Take"]
        assert [panel.bl_order for panel in roads] == [0, 1, 2]
        for panel in panels.values():
            assert panel.bl_category == "Headcast"
            assert getattr(panel, "bl_parent_id", next(iter(panels))) in panels
            assert hasattr(bpy.types, panel.__name__)


def test_the_compositor_alone_has_it_among_node_editors(scene: bpy.types.Scene) -> None:
    panel = bpy.types.HEADCAST_PT_likeness_nodes
    for tree, shown in (("CompositorNodeTree", True), ("ShaderNodeTree", False)):
        assert panel.poll(SimpleNamespace(space_data=SimpleNamespace(tree_type=tree))) is shown
    assert bpy.types.HEADCAST_PT_likeness.poll(SimpleNamespace(space_data=SimpleNamespace()))


def test_a_photo_that_is_left_out_is_not_taken(scene: bpy.types.Scene, photos: list[Path]) -> None:
    settings = scene.headcast
    list_photos(settings, [photo(photos[0]), photo(photos[1], "no face", usable=False), photo(photos[2], "blurred")])
    assert taken_photos(settings) == [str(path) for path in photos]
    settings.checked[1].left_out = True
    assert taken_photos(settings) == [str(photos[0]), str(photos[2])]
    said = drawn("photos")
    assert said[0] == "2 of 3 taken, 1 without a fault"
    assert {"b.jpg", "No face", "c.jpg", "Blurred"} < set(said)
    list_photos(settings, [photo(photos[0]), photo(photos[1], "no face", usable=False)])
    assert [row.left_out for row in settings.checked] == [False, True]
    settings.checked[0].left_out = True
    photos[2].unlink()
    with pytest.raises(SettingError, match="Every photo is left out"):
        taken_photos(settings)
    settings.photos = str(photos[0])
    assert not settings.checked
    assert taken_photos(settings) == [str(photos[0])]


def test_photos_are_checked_and_a_likeness_made_of_the_good_ones(scene: bpy.types.Scene, astronaut: Path) -> None:
    folder = astronaut.parent / "mixed"
    folder.mkdir(exist_ok=True)
    (folder / "good.png").write_bytes(astronaut.read_bytes())
    (folder / "broken.png").write_text("no picture")
    settings = scene.headcast
    settings.photos = str(folder)
    assert "Not made yet" in drawn("likeness")
    assert bpy.ops.headcast.check_photos() == {"FINISHED"}
    found = {Path(row.path).name: row for row in settings.checked}
    assert found["broken.png"].problems == "damaged, or no picture"
    assert not found["good.png"].problems
    assert np.load(found["good.png"].thumbnail).shape[2] == 3
    settings.adapt.strict = True
    with pytest.raises(RuntimeError, match=r"broken\.png is damaged"):
        bpy.ops.headcast.adapt()
    assert "damaged" in " ".join(drawn("likeness"))
    found["broken.png"].left_out = True
    assert bpy.ops.headcast.adapt() == {"FINISHED"}
    card = likeness_at(bpy.path.abspath(settings.likeness))
    assert card.names == ("good.png",)
    assert in_words(card)[:2] == ["1 photo, 256 pixels", "Not fine-tuned"]
    assert "1 photo, 256 pixels" in drawn("likeness")


def test_a_picture_follows_the_render(scene: bpy.types.Scene, astronaut: Path) -> None:
    settings = scene.headcast
    settings.photos, settings.source, settings.rig = str(astronaut), "RIG", mesh_rig(scene)
    scene.frame_end, settings.render.tries = 2, 0
    for job in (bpy.ops.headcast.adapt, bpy.ops.headcast.track_rig, bpy.ops.headcast.render):
        assert job() == {"FINISHED"}
    picture = np.load(thumbnails.of_take(FramePattern.parse(bpy.path.abspath(settings.output))))
    assert picture.shape == (192, 192, 3)
    assert np.ptp(picture[96, 96]) > np.ptp(picture[0, 0]) == 0  # a face on grey
    assert "2 frames: 1-2" in drawn("take")


def test_a_performance_says_what_it_holds(scene: bpy.types.Scene) -> None:
    settings = scene.headcast
    settings.source = "RIG"
    assert "Not made yet" in drawn("performance")
    settings.rig = mesh_rig(scene)
    turn(settings.rig)
    assert bpy.ops.headcast.track_rig() == {"FINISHED"}
    said = drawn("performance")
    assert "1-6 at 24 frames a second" in said
    assert "A face in every frame" in said
    path = bpy.path.abspath(settings.performance)
    assert performance_at(path) is performance_at(path)
    Path(path).write_text("something else")
    assert performance_at(path) is None


def test_the_curve_shows_the_worst_of_each_column() -> None:
    confidence = np.ones(100, np.float32)
    confidence[10], confidence[50:60] = 0.3, 0.0
    picture = confidence_picture(confidence, 10, 20)
    assert picture.shape == (20, 10, 4)
    assert [tuple(picture[-1, x, :3]) for x in (0, 1, 5)] == [SURE, UNSURE, GAP]
    assert (picture[..., 3] > 0).sum(axis=0).tolist() == [20, 6, 20, 20, 20, 20, 20, 20, 20, 20]
    assert confidence_picture(confidence[:3], 10, 20)[..., 3].all()


def test_a_take_says_how_it_stands(scene: bpy.types.Scene, tmp_path: Path) -> None:
    pattern = FramePattern.parse(str(tmp_path / "shot_v003.####.exr"))
    scene.headcast.output = str(pattern)
    assert "No frames yet" in drawn("take")
    manifest = Manifest(pattern, dict.fromkeys(range(2000), "x"))
    for frame in range(1001, 1005):
        pattern.path(frame).touch()
        manifest.record(frame, face="no" if frame == 1004 else "yes", flagged={"mouth": "open"} if frame == 1002 else {})
    pattern.path(1003).unlink()
    said = " | ".join(drawn("take"))
    for part in ("3 frames: 1001-1002, 1004", "Files gone: 1003", "1 flagged: 1002", "1002: open"):
        assert part in said
    assert "no face was seen: 1004" in said.replace(" | ", " ")
    assert "Version 3" in drawn("output")


def test_a_job_shows_where_it_was_begun(scene: bpy.types.Scene) -> None:
    job = SimpleNamespace(status=jobs.Status())
    jobs.begin(job, "headcast.render")
    job.status.step("render", 5, 50)
    job.status.started -= 20
    assert any(text.startswith("Render 5/50, 3 min left") for text in drawn("take"))
    assert "headcast.render" not in drawn("take")
    assert "headcast.adapt" in drawn("likeness")
    jobs.end(HeadcastError("It broke", "Mend it"))
    assert {"It broke", "Mend it", "headcast.render"} < set(drawn("take"))
    assert "It broke" not in drawn("likeness")


def test_time_is_told_shortly() -> None:
    assert [duration(seconds) for seconds in (3.4, 200, 7500)] == ["3 s", "3 min", "2 h 5 min"]


def test_an_icon_is_drawn_once_for_each_version(scene: bpy.types.Scene, tmp_path: Path) -> None:
    calls = []

    def draw() -> np.ndarray:
        calls.append(1)
        return np.full((4, 8, 3), len(calls), np.uint8)

    for version in ("a", "a", "b"):
        thumbnails.icon_of("test", version, draw)
    assert len(calls) == 2
    assert thumbnails.icon_of_file(tmp_path / "none.npy") == 0
    (tmp_path / "bad.npy").write_text(json.dumps("no array"))
    assert thumbnails.icon_of_file(tmp_path / "bad.npy") == 0
