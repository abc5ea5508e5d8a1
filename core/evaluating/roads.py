# SPDX-License-Identifier: GPL-3.0-or-later
"""The user's own roads as the evaluation walks them: `adapt` with a number of photos, `render --opaque` of a performance."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..adapting.adapt import adapt
from ..arrays import Picture
from ..imaging.crop import to_crop
from ..imaging.read import read_photo
from ..likeness import Likeness
from ..painting.weights import NO_WEIGHTS
from ..performance import Performance
from ..progress import Silent, Stopwatch
from ..rendering.frames import directed, framed
from ..rendering.render import render
from ..settings import AdaptSettings, EvaluateSettings, RenderSettings
from .subjects import Subject

UNTRAINED, OURS, TUNED = "untrained", "ours", "ours, tuned"


class Method(NamedTuple):
    """One of Headcast's ways to paint."""

    name: str
    steps: int
    """of fine-tuning"""
    settings: EvaluateSettings
    """whose weights are the method's"""


class MethodOutput(NamedTuple):
    """One method's rendering of a performance."""

    pictures: list[Picture]
    """[F] of [S, S, 3], sRGB"""
    seconds: float
    """a frame, in the median: the first ones are slower"""


def our_methods(settings: EvaluateSettings, untrained: bool) -> list[Method]:
    """The painter without weights, where `untrained` asks for it; ours; fine-tuned, where the settings do."""
    methods = [Method(OURS, 0, settings)]
    if untrained:
        methods.insert(0, Method(UNTRAINED, 0, replace(settings, weights=NO_WEIGHTS)))
    if settings.steps:
        methods.append(Method(TUNED, settings.steps, settings))
    return methods


def make_likeness(subject: Subject, photos: int, method: Method) -> Path:
    """The likeness from `photos` of the subject's photos, spread over them evenly; made once."""
    settings = method.settings
    chosen = np.linspace(0, len(subject.photos) - 1, photos).round().astype(int)
    path = subject.folder / f"{photos}_photos_{method.name.replace(', ', '_')}.likeness"
    if path.exists():
        return path
    adapt(
        [str(subject.photos[i]) for i in chosen],
        path,
        AdaptSettings(
            preset=settings.preset,
            steps=method.steps,
            crop="full",
            size=settings.side,
            detail=0,
            detector=settings.detector,
            weights=settings.weights,
            device=settings.device,
        ),
        Silent(),
    )
    return path


def play(likeness: Path, performance: Path, settings: EvaluateSettings, motion: str = "absolute") -> MethodOutput:
    """The likeness plays the performance, beside the likeness' file."""
    stopwatch = Stopwatch()
    output = likeness.parent / f"{likeness.stem}_{performance.parent.name}_{motion}.#####.exr"
    take = render(likeness, performance, str(output), _as_rendered(settings, motion), stopwatch)
    pictures = [read_photo(take.pattern.path(number)) for number in take.frames]
    return MethodOutput(pictures, stopwatch.seconds())


def asked_for(likeness: Likeness, performance: Performance, settings: EvaluateSettings, motion: str) -> NDArray[np.float32]:
    """[F, 70, 2] where `play` wants the landmarks, in pixels of the likeness' crop."""
    rendered = _as_rendered(settings, motion)
    shown, wanted = directed(framed(performance, likeness, rendered), likeness, rendered)
    return to_crop(wanted, shown.crops, likeness.size)


def _as_rendered(settings: EvaluateSettings, motion: str) -> RenderSettings:
    return RenderSettings(motion=motion, opaque=True, crop="full", tries=0, weights=settings.weights, device=settings.device)
