"""Meta-learning: a painter learns from many people how to paint one that it sees for the first time.

Zakharov et al. 2019, section 3.2. Read `train` first. A run is one folder: the same command begins it, goes on after a kill,
and, under torchrun, spreads it over several processes that do the same as one.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from ..errors import SettingError
from ..learning.losses import PIXELS, SECOND_VERSION, WARPING, LossWeights
from ..learning.perceptual import HED_VGG16, VGG19, VGGFACE, load_perceptual
from ..learning.steps import BETAS, DISCRIMINATOR_RATE, GENERATOR_RATE, Critics, MetaLearner
from ..network.painter import PRESETS, Painter, build_discriminator
from ..painting.weights import load_weights, save_weights, weights_name
from ..progress import Reporter, Silent
from ..settings import TrainSettings
from .average import Average
from .dataset import Items, load_batches, shot_range
from .journal import Journal
from .processes import Processes, join
from .run_folder import CHECKPOINT, load_checkpoint, open_run, save_checkpoint
from .throughput import Meter
from .validation import Validation

WARM_UP = 200
"""Steps over which the learning rate rises."""
MOST_GRADIENT = 100.0
"""Norm to which a step's gradient is cut; of the painter's usual ones 20 to 45 were seen at 128 px."""
ARCHITECTURES = {"hed": HED_VGG16, "vgg19": VGG19, "vggface": VGGFACE}
"""Perceptual networks by their setting and their place in LossWeights."""


@dataclass(frozen=True)
class Recipe:
    """What a kind of preset learns with."""

    weights: LossWeights
    rate: float
    betas: tuple[float, float]
    falling: bool
    """the rate falls to nothing over the run, by a cosine"""


PAPER = Recipe(SECOND_VERSION, GENERATOR_RATE, BETAS, falling=False)
BENDING = Recipe(WARPING, 2e-4, (0.5, 0.999), falling=True)
"""For what starts as a warp: its layers that start at zero would hardly move at the paper's rate."""


class Trained(NamedTuple):
    """What a run came to."""

    step: int
    losses: dict[str, float]
    """means over the last steps that were reported"""
    weights: Path


def train(data: Sequence[Path], run: Path, settings: TrainSettings, reporter: Reporter) -> Trained:
    """Train on the shards in `data`, in the folder `run`, until the steps or the minutes are over. Raises HeadcastError."""
    deadline = time.monotonic() + 60 * (settings.minutes or math.inf)
    with join(settings.device) as processes:
        reporter = reporter if processes.leads else Silent()
        photos = check(settings, processes)
        cast = open_run(run, data, settings, processes.leads, reporter)
        recipe = BENDING if PRESETS[settings.preset].warp_channels else PAPER
        learner = build_learner(settings, recipe, len(cast.training), processes, reporter)
        checkpoint, weights = run / CHECKPOINT, run / f"{weights_name(settings.preset)}.safetensors"
        if settings.initial and not checkpoint.is_file():
            load_weights(learner.painter, Path(settings.initial))
        average = Average(learner.painter)
        start = load_checkpoint(checkpoint, learner, average)
        items = Items(cast.training, settings.side, settings.batch, photos, settings.seed)
        steps = range(start, settings.steps)
        batches = load_batches(items, steps, settings.workers, processes)
        meter = Meter(processes.device, torch.bfloat16 if learner.brain_floats else torch.float32, settings.batch)
        journal: Journal | None = None
        if processes.leads:
            journal = Journal(run, start, Validation(cast.held_out, learner, processes.device), reporter)
        found: list[dict[str, Tensor]] = []
        losses: dict[str, float] = {}
        saved = time.monotonic()
        for step in steps:
            reporter.step("train", step, settings.steps)
            with meter.waiting():
                batch = next(batches)
            adversarial = 0 <= settings.adversarial_from <= step
            meter.count(learner, batch, adversarial)
            set_rates(learner, recipe, settings, step)
            found.append(learner.step(batch, adversarial))
            average.update(learner.painter, step)

            done = step + 1
            last = done == settings.steps
            if last or done % settings.log_steps == 0:
                losses = mean_losses(found, processes)
                found.clear()
                last = last or processes.agree(time.monotonic() > deadline)
                if journal:
                    journal.progress(done, losses, meter.read())
            if journal and (last or time.monotonic() - saved >= 60 * settings.save_minutes):
                with meter.aside():
                    save_checkpoint(checkpoint, done, learner, average)
                    save_weights(average.painter, weights.stem, weights)
                    journal.validation(done, average.painter)
                saved = time.monotonic()
            if last:
                reporter.step("train", done, settings.steps)
                return Trained(done, losses, weights)
    return Trained(start, {}, weights)


