# SPDX-License-Identifier: GPL-3.0-or-later
"""Plates to the network's eyes and back, in every space, with what lies beyond black and white."""

from __future__ import annotations

import numpy as np
import pytest
from headcast.core.errors import NoFaceError
from headcast.core.imaging import colour_space
from headcast.core.imaging.transfer import Transfer, face_level, shot_transfer

RNG = np.random.default_rng(0)
RAMP = np.geomspace(1e-4, 1000, 4000).astype(np.float32)[None, :, None].repeat(3, axis=-1)


def relative_error(a: np.ndarray, b: np.ndarray) -> float:
    return float((np.abs(a - b) / np.abs(b).max(axis=-1, keepdims=True)).max())


@pytest.mark.parametrize("space", ["lin_rec709_scene", "ACEScg", "lin_rec2020_scene", colour_space.P3_D65])
@pytest.mark.parametrize("transfer", [{}, {"gain": 2.5, "white": 1.0}, {"gain": 0.3, "white": 6.0}])
def test_plates_come_back(space: str | tuple[float, ...], transfer: dict[str, float]) -> None:
    plate = colour_space.from_linear_rec709(RNG.random((40, 50, 3), np.float32) + 1e-3, space)
    way = Transfer(space, **transfer)
    assert relative_error(way.decode(way.encode(plate)), plate) < 1e-5


def test_a_log_plate_comes_back() -> None:
    plate = RNG.uniform(0.2, 0.6, (8, 9, 3)).astype(np.float32)
    way = Transfer("ARRI LogC3 (EI800)", 0.8)
    assert np.abs(way.decode(way.encode(plate)) - plate).max() < 1e-4


def test_highlights_bend_below_white_and_come_back() -> None:
    way = Transfer()
    seen = way.encode(RAMP)
    assert (np.diff(seen[0, :, 0]) >= 0).all()
    assert seen.max() < 1.0
    assert relative_error(way.decode(seen), RAMP) < 1e-2
    assert relative_error(way.decode(seen)[:, :2500], RAMP[:, :2500]) < 1e-5
    below = RAMP[RAMP < 0.8]
    assert np.array_equal(way.encode(below), Transfer(white=1.0).encode(below))


def test_the_networks_white_is_no_brighter_than_the_shots() -> None:
    white = np.ones((1, 1, 3), np.float32)
    assert Transfer(gain=2.0, white=5.0).decode(white) == pytest.approx(2.5, rel=1e-5)
    assert np.isfinite(Transfer().decode(np.array([[[1.0, 2.0, 1e6]]], np.float32))).all()


def test_negatives_keep_their_sign_and_nothing_wild_reaches_the_network() -> None:
    way = Transfer("ACEScg", 1.5)
    plate = np.array([[[-0.2, 0.1, -3.0], [np.nan, 0.2, np.inf], [-np.inf, np.inf, 7e4]]], np.float32)
    seen = way.encode(plate)
    assert np.isfinite(seen).all()
    plain = Transfer()
    assert np.array_equal(plain.encode(-RAMP), -plain.encode(RAMP))
    assert np.allclose(way.decode(seen)[0, 0], plate[0, 0], rtol=1e-4)


def test_a_shot_is_exposed_by_its_face_once() -> None:
    """A dark ACEScg plate: the face is brought to what photos have; hot and broken pixels change little."""
    faces = [RNG.uniform(0.01, 0.03, (500, 3)).astype(np.float32) for _ in range(3)]
    way = shot_transfer("ACEScg", faces)
    level = face_level(colour_space.to_linear_rec709(np.concatenate(faces), "ACEScg")) * way.gain
    assert level == pytest.approx(0.22, rel=0.02)
    assert way.white == 1.0
    faces[1][:3] = np.nan, np.inf, 500.0
    assert shot_transfer("ACEScg", faces).gain == pytest.approx(way.gain, rel=0.01)
    with pytest.raises(NoFaceError, match="light"):
        shot_transfer("ACEScg", [np.zeros((10, 3), np.float32)])


def test_a_space_is_tagged_and_never_guessed() -> None:
    assert colour_space.colour_tag("ACEScg") == {"colorInteropID": "lin_ap1_scene"}
    assert colour_space.colour_tag(colour_space.REC709) == {"colorInteropID": "lin_rec709_scene"}
    assert colour_space.colour_tag("ARRI LogC3 (EI800)") == {"colorInteropID": "unknown"}
    odd = (0.7, 0.3, 0.2, 0.7, 0.1, 0.1, 0.31, 0.33)
    assert colour_space.colour_tag(odd) == {"chromaticities": odd}
