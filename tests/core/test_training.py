# SPDX-License-Identifier: GPL-3.0-or-later
"""Learning: losses as the paper says them, and both presets really learn."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import torch
from headcast.core.errors import MissingWeightsError, WrongFileError
from headcast.core.learning import losses, perceptual
from headcast.core.learning.losses import FIRST_VERSION, SECOND_VERSION, LossWeights
from headcast.core.learning.perceptual import VGG19, VGGFACE, PerceptualLoss, load_perceptual
from headcast.core.learning.steps import Batch, Critics, FineTuner, MetaLearner
from headcast.core.network.painter import Painter, Preset, build_discriminator
from headcast.core.painting.feed import feed_photos
from safetensors.torch import save_file

from .test_networks import CPU, SMALL

TINY = (4, 4, 4, 4, 4)


def test_both_published_weight_sets() -> None:
    assert (FIRST_VERSION.vgg19, FIRST_VERSION.vggface, FIRST_VERSION.match) == (1e-2, 2e-3, 80)
    assert (SECOND_VERSION.vgg19, SECOND_VERSION.vggface, SECOND_VERSION.match) == (1.5e-1, 2.5e-2, 10)
    assert FIRST_VERSION.features == SECOND_VERSION.features == 10


def test_match_pulls_the_embedding_to_the_videos_row() -> None:
    embedding = torch.zeros(2, 4, requires_grad=True)
    losses.match(embedding, torch.tensor([[1.0] * 4, [-1.0] * 4])).backward()
    assert torch.equal(embedding.grad.sign(), torch.tensor([[-1.0] * 4, [1.0] * 4]))


def test_hinge_rewards_nothing_beyond_its_margin() -> None:
    far, near = torch.tensor([5.0]), torch.tensor([0.5])
    assert losses.hinge_for_discriminator(far, -far) == 0
    assert losses.hinge_for_discriminator(near, -near) == 1
    assert losses.adversarial_for_generator(far) == -5


def test_perceptual_networks_see_what_caffe_saw() -> None:
    """BGR, 0 to 255, less the mean; white and a pure red say whether channels and range are right."""
    loss = PerceptualLoss(VGG19, TINY)
    seen = []
    loss.trunk[0].register_forward_hook(lambda _, given, __: seen.append(given[0]))
    red = torch.tensor([1.0, -1.0, -1.0]).view(1, 3, 1, 1).expand(1, 3, 32, 32)
    loss.features(red)
    assert torch.allclose(seen[0][0, :, 0, 0], torch.tensor([-103.939, -116.779, 255 - 123.68]))


@pytest.mark.parametrize(("architecture", "convolutions"), [(VGG19, 13), (VGGFACE, 11)])
def test_perceptual_layers_are_the_first_relu_of_each_stage(
    architecture: perceptual.Architecture, convolutions: int
) -> None:
    loss = PerceptualLoss(architecture, TINY)
    assert all(isinstance(loss.trunk[i], torch.nn.ReLU) for i in architecture.layers)
    assert sum(isinstance(layer, torch.nn.Conv2d) for layer in loss.trunk) == convolutions
    assert len(loss.features(torch.rand(1, 3, 32, 32))) == 5


def test_perceptual_weights_come_from_safetensors_and_never_from_pickles(tmp_path: Path) -> None:
    trunk = PerceptualLoss(VGGFACE).trunk.state_dict()
    save_file({f"features.{name}": value + 1 for name, value in trunk.items()}, tmp_path / "vggface.safetensors")
    loaded = load_perceptual(VGGFACE, tmp_path / "vggface.safetensors")
    assert torch.equal(loaded.trunk[0].bias, trunk["0.bias"] + 1)
    torch.save(trunk, tmp_path / "vgg.pth")
    with pytest.raises(WrongFileError, match=r"vgg\.pth"):
        load_perceptual(VGGFACE, tmp_path / "vgg.pth")
    with pytest.raises(MissingWeightsError, match=r"none\.safetensors"):
        load_perceptual(VGGFACE, tmp_path / "none.safetensors")


def blob_batch(face: np.ndarray, shots: int = 2) -> Batch:
    """Two "people", each a disc of a colour of its own that sits on the face's place."""
    batches = []
    for person, colour in enumerate([(220, 60, 40), (40, 90, 210)]):
        landmarks = np.stack([face / 4 + 3 * k for k in range(shots + 1)]).astype(np.float32)
        y, x = np.mgrid[0:64, 0:64]
        centres = landmarks.mean(axis=1)
        discs = [np.hypot(x - c[0], y - c[1]) < 18 for c in centres]
        pictures = np.stack([np.where(d[..., None], colour, (90, 90, 90)) for d in discs]).astype(np.uint8)
        mattes = np.stack(discs).astype(np.uint8) * 255
        photos, _ = feed_photos(pictures, mattes, landmarks, CPU)
        batches.append((photos, torch.from_numpy(landmarks) / 64, person))
    whole = [torch.cat([batch[0][i] for batch in batches]) for i in range(4)]
    landmarks = torch.stack([batch[1] for batch in batches])
    # Darker than any photo: bending alone cannot get there.
    whole[0][:, shots] = whole[0][:, shots] * 0.6 - 0.4
    sources = type(batches[0][0])(*(tensor[:, :shots] for tensor in whole))
    pictures, mattes, points, stiffness = (tensor[:, shots] for tensor in whole)
    return Batch(
        sources, landmarks[:, :shots], pictures, mattes, landmarks[:, shots], points, stiffness, torch.tensor([0, 1])
    )


