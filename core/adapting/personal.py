# SPDX-License-Identifier: GPL-3.0-or-later
"""One person: the embedding of their photos and, where asked for, fine-tuning that knows when to stop."""

from __future__ import annotations

import copy
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..learning.losses import PIXELS, region_map
from ..learning.made import Changed
from ..learning.perceptual import HED_VGG16, load_perceptual
from ..learning.regions import RegionCritics
from ..learning.steps import Batch, Critics, FineTuner, paint_batch
from ..network.few_shot import FewShotPainter
from ..network.shots import Painted
from ..network.warp import WarpPainter
from ..painting.devices import choose_device
from ..painting.feed import feed_drawings, feed_photos
from ..painting.player import STYLE, load_painter
from ..painting.weights import find_weights, load_critics
from ..progress import Reporter
from ..settings import AdaptSettings
from .practice import Person, hold_out, practise, rehearse
from .tuning import Judges, tune

RATE, STEADY = 1e-4, (0.9, 0.999)
"""Learning rate and Adam's betas: without a discriminator to chase, its steps may be smoothed."""
MEMORY = 20
"""Steps over which the weights are averaged: each step's one photo pulls them about."""
CHECK_STEPS = 20
"""Steps between two looks at the held-out photos."""
PATIENCE = 4
"""Looks without a gain before it stops."""
LEAST_GAIN = 2e-3
"""Part of the feed-forward loss that counts as a gain."""
REHEARSE_EVERY, REHEARSAL = 2, 20.0
"""How often, and how much it counts, that mouth and eyes move as before: it costs as much as practice."""


class Tuned(NamedTuple):
    """The result of fine-tuning."""

    weights: dict[str, NDArray[np.float16]]
    """those that changed, by name; none where it did not help"""
    gain: float
    """part of the feed-forward loss on held-out photos that it took away, 0 to 1"""


UNTUNED = Tuned({}, 0.0)


def learn_person(
    pictures: NDArray[np.uint8],
    mattes: NDArray[np.uint8],
    landmarks: NDArray[np.float32],
    settings: AdaptSettings,
    reporter: Reporter,
) -> tuple[NDArray[np.float32], str, Tuned]:
    """The embedding [E], the name of the weights it was made with, and what fine-tuning made of them.

    pictures [N, S, S, 3], mattes [N, S, S], landmarks [N, 70, 2] in pixels. Without weights the embedding is zero: the
    warping preset then goes by geometry, and there is nothing to fine-tune.
    """
    device = choose_device(settings.device)
    painter, weights = load_painter(settings.preset, settings.side, settings.weights, device)
    photos = feed_photos(pictures, mattes, landmarks, device)
    with torch.no_grad():
        if weights:
            drawings = feed_drawings(landmarks, settings.side, device) if painter.drawing_size else None
            embedding = painter.embed(photos, drawings)
        else:
            embedding = torch.zeros(1, painter.preset.embedding, device=device)
            reporter.note(f"'{settings.preset}' has no trained weights: the photos are warped by geometry alone")
    tuned = UNTUNED
    if settings.steps and weights:
        seeing = load_perceptual(HED_VGG16, Path(settings.perceptual)) if settings.perceptual else None
        if isinstance(painter, WarpPainter):
            shown = [Changed(picture, points) for picture, points in zip(pictures, landmarks, strict=True)]
            path = find_weights(settings.preset, settings.weights)
            judges = Judges(RegionCritics(seeing), load_critics(path, settings.preset) if path else None, device)
            tuned = _tune_regions(painter, shown, embedding, judges, settings.steps, reporter)
        elif isinstance(painter, FewShotPainter):
            critics = Critics({"hed": seeing} if seeing else {}, PIXELS).to(device)
            person = Person(photos, landmarks / np.float32(pictures.shape[1]))
            tuned = fine_tune(painter, embedding, person, critics, settings.steps, reporter)
    return embedding[0].cpu().numpy(), weights, tuned


def _tune_regions(
    painter: WarpPainter,
    photos: list[Changed],
    embedding: Tensor,
    judges: Judges,
    steps: int,
    reporter: Reporter,
) -> Tuned:
    gain = tune(painter, photos, embedding, judges, steps, reporter)
    told = f"loss on held-out photos {gain.before:.3f}"
    if not gain.changed:
        reporter.note(
            f"Fine-tuning for {gain.steps} steps, {gain.seconds:.0f} s, found nothing to gain ({told}): the likeness "
            "stays feed-forward"
        )
        return UNTUNED
    reporter.note(
        f"Fine-tuned: {told} to {gain.after:.3f}, best after {gain.best_step} of {gain.steps} steps, {gain.seconds:.0f} s"
    )
    weights = {name: value.half().cpu().numpy() for name, value in gain.changed.items()}
    return Tuned(weights, 1 - gain.after / gain.before)


