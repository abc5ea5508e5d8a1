# SPDX-License-Identifier: GPL-3.0-or-later
"""The networks: the paper's sizes, and the promise that an untrained warp is the geometric one."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from headcast.core.network.bending import bend, correspond
from headcast.core.network.blocks import AdaIN, ResidualBlock, SelfAttention, fold_spectral_norm
from headcast.core.network.build import build_painter, painter_of
from headcast.core.network.discriminator import Discriminator
from headcast.core.network.embedder import Embedder
from headcast.core.network.generator import Generator
from headcast.core.network.painter import PRESETS, Preset
from headcast.core.network.shots import Photos, Pose
from headcast.core.network.spline import picture_grid, thin_plate_splines
from headcast.core.network.warp import WarpPainter, bent_matte
from headcast.core.painting.feed import feed_drawings, feed_photos, feed_pose
from headcast.core.settings import PRESETS as CHOICES
from torch import nn
from torch.nn import functional

CPU = torch.device("cpu")
SMALL = {
    "fsth": Preset("fsth-64", size=64, channels=8, most_channels=32, embedding=32),
    "warp": Preset("warp-64", size=64, embedding=32, warps=True),
}


def millions(network: nn.Module) -> float:
    return sum(parameter.numel() for parameter in network.parameters()) / 1e6


def test_parameter_counts_are_the_papers() -> None:
    """Zakharov et al. 2019, section 4: embedder 15 M, generator 38 M, discriminator 20 M."""
    assert round(millions(Embedder())) == 15
    assert round(millions(Generator())) == 38
    assert round(millions(Discriminator(videos=1))) == 20


def test_the_default_fits_into_thirty_megabytes_of_halves() -> None:
    assert millions(build_painter("warp-256")) * 2 < 30


def test_the_embedding_is_the_mean_over_any_number_of_shots() -> None:
    torch.manual_seed(0)
    embedder = Embedder(8, 32, 32).eval()
    photos, drawings = torch.rand(2, 1, 3, 3, 64, 64)
    apart = torch.stack([embedder(photos[:, [k]], drawings[:, [k]]) for k in range(3)]).mean(0)
    assert torch.allclose(embedder(photos, drawings), apart, rtol=1e-4, atol=1e-5)


def test_the_embedding_hardly_knows_the_pictures_size() -> None:
    """A network that learned at 128 px is to paint at 256."""
    torch.manual_seed(0)
    embedder = Embedder(8, 32, 32).eval()
    small = torch.nn.functional.interpolate(torch.rand(2, 3, 8, 8), size=(128, 128), mode="bilinear")
    large = torch.nn.functional.interpolate(small, size=(256, 256), mode="bilinear")
    of_small, of_large = (embedder(both[None, :1], both[None, 1:]) for both in (small, large))
    assert (of_small - of_large).abs().mean() < 0.2 * of_large.abs().mean()


def test_adain_gives_the_statistics_it_is_told() -> None:
    style = torch.tensor([[2.0, 3.0, -1.0, 5.0]])
    out = AdaIN(2)(torch.rand(1, 2, 32, 32) * 7, style)
    assert torch.allclose(out.std((0, 2, 3), unbiased=False), torch.tensor([2.0, 3.0]), atol=1e-3)
    assert torch.allclose(out.mean((0, 2, 3)), torch.tensor([-1.0, 5.0]), atol=1e-4)


def test_attention_begins_as_the_identity() -> None:
    x = torch.rand(1, 16, 8, 8)
    assert torch.equal(SelfAttention(16)(x), x)


def test_folding_spectral_norm_changes_no_picture() -> None:
    torch.manual_seed(0)
    block = ResidualBlock(4, 6, "instance", resample=-1).eval()
    x = torch.rand(1, 4, 16, 16)
    before = block(x)
    assert torch.allclose(fold_spectral_norm(block)(x), before, atol=1e-5)
    weight = block.conv_in.weight.flatten(1)
    assert torch.linalg.matrix_norm(weight, 2) < 2


@pytest.mark.parametrize("kind", SMALL)
def test_every_size_that_a_preset_may_have_paints(kind: str, face: np.ndarray) -> None:
    painter = painter_of(SMALL[kind]).eval()
    photos, pose = small_input(face, shots=2, drawing_size=painter.drawing_size)
    drawings = feed_drawings(np.stack([face / 4, face / 4 + 1]).astype(np.float32), 64, CPU)
    style = painter.style(painter.embed(photos, drawings))
    painted = painter(painter.prepare(photos), pose, style)
    assert painted.picture.shape == (1, 3, 64, 64)
    assert painted.matte.shape == (1, 1, 64, 64)
    assert 0 <= painted.matte.min() <= painted.matte.max() <= 1


def small_input(face: np.ndarray, shots: int, drawing_size: int = 0) -> tuple[Photos, Pose]:
    """Noise for photos, with a face that moves a little from one to the next."""
    rng = np.random.default_rng(0)
    landmarks = np.stack([face / 4 + k for k in range(shots)]).astype(np.float32)
    pictures = rng.integers(0, 256, (shots, 64, 64, 3), dtype=np.uint8)
    mattes = np.zeros((shots, 64, 64), np.uint8)
    mattes[:, 10:50, 20:45] = 255
    photos = feed_photos(pictures, mattes, landmarks, CPU)
    return photos, feed_pose((face[None] / 4 + 1.5).astype(np.float32), 64, drawing_size, CPU)


def whole(size: int, batch: int = 1) -> torch.Tensor:
    """The places of a picture's pixels."""
    return picture_grid(size, torch.zeros(1)).expand(batch, -1, -1, -1)


