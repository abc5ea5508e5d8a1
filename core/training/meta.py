# SPDX-License-Identifier: GPL-3.0-or-later
"""Meta-learning: a painter learns from many people how to paint one that it sees for the first time.

Zakharov et al. 2019, section 3.2. Read `train` first. A run is one folder: the same command begins it, goes on after a kill,
and, under torchrun, spreads it over several processes that do the same as one.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from ..errors import SettingError
from ..learning.regions import RegionLearner
from ..painting.weights import load_weights, save_critics, save_weights, weights_name
from ..progress import Reporter, Silent
from ..settings import TrainSettings
from .average import Average
from .course import Course, open_course
from .dataset import load_batches, shot_range
from .flow import learn_flow
from .journal import Journal
from .pairs import Pairs
from .processes import Processes, join_processes
from .run_folder import CHECKPOINT, load_checkpoint, open_run, save_checkpoint
from .throughput import Meter

WARM_UP = 200
"""Steps over which the learning rate rises."""


class Trained(NamedTuple):
    """The result of a run."""

    step: int
    losses: dict[str, float]
    """means over the last steps that were reported"""
    weights: Path


def train(data: Sequence[Path], run: Path, settings: TrainSettings, reporter: Reporter) -> Trained:
    """Train on the shards in `data`, in the folder `run`, until the steps or the minutes are over. Raises HeadcastError."""
    deadline = time.monotonic() + 60 * (settings.minutes or math.inf)
    with join_processes(settings.device) as processes:
        reporter = reporter if processes.leads else Silent()
        photos = check(settings, processes)
        cast = open_run(run, data, settings, processes.leads, reporter)
        course = open_course(cast, settings, photos, processes, reporter)
        learner = course.learner
        checkpoint, weights = run / CHECKPOINT, run / f"{weights_name(settings.preset)}.safetensors"
        if settings.initial and not checkpoint.is_file():
            load_weights(learner.painter, Path(settings.initial))
        begins = settings.flow_pairs and not checkpoint.is_file()
        if begins and isinstance(learner, RegionLearner) and isinstance(course.items, Pairs):
            reporter.note(f"The residual flow is learned from {settings.flow_pairs} pairs")
            right = learn_flow(learner.painter.residual, course.items, settings.flow_pairs, settings.workers, reporter)
            reporter.note(f"It says {right:.0%} of what splines miss in pairs that it did not see")
        average = Average(learner.painter)
        start = load_checkpoint(checkpoint, learner, average)
        steps = range(start, settings.steps)
        batches = load_batches(course.items, course.collate, steps, settings.workers, processes)
        meter = Meter(processes.device, torch.bfloat16 if learner.brain_floats else torch.float32, settings.batch)
        journal: Journal | None = None
        if processes.leads:
            journal = Journal(run, start, course.validate(), reporter)
        found: list[dict[str, Tensor]] = []
        losses: dict[str, float] = {}
        saved = time.monotonic()
        for step in steps:
            reporter.step("train", step, settings.steps)
            with meter.waiting():
                batch = next(batches)
            adversarial = 0 <= settings.adversarial_from <= step
            meter.count(learner, batch, adversarial)
            set_rates(course, settings, step)
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
                    if isinstance(learner, RegionLearner):
                        save_critics(learner.discriminator, weights.stem, settings.preset, weights)
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


def set_rates(course: Course, settings: TrainSettings, step: int) -> None:
    """The learning rates of step number `step`: up at the start and, where the course says so, down by a cosine."""
    factor = min(1.0, (step + 1) / WARM_UP)
    if course.falling:
        factor *= 0.5 + 0.5 * math.cos(math.pi * step / settings.steps)
    learner = course.learner
    for optimizer, rate in ((learner.optimizer, course.rate), (learner.critic_optimizer, course.discriminator_rate)):
        for group in optimizer.param_groups:
            group["lr"] = rate * factor


def mean_losses(found: Sequence[dict[str, Tensor]], processes: Processes) -> dict[str, float]:
    """Means over the steps in which a loss counted, and over the processes. The only place that waits for the device."""
    names = dict.fromkeys(name for losses in found for name in losses)
    means = torch.stack([torch.stack([losses[name].float() for losses in found if name in losses]).mean() for name in names])
    processes.average([means])
    return dict(zip(names, means.tolist(), strict=True))
