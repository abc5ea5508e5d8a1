# SPDX-License-Identifier: GPL-3.0-or-later
"""What a close-up's painter does whatever light a picture is in."""

from __future__ import annotations

import pytest
import torch
from headcast.core.network.retouch import SKIN, Retoucher, usual_light
from torch import Tensor


@pytest.fixture
def painter() -> Retoucher:
    """One that changes something."""
    torch.manual_seed(0)
    retoucher = Retoucher(8, (8, 16), 4).eval()
    torch.nn.init.normal_(retoucher.last.weight, 0.0, 0.1)
    return retoucher


def seen_in(light: tuple[float, float, float]) -> Tensor:
    """[1, 8, 16, 16] of a picture, its photo and two masks: skin more reddish than the usual in daylight times `light`."""
    torch.manual_seed(1)
    skin = torch.tensor(SKIN) * torch.tensor((1.1, 0.95, 0.8)) * torch.tensor(light)
    colours = (0.5 + 0.5 * torch.rand(1, 6, 16, 16)) * skin.repeat(2)[:, None, None]
    return torch.cat([2 * colours - 1, torch.rand(1, 2, 16, 16)], 1)


@pytest.mark.parametrize("light", [(1.2, 0.9, 0.6), (0.8, 0.7, 0.6), (0.9, 0.9, 0.7)])
@torch.no_grad()
def test_an_old_varnish_is_over_what_is_painted_too(painter: Retoucher, light: tuple[float, float, float]) -> None:
    person = torch.rand(1, 4)
    varnished, plain = painter(seen_in(light), person), painter(seen_in((1.0, 1.0, 1.0)), person)
    assert plain.abs().max() > 0.1
    assert torch.allclose(varnished, plain * torch.tensor(light)[:, None, None], atol=1e-4)


def test_a_picture_without_colour_gets_none() -> None:
    red, green, blue = usual_light(torch.full((1, 3, 8, 8), -0.5)).flatten().tolist()
    assert red == pytest.approx(green) == pytest.approx(blue)
    assert red > 1.5


def test_a_black_picture_is_not_made_bright() -> None:
    assert usual_light(torch.full((1, 3, 8, 8), -1.0)).max() <= 3.0
