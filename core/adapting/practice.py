# SPDX-License-Identifier: GPL-3.0-or-later
"""Exercises for fine-tuning on one person: photos painted from the others, photos held out, expressions not shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from ..landmarks.expression import with_expression
from ..landmarks.head import control_points
from ..landmarks.similarity import nearest_first
from ..learning.made import Random
from ..learning.steps import Batch
from ..network.shots import Photos

HELD_OUT = 4
"""One photo in so many is held out."""
SHAKE = 0.06
"""How far a photo is shifted, scaled and turned against itself, where there are too few."""
SHAKEN_COPIES = 2
"""Copies of each photo that are held out if there are too few photos to hold one out."""
WIDEST = 0.5
"""Opening of a shouting mouth, in distances between the eye centres."""


@dataclass(frozen=True)
class Person:
    """N photos of one person."""

    photos: Photos
    """[1, N, ...]"""
    landmarks: NDArray[np.float32]
    """[N, 70, 2], parts of the picture, 0 to 1"""

    def __len__(self) -> int:
        return len(self.landmarks)

    def pick(self, which: Sequence[int] | NDArray[np.intp]) -> Person:
        """The photos numbered `which`, in that order."""
        index = torch.tensor(which, device=self.photos.pictures.device)
        return Person(self.photos.select(index), self.landmarks[which])


def practise(person: Person, random: Random) -> Batch:
    """One photo to be painted from some of the others; a lone photo from a shaken copy of itself."""
    target, *others = random.permutation(len(person)).tolist()
    wanted = person.pick([target])
    return _batch(person.pick(others) if others else shaken(wanted, random), wanted)


def rehearse(person: Person, random: Random) -> Batch:
    """One photo's pose with an expression drawn at random: the mouth anywhere from closed to a shout, the eyes at times
    shut. What is to be painted nobody knows; its target is the photo."""
    target, *others = random.permutation(len(person)).tolist()
    wanted = person.pick([target])
    shut = random.choice([0.0, 1.0, random.uniform()])
    acted = with_expression(wanted.landmarks[0], random.uniform(0.0, WIDEST), shut)
    return _batch(person.pick([target, *others]), _moved(wanted, acted))


def hold_out(person: Person) -> tuple[Person, list[Batch]]:
    """The photos to practise on, and what is only painted to see how it goes: every fourth photo from those nearest to it.

    Of fewer than four photos none can be spared: shaken copies of each are held out, to be painted from the rest.
    """
    everyone = range(len(person))
    held = everyone[HELD_OUT - 1 :: HELD_OUT]
    if held:
        known = person.pick([i for i in everyone if i not in held])
        return known, [_batch(_nearest(known, person.pick([i])), person.pick([i])) for i in held]
    random = np.random.default_rng(0)
    checks = []
    for i in everyone:
        others = [j for j in everyone if j != i] or [i]
        for _ in range(SHAKEN_COPIES):
            wanted = shaken(person.pick([i]), random)
            checks.append(_batch(_nearest(person.pick(others), wanted), wanted))
    return person, checks


def _nearest(person: Person, wanted: Person) -> Person:
    """The photos that a frame is painted from at rendering time."""
    return person.pick(nearest_first(wanted.landmarks[0], person.landmarks))


def _batch(sources: Person, wanted: Person) -> Batch:
    device = wanted.photos.pictures.device
    picture, _, points, stiffness, projection = (tensor[:, 0] for tensor in wanted.photos)
    return Batch(
        photos=sources.photos,
        landmarks=torch.from_numpy(sources.landmarks).to(device)[None],
        target=picture,
        target_landmarks=torch.from_numpy(wanted.landmarks).to(device),
        target_points=points,
        target_stiffness=stiffness,
        target_projection=projection,
        video=torch.zeros(1, dtype=torch.long, device=device),
    )


def _moved(one: Person, landmarks: NDArray[np.float32]) -> Person:
    """One photo, its points said to lie at `landmarks` [70, 2]."""
    device = one.photos.points.device
    points, stiffness, projection = (
        torch.from_numpy(part).to(device)[None] for part in control_points(landmarks[None]).unit(1)
    )
    return Person(one.photos._replace(points=points, stiffness=stiffness, projection=projection), landmarks[None])


def shaken(one: Person, random: Random) -> Person:
    """One photo under a small random affine map, its points moved along."""
    pictures, mattes = one.photos.pictures[0], one.photos.mattes[0]
    matrix = np.eye(2) + random.uniform(-SHAKE, SHAKE, (2, 2))
    shift = random.uniform(-SHAKE, SHAKE, 2)
    theta = torch.tensor(np.column_stack([matrix, shift]), dtype=torch.float32, device=pictures.device)[None]
    grid = functional.affine_grid(theta, list(pictures.shape), align_corners=False)
    picture = functional.grid_sample(pictures, grid, padding_mode="border", align_corners=False)
    matte = functional.grid_sample(mattes, grid, align_corners=False)
    landmarks = ((one.landmarks[0] * 2 - 1 - shift) @ np.linalg.inv(matrix).T + 1) / 2
    moved = _moved(one, landmarks.astype(np.float32))
    return Person(moved.photos._replace(pictures=picture[None], mattes=matte[None]), moved.landmarks)