@pytest.mark.parametrize("kind", SMALL)
def test_meta_learning_lowers_what_it_minimises(kind: str, face: np.ndarray) -> None:
    torch.manual_seed(0)
    painter = Painter(SMALL[kind])
    weights = LossWeights(vgg19=1e-2, vggface=0.0, match=1.0, pixel=10.0, matte=1.0, features=1.0, adversarial=0.1)
    critics = Critics({"vgg19": PerceptualLoss(VGG19, TINY)}, weights)
    learner = MetaLearner(painter, build_discriminator(SMALL[kind], videos=2), critics)
    for group in learner.optimizer.param_groups:
        group["lr"] = 2e-3
    batch = blob_batch(face)
    found = [learner.step(batch) for _ in range(25)]
    assert set(found[0]) == {"vgg19", "pixel", "matte", "match", "adversarial", "features", "discriminator"}
    assert all(np.isfinite(list(losses.values())).all() for losses in found)
    assert found[-1]["pixel"] < 0.8 * found[0]["pixel"]


def test_fine_tuning_begins_where_the_paper_says(face: np.ndarray) -> None:
    """psi' = P e, w' = e + w0; embedder, P and W rest."""
    torch.manual_seed(0)
    preset = SMALL["fsth"]
    painter, discriminator = Painter(preset), build_discriminator(preset, videos=3)
    torch.nn.init.normal_(discriminator.shared)
    embedding = torch.rand(1, preset.embedding)
    tuner = FineTuner(painter, embedding, Critics({}, LossWeights(0, 0, 10, pixel=1)), discriminator)
    assert torch.allclose(tuner.style, painter.eval().style(embedding), atol=1e-5)
    assert torch.equal(tuner.row, embedding + discriminator.shared)
    painter.train()
    still = {
        name: value.clone()
        for name, value in (*painter.state_dict().items(), *discriminator.state_dict().items())
        if name.startswith(("embedder", "table", "shared", "generator.projection.parametrizations.weight.original"))
    }
    moving = painter.generator.down[0].conv_in.parametrizations.weight.original.clone()
    found = tuner.step(blob_batch(face)._replace(video=torch.tensor([0, 0])))
    assert "match" not in found
    after = {**painter.state_dict(), **discriminator.state_dict()}
    assert all(torch.equal(after[name], value) for name, value in still.items())
    assert not torch.equal(painter.generator.down[0].conv_in.parametrizations.weight.original, moving)


def overfit(kind: str, pictures: np.ndarray, landmarks: np.ndarray, mattes: np.ndarray, steps: int) -> float:
    """Learn one clip from every other frame; PSNR in dB on the frames between."""
    torch.manual_seed(0)
    preset = {
        "fsth": Preset("fsth-64", size=64, channels=24, most_channels=96, embedding=64),
        "warp": Preset("warp-64", size=64, channels=16, most_channels=64, embedding=64, warp_channels=16),
    }[kind]
    painter = Painter(preset)
    photos, _ = feed_photos(pictures, mattes, landmarks, CPU)
    points = torch.from_numpy(landmarks) / 64
    critics = Critics({}, LossWeights(0, 0, 0, pixel=10.0, features=0.0, adversarial=0.0))
    learner = MetaLearner(painter, build_discriminator(preset, videos=1), critics)
    for group in learner.optimizer.param_groups:
        group.update(lr=2e-3, betas=(0.9, 0.999))
    known = torch.arange(0, len(pictures), 2)
    between = torch.arange(1, len(pictures), 2)
    sources = known[:: max(1, len(known) // 3)][:3]

    def batch(targets: torch.Tensor) -> Batch:
        count = len(targets)
        pick = lambda tensor, index: tensor[0, index]  # noqa: E731
        return Batch(
            type(photos)(*(pick(tensor, sources)[None].expand(count, *[-1] * (tensor.ndim - 1)) for tensor in photos)),
            points[sources][None].expand(count, -1, -1, -1),
            *(pick(tensor, targets) for tensor in (photos.pictures, photos.mattes)),
            points[targets],
            *(pick(tensor, targets) for tensor in (photos.points, photos.stiffness)),
            torch.zeros(count, dtype=torch.long),
        )

    from headcast.core.learning.steps import paint_batch

    for _ in range(steps):
        learner.step(batch(known[torch.randperm(len(known))[:6]]))
    with torch.inference_mode():
        painted, _ = paint_batch(painter.eval(), batch(between))
        error = (painted.picture.clamp(-1, 1) - photos.pictures[0, between]).square().mean() / 4
    return float(-10 * torch.log10(error))


@pytest.mark.parametrize(("kind", "steps", "least"), [("fsth", 220, 22.0), ("warp", 60, 27.0)])
def test_a_preset_overfits_one_clip(kind: str, steps: int, least: float, clips: Path) -> None:
    """Held-out frames of `talk_green` at 64 px reach the stated PSNR."""
    from headcast.core.imaging import crop, resample
    from headcast.core.imaging.matte import head_matte
    from headcast.core.imaging.read import open_clip
    from headcast.core.landmarks.detectors import open_detector

    frames = [frame.picture for frame in open_clip(str(clips / "talk_green.mp4")).frames()][::2]
    with closing(open_detector("mediapipe")) as detector:
        found = np.stack([detector.detect(frame)[0].landmarks for frame in frames])
    where = crop.head_crops(found, np.ones(len(found), bool), 12.5)
    pictures = np.stack([resample.cut(f, w, 64) for f, w in zip(frames, where, strict=True)])
    landmarks = crop.to_crop(found, where, 64)
    mattes = np.stack([head_matte(*pair) for pair in zip(pictures, landmarks, strict=True)])
    assert overfit(kind, pictures, landmarks, mattes, steps) > least
