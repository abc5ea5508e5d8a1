# SPDX-License-Identifier: GPL-3.0-or-later
"""Courses: the data that a kind of preset learns from, and how: the paper's whole heads, or close-ups of mouth and eyes.

`meta.train` runs either: items make batches, a learner takes steps, a validation looks at people that are held out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.utils.data import default_collate

from ..learning import regions
from ..learning.losses import PIXELS, SECOND_VERSION
from ..learning.pairing import stack
from ..learning.perceptual import HED_VGG16, VGG19, VGGFACE, PerceptualLoss, load_perceptual
from ..learning.regions import RegionCritics, RegionLearner
from ..learning.steps import BETAS, DISCRIMINATOR_RATE, GENERATOR_RATE, Critics, MetaLearner
from ..network.build import build_discriminator
from ..network.few_shot import FewShotPainter
from ..network.painter import PRESETS, Painter
from ..network.patch import RegionDiscriminators
from ..network.warp import WarpPainter
from ..painting.devices import has_brain_floats
from ..progress import Reporter
from ..settings import TrainSettings
from .dataset import Items, long_enough
from .pairs import Pairs
from .processes import Processes
from .region_validation import RegionValidation
from .shards import Cast
from .validation import Validation

MOST_GRADIENT = 100.0
"""Norm to which a step's gradient is cut; of the paper's generator 20 to 45 were seen at 128 px."""
DISCRIMINATOR_CHANNELS = 48
"""Channels in the first layer of the regions' discriminators."""
ARCHITECTURES = {"hed": HED_VGG16, "vgg19": VGG19, "vggface": VGGFACE}
"""Perceptual networks by their setting and their place in LossWeights."""


Learner = MetaLearner | RegionLearner


@dataclass(frozen=True)
class Course:
    """See the module's docstring."""

    items: Items | Pairs
    collate: Callable[[Any], Any]
    """items to a batch"""
    learner: Learner
    validate: Callable[[], Validation | RegionValidation]
    rate: float
    discriminator_rate: float
    falling: bool
    """the rates fall to nothing over the run, by a cosine"""


def open_course(
    cast: Cast, settings: TrainSettings, photos: tuple[int, int], processes: Processes, reporter: Reporter
) -> Course:
    """Networks and optimisers at their beginning, the same in every process. Raises MissingWeightsError, WrongFileError."""
    paths = {name: getattr(settings, name) for name in ARCHITECTURES if getattr(settings, name)}
    perceptual = {name: load_perceptual(ARCHITECTURES[name], Path(path)) for name, path in paths.items()}
    if not perceptual:
        reporter.note("No perceptual network is given (--hed, --vgg19, --vggface): it learns from pixels, and will be soft")
    torch.manual_seed(settings.seed)
    of_kind = _of_regions if PRESETS[settings.preset].warps else _of_heads
    course = of_kind(cast, settings, photos, perceptual, processes)
    for optimizer in (course.learner.optimizer, course.learner.critic_optimizer):
        optimizer.register_step_pre_hook(partial(_before_step, processes))
    return course


def _of_heads(
    cast: Cast, settings: TrainSettings, photos: tuple[int, int], perceptual: dict[str, PerceptualLoss], processes: Processes
) -> Course:
    """Zakharov et al. 2019, section 3.2."""
    clips = long_enough(cast.training)
    preset = replace(PRESETS[settings.preset], size=settings.side)
    judging = replace(preset, channels=settings.discriminator_channels or preset.channels)
    painter, discriminator = FewShotPainter(preset), build_discriminator(judging, len(clips))
    critics = Critics(perceptual, SECOND_VERSION if perceptual else PIXELS)
    _place((painter, discriminator, critics), processes)
    learner = MetaLearner(painter, discriminator, critics, BETAS, uses_brain_floats(settings.precision, processes.device))
    items = Items(clips, settings.side, settings.batch, photos, settings.seed)
    validate = partial(Validation, cast.held_out, learner, processes.device)
    return Course(
        items, default_collate, learner, validate, settings.rate or GENERATOR_RATE, DISCRIMINATOR_RATE, falling=False
    )


def _of_regions(
    cast: Cast, settings: TrainSettings, photos: tuple[int, int], perceptual: dict[str, PerceptualLoss], processes: Processes
) -> Course:
    """Mouth and eyes in close-up. One perceptual network is enough for these."""
    painter = WarpPainter(PRESETS[settings.preset])
    discriminators = RegionDiscriminators(settings.discriminator_channels or DISCRIMINATOR_CHANNELS)
    critics = RegionCritics(next(iter(perceptual.values()), None))
    _place((painter, discriminators, critics), processes)
    learner = RegionLearner(painter, discriminators, critics, uses_brain_floats(settings.precision, processes.device))
    items = Pairs(cast.training, settings.side, settings.batch, photos, settings.seed)
    validate = partial(RegionValidation, cast.held_out, learner, settings.side, processes.device)
    return Course(items, stack, learner, validate, settings.rate or regions.RATE, regions.DISCRIMINATOR_RATE, falling=True)


def _place(networks: tuple[Painter | nn.Module, ...], processes: Processes) -> None:
    for network in networks:
        network.to(processes.device, memory_format=torch.channels_last)  # type: ignore[call-overload]


def _before_step(processes: Processes, optimizer: torch.optim.Optimizer, *_: Any) -> None:
    """The processes' gradients become one, and no freak of a batch may throw the weights off."""
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    processes.average(parameter.grad for parameter in parameters if parameter.grad is not None)
    nn.utils.clip_grad_norm_(parameters, MOST_GRADIENT)


def uses_brain_floats(precision: str, device: torch.device) -> bool:
    """True if `--precision` asks for bf16 on this device."""
    return has_brain_floats(device) if precision == "auto" else precision == "bf16"
