# SPDX-License-Identifier: GPL-3.0-or-later
"""A .blend file from elsewhere: whatever its properties hold, panels are drawn and buttons say what they need."""

from __future__ import annotations

import math
import os
import random
from contextlib import suppress
from pathlib import Path
from typing import Any

import bpy
import pytest
from headcast import versioning
from headcast.core.errors import HeadcastError
from headcast.core.settings import AdaptSettings, RenderSettings, SpeakSettings, TrackSettings
from headcast.properties import values_of
from headcast.registration import CLASSES
from headcast.scene.control_face import KEY as FACE
from headcast.scene.plane import KEY as TAKE
from headcast.scene.strips import FIRST_KEY

from .test_panels import Paper

MUTATIONS = int(os.environ.get("HEADCAST_MUTATIONS", "150"))
PANELS = [
    cls
    for cls in CLASSES
    if hasattr(cls, "draw")
    and cls.__name__.startswith("HEADCAST_PT")
    and not cls.__name__.endswith(("_nodes", "_clip", "_presets", "_nodes_group"))
]
OPERATORS = [cls for cls in CLASSES if cls.__name__.startswith("HEADCAST_OT")]
JOBS = {"adapt": AdaptSettings, "track": TrackSettings, "speak": SpeakSettings, "render": RenderSettings}
QUICK = (
    "next_version",
    "queue_add",
    "queue_remove",
    "match_add",
    "match_remove",
    "match",
    "take_to_sequencer",
    "submit",
    "reset_control_face",
    "key_control_face",
    "store_expression",
)
"""Buttons that are pressed as well."""


def odd_values(scene: bpy.types.Scene, folder: Path) -> list[Any]:
    """Values that no field wants, and some that most do."""
    return [
        "",
        "x",
        "x" * 50_000,
        "a\nb\t\x01",
        "//",
        "//../../..",
        "/",
        str(folder),
        str(folder / "loop"),
        str(folder / "pipe"),
        "/dev/zero",
        "/dev/full",
        str(folder / "scene.blend"),
        str(folder / "a.likeness"),
        "~",
        "\u202e\ud7ff\U0001f600",
        "%s%n{}{0}",
        "####.exr",
        "a.####.exr",
        "*",
        "[",
        "[z-a]*",
        "//" + "d/" * 3000,
        0,
        1,
        -1,
        2**31 - 1,
        -(2**31),
        math.nan,
        math.inf,
        -math.inf,
        1e300,
        0.5,
        True,
        [],
        [1, 2, 3],
        [0.5, math.nan],
        {},
        {"a": 1},
        {"name": 5, "rows": "x"},
        [{"path": 7}, {"path": "b", "usable": "no"}],
        [{}],
        [{"source": 1, "target": [], "weight": "x"}],
        scene.camera,
        scene,
        None,
    ]


def stored(scene: bpy.types.Scene) -> Any:
    """What the file holds of the scene's settings; from 5.0 on apart from what users add."""
    place = scene.bl_system_properties_get(do_create=True) if hasattr(scene, "bl_system_properties_get") else scene
    if "headcast" not in place or not hasattr(place["headcast"], "keys"):
        put(place, "headcast", {})
    return place, place["headcast"]


def put(where: Any, name: str, value: Any) -> None:
    """None takes it away. What is there of another type has to go first."""
    if name in where:
        del where[name]
    if value is not None:
        where[name] = value


def damage(scene: bpy.types.Scene, dice: random.Random, values: list[Any]) -> str:
    """Put an odd value somewhere; returns what was done."""
    place, group = stored(scene)
    names = [item.identifier for item in scene.headcast.bl_rna.properties if item.identifier not in ("rna_type", "name")]
    name, value = dice.choice(names), dice.choice(values)
    if isinstance(value, bpy.types.ID) and scene.headcast.bl_rna.properties[name].type not in (
        "STRING",
        "INT",
        "FLOAT",
        "BOOLEAN",
        "ENUM",
    ):
        value = 7  # a datablock for a group of settings hangs Blender itself (4.5)
    where = group
    kind = scene.headcast.bl_rna.properties[name]
    deep = kind.type in ("POINTER", "COLLECTION") and dice.random() < 0.8
    inner = ""
    if deep and kind.type == "POINTER" and kind.fixed_type.identifier.startswith("HEADCAST"):
        inner = dice.choice([item.identifier for item in kind.fixed_type.properties if item.identifier != "rna_type"])
        if name not in group or not hasattr(group[name], "keys"):
            put(group, name, {})
        where, name = group[name], inner
    elif deep and kind.type == "COLLECTION":
        inner = dice.choice([item.identifier for item in kind.fixed_type.properties if item.identifier != "rna_type"])
        put(group, name, [{inner: value} if value is not None else {}])
        return f"{name}[0].{inner} = {value!r:.60}"
    if dice.random() < 0.03:
        if not isinstance(value, bpy.types.ID):
            put(place, "headcast", value)
        return f"headcast = {value!r:.60}"
    put(where, name, value)
    return f"{kind.identifier} {inner} = {value!r:.60}"


@pytest.fixture
def damaged(scene: bpy.types.Scene, tmp_path: Path) -> bpy.types.Scene:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "a.likeness").write_bytes(bytes(100))
    return scene


def test_whatever_a_file_holds_is_drawn_and_polled(
    damaged: bpy.types.Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HEADCAST_PYTHON", str(tmp_path / "nowhere"))
    scene, values = damaged, odd_values(damaged, tmp_path)
    rig = bpy.data.objects.new("Rig", bpy.data.armatures.new("Rig"))
    scene.collection.objects.link(rig)
    bpy.context.view_layer.objects.active = rig
    pressed = 0
    for seed in range(MUTATIONS):
        dice = random.Random(seed)
        done = [damage(scene, dice, values) for _ in range(dice.choice((1, 1, 2, 6)))]
        for key, item in ((FACE, rig), (TAKE, rig), (FIRST_KEY, rig)):
            value = dice.choice(values)
            put(item, key, value)
        try:
            look(scene)
            if seed % 10 == 0:
                press(dice.choice(QUICK))
                pressed += 1
        except BaseException as error:
            raise AssertionError(f"seed {seed}: {done}: {type(error).__name__}: {error}") from error
        if dice.random() < 0.3:
            place, _ = stored(scene)
            del place["headcast"]
    assert pressed
    assert "Traceback" not in capfd.readouterr().err


def look(scene: bpy.types.Scene) -> None:
    """All that Blender does with the add-on when a file is opened and shown."""
    versioning._look()
    for panel in PANELS:
        paper = Paper()
        if not hasattr(panel, "poll") or panel.poll(bpy.context):
            panel.draw(SimplePanel(paper), bpy.context)
    for operator in OPERATORS:
        getattr(bpy.ops.headcast, operator.bl_idname.removeprefix("headcast.")).poll()
    for name, settings in JOBS.items():
        with suppress(HeadcastError):
            settings(**values_of(getattr(scene.headcast, name), settings))


class SimplePanel:
    """What `draw` is given of itself."""

    def __init__(self, layout: Paper) -> None:
        self.layout = layout


def press(name: str) -> None:
    """A button that may refuse, in words."""
    said = ""
    try:
        getattr(bpy.ops.headcast, name)()
    except RuntimeError as error:
        said = str(error)
    assert "Traceback" not in said
