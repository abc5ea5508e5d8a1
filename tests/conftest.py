# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests share: input that a package ships, the development material where it is there, the engine's Python."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from headcast.core.threads import choose_threads

choose_threads()  # before NumPy is loaded
import numpy as np  # noqa: E402

ROOT = Path(__file__).parent.parent
SHARED = ROOT.parent / "shared"
ENGINE_PYTHON = os.environ.get("HEADCAST_PYTHON", sys.executable)

WRITE_ASTRONAUT = """
import sys
from collections.abc import Iterator
from pathlib import Path
from skimage import data
from headcast.core.imaging.preview import write_png
write_png(Path(sys.argv[1]), data.astronaut())
"""


@pytest.fixture(scope="session", autouse=True)
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where workers write their log in tests: not among the user's own."""
    folder = tmp_path_factory.mktemp("logs")
    os.environ["HEADCAST_LOGS"] = str(folder)
    return folder


@pytest.fixture(scope="session", autouse=True)
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where takes' signatures come from in tests: no key of the user's."""
    folder = tmp_path_factory.mktemp("keys")
    os.environ["HEADCAST_KEYS"] = str(folder)
    return folder


@pytest.fixture(scope="session")
def astronaut(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """NASA's public-domain photo of Eileen Collins, 512 px, as scikit-image ships it."""
    path = tmp_path_factory.mktemp("photo") / "astronaut.png"
    subprocess.run([ENGINE_PYTHON, "-c", WRITE_ASTRONAUT, str(path)], check=True)
    return path


@pytest.fixture(scope="session")
def package() -> Path:
    """The extension's zip, built of the working tree."""
    done = subprocess.run(["make", "-s", "extension"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return ROOT / "build" / "headcast.zip"


@pytest.fixture(scope="session")
def clips() -> Path:
    """The development clips: real people, never committed."""
    folder = SHARED / "clips"
    if not folder.is_dir():
        pytest.skip("../shared/clips is not there")
    return folder


@pytest.fixture(scope="session")
def face() -> np.ndarray:
    """[68, 2] a frontal face in a picture of 256 pixels."""
    from headcast.core.landmarks.head import head_model

    return (head_model().landmarks[:, :2] * 50.0 + (128.0, 100.0)).astype(np.float32)


def pytest_unconfigure(config: pytest.Config) -> None:
    """bpy 4.5 hangs at exit once classes were registered."""
    if "bpy" in sys.modules:
        code = getattr(config, "headcast_exit", 0)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    session.config.headcast_exit = int(exitstatus)


@pytest.fixture(scope="module")
def short_trials() -> Iterator[None]:
    """Likenesses that are evaluated are tried on few frames."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("headcast.core.evaluating.trial.ACTED", 8)
        patch.setattr("headcast.core.evaluating.trial.STILL", 3)
        yield


@pytest.fixture
def any_gain(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is tuned is kept after however few steps."""
    for module in ("personal", "tuning"):
        monkeypatch.setattr(f"headcast.core.adapting.{module}.LEAST_GAIN", float("-inf"))


@pytest.fixture
def untrained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No weights are shipped, and none are in the cache."""
    monkeypatch.setattr("headcast.core.painting.weights.SHIPPED", tmp_path / "nowhere")
    monkeypatch.setattr("headcast.core.painting.weights.cache_folder", lambda: tmp_path / "nowhere")


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of `warp-256` that change what geometry gives, by chance: they show that a road holds, no more."""
    import torch
    from headcast.core.network.build import build_painter
    from headcast.core.painting.weights import save_weights

    torch.manual_seed(0)
    painter = build_painter("warp-256")
    for region in painter.regions.painters.values():
        torch.nn.init.normal_(region.last.weight, std=0.02)
    path = tmp_path_factory.mktemp("weights") / "weights.safetensors"
    save_weights(painter, "by chance", path)
    return path
