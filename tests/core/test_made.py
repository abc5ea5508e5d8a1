# SPDX-License-Identifier: GPL-3.0-or-later
"""Made pairs: a portrait changed so that it lacks what it shows, the rest of it as it was."""

from __future__ import annotations

import numpy as np
import pytest
from headcast.core.landmarks import ibug68
from headcast.core.learning.made import GLANCE, Changed, eye_distance, glance, move_lids, shut_mouth
from headcast.core.learning.pairing import like, look_elsewhere, made_photo

from .test_regions import opened, portrait

EYES = 50.0
"""Pixels between the eyes, by the fixture's making."""
SEEDS = range(6)
LIPS = ((61, 67), (62, 66), (63, 65))
LIDS = ((37, 41), (38, 40), (43, 47), (44, 46))


@pytest.fixture
def laughing(face: np.ndarray) -> Changed:
    """A portrait that shows its teeth."""
    points = opened(face, 14)
    return Changed(portrait(points), points)


def gaps(shown: Changed, pairs: tuple[tuple[int, int], ...]) -> np.ndarray:
    """In eye distances."""
    return np.array([np.linalg.norm(shown.landmarks[a] - shown.landmarks[b]) for a, b in pairs]) / EYES


def changes(before: Changed, after: Changed) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of the pixels that are not the same."""
    return np.nonzero((before.picture != after.picture).any(axis=-1))


def teeth(shown: Changed) -> int:
    """Pixels below the eyes as bright as teeth."""
    return int((shown.picture[120:].min(axis=-1) > 200).sum())


def iris(shown: Changed, eye: range) -> np.ndarray:
    """The middle of the dark disc of an eye."""
    corner = shown.landmarks[eye].mean(axis=0).astype(int) - 16
    y, x = np.nonzero(shown.picture[corner[1] : corner[1] + 32, corner[0] : corner[0] + 32].max(axis=-1) < 110)
    return corner + np.array([x.mean(), y.mean()]) + 0.5


@pytest.mark.parametrize("seed", SEEDS)
def test_a_mouth_is_shut_over_its_teeth(laughing: Changed, seed: int) -> None:
    shut = shut_mouth(*laughing, np.random.default_rng(seed))
    assert gaps(laughing, LIPS).min() > 0.2
    assert gaps(shut, LIPS).max() < 0.02
    assert teeth(laughing) > 150
    assert teeth(shut) < 5
    x, y = shut.landmarks[[62, 66]].mean(axis=0).astype(int)
    red, green, _ = shut.picture[y, x].astype(int)
    assert red - green > 80, "the lips meet there"


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_not_the_mouth_stays(laughing: Changed, seed: int) -> None:
    """Eyes and background to the pixel; upper face and nose by their landmarks, and the jaw comes up with the chin."""
    shut = shut_mouth(*laughing, np.random.default_rng(seed))
    y, x = changes(laughing, shut)
    middle = laughing.landmarks[48:60].mean(axis=0)
    assert y.min() > laughing.landmarks[36:48, 1].max()
    assert max(np.abs(x - middle[0]).max(), np.abs(y - middle[1]).max()) < 1.4 * EYES
    assert np.array_equal(shut.landmarks[[*range(17, 48), *ibug68.PUPILS]], laughing.landmarks[[*range(17, 48), 68, 69]])
    assert shut.landmarks[8, 1] < laughing.landmarks[8, 1] - 3


def test_some_smiles_come_to_rest_and_some_lips_stay_ajar(laughing: Changed) -> None:
    widths, apart = [], []
    for seed in range(20):
        shut = shut_mouth(*laughing, np.random.default_rng(seed))
        widths.append(shut.landmarks[54, 0] - shut.landmarks[48, 0])
        apart.append(gaps(shut, LIPS).max())
    assert min(widths) < 0.9 * max(widths)
    assert min(apart) < 0.002 < 0.006 < max(apart)


def test_lids_open_wider_or_less_while_eyes_look_where_they_did(laughing: Changed) -> None:
    shares = []
    for seed in SEEDS:
        moved = move_lids(*laughing, np.random.default_rng(seed))
        factors = gaps(moved, LIDS) / gaps(laughing, LIDS)
        assert np.ptp(factors) < 0.01, "both eyes alike"
        assert np.array_equal(moved.landmarks[48:], laughing.landmarks[48:])
        y, _ = changes(laughing, moved)
        assert y.max() < laughing.landmarks[48:68, 1].min()
        eyes = [(shown.picture[80:120].astype(int) - (200, 160, 140)) for shown in (moved, laughing)]
        shown, before = ((np.abs(eye).max(axis=-1) > 30).sum() for eye in eyes)
        shares.append((factors.mean(), shown / before))
    lids, seen = np.array(sorted(shares)).T
    assert lids[0] < 0.8 < 1.05 < lids[-1]
    assert seen[0] < 0.8 < 1.0 < seen[-1], "what is seen of the eyeball goes with the lids"


def test_both_eyes_glance_the_same_way(face: np.ndarray) -> None:
    turns = []
    for seed in range(200):
        turned = glance(face, np.random.default_rng(seed)) - face
        assert not turned[:68].any()
        assert turned[68] == pytest.approx(turned[69], abs=1e-4)
        turns.append(turned[68] / eye_distance(face))
    assert np.std(turns, axis=0) == pytest.approx(GLANCE, rel=0.2)


def test_an_iris_goes_where_the_eye_looks(laughing: Changed) -> None:
    sides = set()
    for seed in range(12):
        turned = look_elsewhere(laughing, np.random.default_rng(seed))
        wanted = turned.landmarks[68, 0] - laughing.landmarks[68, 0]
        y, _ = changes(laughing, turned)
        assert not len(y) or y.max() < laughing.landmarks[48:68, 1].min()
        if abs(wanted) < 0.06 * EYES:
            continue  # so little is all but where it was
        sides.add(np.sign(wanted))
        for eye in (ibug68.RIGHT_EYE, ibug68.LEFT_EYE):
            # The lids hide what lies beyond the corners.
            assert (iris(turned, eye) - iris(laughing, eye))[0] * np.sign(wanted) > 1.5
    assert sides == {-1, 1}


def test_a_made_photo_lacks_the_teeth_and_a_shut_mouth_stays(laughing: Changed, face: np.ndarray) -> None:
    shut = Changed(portrait(opened(face, 0.5)), opened(face, 0.5))
    for seed in SEEDS:
        assert teeth(made_photo(laughing, np.random.default_rng(seed))) < 5
        same = made_photo(shut, np.random.default_rng(seed))
        assert np.array_equal(same.landmarks[48:68], shut.landmarks[48:68])
        assert np.array_equal(same.picture[130:], shut.picture[130:])
        assert not np.array_equal(same.landmarks, shut.landmarks), "its eyes are others"


def test_one_portrait_in_the_light_of_another(laughing: Changed) -> None:
    dim = laughing._replace(picture=np.clip(laughing.picture * 0.6 + (0, 5, 40), 0, 255).astype(np.uint8))
    graded = like(dim, laughing)
    face = np.s_[110:200, 90:166]
    wanted = laughing.picture[face].mean(axis=(0, 1))
    assert np.abs(dim.picture[face].mean(axis=(0, 1)) - wanted).max() > 20
    assert graded.picture[face].mean(axis=(0, 1)) == pytest.approx(wanted, abs=3)
    assert np.array_equal(graded.landmarks, dim.landmarks)
