# SPDX-License-Identifier: GPL-3.0-or-later
"""Meta-learning: what is learned from, and that a run goes on exactly, whether it was killed or is shared."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from headcast.core.errors import CancelledError, SettingError, WrongFileError
from headcast.core.landmarks import ibug68
from headcast.core.learning.losses import region_map
from headcast.core.learning.made import Changed
from headcast.core.learning.pairing import mirrored, stack
from headcast.core.learning.regions import PairBatch
from headcast.core.network.build import build_painter
from headcast.core.network.painter import PRESETS, Preset
from headcast.core.painting.weights import load_critics, load_weights, weights_name
from headcast.core.progress import Silent
from headcast.core.settings import TrainSettings
from headcast.core.training import augment
from headcast.core.training.dataset import Items, load_batches, long_enough, shot_range
from headcast.core.training.meta import Trained, train
from headcast.core.training.pairs import Pairs
from headcast.core.training.processes import Processes
from headcast.core.training.shards import Label, Sample, ShardClip, read_clips, write_shard
from torch.utils.data import default_collate

from .test_networks import CPU
from .test_regions import looking, opened, portrait

SIDE = 64
SMALL = Preset("fsth-256", channels=8, most_channels=32, embedding=32)
"""What stands for the paper's preset: the same networks, narrow."""
SETTINGS = TrainSettings(
    preset="fsth-256",
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


@pytest.fixture(autouse=True)
def _narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PRESETS, "fsth-256", SMALL)


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
    alone = list(load_batches(items, default_collate, range(4), 0, Processes(CPU)))
    again = list(load_batches(items, default_collate, range(2, 4), 1, Processes(CPU)))
    halves = [list(load_batches(items, default_collate, range(4), 0, Processes(CPU, rank, 2))) for rank in range(2)]
    for step, batch in enumerate(alone):
        assert torch.equal(batch.target, torch.cat([half[step].target for half in halves]))
        assert batch.landmarks.shape[:2] == (4, items.shots(step))
    assert torch.equal(alone[2].photos.pictures, again[0].photos.pictures)
    assert len({batch.landmarks.shape[1] for batch in alone}) > 1
    assert not torch.equal(alone[0].target[0], alone[1].target[0])


def test_a_batch_is_what_painters_take(shards: Path) -> None:
    batch = next(load_batches(toy_items(shards), default_collate, range(1), 0, Processes(CPU)))
    assert batch.target.shape == (4, 3, SIDE, SIDE)
    assert -1 <= batch.target.min() < 0 < batch.target.max() <= 1
    assert 0 < batch.photos.mattes.max() <= 1
    assert 0 < batch.target_landmarks.mean() < 1
    assert batch.photos.points[:, :, 30].mean() == pytest.approx(float(batch.landmarks[:, :, 30].mean()) * 2 - 1, abs=1e-4)


def test_nearest_photos_come_first(shards: Path) -> None:
    items = Items(read_clips([shards]), SIDE, 4, (4, 4), 0)
    batch = items[0]
    centred = [p - p.mean(dim=0) for p in (*batch.landmarks, batch.target_landmarks)]
    gaps = [float((p / p.norm() - centred[-1] / centred[-1].norm()).norm()) for p in centred[:-1]]
    assert gaps == sorted(gaps)


def moments(face: np.ndarray, count: int) -> list[np.ndarray]:
    """A face that talks and blinks."""
    return [looking(opened(face, 0.5 + 14 * i / max(1, count - 1)), i - 2.0, 1 - 0.1 * (i % 3)) for i in range(count)]


def photographed_clip(person: str, take: str, faces: Sequence[np.ndarray]) -> Iterator[Sample]:
    for frame, points in enumerate(faces):
        yield Sample(portrait(points), np.full((256, 256), 255, np.uint8), Label(take, person, frame, points.tolist()))


