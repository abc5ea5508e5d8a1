# SPDX-License-Identifier: GPL-3.0-or-later
"""Learning: losses as the paper says them, and both kinds of painter really learn."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import torch
from headcast.core.errors import MissingWeightsError, WrongFileError
from headcast.core.learning import losses, perceptual
from headcast.core.learning.losses import FIRST_VERSION, SECOND_VERSION, LossWeights
from headcast.core.learning.made import Changed
from headcast.core.learning.pairing import pack, stack
from headcast.core.learning.perceptual import HED_VGG16, VGG19, VGGFACE, PerceptualLoss, load_perceptual
from headcast.core.learning.regions import (
    PairBatch,
    RegionCritics,
    RegionLearner,
    compared,
    look,
    paint,
    relative_distance,
    texture_distance,
)
from headcast.core.learning.steps import Batch, Critics, FineTuner, MetaLearner, paint_batch
from headcast.core.network.build import build_discriminator
from headcast.core.network.few_shot import FewShotPainter
from headcast.core.network.painter import Preset
from headcast.core.network.patch import RegionDiscriminators
from headcast.core.network.residual import ResidualFlow
from headcast.core.network.warp import WarpPainter
from headcast.core.painting.feed import feed_photos
from safetensors.torch import save_file

from .test_networks import CPU, SMALL
from .test_regions import looking, opened, portrait

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
        photos = feed_photos(pictures, mattes, landmarks, CPU)
        batches.append((photos, torch.from_numpy(landmarks) / 64, person))
    whole = [torch.cat(parts) for parts in zip(*(batch[0] for batch in batches), strict=True)]
    landmarks = torch.stack([batch[1] for batch in batches])
    # Darker than any photo: bending alone cannot get there.
    whole[0][:, shots] = whole[0][:, shots] * 0.6 - 0.4
    sources = type(batches[0][0])(*(tensor[:, :shots] for tensor in whole))
    pictures, _, *control = (tensor[:, shots] for tensor in whole)
    return Batch(sources, landmarks[:, :shots], pictures, landmarks[:, shots], *control, torch.tensor([0, 1]))


def test_meta_learning_lowers_what_it_minimises(face: np.ndarray) -> None:
    torch.manual_seed(0)
    painter = FewShotPainter(SMALL["fsth"])
    weights = LossWeights(vgg19=1e-2, vggface=0.0, match=1.0, pixel=10.0, features=1.0, adversarial=0.1)
    critics = Critics({"vgg19": PerceptualLoss(VGG19, TINY)}, weights)
    learner = MetaLearner(painter, build_discriminator(SMALL["fsth"], videos=2), critics)
    for group in learner.optimizer.param_groups:
        group["lr"] = 2e-3
    batch = blob_batch(face)
    found = [learner.step(batch) for _ in range(25)]
    assert set(found[0]) == {"vgg19", "pixel", "match", "adversarial", "features", "discriminator"}
    assert all(np.isfinite(list(losses.values())).all() for losses in found)
    assert found[-1]["pixel"] < 0.8 * found[0]["pixel"]


def test_fine_tuning_begins_where_the_paper_says(face: np.ndarray) -> None:
    """psi' = P e, w' = e + w0; embedder, P and W rest."""
    torch.manual_seed(0)
    preset = SMALL["fsth"]
    painter, discriminator = FewShotPainter(preset), build_discriminator(preset, videos=3)
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


def overfit(pictures: np.ndarray, landmarks: np.ndarray, mattes: np.ndarray, steps: int) -> float:
    """Learn one clip from every other frame; PSNR in dB on the frames between."""
    torch.manual_seed(0)
    preset = Preset("fsth-64", size=64, channels=24, most_channels=96, embedding=64)
    painter = FewShotPainter(preset)
    photos = feed_photos(pictures, mattes, landmarks, CPU)
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
        shown = (tensor[:, sources].expand(count, *[-1] * (tensor.ndim - 1)) for tensor in photos)
        wanted, _, *control = (tensor[0, targets] for tensor in photos)
        seen = points[sources][None].expand(count, -1, -1, -1)
        return Batch(type(photos)(*shown), seen, wanted, points[targets], *control, torch.zeros(count, dtype=torch.long))

    for _ in range(steps):
        learner.step(batch(known[torch.randperm(len(known))[:6]]), adversarial=False)
    with torch.inference_mode():
        painted, _ = paint_batch(painter.eval(), batch(between))
        error = (painted.picture.clamp(-1, 1) - photos.pictures[0, between]).square().mean() / 4
    return float(-10 * torch.log10(error))


def heads(clips: Path, stride: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Head crops [F, S, S, 3] of `talk_green`, and their landmarks."""
    from headcast.core.imaging import crop, resample
    from headcast.core.imaging.read import open_clip
    from headcast.core.landmarks.detectors import open_detector

    frames = [frame.picture for frame in open_clip(str(clips / "talk_green.mp4")).frames()][::stride]
    with closing(open_detector("mediapipe")) as detector:
        found = np.stack([detector.detect(frame)[0].landmarks for frame in frames])
    where = crop.head_crops(found, np.ones(len(found), bool), 25 / stride)
    pictures = np.stack([resample.cut(f, w, size) for f, w in zip(frames, where, strict=True)])
    return pictures, crop.to_crop(found, where, size)


