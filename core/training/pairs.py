# SPDX-License-Identifier: GPL-3.0-or-later
"""From clips and portraits on disk to pairs: photos of a person, and a picture of the same person that is to be painted.

Three kinds: two moments of a clip; two portraits of a person, the truth graded like the photo; one portrait, and a made
photo that lacks what the portrait shows (`made`). Item i of a run is a function of the seed and i alone, see `dataset`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Dataset

from ..arrays import Points
from ..errors import WrongFileError
from ..learning.made import Changed, Random, eye_distance
from ..learning.pairing import OPEN_MOUTH, like, made_photo, mirrored, pack
from ..learning.regions import PairBatch
from .dataset import points_of
from .shards import ShardClip, ShardFrame

TALKING = 6
"""Frames from which a clip shows a face in motion; fewer are portraits."""
FILMED, PAIRED = 0.45, 0.17
"""How often an item is two moments of a clip, and two portraits; the rest is made."""
REAL_FILMED = 0.8
"""How often a real pair is two moments of a clip."""
FAR, NEAR = 0.5, 0.25
"""How often the photo of a filmed pair has its mouth shut, or its eyes open, which is what an artist's photo shows; and how
often it is a moment close by, where little is to be changed."""
NEIGHBOURS = 12
"""Moments that are close by."""
TINTED, CAST = 0.35, 1.6
"""How often an item has a strong cast, and how strong at most: teeth take the light that the lips are in."""
GREY = 0.1
"""How often an item has no colour."""


class Moment(NamedTuple):
    """A frame, and its landmarks [70, 2]."""

    frame: ShardFrame
    landmarks: Points


class Group(NamedTuple):
    """One person in one take: F moments, and how open mouth and lids are in each [F], over the eye distance."""

    moments: list[Moment]
    mouth: NDArray[np.float64]
    lids: NDArray[np.float64]


def group(clip: ShardClip) -> Group:
    """How open mouth and lids are in a clip, from its labels alone."""
    moments = [Moment(frame, points_of(frame.label.landmarks)) for frame in clip.frames]
    faces = np.stack([moment.landmarks for moment in moments])
    unit = np.array([eye_distance(face) for face in faces])
    lids = np.mean(
        [np.linalg.norm(faces[:, a] - faces[:, b], axis=1) for a, b in ((37, 41), (38, 40), (43, 47), (44, 46))], 0
    )
    return Group(moments, np.linalg.norm(faces[:, 66] - faces[:, 62], axis=1) / unit, lids / unit)


class Pairs(Dataset[PairBatch]):
    """The items of a run, without end; pictures are still bytes, see `PairBatch.to`."""

    def __init__(self, clips: Sequence[ShardClip], size: int, batch: int, photos: tuple[int, int], seed: int) -> None:
        """size: side of the head crops that items are cut to; batch: items of a step, over all processes."""
        self.size, self.batch, self.photos, self.seed = size, batch, photos, seed
        groups = [group(clip) for clip in clips]
        self.people: list[list[Group]] = []
        for person in sorted({clip.person for clip in clips}):
            talking = [
                g for g, clip in zip(groups, clips, strict=True) if clip.person == person and len(clip.frames) >= TALKING
            ]
            if talking:
                self.people.append(talking)
        frames = np.array([sum(len(take.moments) for take in person) for person in self.people])
        self.often = np.sqrt(frames) / max(float(np.sqrt(frames).sum()), 1e-9)
        portraits = [g for g in groups if len(g.moments) < TALKING]
        self.paired = [g for g in portraits if len(g.moments) > 1]
        self.portraits = [moment for g in portraits for moment in g.moments]
        self.opened = [g.moments[i] for g in portraits for i in np.flatnonzero(g.mouth > OPEN_MOUTH)]
        shares = np.array(
            [FILMED * bool(self.people), PAIRED * bool(self.paired), (1 - FILMED - PAIRED) * bool(self.portraits)]
        )
        self.shares = shares / shares.sum()

    def shots(self, step: int) -> int:
        """K, the same in the whole batch of a step; one photo is what counts most."""
        low, high = self.photos
        random = np.random.default_rng([self.seed, step, 1])
        return low if random.random() < 0.5 else int(random.integers(low, high + 1))

    def __getitem__(self, index: int) -> PairBatch:
        """Item `index` with no batch axis. Raises WrongFileError for a damaged shard."""
        random = np.random.default_rng([self.seed, index])
        count = self.shots(index // self.batch)
        kind = random.choice(3, p=self.shares)
        photos, truth = (self._filmed, self._paired, self._made)[kind](count, random)
        *photos, truth = (sized(one, self.size) for one in _mirrored_by_chance(_graded([*photos, truth], random), random))
        return pack(photos, truth, made=kind == 2, say=float(random.random()))

    def real(self, index: int) -> tuple[Changed, Changed]:
        """Pair `index` that is neither made nor graded: a photo, and a picture of the same person. Raises WrongFileError,
        for a damaged shard, and where each person has but one picture."""
        if not self.people and not self.paired:
            raise WrongFileError(
                "Nobody is in two pictures of the training data", "Give clips, or more portraits of a person"
            )
        random = np.random.default_rng([self.seed, index, 2])
        filmed = bool(self.people) and (not self.paired or random.random() < REAL_FILMED)
        (photo,), truth = (self._filmed if filmed else self._paired)(1, random)
        return sized(photo, self.size), sized(truth, self.size)

    def _filmed(self, count: int, random: Random) -> tuple[list[Changed], Changed]:
        takes = self.people[random.choice(len(self.people), p=self.often)]
        take = takes[random.integers(len(takes))]
        by_mouth = random.random() < 0.5
        score = take.mouth if by_mouth else take.lids
        # Evenly over how open it is: wide mouths and shut eyes are rare.
        wanted = random.uniform(score.min(), score.max())
        truth = int(random.choice(np.argsort(np.abs(score - wanted))[:4]))
        rest = np.array([i for i in range(len(score)) if i != truth])
        chosen = random.choice(rest, count)
        kind = random.random()
        if kind < NEAR:
            beside = rest[np.argsort(np.abs(rest - truth))]
            chosen[0] = random.choice(beside[:NEIGHBOURS])
        elif kind < NEAR + FAR:
            quiet = rest[np.argsort(score[rest] if by_mouth else -score[rest])]
            chosen[0] = random.choice(quiet[: max(1, len(rest) // 3)])
        return [_read(take.moments[i]) for i in chosen], _read(take.moments[truth])

    def _paired(self, count: int, random: Random) -> tuple[list[Changed], Changed]:
        moments = self.paired[random.integers(len(self.paired))].moments
        truth = int(random.integers(len(moments)))
        chosen = random.choice([i for i in range(len(moments)) if i != truth], count)
        first, *more = [_read(moments[i]) for i in chosen]
        return [first, *(like(one, first) for one in more)], like(_read(moments[truth]), first)

    def _made(self, count: int, random: Random) -> tuple[list[Changed], Changed]:
        moments = self.opened if self.opened and random.random() < 0.7 else self.portraits
        truth = _read(moments[random.integers(len(moments))])
        return [made_photo(truth, random)] * count, truth


def _read(moment: Moment) -> Changed:
    return Changed(moment.frame.read("jpg"), moment.landmarks)


def _graded(shown: list[Changed], random: Random) -> list[Changed]:
    """Exposure, white balance, gamma and saturation, the same for all; at times a cast as of lamps and old varnish."""
    cast = CAST if random.random() < TINTED else 1.12
    gain = 1.25 ** random.uniform(-1, 1) * cast ** (random.uniform(-1, 1, 3) * (1, 0, 1))
    gamma = 1.3 ** random.uniform(-1, 1)
    saturation = 0.0 if random.random() < GREY else 1.3 ** random.uniform(-1, 1)
    curve = np.round(np.clip(np.arange(256)[:, None] / 255 * gain, 0, 1) ** gamma * 255).astype(np.uint8)[None]
    mix = np.full((3, 3), 1 / 3) * (1 - saturation) + np.eye(3) * saturation
    return [one._replace(picture=cv2.LUT(cv2.transform(one.picture, mix), curve)) for one in shown]


def _mirrored_by_chance(shown: list[Changed], random: Random) -> list[Changed]:
    return [mirrored(one) for one in shown] if random.random() < 0.5 else shown


def sized(shown: Changed, size: int) -> Changed:
    side = shown.picture.shape[0]
    if side == size:
        return shown
    way = cv2.INTER_AREA if side > size else cv2.INTER_CUBIC
    picture = np.asarray(cv2.resize(shown.picture, (size, size), interpolation=way), np.uint8)
    return Changed(picture, shown.landmarks * np.float32(size / side))
