# SPDX-License-Identifier: GPL-3.0-or-later
"""Every group, by the name that menus know it by, and as an asset with a picture of what it does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import bpy
import numpy as np
from numpy.typing import NDArray

from .build import NAME_KEY, Recipe, ensure_group, find_group
from .comp import COMP
from .grade import GRADE
from .grain import GRAIN
from .matte import MATTE
from .take import take_recipe

TAKE = take_recipe("")
SHELF: dict[str, Recipe] = {"TAKE": TAKE, "MATTE": MATTE, "GRADE": GRADE, "GRAIN": GRAIN, "COMP": COMP}

CATALOG = "6f1c9f0e-5f0c-4c43-9d1c-2f0a5c1d8e77"
"""Headcast's catalog in the asset library."""
CATALOG_LINE = f"{CATALOG}:Headcast:Headcast"
SIDE = 128
"""Side of a preview in pixels."""


@contextmanager
def assets() -> Iterator[set[bpy.types.NodeTree]]:
    """Every group as an asset; after the block the file is as it was, as groups in use need be no assets."""
    there = {recipe.name for recipe in SHELF.values() if find_group(recipe.name)}
    groups = {key: ensure_group(recipe) for key, recipe in SHELF.items()}
    try:
        for key, group in groups.items():
            group.asset_mark()
            about = group.asset_data
            about.description, about.author, about.catalog_id = SHELF[key].text, "Headcast", CATALOG
            for tag in ("headcast", "compositing", key.lower()):
                about.tags.new(tag, skip_if_exists=True)
            preview = group.preview_ensure()
            preview.image_size = (SIDE, SIDE)
            preview.image_pixels_float = picture(key).ravel()
        yield set(groups.values())
    finally:
        for group in groups.values():
            if group[NAME_KEY] in there:
                group.asset_clear()
            else:
                bpy.data.node_groups.remove(group)


def picture(key: str) -> NDArray[np.float32]:
    """[128, 128, 4] a head as the group `key` leaves it, from the bottom row up."""
    y, x = np.mgrid[1 : -1 : SIDE * 1j, -1 : 1 : SIDE * 1j][:, ::-1]
    distance = np.hypot(x / 0.5, (y - 0.1) / 0.65)
    matte = np.clip((1.0 - distance) * 12.0, 0.0, 1.0)[..., None]
    skin, plate = np.array([0.85, 0.55, 0.42]), np.stack([0.2 + 0.1 * y, 0.3 + 0.1 * y, 0.45 + 0.15 * y], axis=-1)
    head = np.broadcast_to(skin, (SIDE, SIDE, 3)) * (0.8 + 0.2 * y[..., None])
    if key == "MATTE":
        colour = np.repeat(matte, 3, axis=-1)
    elif key == "GRADE":
        colour = np.where(x[..., None] < 0, head.mean(axis=-1, keepdims=True), head) * matte
    elif key == "GRAIN":
        noise = np.random.default_rng(1).normal(0.0, 0.12, head.shape)
        colour = (head + noise) * matte
    else:
        colour = head * matte
    alpha = np.ones_like(matte) if key in {"MATTE", "COMP"} else matte
    if key == "COMP":
        colour = colour + (1 - matte) * plate
    return np.concatenate([np.clip(colour, 0, 1), alpha], axis=-1).astype(np.float32)
