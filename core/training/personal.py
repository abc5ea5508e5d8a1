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

from ..network.devices import choose_device
from ..network.painter import Painter
from ..progress import Reporter
from ..rendering.feed import feed_photos
from ..rendering.player import STYLE, load_painter
from ..settings import AdaptSettings
from .losses import PIXELS, WARPING, region_map
from .perceptual import HED_VGG16, load_perceptual
from .practice import Person, hold_out, practise, rehearse
from .steps import Batch, Critics, FineTuner, paint_batch

CHECK_STEPS = 20
"""Steps between two looks at the held-out photos."""
PATIENCE = 4
"""Looks without a gain before it stops."""
LEAST_GAIN = 2e-3
"""Part of the feed-forward loss that counts as a gain."""
RATE, STEADY = 1e-4, (0.9, 0.999)
"""Learning rate and Adam's betas: without a discriminator to chase, its steps may be smoothed."""
REHEARSAL = 10.0
"""How much it counts that mouth and eyes move as before, in terms of the pixel loss there."""


def learn_person(
    pictures: NDArray[np.uint8],
    mattes: NDArray[np.uint8],
    landmarks: NDArray[np.float32],
    settings: AdaptSettings,
    reporter: Reporter,
) -> tuple[NDArray[np.float32], str, dict[str, NDArray[np.float16]]]:
    """The embedding [E], the name of the weights it was made with, and the fine-tuned weights (none at 0 steps, or where
    fine-tuning did not help).

    pictures [N, S, S, 3], mattes [N, S, S], landmarks [N, 68, 2] in pixels. Without weights the embedding is zero: the
    warping preset then goes by geometry, and what fine-tuning finds in the photos.
    """
    device = choose_device(settings.device)
    painter, weights = load_painter(settings.preset, settings.weights, device)
    photos, drawings = feed_photos(pictures, mattes, landmarks, device)
    with torch.no_grad():
        if weights:
            embedding = painter.embed(photos, drawings)
        else:
            embedding = torch.zeros(1, painter.preset.embedding, device=device)
            reporter.note(f"'{settings.preset}' has no trained weights: the photos are warped by geometry alone")
    adapted: dict[str, NDArray[np.float16]] = {}
    if settings.steps:
        seeing = {"hed": load_perceptual(HED_VGG16, Path(settings.perceptual))} if settings.perceptual else {}
        critics = Critics(seeing, WARPING if painter.starts_as_warp else PIXELS).to(device)
        person = Person(photos, landmarks / np.float32(pictures.shape[1]))
        adapted = fine_tune(painter, embedding, person, critics, settings.steps, reporter)
    return embedding[0].cpu().numpy(), weights, adapted


class Score(NamedTuple):
    """How the held-out photos are painted, a mean over them."""

    loss: float
    """what the critics say"""
    psnr: float
    """dB"""


def fine_tune(
    painter: Painter, embedding: Tensor, person: Person, critics: Critics, steps: int, reporter: Reporter
) -> dict[str, NDArray[np.float16]]:
    """Tune `painter` on a person for at most `steps`, and return what changed, by name: the state that painted the held-out
    photos best, or nothing where that was the first one. Says in a note what was gained."""
    torch.manual_seed(0)
    random = np.random.default_rng(0)
    began = time.monotonic()
    known, checks = hold_out(person)
    tuner = FineTuner(painter, embedding, critics, rate=RATE, betas=STEADY)
    memory = Memory(tuner)
    first = best = judge(tuner, checks)
    best_step, kept = 0, _state(tuner)
    untuned, done = kept, 0
    for done in range(1, steps + 1):
        reporter.step("fine-tune", done - 1, steps)
        painter.train()
        tuner.step(practise(known, random), memory.loss(tuner, rehearse(known, random)))
        if done % CHECK_STEPS and done < steps:
            continue
        score = judge(tuner, checks)
        if score.loss < best.loss - LEAST_GAIN * first.loss:
            best, best_step, kept = score, done, _state(tuner)
        elif done - best_step >= PATIENCE * CHECK_STEPS:
            break
    reporter.step("fine-tune", steps, steps)
    seconds = time.monotonic() - began
    if not best_step:
        reporter.note(
            f"Fine-tuning did not paint the held-out photos better (PSNR {first.psnr:.1f} dB) in {done} steps, "
            f"{seconds:.0f} s: the likeness stays feed-forward"
        )
        return {}
    reporter.note(
        f"Fine-tuned: held-out photos from PSNR {first.psnr:.1f} to {best.psnr:.1f} dB, loss {first.loss:.3f} to "
        f"{best.loss:.3f}, best after {best_step} of {done} steps, {seconds:.0f} s"
    )
    return {name: value.half().cpu().numpy() for name, value in kept.items() if not torch.equal(value, untuned[name])}


def judge(tuner: FineTuner, checks: list[Batch]) -> Score:
    """How well the held-out photos are painted now."""
    tuner.painter.eval()
    losses, errors = [], []
    with torch.inference_mode():
        for batch in checks:
            painted, _ = paint_batch(tuner.painter, batch, tuner.style)
            losses.append(torch.stack(list(tuner.critics(painted, batch).values())).sum())
            errors.append((painted.picture.clamp(-1, 1) - batch.target).square().mean() / 4)
    return Score(float(torch.stack(losses).mean()), float(-10 * torch.log10(torch.stack(errors)).mean()))


def _state(tuner: FineTuner) -> dict[str, Tensor]:
    """A copy of all that is tuned, by its name in a likeness."""
    generator = tuner.painter.generator.state_dict().items()
    return {STYLE: tuner.style.detach().clone()} | {f"generator.{name}": value.clone() for name, value in generator}


class Memory:
    """The painter as it was. Practice on a few photos would teach the tuned one that this mouth never opens and these eyes
    never close: for such expressions it is to paint mouth and eyes as before."""

    def __init__(self, tuner: FineTuner) -> None:
        self._painter = copy.deepcopy(tuner.painter).eval().requires_grad_(False)
        self._style = tuner.style.detach().clone()

    def loss(self, tuner: FineTuner, batch: Batch) -> Tensor:
        """How far mouth and eyes are from what they were."""
        with torch.no_grad():
            wanted, _ = paint_batch(self._painter, batch, self._style)
        painted, _ = paint_batch(tuner.painter, batch, tuner.style)
        where = region_map(batch.target_landmarks, batch.target.shape[-1], 2.0) - 1.0
        return REHEARSAL * (where * (painted.picture - wanted.picture).abs()).mean()