def test_a_spline_without_stiffness_meets_its_points() -> None:
    torch.manual_seed(0)
    target = torch.rand(2, 12, 2) * 1.6 - 0.8
    source = target[:, None] + 0.1 * torch.randn(2, 3, 12, 2)
    flow = thin_plate_splines(target, source, torch.zeros(2, 3, 12)).at(whole(256, 2))
    sampled = nn.functional.grid_sample(
        flow.permute(0, 1, 4, 2, 3).flatten(0, 1), target.repeat_interleave(3, 0)[:, :, None], align_corners=False
    )
    assert torch.allclose(sampled[..., 0].transpose(1, 2).unflatten(0, (2, 3)), source, atol=5e-3)


def test_an_affine_map_passes_through_the_spline_exactly() -> None:
    torch.manual_seed(1)
    target = torch.rand(1, 20, 2) * 2 - 1
    matrix, shift = torch.tensor([[1.1, 0.2], [-0.1, 0.9]]), torch.tensor([0.05, -0.1])
    flow = thin_plate_splines(target, (target @ matrix.T + shift)[:, None], torch.full((1, 1, 20), 0.5)).at(whole(32))
    assert torch.allclose(flow[0, 0], picture_grid(32, target) @ matrix.T + shift, atol=1e-4)


def test_a_point_that_is_ignored_bends_nothing() -> None:
    torch.manual_seed(2)
    target = torch.rand(1, 20, 2) * 2 - 1
    source = target[:, None].clone()
    source[:, :, 0] += 0.5
    stiffness = torch.zeros(1, 1, 20)
    stiffness[..., 0] = 1e3
    flow = thin_plate_splines(target, source, stiffness).at(whole(32))
    assert (flow[0, 0] - picture_grid(32, target)).abs().max() < 2e-3


@pytest.mark.parametrize("trained", [False, True])
def test_a_warp_paints_the_photo_itself_at_its_own_pose(face: np.ndarray, trained: bool) -> None:
    """Whatever it has learnt: what a photo shows needs no mending."""
    painter = build_painter("warp-256").eval()
    if trained:
        torch.manual_seed(0)
        for region in painter.regions.painters.values():
            torch.nn.init.normal_(region.last.weight, std=0.1)
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 256, (1, 256, 256, 3), dtype=np.uint8)
    matte = np.zeros((1, 256, 256), np.uint8)
    matte[:, 40:220, 70:190] = 255
    photos = feed_photos(picture, matte, face[None], CPU)
    with torch.inference_mode():
        pose = feed_pose(face[None], 256, painter.drawing_size, CPU)
        style = painter.style(torch.randn(1, painter.preset.embedding))
        painted = painter(painter.prepare(photos), pose, style)
    assert (painted.picture - photos.pictures[:, 0]).abs().max() < 1e-2
    assert (painted.matte - photos.mattes[:, 0]).abs().max() < 1e-2


def test_the_detail_of_larger_photos_goes_the_same_way(face: np.ndarray) -> None:
    """Stripes that 64 pixels cannot hold are there at 256, moved with the head; what is coarse is the same."""
    photos, _ = small_input(face, shots=1)
    painter = WarpPainter(SMALL["warp"]).eval()
    stripes = torch.sin(torch.arange(256.0) * 1.2).expand(1, 1, 3, 256, 256) * 0.2
    fine = functional.interpolate(photos.pictures[0], size=256, mode="bilinear")[None] + stripes
    pose = feed_pose((face[None] / 4 + np.float32((4, 0))).astype(np.float32), 64, 0, CPU)
    with torch.inference_mode():
        small, large = (
            painter(painter.prepare(photos._replace(pictures=pictures)), pose, torch.zeros(1, 32)).picture
            for pictures in (photos.pictures, fine)
        )
    coarse = functional.interpolate(small, size=256, mode="bilinear")
    cheek = (slice(None), slice(None), slice(110, 150), slice(90, 130))
    detail = (large - coarse)[cheek]
    assert detail.std() > 0.8 * stripes.std()
    assert functional.avg_pool2d(detail, 20).abs().max() < 0.1


def test_the_photo_that_lies_nearest_is_preferred(face: np.ndarray) -> None:
    photos, pose = small_input(face, shots=3)
    moved = photos._replace(points=photos.points.clone())
    moved.points[:, 2, 48:68, 1] += 0.2  # the third photo has its mouth elsewhere
    choice = bend(correspond(moved, pose), whole(32)).choice.softmax(1)
    mouth = choice[0, :, 0, 9, 8]
    assert mouth[2] < 0.05
    assert torch.allclose(choice.sum(1), torch.ones_like(choice[:, 0]))


def test_the_matte_moves_with_the_head(face: np.ndarray) -> None:
    photos, _ = small_input(face, shots=1)
    pose = feed_pose((face[None] / 4 + (6, 0)).astype(np.float32), 64, 0, CPU)
    columns = torch.arange(64.0)
    before = (photos.mattes[0, 0, 0, 30] * columns).sum() / photos.mattes[0, 0, 0, 30].sum()
    matte = bent_matte(photos, pose)[0, 0, 30]
    assert (matte * columns).sum() / matte.sum() - before == pytest.approx(6, abs=1.0)


def test_presets_say_what_they_cannot_be() -> None:
    with pytest.raises(ValueError, match="100"):
        Preset("odd", size=100)
    with pytest.raises(ValueError, match="batch"):
        ResidualBlock(3, 3, "batch")
    assert set(PRESETS) == set(CHOICES)
