# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules of the house that a machine can hold."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from headcast.core.version import VERSION

ROOT = Path(__file__).parents[2]
LICENCE = "# SPDX-License-Identifier: GPL-3.0-or-later"
ENGINE = {
    "torch",
    "cv2",
    "mediapipe",
    "OpenEXR",
    "safetensors",
    "tqdm",
    "av",
    "PIL",
    "platformdirs",
    "c2pa",
    "cryptography",
}
BLENDER = {"bpy", "mathutils", "bpy_extras"}

HOUSE = {
    "root": "nothing",
    "network": "nothing",
    "landmarks": "root",
    "imaging": "root, landmarks",
    "nouns": "root, landmarks",
    "installing": "root",
    "provenance": "root, landmarks, imaging, nouns",
    "painting": "root, network, landmarks, imaging, nouns",
    "judging": "root, network, landmarks, imaging, nouns",
    "learning": "root, network, landmarks",
    "tracking": "root, network, landmarks, imaging, nouns, painting",
    "speech": "root, landmarks, imaging, nouns, tracking",
    "adapting": "root, network, landmarks, imaging, nouns, painting, judging, learning, tracking",
    "rendering": "root, network, landmarks, imaging, nouns, painting, judging, provenance, tracking",
    "training": "root, network, landmarks, imaging, painting, learning, tracking",
    "evaluating": "root, landmarks, imaging, nouns, painting, judging, learning, tracking, speech, adapting, rendering, "
    "training",
    "synthetic": "root, landmarks, imaging, training",
    "farming": "root, nouns, tracking",
    "doors": "root, network, landmarks, imaging, nouns, installing, painting, provenance, tracking, speech, adapting, "
    "rendering, training, evaluating, synthetic, farming",
    "worker": "root, doors",
    "cli": "root, doors, worker",
}
"""The rooms of `core/`, and which others each may enter: only rooms listed before it, so that there are no circles. `nouns`
and `doors` are the FILES below; every other file at core's root is `root`."""
FILES = {"likeness": "nouns", "performance": "nouns", "take": "nouns", "jobs": "doors", "examining": "doors"}


