"""Meta-learning: what is learned from, and that a run goes on exactly, whether it was killed or is shared."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from headcast.core.errors import CancelledError, SettingError, WrongFileError
from headcast.core.learning.losses import region_map
from headcast.core.network.painter import PRESETS, Painter
from headcast.core.painting.weights import load_weights
from headcast.core.progress import Silent
from headcast.core.settings import TrainSettings
from headcast.core.training import augment
from headcast.core.training.dataset import Items, load_batches, long_enough, shot_range
from headcast.core.training.meta import Trained, train
from headcast.core.training.processes import Processes
from headcast.core.training.shards import Clip, Label, Sample, read_clips, write_shard

from .test_networks import CPU

SIDE = 64
SETTINGS = TrainSettings(
    size=SIDE,
    batch=2,
    photos="1-2",
    steps=3,
    discriminator_channels=8,
    log_steps=1,
    workers=0,
    device="cpu",
    precision="fp32",
)


def toy_clip(face: np.ndarray, name: str, seed: int) -> Iterator[Sample]:
    """Six frames of a disc of a colour of its own where the face is, before a background of its own."""
    random = np.random.default_rng(seed)
    colour, background = random.integers(40, 216, 3), augment.procedural_background(SIDE, random)
    y, x = np.mgrid[:SIDE, :SIDE] + 0.5
    for frame in range(6):
        landmarks = face * (SIDE / 256) + random.uniform(-4, 4, 2)
        inside = np.hypot(*(np.stack([x, y]) - landmarks.mean(axis=0)[:, None, None])) < 18
        picture = np.where(inside[..., None], colour, background).astype(np.uint8)
        matte = inside.astype(np.uint8) * 255
        seen = (landmarks + 0.1).tolist() if frame % 2 else None
        label = Label(name, f"person {seed}", frame, landmarks.tolist(), seen)
        yield Sample(picture, matte, label, matte, None if frame else background)


@pytest.fixture
def shards(tmp_path: Path, face: np.ndarray) -> Path:
    """Three people, one clip each."""
    folder = tmp_path / "shards"
    folder.mkdir()
    for seed in range(3):
        write_shard(folder / f"{seed}.tar", toy_clip(face, f"clip{seed}", seed))
    return folder


def toy_items(shards: Path) -> Items:
    return Items(read_clips([shards]), SIDE, batch=4, photos=(1, 4), seed=0)


def test_an_item_depends_on_its_number_alone(shards: Path) -> None:
    """However many workers and processes make the batches, and wherever they begin."""
    items = toy_items(shards)
    alone = list(load_batches(items, range(4), 0, Processes(CPU)))
    again = list(load_batches(items, range(2, 4), 1, Processes(CPU)))
    halves = [list(load_batches(items, range(4), 0, Processes(CPU, rank, 2))) for rank in range(2)]
    for step, batch in enumerate(alone):
        assert torch.equal(batch.target, torch.cat([half[step].target for half in halves]))
        assert batch.landmarks.shape[:2] == (4, items.shots(step))
    assert torch.equal(alone[2].photos.pictures, again[0].photos.pictures)
    assert len({batch.landmarks.shape[1] for batch in alone}) > 1
    assert not torch.equal(alone[0].target[0], alone[1].target[0])


def test_a_batch_is_what_painters_take(shards: Path) -> None:
    batch = next(load_batches(toy_items(shards), range(1), 0, Processes(CPU)))
    assert batch.target.shape == (4, 3, SIDE, SIDE)
    assert -1 <= batch.target.min() < 0 < batch.target.max() <= 1
    assert batch.target_matte.max() <= 1
    assert 0 < batch.target_landmarks.mean() < 1
    assert batch.photos.points[:, :, 30].mean() == pytest.approx(float(batch.landmarks[:, :, 30].mean()) * 2 - 1, abs=1e-4)


def test_nearest_photos_come_first(shards: Path) -> None:
    items = Items(read_clips([shards]), SIDE, 4, (4, 4), 0)
    batch = items[0]
    centred = [p - p.mean(dim=0) for p in (*batch.landmarks, batch.target_landmarks)]
    gaps = [float((p / p.norm() - centred[-1] / centred[-1].norm()).norm()) for p in centred[:-1]]
    assert gaps == sorted(gaps)


def test_landmarks_stay_on_what_they_mark(face: np.ndarray) -> None:
    """Whatever mirror, shift, scale, roll and resizing did to the picture: a dot on the right mouth corner stays there."""
    picture = np.zeros((256, 256, 3), np.uint8)
    cv2.circle(picture, tuple(int(v) for v in face[48]), 3, (255, 255, 255), -1)
    face[48] = np.floor(face[48]) + 0.5
    shots = augment.Shots(np.stack([picture] * 3), np.zeros((3, 256, 256), np.uint8), np.stack([face] * 3))
    mirrored = 0
    for seed in range(8):
        moved = augment.reframe(shots, 128, np.random.default_rng(seed))
        for seen, landmarks in zip(moved.pictures, moved.landmarks, strict=True):
            y, x = np.nonzero(seen[..., 0] > 128)
            centre = np.array([x.mean(), y.mean()]) + 0.5
            # The subject's right mouth corner is the left one in a mirror.
            corner = 54 if np.linalg.norm(landmarks[54] - centre) < np.linalg.norm(landmarks[48] - centre) else 48
            mirrored += corner == 54
            assert landmarks[corner] == pytest.approx(centre, abs=0.6)
            assert landmarks[48, 0] < landmarks[54, 0]
    assert 0 < mirrored < 24


def test_a_new_background_lies_behind_the_head_alone() -> None:
    random = np.random.default_rng(0)
    pictures = random.integers(0, 256, (1, 8, 8, 3), dtype=np.uint8)
    old, new = pictures[0], random.integers(0, 256, (8, 8, 3), dtype=np.uint8)
    alphas = np.zeros((1, 8, 8), np.uint8)
    alphas[:, :4] = 255
    swapped = augment.swap_background(pictures, alphas, old, new)
    assert np.array_equal(swapped[0, :4], old[:4])
    assert np.array_equal(swapped[0, 4:], new[4:])


def test_unsteady_landmarks_err_as_a_detector_does(face: np.ndarray) -> None:
    exact = np.repeat(face[None], 400, axis=0)
    error = augment.unsteady(exact, np.random.default_rng(0)) - exact
    assert 0.005 < error.std(axis=0).mean() / 50 < 0.02  # eye distances, within one clip
    lips = error[:, 48:68].mean(axis=1)
    assert lips.std(axis=0).mean() > 2 * augment.POINT_NOISE / np.sqrt(20) * 50


@pytest.mark.parametrize("text", ["0", "5-2", "many", "1-"])
def test_a_photo_range_that_is_none(text: str) -> None:
    assert shot_range("1-8") == (1, 8)
    assert shot_range("3") == (3, 3)
    with pytest.raises(SettingError, match=text):
        shot_range(text)


def test_mouth_and_eyes_count_more(face: np.ndarray) -> None:
    where = region_map(torch.from_numpy(face / 256)[None], 64, 5.0)[0, 0]
    x, y = (face[48:68].mean(axis=0) / 4).astype(int)
    assert where[y, x] > 4.5
    assert where[2, 2] < 1.01


class KilledAt(Silent):
    """Ends the run before step `last`."""

    def __init__(self, last: int) -> None:
        self.last = last

    def step(self, what: str, done: int, total: int) -> None:
        if done == self.last:
            raise CancelledError()


def checkpoint(run: Path) -> dict:
    return torch.load(run / "checkpoint.pt", weights_only=True)


def tensors(content: object) -> list[torch.Tensor]:
    if isinstance(content, torch.Tensor):
        return [content]
    parts = content.values() if isinstance(content, dict) else content if isinstance(content, list) else ()
    return [tensor for part in parts for tensor in tensors(part)]


def test_a_killed_run_goes_on_as_if_nothing_had_been(shards: Path, tmp_path: Path) -> None:
    settings = dataclasses.replace(SETTINGS, adversarial_from=1)
    straight = train([shards], tmp_path / "straight", settings, Silent())
    every_step = dataclasses.replace(settings, save_minutes=0.0)
    with pytest.raises(CancelledError):
        train([shards], tmp_path / "killed", every_step, KilledAt(2))
    assert checkpoint(tmp_path / "killed")["step"] == 2
    resumed = train([shards], tmp_path / "killed", settings, Silent())
    assert resumed.losses == straight.losses
    assert set(straight.losses) == {"pixel", "repaint", "matte", "match", "adversarial", "features", "discriminator"}
    pairs = list(zip(*(tensors(checkpoint(tmp_path / name)) for name in ("straight", "killed")), strict=True))
    assert len(pairs) > 100
    assert all(torch.equal(a, b) for a, b in pairs)
    check_what_a_run_leaves(straight, tmp_path / "straight")


def check_what_a_run_leaves(trained: Trained, run: Path) -> None:
    painter = Painter(dataclasses.replace(PRESETS["warp-256"], size=SIDE))
    assert load_weights(painter, trained.weights) == "warp-256-synthetic-v1"
    sheet = cv2.imread(str(run / "sheet.png"))
    assert sheet.shape == (8 * SIDE, 6 * SIDE, 3)
    recorded = json.loads((run / "settings.json").read_text())
    assert len(recorded["clips"]) == 2
    assert len(recorded["held_out"]) == 1


def test_two_processes_do_what_one_does(shards: Path, tmp_path: Path) -> None:
    settings = dataclasses.replace(SETTINGS, batch=4, steps=2)
    alone = train([shards], tmp_path / "alone", settings, Silent())
    options = [
        part
        for item in dataclasses.fields(settings)
        for part in (f"--{item.name.replace('_', '-')}", str(getattr(settings, item.name)))
    ]
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    command = [*torchrun, "-m", "headcast.core.cli", "train", str(shards), "-o", str(tmp_path / "two"), "--json", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert not done.returncode, done.stderr
    results = [json.loads(line)["result"] for line in done.stdout.splitlines() if '"event":"done"' in line]
    assert len(results) == 2
    for result in results:
        assert result["losses"] == pytest.approx(alone.losses, abs=1e-5)
    one, two = (checkpoint(tmp_path / name) for name in ("alone", "two"))
    for optimizer in ("optimizer", "critic_optimizer"):
        for number, state in one[optimizer]["state"].items():
            gradient, same = state["exp_avg"], two[optimizer]["state"][number]["exp_avg"]
            # Biases before an instance normalisation have no gradient but rounding.
            assert torch.allclose(gradient, same, rtol=1e-3, atol=1e-3 * float(gradient.abs().max()) + 1e-7)


def test_a_run_keeps_its_people_and_says_what_does_not_fit(shards: Path, tmp_path: Path, face: np.ndarray) -> None:
    run, settings = tmp_path / "run", dataclasses.replace(SETTINGS, steps=1, adversarial_from=-1)
    train([shards], run, settings, Silent())
    before = json.loads((run / "settings.json").read_text())["clips"]
    with pytest.raises(SettingError, match="--photos 1-2, not 1-8"):
        train([shards], run, dataclasses.replace(settings, photos="1-8"), Silent())
    write_shard(shards / "0 new.tar", toy_clip(face, "another", 9))
    assert train([shards], run, dataclasses.replace(settings, steps=2), Silent()).step == 2
    assert json.loads((run / "settings.json").read_text())["clips"] == before
    (shards / "1.tar").unlink()
    with pytest.raises(WrongFileError, match="clip1"):
        train([shards], run, settings, Silent())


def test_a_clip_too_short_is_no_clip() -> None:
    with pytest.raises(WrongFileError, match="two frames"):
        long_enough([Clip("a", "b", [])])