@pytest.fixture
def photographed(tmp_path: Path, face: np.ndarray) -> Path:
    """Three people: one talks, one has two portraits, one a single portrait, laughing."""
    folder = tmp_path / "photographed"
    folder.mkdir()
    for i, faces in enumerate((moments(face, 8), moments(face, 2), moments(face, 2)[1:])):
        write_shard(folder / f"{i}.tar", photographed_clip(f"person {i}", f"take{i}", faces))
    return folder


def toy_pairs(shards: Path, photos: tuple[int, int] = (1, 3), only: str = "") -> Pairs:
    clips = [clip for clip in read_clips([shards]) if only in clip.name]
    return Pairs(clips, 128, batch=4, photos=photos, seed=0)


def openness(points: torch.Tensor) -> float:
    """Of a mouth, over the width of the face. points: [N, 2]."""
    return float((points[66] - points[62]).norm() / (points[16] - points[0]).norm())


def test_a_pair_depends_on_its_number_alone(photographed: Path) -> None:
    items = toy_pairs(photographed)
    alone = list(load_batches(items, stack, range(4), 0, Processes(CPU)))
    again = list(load_batches(items, stack, range(2, 4), 1, Processes(CPU)))
    halves = [list(load_batches(items, stack, range(4), 0, Processes(CPU, rank, 2))) for rank in range(2)]
    for step, batch in enumerate(alone):
        assert torch.equal(batch.target, torch.cat([half[step].target for half in halves]))
        assert batch.photos.pictures.shape == (4, items.shots(step), 3, 128, 128)
        assert -1 <= batch.photos.pictures.min() < 0 < batch.photos.pictures.max() <= 1
    assert torch.equal(alone[2].photos.pictures, again[0].photos.pictures)
    assert torch.equal(alone[2].pose.points, again[0].pose.points)
    assert not torch.equal(alone[0].target[0], alone[1].target[0])
    assert {items.shots(step) for step in range(20)} == {1, 2, 3}
    assert {float(made) for batch in alone for made in batch.made} == {0.0, 1.0}


def test_a_lone_portrait_teaches_what_it_shows(photographed: Path) -> None:
    """One frame is enough: the photo is the portrait with its mouth shut, and the truth as it is."""
    items = toy_pairs(photographed, only="take2")
    for i in range(6):
        pair = items[i]
        assert pair.made == 1
        assert openness(pair.pose.points) > 0.05
        assert max(openness(points) for points in pair.photos.points) < 0.01
        assert float((pair.photos.pictures[0].float() - pair.target.float()).abs().max()) > 60


@pytest.mark.parametrize("take", ["take0", "take1"])
def test_other_photos_are_other_moments_of_the_person(photographed: Path, take: str) -> None:
    items = toy_pairs(photographed, only=take)
    pairs = [pair for pair in map(items.__getitem__, range(48)) if not pair.made]
    assert len(pairs) > 2
    for pair in pairs:
        assert not any(torch.equal(points, pair.pose.points) for points in pair.photos.points)
    opens = [openness(pair.pose.points) for pair in pairs]
    assert min(opens) < 0.02 < 0.08 < max(opens)


def dot(picture: torch.Tensor, points: torch.Tensor) -> torch.Tensor:
    """How dark each pupil is; points: [N, 2]."""
    x, y = ((points[list(ibug68.PUPILS)] + 1) * 64).long().T
    return picture[:, y, x].float().mean(0)


