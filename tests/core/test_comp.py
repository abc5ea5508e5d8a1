# SPDX-License-Identifier: GPL-3.0-or-later
"""Back into the plate: what the matte leaves alone stays, bit for bit, and the head lies where it was seen."""

from __future__ import annotations

import numpy as np
import pytest
from headcast.core.imaging import comp, resample
from headcast.core.imaging.edge import Edge, shape_matte, split
from headcast.core.imaging.transfer import Transfer

RNG = np.random.default_rng(0)


def wild_plate() -> np.ndarray:
    """[40, 60, 3] an HDR ramp, negatives, and NaN with a payload, infinity and a negative zero."""
    plate = np.geomspace(1e-3, 1000, 40 * 60 * 3).astype(np.float32).reshape(40, 60, 3)
    plate[5] *= -0.1
    plate[10, 10] = np.nan
    plate[11, 11, 0] = np.array([0x7FC12345], np.uint32).view(np.float32)[0]
    plate[12, 12, 2] = np.inf
    plate[13, 13] = -0.0
    return plate


def soft_disc(radius: float, size: int = 80) -> np.ndarray:
    y, x = np.indices((size, size)) + 0.5
    return np.clip(radius + 0.5 - np.hypot(x - size / 2, y - size / 2), 0, 1).astype(np.float32)


def bits(picture: np.ndarray) -> np.ndarray:
    return picture.view(np.uint32)


@pytest.mark.parametrize("space", ["lin_rec709_scene", "ACEScg"])
def test_an_identity_network_gives_the_plate_bit_for_bit(space: str) -> None:
    """Through encode, the crop, decode and the comp, where the matte is 1 as where it is not."""
    plate, where = wild_plate(), np.array([31.3, 19.2, 25.7])
    way = Transfer(space, 1.7)
    seen = resample.cut(way.encode(plate), where, 64)
    network = resample.spread(way.decode(seen.copy()), where, 60, 40)
    before = resample.spread(way.decode(seen), where, 60, 40)
    out = comp.delta_comp(plate, np.ones((40, 60), np.float32), network, before)
    assert np.array_equal(bits(out), bits(plate))


def test_outside_the_matte_nothing_is_touched() -> None:
    plate = wild_plate()
    matte = np.zeros((40, 60), np.float32)
    matte[8:30, 8:30] = 0.5
    painted = RNG.random((40, 60, 3), np.float32)
    painted[20, 20] = np.nan
    for out in (comp.delta_comp(plate, matte, painted, painted[::-1]), comp.over_comp(plate, matte, painted)):
        changed = (bits(out) != bits(plate)).any(axis=-1)
        assert changed[8:30, 8:30].mean() > 0.95
        assert not changed[matte == 0].any()
        assert not changed[[10, 11, 12, 20], [10, 11, 12, 20]].any()
    full = comp.over_comp(plate, np.ones((40, 60), np.float32), painted)
    assert np.array_equal(full[30:], painted[30:])


@pytest.mark.parametrize("size", [64, 200])
def test_the_st_map_undoes_the_crop(size: int) -> None:
    """A picture of the crop, looked up by the map as Nuke does, is what `spread` puts there."""
    where = np.array([70.4, 45.8, 64.0 * 1.37])
    y, x = (np.indices((size, size)) + 0.5) / size
    picture = np.stack([np.sin(5 * x) * np.cos(4 * y), x, y], axis=-1).astype(np.float32)
    u, v, _ = np.moveaxis(comp.st_map(where, 120, 100), -1, 0)
    inside = (u > 0.02) & (u < 0.98) & (v > 0.02) & (v < 0.98)
    looked_up = np.stack([np.sin(5 * u) * np.cos(4 * (1 - v)), u, 1 - v], axis=-1)
    assert np.abs(resample.spread(picture, where, 120, 100) - looked_up)[inside].max() < 2e-3


def test_the_crops_border_never_shows() -> None:
    """A bright head over all of its crop: no dark line, and no step, where the crop ends; no fade where the plate ends."""
    where = np.array([50.3, 20.7, 60.0])
    placed = resample.spread(np.full((64, 64, 3), 2.0, np.float32), where, 100, 80)
    window = comp.crop_window(where, 100, 80, 8.0)
    assert placed.min() == pytest.approx(2.0)
    assert np.abs(np.diff(window, axis=0)).max() < 0.2
    assert window[:, :20].max() == window[:, 81:].max() == window[51:].max() == 0
    assert window[0, 50] == 1


@pytest.mark.parametrize("grow", [-2.0, -0.5, 0.25, 1.3])
def test_an_edge_moves_by_parts_of_a_pixel(grow: float) -> None:
    moved = shape_matte(soft_disc(24), Edge(grow=grow))
    assert np.sqrt(moved.sum() / np.pi) == pytest.approx(24 + grow, abs=0.08)
    assert np.array_equal(shape_matte(soft_disc(24), Edge()), soft_disc(24))


def test_each_side_moves_alone() -> None:
    """Left is the picture's left, top its top."""
    disc = soft_disc(24)

    def extent(edge: Edge) -> np.ndarray:
        """How far the middle row and column reach to the left, right, top and bottom."""
        matte = shape_matte(disc, edge)
        row, column = matte[39:41].mean(axis=0), matte[:, 39:41].mean(axis=1)
        return np.array([row[:40].sum(), row[40:].sum(), column[:40].sum(), column[40:].sum()])

    for i, side in enumerate(("left", "right", "top", "bottom")):
        change = extent(Edge(**{side: -3.0})) - extent(Edge())
        assert change[i] == pytest.approx(-3.0, abs=0.2)
        assert np.abs(np.delete(change, i)).max() < 0.1


def test_a_feather_has_an_end_and_the_halves_add_up() -> None:
    soft = shape_matte(soft_disc(24), Edge(feather=5.0))
    y, x = np.indices((80, 80)) + 0.5
    far = np.hypot(x - 40, y - 40)
    assert soft[far > 24 + 5 * np.sqrt(2) + 2].max() == 0
    assert soft[far < 15].min() == pytest.approx(1.0)
    assert ((soft > 0.02) & (soft < 0.98)).sum() > 2 * np.pi * 24 * 5
    core, edge = split(soft)
    assert np.allclose(core + edge, soft, atol=1e-7)
    assert core[soft <= 0.5].max() == 0
    assert edge.max() <= 0.5
