"""The user's own roads as the evaluation walks them: `adapt` with a number of photos, `render --opaque` of a performance."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..adapting.adapt import adapt
from ..imaging.read import Picture, read_photo
from ..progress import Silent, Stopwatch
from ..rendering.render import render
from ..settings import AdaptSettings, EvaluateSettings, RenderSettings
from .subjects import Subject


class Shown(NamedTuple):
    """What one method made of a performance."""

    pictures: list[Picture]
    """[F] of [S, S, 3], sRGB"""
    seconds: float
    """a frame, in the median: the first ones are slower"""


def make_likeness(subject: Subject, photos: int, steps: int, settings: EvaluateSettings) -> Path:
    """The likeness from `photos` of the subject's photos, spread over them evenly, fine-tuned for `steps` steps."""
    chosen = np.linspace(0, len(subject.photos) - 1, photos).round().astype(int)
    path = subject.folder / f"{photos}_photos_{steps}_steps.likeness"
    adapt(
        [str(subject.photos[i]) for i in chosen],
        path,
        AdaptSettings(
            preset=settings.preset,
            steps=steps,
            crop="full",
            size=settings.side,
            detail=0,
            detector=settings.detector,
            weights=settings.weights,
            perceptual=settings.perceptual,
            device=settings.device,
        ),
        Silent(),
    )
    return path


def play(likeness: Path, performance: Path, settings: EvaluateSettings, motion: str = "absolute") -> Shown:
    """The likeness plays the performance, beside the likeness' file."""
    stopwatch = Stopwatch()
    output = likeness.parent / f"{likeness.stem}_{performance.parent.name}_{motion}.#####.exr"
    take = render(
        likeness,
        performance,
        str(output),
        RenderSettings(motion=motion, opaque=True, crop="full", tries=0, weights=settings.weights, device=settings.device),
        stopwatch,
    )
    pictures = [read_photo(take.pattern.path(number)) for number in take.frames]
    return Shown(pictures, stopwatch.seconds())