def imports(path: Path) -> set[str]:
    """Top-level names that a file imports from outside its package, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            found.add(node.module.split(".")[0])
    return found


@pytest.mark.parametrize(
    ("folder", "forbidden", "spared"),
    [("core", BLENDER | {"headcast"}, "core/synthetic"), ("blender_addon", ENGINE, ""), ("nodes", ENGINE, "")],
)
def test_each_room_imports_what_it_may(folder: str, forbidden: set[str], spared: str) -> None:
    files = [path for path in (ROOT / folder).rglob("*.py") if not spared or ROOT / spared not in path.parents]
    assert files
    guilty = {str(path): imports(path) & forbidden for path in files if imports(path) & forbidden}
    assert not guilty


def test_core_never_reaches_up() -> None:
    for path in (ROOT / "core").rglob("*.py"):
        depth = len(path.relative_to(ROOT / "core").parents)
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            assert not (isinstance(node, ast.ImportFrom) and node.level > depth), path


def room_of(module: list[str]) -> str:
    """The room of a module of core, given as the parts of its name."""
    return module[0] if (ROOT / "core" / module[0]).is_dir() else FILES.get(module[0], "root")


def arrows() -> dict[str, dict[str, set[str]]]:
    """Which rooms each room enters, and the files that do it. Imports inside functions and for types alone count, too."""
    found: dict[str, dict[str, set[str]]] = {room: {} for room in HOUSE}
    for path in sorted((ROOT / "core").rglob("*.py")):
        own = path.relative_to(ROOT / "core")
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.ImportFrom) or not node.level:
                continue
            package = list(own.parts[: len(own.parts) - node.level])
            named = [node.module] if node.module else [alias.name for alias in node.names]
            for name in named:
                here, there = room_of([*own.parts[:-1], own.stem]), room_of([*package, *name.split(".")])
                if here != there:
                    found[here].setdefault(there, set()).add(str(own))
    return found


def test_rooms_enter_only_rooms_on_their_list() -> None:
    found = arrows()
    for room, entered in found.items():
        print(f"{room:>10} -> {', '.join(sorted(entered, key=list(HOUSE).index)) or 'nothing'}")
    guilty = {
        f"{room} -> {other}": files
        for room, entered in found.items()
        for other, files in entered.items()
        if other not in HOUSE[room].split(", ")
    }
    assert not guilty


def test_the_list_of_rooms_has_no_circles() -> None:
    rooms = list(HOUSE)
    for i, allowed in enumerate(HOUSE.values()):
        assert allowed == "nothing" or set(allowed.split(", ")) <= set(rooms[:i]), rooms[i]


def test_every_room_is_on_the_list() -> None:
    folders = {path.parent.name for path in (ROOT / "core").glob("*/__init__.py")}
    assert folders | set(FILES.values()) | {"root"} == set(HOUSE)
    assert all((ROOT / "core" / f"{name}.py").is_file() for name in FILES)


@pytest.mark.parametrize("room", HOUSE)
def test_the_door_plate_says_the_same_as_the_list(room: str) -> None:
    folder = ROOT / "core" / room
    words = "May enter" if folder.is_dir() else f"{room.capitalize()} may enter"
    plate = ast.get_docstring(ast.parse(((folder if folder.is_dir() else ROOT / "core") / "__init__.py").read_text("utf-8")))
    assert f" {words}: {HOUSE[room]}." in " ".join((plate or "").split())


def words_of(path: Path) -> Iterator[str]:
    """Public classes and aliases that a module defines; constants, in capitals, are not among them."""
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.ClassDef):
            names = [node.name]
        elif isinstance(node, ast.Assign):
            names = [target.id for target in node.targets if isinstance(target, ast.Name)]
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names = [node.target.id]
        else:
            names = []
        yield from (name for name in names if name[0].isupper() and not name.isupper())


def test_one_word_for_one_thing() -> None:
    homes: dict[str, list[str]] = {}
    for path in sorted((ROOT / "core").rglob("*.py")):
        for word in words_of(path):
            homes.setdefault(word, []).append(path.relative_to(ROOT / "core").as_posix())
    assert {word: places for word, places in homes.items() if len(places) > 1} == {}


def test_every_file_names_its_licence() -> None:
    rooms = ("core", "blender_addon", "nodes", "tests", "tools", "examples")
    files = [path for room in rooms for path in (ROOT / room).rglob("*.py")]
    assert not [str(path) for path in files if path.read_text("utf-8").split("\n")[0] != LICENCE]


def test_the_version_stands_once() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    manifest = tomllib.loads((ROOT / "blender_addon" / "blender_manifest.toml").read_text("utf-8"))
    assert project["version"] == manifest["version"] == VERSION
    assert manifest["id"] == project["name"] == "headcast"


TORCH_FREE = """
import sys
sys.path.insert(0, sys.argv[1])
import types, importlib.util
package = sys.modules["headcast"] = types.ModuleType("headcast"); package.__path__ = [sys.argv[1] + "/blender_addon"]
spec = importlib.util.spec_from_file_location(
    "headcast.core", sys.argv[1] + "/core/__init__.py", submodule_search_locations=[sys.argv[1] + "/core"])
core = sys.modules["headcast.core"] = importlib.util.module_from_spec(spec); spec.loader.exec_module(core)
import numpy as np, pathlib, fractions
from headcast.core import errors, settings, take, version, jobs, files, likeness
from headcast.core.worker import protocol, process
from headcast.core.landmarks import head, ibug68, retarget, similarity
from headcast.core.landmarks.detectors import REGISTRY
from headcast.core.imaging import colour, crop
from headcast.core.performance import Performance, performance_from_points
import headcast.engine
points = np.repeat(head.head_model().landmarks[None, :, :2] * 50 + 128, 3, 0).astype(np.float32)
crops = crop.head_crops(points, np.ones(3, bool), 24.0)
made = performance_from_points(np.arange(3, dtype=np.int32), points, crops, (256, 256), fractions.Fraction(24), "test")
path = pathlib.Path(sys.argv[2]) / "x.performance"
made.save(path)
assert np.array_equal(Performance.load(path).landmarks, points)
assert "torch" not in sys.modules and "cv2" not in sys.modules
print("fine")
"""


def pythons() -> list[str]:
    """Every Python from 3.11 that is here and has numpy."""
    places = [Path(sys.executable), ROOT / ".venv-blender5.2" / "bin" / "python", Path("/usr/bin/python3")]
    places += sorted(Path.home().glob(".pyenv/versions/3.1[1-9]*/bin/python"))
    check = "import sys, numpy; sys.exit(sys.version_info < (3, 11))"
    return [
        str(path)
        for path in places
        if path.exists() and not subprocess.run([path, "-c", check], capture_output=True, check=False).returncode
    ]


@pytest.mark.parametrize("python", pythons())
def test_the_torch_free_core_runs_on_this_python(python: str, tmp_path: Path) -> None:
    done = subprocess.run([python, "-c", TORCH_FREE, str(ROOT), str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "fine", done.stderr
