# SPDX-License-Identifier: GPL-3.0-or-later
"""From clips on disk to batches: K sources and a target of one clip, augmented, with their control points.

Item i of a run is a function of the seed and i alone, whoever makes it: so a run that was killed goes on exactly where it
was, and the processes of a run that is spread over several take disjoint parts of the same batches.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

import cv2
import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from ..arrays import Floats
from ..errors import SettingError, WrongFileError
from ..landmarks import ibug68
from ..landmarks.head import control_points
from ..landmarks.similarity import nearest_first
from ..learning.made import Random
from ..learning.steps import Batch
from ..network.shots import Photos
from .augment import Shots, augment, procedural_background, resize_shots, swap_background, unsteady
from .processes import Processes
from .shards import ShardClip, ShardFrame

DETECTED = 0.7
"""How often landmarks are those of a detector, where the clip has them beside exact ones."""
NEAR = 0.5
"""How often the sources are the frames most like the target: learnt from far ones alone, a painter spoils what was right."""
SWAPPED, BORROWED = 0.6, 0.5
"""How often a background is changed, where it can be; and how often the new one is another clip's."""
PREFETCH = 4
"""Batches that each worker has ready."""


def shot_range(text: str) -> tuple[int, int]:
    """`--photos`: "1-8" or "3". Raises SettingError."""
    found = re.fullmatch(r"(\d+)(?:-(\d+))?", text)
    low, high = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
    if not 1 <= low <= high:
        raise SettingError(f"--photos cannot be '{text}'", "Give a number such as 3, or a range such as 1-8")
    return low, high


class Numbered(Protocol):
    """Items of which each is made of its number alone."""

    batch: int

    def __getitem__(self, index: int) -> Any: ...


class Items(Dataset[Batch]):
    """The items of a run, without end. Pictures and mattes are still bytes, see `Batch.to`."""

    def __init__(
        self, clips: Sequence[ShardClip], size: int, batch: int, photos: tuple[int, int], seed: int, augmented: bool = True
    ) -> None:
        """batch: items of a step, over all processes; photos: least and most sources of an item."""
        self.clips, self.size, self.batch, self.photos, self.seed = clips, size, batch, photos, seed
        self.augmented = augmented
        self.backgrounds = [clip.frames[0] for clip in clips if "background.jpg" in clip.frames[0].members]

    def shots(self, step: int) -> int:
        """K, the same in the whole batch of a step."""
        return int(np.random.default_rng([self.seed, step, 1]).integers(self.photos[0], self.photos[1] + 1))

    def __getitem__(self, index: int) -> Batch:
        """Item `index` with no batch axis. Raises WrongFileError for a damaged shard."""
        random = np.random.default_rng([self.seed, index])
        video = int(random.integers(len(self.clips)))
        clip, count = self.clips[video], self.shots(index // self.batch)
        target, *others = self._order(clip, random)
        # A clip shorter than that shows some of its frames twice.
        frames = [clip.frames[i] for i in (*np.resize(others, count), target)]
        shots = Shots(
            np.stack([frame.read("jpg") for frame in frames]),
            np.stack([frame.read("matte.png") for frame in frames]),
            self._landmarks(frames, random),
        )
        if self.augmented:
            shots = augment(self._on_other_background(shots, clip, frames, random), self.size, random)
        else:
            shots = resize_shots(shots, self.size)
        order = nearest_first(shots.landmarks[-1], shots.landmarks[:-1])
        return _pack(Shots(*(np.concatenate([part[:-1][order], part[-1:]]) for part in shots)), video)

    def _order(self, clip: ShardClip, random: Random) -> list[int]:
        """The clip's frames by chance, the target first; of some items those most like it next, as those of footage are."""
        order = random.permutation(len(clip.frames)).tolist()
        if self.augmented and random.random() < NEAR:
            points = np.stack([points_of(clip.frames[i].label.landmarks) for i in order])
            order = [order[0], *(order[1 + i] for i in nearest_first(points[0], points[1:]))]
        return order

    def _landmarks(self, frames: Sequence[ShardFrame], random: Random) -> Floats:
        exact = np.stack([points_of(frame.label.landmarks) for frame in frames])
        shown = unsteady(exact, random) if self.augmented else exact
        if not self.augmented or random.random() < DETECTED:
            for i, frame in enumerate(frames):
                if frame.label.detected is not None:
                    shown[i] = points_of(frame.label.detected)
        return shown

    def _on_other_background(self, shots: Shots, clip: ShardClip, frames: Sequence[ShardFrame], random: Random) -> Shots:
        behind = clip.frames[0]
        if "background.jpg" not in behind.members or random.random() >= SWAPPED:
            return shots
        side = shots.pictures.shape[1]
        if random.random() < BORROWED:
            new = self.backgrounds[random.integers(len(self.backgrounds))].read("background.jpg")
            new = np.asarray(cv2.resize(new, (side, side), interpolation=cv2.INTER_AREA), np.uint8)
        else:
            new = procedural_background(side, random)
        alphas = np.stack([frame.read("alpha.png") for frame in frames])
        return shots._replace(pictures=swap_background(shots.pictures, alphas, behind.read("background.jpg"), new))


def points_of(rows: Sequence[Sequence[float]]) -> Floats:
    """[70, 2] of a label's rows, which may have no pupils."""
    points = np.array(rows, np.float32)
    return points if len(points) == ibug68.COUNT else ibug68.with_pupils(points)


def _pack(shots: Shots, video: int) -> Batch:
    size = shots.pictures.shape[1]
    control = control_points(shots.landmarks).unit(size)
    pictures = torch.from_numpy(np.ascontiguousarray(shots.pictures.transpose(0, 3, 1, 2)))
    mattes = torch.from_numpy(shots.mattes[:, None])
    landmarks = torch.from_numpy(shots.landmarks / np.float32(size))
    points, stiffness, projection = (torch.from_numpy(part) for part in control)
    photos = Photos(pictures[:-1], mattes[:-1], points[:-1], stiffness[:-1], projection[:-1])
    wanted = (points[-1], stiffness[-1], projection[-1])
    return Batch(photos, landmarks[:-1], pictures[-1], landmarks[-1], *wanted, torch.tensor(video))


def load_batches(
    items: Numbered, collate: Callable[[Any], Any], steps: range, workers: int, processes: Processes
) -> Iterator[Any]:
    """The batches of `steps`, on their device; of each the part that falls to this process. collate: items to a batch."""
    # There are as many workers as there are to be threads; and OpenCV's own, once begun, would not survive the fork.
    cv2.setNumThreads(1)
    share = items.batch // processes.world
    firsts = (step * items.batch + processes.rank * share for step in steps)
    loader: DataLoader[Any] = DataLoader(
        items,  # type: ignore[arg-type]
        batch_sampler=(list(range(first, first + share)) for first in firsts),  # type: ignore[arg-type]
        num_workers=workers,
        collate_fn=collate,
        prefetch_factor=PREFETCH if workers else None,
        pin_memory=processes.device.type == "cuda",
    )
    return (packed.to(processes.device) for packed in loader)


def long_enough(clips: Sequence[ShardClip]) -> list[ShardClip]:
    """The clips that have a source beside the target. Raises WrongFileError where there is none."""
    kept = [clip for clip in clips if len(clip.frames) > 1]
    if not kept:
        raise WrongFileError("No clip of the training data has two frames", "Give shards with longer clips")
    return kept