class Score(NamedTuple):
    """How the held-out photos are painted, a mean over them."""

    loss: float
    """what the critics say"""
    psnr: float
    """dB"""


def fine_tune(
    painter: FewShotPainter, embedding: Tensor, person: Person, critics: Critics, steps: int, reporter: Reporter
) -> Tuned:
    """Tune `painter` on a person for at most `steps`, and return what changed: the state that painted the held-out photos
    best, or nothing where that was the first one. Says in a note what was gained."""
    torch.manual_seed(0)
    random = np.random.default_rng(0)
    began = time.monotonic()
    known, checks = hold_out(person)
    tuner = FineTuner(painter.train(), embedding, critics, rate=RATE, betas=STEADY)
    untuned, mean = Snapshot(tuner), Snapshot(tuner)
    first = best = score_of(mean, critics, checks)
    kept, best_step, done = mean.state(), 0, 0
    for done in range(1, steps + 1):
        reporter.step("fine-tune", done - 1, steps)
        rehearsed = rehearsal(tuner, untuned, rehearse(known, random)) if done % REHEARSE_EVERY == 0 else None
        tuner.step(practise(known, random), rehearsed)
        mean.follow(tuner)
        if done % CHECK_STEPS and done < steps:
            continue
        score = score_of(mean, critics, checks)
        if score.loss < best.loss - LEAST_GAIN * first.loss:
            best, kept, best_step = score, mean.state(), done
        elif done - best_step >= PATIENCE * CHECK_STEPS:
            break
    reporter.step("fine-tune", steps, steps)
    seconds = time.monotonic() - began
    if not best_step:
        reporter.note(
            f"Fine-tuning for {done} steps, {seconds:.0f} s, did not paint the held-out photos better than PSNR "
            f"{first.psnr:.1f} dB, loss {first.loss:.3f}: the likeness stays feed-forward"
        )
        return UNTUNED
    reporter.note(
        f"Fine-tuned: held-out photos from PSNR {first.psnr:.1f} to {best.psnr:.1f} dB, loss {first.loss:.3f} to "
        f"{best.loss:.3f}, best after {best_step} of {done} steps, {seconds:.0f} s"
    )
    before = untuned.state()
    changed = {name: value.half().cpu().numpy() for name, value in kept.items() if not torch.equal(value, before[name])}
    return Tuned(changed, 1 - best.loss / first.loss)


class Snapshot:
    """The painter and the style as they are now, apart from those that learn."""

    def __init__(self, tuner: FineTuner) -> None:
        self._painter = copy.deepcopy(tuner.painter).eval().requires_grad_(False)
        self._style = tuner.style.detach().clone()

    @torch.no_grad()
    def follow(self, tuner: FineTuner) -> None:
        """Become the running average, over MEMORY steps, of what is learnt."""
        ours, theirs = self._painter.generator, tuner.painter.generator
        for mean, now in zip((self._style, *ours.parameters()), (tuner.style, *theirs.parameters()), strict=True):
            mean.lerp_(now, 1 / MEMORY)
        # The vectors of the spectral norm are no means.
        for kept, latest in zip(ours.buffers(), theirs.buffers(), strict=True):
            kept.copy_(latest)

    @torch.no_grad()
    def paint(self, batch: Batch) -> Painted:
        """The batch's targets."""
        return paint_batch(self._painter, batch, self._style)[0]

    def state(self) -> dict[str, Tensor]:
        """A copy of what fine-tuning may change, by its name in a likeness."""
        generator = {f"generator.{name}": value.clone() for name, value in self._painter.generator.state_dict().items()}
        return {STYLE: self._style.clone(), **generator}


def score_of(snapshot: Snapshot, critics: Critics, checks: list[Batch]) -> Score:
    """How well the held-out photos are painted."""
    losses, decibels = [], []
    for batch in checks:
        painted = snapshot.paint(batch)
        with torch.no_grad():
            losses.append(torch.stack(list(critics(painted, batch).values())).sum())
        error = (painted.picture.clamp(-1, 1) - batch.target).square().mean() / 4
        decibels.append(-10 * torch.log10(error))
    return Score(float(torch.stack(losses).mean()), float(torch.stack(decibels).mean()))


def rehearsal(tuner: FineTuner, untuned: Snapshot, batch: Batch) -> Tensor:
    """How far mouth and eyes are from what they were.

    Practice on a few photos would teach that this mouth never opens and these eyes never close. For expressions that no
    photo shows they are to be painted as before.
    """
    painted, _ = paint_batch(tuner.painter, batch, tuner.style)
    where = region_map(batch.target_landmarks, batch.target.shape[-1], 2.0) - 1.0
    return REHEARSAL * (where * (painted.picture - untuned.paint(batch).picture).abs()).mean()