def test_landmarks_of_pairs_stay_on_what_they_mark(photographed: Path, face: np.ndarray) -> None:
    """In a mirror, too: the pupils are dark, and the subject's right side is at the picture's left."""
    items, sides = toy_pairs(photographed), set()
    for i in range(24):
        pair: PairBatch = items[i]
        for picture, points in (
            (pair.target, pair.pose.points),
            *zip(pair.photos.pictures, pair.photos.points, strict=True),
        ):
            assert dot(picture, points).max() < 0.6 * picture.float().mean()
            assert points[36, 0] < points[45, 0]
            assert points[48, 0] < points[54, 0]
        glance = (pair.pose.points[68] - pair.pose.points[[36, 39]].mean(0))[0]
        sides.add(float(torch.sign(glance)))
    assert sides == {-1.0, 1.0}
    points = looking(face, 3)
    once = mirrored(Changed(portrait(points), points))
    assert np.array_equal(once.picture, portrait(points)[:, ::-1])
    assert np.allclose(mirrored(once).landmarks, points, atol=1e-4)
    assert once.landmarks[68, 0] == pytest.approx(256 - points[69, 0], abs=1e-4)


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
        if what == "train" and done == self.last:
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
    assert set(straight.losses) == {"pixel", "adversarial", "features", "discriminator"}
    assert_same_checkpoint(tmp_path / "straight", tmp_path / "killed")
    check_what_a_run_leaves(straight, tmp_path / "straight", (8 * SIDE, 6 * SIDE, 3))


def assert_same_checkpoint(one: Path, other: Path) -> None:
    pairs = list(zip(*(tensors(checkpoint(run)) for run in (one, other)), strict=True))
    assert len(pairs) > 100
    assert all(torch.equal(a, b) for a, b in pairs)


def check_what_a_run_leaves(trained: Trained, run: Path, sheet_size: tuple[int, int, int]) -> None:
    recorded = json.loads((run / "settings.json").read_text())
    preset = recorded["settings"]["preset"]
    assert load_weights(build_painter(preset), trained.weights) == weights_name(preset)
    if PRESETS[preset].warps:
        discriminators = load_critics(trained.weights, preset)
        assert discriminators is not None
        assert discriminators.of("eye").blocks[0].weight.shape[0] == SETTINGS.discriminator_channels
    sheet = cv2.imread(str(run / "sheet.png"))
    assert sheet.shape == sheet_size
    assert len(recorded["clips"]) == 2
    assert len(recorded["held_out"]) == 1


def test_the_runs_of_close_ups_go_on_as_well(photographed: Path, tmp_path: Path) -> None:
    """Of `warp-256`: the residual flow comes first, the discriminators play from the second step on, and the rates fall over
    all steps."""
    settings = dataclasses.replace(SETTINGS, preset="warp-256", size=128, adversarial_from=1, flow_pairs=4)
    straight = train([photographed], tmp_path / "straight", settings, Silent())
    with pytest.raises(CancelledError):
        train([photographed], tmp_path / "killed", dataclasses.replace(settings, save_minutes=0.0), KilledAt(2))
    assert checkpoint(tmp_path / "killed")["step"] == 2
    resumed = train([photographed], tmp_path / "killed", settings, Silent())
    assert resumed.losses == straight.losses
    kinds = ("colour", "adversarial", "features", "discriminator")
    assert set(straight.losses) == {f"{region} {kind}" for region in ("mouth", "eye") for kind in kinds}
    assert_same_checkpoint(tmp_path / "straight", tmp_path / "killed")
    check_what_a_run_leaves(straight, tmp_path / "straight", (12 * 96, 8 * 96, 3))


NARROW = f"""
import sys
from headcast.core.cli.main import main
from headcast.core.network.painter import PRESETS, Preset
PRESETS["fsth-256"] = {SMALL!r}
sys.exit(main(sys.argv[1:]))
"""


def test_two_processes_do_what_one_does(shards: Path, tmp_path: Path) -> None:
    settings = dataclasses.replace(SETTINGS, batch=4, steps=2)
    alone = train([shards], tmp_path / "alone", settings, Silent())
    options = [
        part
        for item in dataclasses.fields(settings)
        for part in (f"--{item.name.replace('_', '-')}", str(getattr(settings, item.name)))
    ]
    script = tmp_path / "narrow.py"
    script.write_text(NARROW)
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    command = [*torchrun, str(script), "train", str(shards), "-o", str(tmp_path / "two"), "--json", *options]
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
            assert torch.allclose(gradient, same, rtol=1e-3, atol=1e-3 * float(gradient.abs().max()) + 5e-6)


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
        long_enough([ShardClip("a", "b", [])])