def test_the_papers_preset_overfits_one_clip(clips: Path) -> None:
    """Held-out frames of `talk_green` at 64 px reach the stated PSNR."""
    from headcast.core.imaging.matte import head_matte

    pictures, landmarks = heads(clips, 2, 64)
    mattes = np.stack([head_matte(*pair) for pair in zip(pictures, landmarks, strict=True)])
    assert overfit(pictures, landmarks, mattes, 40) > 24


def learner_of_regions(rate: float) -> RegionLearner:
    torch.manual_seed(0)
    learner = RegionLearner(WarpPainter(SMALL["warp"]), RegionDiscriminators(8), RegionCritics(None))
    for group in learner.optimizer.param_groups:
        group["lr"] = rate
    return learner


def pairs(face: np.ndarray, made: bool = False, edit: tuple[slice, slice] | None = None) -> PairBatch:
    """Two people who shut their mouths in the photo and talk in the truth, darker than any photo; `edit` is blackened."""
    items = []
    for i in range(2):
        before, after = looking(opened(face, 0.5), -2), looking(opened(face, 8 + 4 * i), 3, 0.8)
        truth = (portrait(after) * 0.7).astype(np.uint8)
        if edit:
            truth[edit] = 0
        items.append(pack([Changed(portrait(before), before)], Changed(truth, after), made))
    return stack(items).to(CPU)


def test_close_ups_learn_what_geometry_cannot_know(face: np.ndarray) -> None:
    learner, batch = learner_of_regions(2e-3), pairs(face)
    found = [learner.step(batch, adversarial=False) for _ in range(12)]
    for name in ("mouth colour", "eye colour"):
        assert found[-1][name] < 0.8 * found[0][name]
    assert set(found[0]) == {"mouth colour", "eye colour"}


def test_the_discriminators_of_close_ups_play_when_they_are_told(face: np.ndarray) -> None:
    learner, batch = learner_of_regions(2e-4), pairs(face)
    before_play = {name: value.clone() for name, value in learner.discriminator.named_parameters()}
    learner.step(batch, adversarial=False)
    assert all(torch.equal(value, before_play[name]) for name, value in learner.discriminator.named_parameters())
    found = [learner.step(batch) for _ in range(4)]
    kinds = ("colour", "adversarial", "features", "discriminator")
    assert set(found[0]) == {f"{region} {kind}" for region in ("mouth", "eye") for kind in kinds}
    assert all(np.isfinite(list(losses.values())).all() for losses in found)
    assert all(found[-1][f"{region} discriminator"] < found[0][f"{region} discriminator"] for region in ("mouth", "eye"))
    assert not all(torch.equal(value, before_play[name]) for name, value in learner.discriminator.named_parameters())