def check(settings: TrainSettings, processes: Processes) -> tuple[int, int]:
    """The range of `--photos`. Raises SettingError for what cannot be, before a run is begun with it."""
    if settings.side % 64:
        raise SettingError(f"--size cannot be {settings.side}", "Choose a multiple of 64")
    if settings.batch % processes.world:
        raise SettingError(f"--batch {settings.batch} cannot be shared by {processes.world} processes", "Choose a multiple")
    return shot_range(settings.photos)


def build_learner(
    settings: TrainSettings, recipe: Recipe, videos: int, processes: Processes, reporter: Reporter
) -> MetaLearner:
    """Networks and optimisers at their beginning, the same in every process. Raises MissingWeightsError, WrongFileError."""
    paths = {name: getattr(settings, name) for name in ARCHITECTURES if getattr(settings, name)}
    perceptual = {name: load_perceptual(ARCHITECTURES[name], Path(path)) for name, path in paths.items()}
    if not perceptual:
        reporter.note("No perceptual network is given (--hed, --vgg19, --vggface): it learns from pixels, and will be soft")
    weights = recipe.weights if perceptual or recipe.weights.pixel else PIXELS
    torch.manual_seed(settings.seed)
    preset = replace(PRESETS[settings.preset], size=settings.side)
    painter = Painter(preset)
    judging = replace(preset, channels=settings.discriminator_channels or preset.channels)
    networks = (painter, build_discriminator(judging, videos), Critics(perceptual, weights))
    for network in networks:
        network.to(processes.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    learner = MetaLearner(*networks, recipe.betas, uses_brain_floats(settings.precision, processes.device))
    for optimizer in (learner.optimizer, learner.critic_optimizer):
        optimizer.register_step_pre_hook(partial(_before_step, processes))
    return learner


def _before_step(processes: Processes, optimizer: torch.optim.Optimizer, *_: Any) -> None:
    """The processes' gradients become one, and no freak of a batch may throw the weights off."""
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    processes.average(parameter.grad for parameter in parameters if parameter.grad is not None)
    nn.utils.clip_grad_norm_(parameters, MOST_GRADIENT)


def uses_brain_floats(precision: str, device: torch.device) -> bool:
    """True if `--precision` asks for bf16 on this device."""
    if precision != "auto":
        return precision == "bf16"
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported()
    return device.type == "cpu" and torch.cpu._is_avx512_bf16_supported()


def set_rates(learner: MetaLearner, recipe: Recipe, settings: TrainSettings, step: int) -> None:
    """The learning rates of step number `step`: up at the start and, where the recipe says so, down by a cosine."""
    factor = min(1.0, (step + 1) / WARM_UP)
    if recipe.falling:
        factor *= 0.5 + 0.5 * math.cos(math.pi * step / settings.steps)
    rates = {learner.optimizer: settings.rate or recipe.rate, learner.critic_optimizer: DISCRIMINATOR_RATE}
    for optimizer, rate in rates.items():
        for group in optimizer.param_groups:
            group["lr"] = rate * factor


def mean_losses(found: Sequence[dict[str, Tensor]], processes: Processes) -> dict[str, float]:
    """Means over the steps in which a loss counted, and over the processes. The only place that waits for the device."""
    names = dict.fromkeys(name for losses in found for name in losses)
    means = torch.stack([torch.stack([losses[name].float() for losses in found if name in losses]).mean() for name in names])
    processes.average([means])
    return dict(zip(names, means.tolist(), strict=True))
