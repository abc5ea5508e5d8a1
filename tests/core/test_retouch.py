# SPDX-License-Identifier: GPL-3.0-or-later
"""What a close-up's painter does whatever light a picture is in."""

from __future__ import annotations

import pytest
import torch
from headcast.core.network.retouch import SKIN, Retoucher, daylight
from torch import Tensor

Light = tuple[float, float, float]


@pytest.fixture
def painter() -> Retoucher:
    """One that changes something."""
    torch.manual_seed(0)
    retoucher = Retoucher(8, (8, 16), 4, by_daylight=True).eval()
    torch.nn.init.normal_(retoucher.last.weight, 0.0, 0.1)
    return retoucher


def window_in(light: Light) -> Tensor:
    """[1, 1, 5, 16, 16] a photo of usual skin in daylight times `light`, and two masks."""
    torch.manual_seed(1)
    colours = 0.5 + torch.rand(3, 16, 16)
    colours = colours / colours.mean((1, 2), keepdim=True) * (torch.tensor(SKIN) * torch.tensor(light))[:, None, None]
    return torch.cat([2 * colours - 1, torch.rand(2, 16, 16)])[None, None]


def painted_in(painter: Retoucher, light: Light) -> Tensor:
    """The change to a picture like the photo."""
    window = window_in(light)
    seen = torch.cat([window[0, :, :3], window[0, :, :3], window[0, :, 3:]], 1)
    return painter(seen, torch.full((1, 4), 0.5), painter.light(window))


@pytest.mark.parametrize("light", [(1.1, 1.0, 0.5), (1.0, 1.2, 0.55)])
@torch.no_grad()
def test_an_old_varnish_is_over_what_is_painted_too(painter: Retoucher, light: Light) -> None:
    skin = torch.tensor(SKIN)
    tint = torch.tensor(light) * skin.mean() / (skin * torch.tensor(light)).mean()
    plain = painted_in(painter, (1.0, 1.0, 1.0))
    assert plain.abs().max() > 0.1
    varnished = painted_in(painter, (float(tint[0]), float(tint[1]), float(tint[2])))
    assert torch.allclose(varnished, plain * tint[:, None, None], atol=1e-4)


@pytest.mark.parametrize("light", [(1.0, 1.0, 1.0), (1.1, 1.05, 0.95), (0.3, 0.3, 0.3), (0.5, 0.46, 0.42)])
def test_usual_light_and_dark_skin_are_left_as_they_are(light: Light) -> None:
    assert torch.equal(daylight(window_in(light)), torch.ones(1, 3, 1, 1))


def test_light_is_that_of_all_photos() -> None:
    """It must not change from frame to frame, whichever photo is nearest."""
    two = torch.cat([window_in((1.0, 1.0, 1.0)), window_in((0.9, 0.9, 0.1))], 1)
    assert daylight(two).max() > 1.1
    assert torch.equal(daylight(two), daylight(two.flip(1)))


def test_a_channel_that_is_missing_is_not_made_of_noise() -> None:
    assert daylight(window_in((1.0, 0.8, 0.0))).max() <= 3.0


def test_a_picture_without_colour_is_left_as_it_is() -> None:
    assert torch.equal(daylight(torch.full((1, 2, 5, 8, 8), -0.6)), torch.ones(1, 3, 1, 1))