def test_a_made_pair_counts_inside_lips_and_lids_alone(face: np.ndarray) -> None:
    """There the photo is the truth itself, to the pixel: elsewhere it would teach to copy."""
    critics, below = RegionCritics(None), opened(face, 8)[57]
    y, x = below.astype(int)[::-1]
    lip = (slice(y - 3, y + 3), slice(x - 6, x + 6))
    found = {}
    for made in (False, True):
        for edit in (None, lip):
            seen = look(pairs(face, made, edit), ResidualFlow().eval())["mouth"]
            found[made, edit is None] = float(critics(compared(seen.view.picture, seen), seen)["colour"])
    assert found[False, False] > found[False, True] * 1.05
    assert found[True, False] == pytest.approx(found[True, True], rel=1e-3)


def test_a_relative_distance_counts_every_layer_alike() -> None:
    """However large its features are."""
    torch.manual_seed(0)
    network, truth = PerceptualLoss(HED_VGG16, TINY), torch.rand(2, 3, 32, 32) * 2 - 1
    noise = 0.2 * torch.randn_like(truth)

    def distance(part: float) -> float:
        return float(relative_distance(network.features(truth + part * noise), network.features(truth)))

    near, far = distance(0.3), distance(1.0)
    assert 0 == distance(0) < near < far
    last = network.trunk[network.layers[3] - 1]
    last.weight.mul_(100)
    last.bias.mul_(100)
    assert distance(1.0) == pytest.approx(far, rel=1e-4)


def test_texture_minds_blur_more_than_place() -> None:
    """A shift by a pixel costs the colour loss more than blur does; the texture loss the other way round."""
    torch.manual_seed(0)
    network, wide = PerceptualLoss(HED_VGG16, TINY), torch.rand(2, 3, 34, 34) * 2 - 1
    truth, shifted = wide[..., 1:-1, 1:-1], wide[..., 1:-1, 2:]
    soft = torch.nn.functional.avg_pool2d(wide, 3, 1)
    counts = torch.ones(2, 1, 32, 32)
    colour = [float((picture - truth).abs().mean()) for picture in (shifted, soft)]
    texture = [
        float(texture_distance(network.features(picture), network.features(truth), counts)) for picture in (shifted, soft)
    ]
    assert colour[0] > 1.2 * colour[1]
    assert texture[0] < 0.5 * texture[1]
    assert float(texture_distance(network.features(soft), network.features(truth), torch.zeros(2, 1, 32, 32))) == 0


def test_close_ups_learn_a_person_who_talks(clips: Path) -> None:
    """From every other frame of `talk_green`, that the mouth of the frames between is nearer to the truth."""
    photos = [Changed(*pair) for pair in zip(*heads(clips, 8, 256), strict=True)]
    gaps = np.array([np.linalg.norm(photo.landmarks[66] - photo.landmarks[62]) for photo in photos])
    quiet, talking = photos[int(gaps.argmin())], [photo for photo in photos if photo is not photos[int(gaps.argmin())]]
    batches = [stack([pack([quiet], photo, made=False) for photo in talking[start::2][:8]]).to(CPU) for start in (0, 1)]
    learner, critics = learner_of_regions(1e-3), RegionCritics(None)

    def held_out() -> float:
        with torch.no_grad():
            seen = look(batches[1], learner.painter.residual)["mouth"]
            painted = paint(learner.painter.regions.mouth, seen)
            return float(critics(compared(painted, seen), seen)["colour"])

    before = held_out()
    for _ in range(12):
        learner.step(batches[0], adversarial=False)
    assert held_out() < 0.9 * before
