"""The weights that come with the package are what their cards say, and paint what geometry alone cannot."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch
from headcast.core.network.painter import build_painter
from headcast.core.network.weights import SHIPPED, find_weights, load_weights
from headcast.core.rendering.feed import feed_photos, feed_pose

from .test_networks import CPU

WEIGHTS = sorted(SHIPPED.glob("*.safetensors"))
MOST_BYTES = 60e6


def test_the_default_preset_has_its_weights() -> None:
    assert find_weights("warp-256") in WEIGHTS


@pytest.mark.parametrize("path", WEIGHTS, ids=lambda path: path.stem)
def test_a_card_says_what_the_file_is(path: Path) -> None:
    card = path.with_suffix(".md").read_text("utf-8")
    assert hashlib.sha256(path.read_bytes()).hexdigest() in card
    assert path.stat().st_size < MOST_BYTES
    for chapter in ("Data", "Licences", "Training", "Scores", "Limits", "Intended use"):
        assert f"## {chapter}" in card


def test_a_head_that_turns_leaves_the_background_where_it_was(face: np.ndarray) -> None:
    """Stripes behind a flat head: geometry alone drags them along, the trained network leaves them."""
    stripes = np.tile((np.arange(256) // 8 % 2 * 160 + 40).astype(np.uint8)[None, :, None], (256, 1, 3))
    y, x = np.mgrid[:256, :256]
    head = ((x - 128) / 62) ** 2 + ((y - 130) / 88) ** 2 < 1
    picture = np.where(head[..., None], np.uint8([200, 150, 130]), stripes)
    matte = (head * 255).astype(np.uint8)
    photos, drawings = feed_photos(picture[None], matte[None], face[None], CPU)
    shifted = face + np.float32([14, 0])
    moved = []
    for trained in (False, True):
        torch.manual_seed(0)
        painter = build_painter("warp-256").eval()
        if trained:
            path = find_weights("warp-256")
            assert path is not None
            load_weights(painter, path)
        with torch.inference_mode():
            pose = feed_pose(shifted[None], 256, painter.drawing_size, CPU)
            style = painter.style(painter.embed(photos, drawings))
            painted = painter(painter.prepare(photos, drawings), pose, style).picture
        moved.append(float((painted - photos.pictures[:, 0]).abs()[..., 60:200, 20:50].mean()))
    assert moved[1] < 0.5 * moved[0]
