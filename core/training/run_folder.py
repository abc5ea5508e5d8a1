# SPDX-License-Identifier: GPL-3.0-or-later
"""The folder of a training run, kept so that the same command goes on where it was: settings, people, checkpoint."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from ..errors import SettingError, WrongFileError, writing
from ..files import whole_file
from ..progress import Reporter
from ..settings import TrainSettings
from .average import Average
from .course import Learner
from .shards import Cast, ShardClip, read_clips

SETTINGS, CHECKPOINT, SHEET, BOARD = "settings.json", "checkpoint.pt", "sheet.png", "board"
FIXED = ("preset", "size", "batch", "photos", "seed", "discriminator_channels")
"""Settings with which a run stands or falls; the others may be changed when it goes on."""
HELD_OUT = 20
"""One person in so many is validated on, where nothing else is given."""


def open_run(run: Path, data: Sequence[Path], settings: TrainSettings, leads: bool, reporter: Reporter) -> Cast:
    """Begin a run in the folder `run`, or find out that this one goes on, with the clips that it began with.

    leads: this process writes. Raises SettingError where a setting does not fit the run, WrongFileError where clips lack.
    """
    clips = read_clips(data)
    by_name = {clip.name: clip for clip in clips}
    if len(by_name) < len(clips):
        twice = next(clip.name for i, clip in enumerate(clips) if by_name[clip.name] is not clip)
        raise WrongFileError(
            f"Two clips of the training data are called '{twice}'", "Make one of the sets with another seed"
        )
    path = run / SETTINGS
    if path.is_file():
        recorded = _read(path)
        _check(run, recorded["settings"], settings)
        names, held = recorded["clips"], recorded["held_out"]
        lacking = [name for name in (*names, *held) if name not in by_name]
        if lacking:
            raise WrongFileError(
                f"{len(lacking)} clips of {run} are gone ({lacking[0]})", "Give all shards that it began with"
            )
        if len(by_name) > len(names) + len(held):
            reporter.note(f"{len(by_name) - len(names) - len(held)} new clips are left out: begin a new run for them")
    else:
        names, held = _split(clips, hold_out=not settings.validate)
        if leads:
            content = {"settings": asdict(settings), "clips": names, "held_out": held}
            with writing(run):
                run.mkdir(parents=True, exist_ok=True)
            with whole_file(path) as part:
                part.write_text(json.dumps(content, indent=1))
    held_out = read_clips([Path(settings.validate)]) if settings.validate else [by_name[name] for name in held]
    training = [by_name[name] for name in names]
    return Cast(training, held_out or training)


def _read(path: Path) -> dict[str, Any]:
    try:
        recorded: dict[str, Any] = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise WrongFileError(f"{path} cannot be read ({error})", "Begin in another folder") from error
    return recorded


def _check(run: Path, recorded: dict[str, Any], settings: TrainSettings) -> None:
    for name in FIXED:
        value = getattr(settings, name)
        if recorded[name] != value:
            raise SettingError(
                f"{run} was begun with --{name.replace('_', '-')} {recorded[name]}, not {value}",
                "Give the same, or begin another run with --initial",
            )


def _split(clips: Sequence[ShardClip], hold_out: bool) -> tuple[list[str], list[str]]:
    """Names of the clips to train on and of those to validate on; no person is in both."""
    persons = sorted({clip.person for clip in clips})
    held = set(persons[min(HELD_OUT // 2, len(persons) // 2) :: HELD_OUT] if hold_out and len(persons) > 1 else [])
    parts = ([clip.name for clip in clips if (clip.person in held) == wanted] for wanted in (False, True))
    training, held_out = parts
    return training, held_out


def save_checkpoint(path: Path, step: int, learner: Learner, average: Average) -> None:
    """Write all that the run needs to go on after `step` steps, whole or not at all. Raises UnwritableError."""
    content = {
        "step": step,
        "painter": learner.painter.state_dict(),
        "average": average.painter.state_dict(),
        "discriminator": learner.discriminator.state_dict(),
        "optimizer": learner.optimizer.state_dict(),
        "critic_optimizer": learner.critic_optimizer.state_dict(),
    }
    with whole_file(path) as part, open(part, "wb") as file:
        torch.save(content, file)


def load_checkpoint(path: Path, learner: Learner, average: Average) -> int:
    """Take up what `save_checkpoint` wrote; returns the steps that were done, none if there is no file.

    Raises WrongFileError where it is damaged or does not fit.
    """
    if not path.is_file():
        return 0
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        learner.painter.load_state_dict(content["painter"])
        average.painter.load_state_dict(content["average"])
        learner.discriminator.load_state_dict(content["discriminator"])
        learner.optimizer.load_state_dict(content["optimizer"])
        learner.critic_optimizer.load_state_dict(content["critic_optimizer"])
    except (RuntimeError, OSError, KeyError, ValueError, EOFError) as error:
        raise WrongFileError(f"{path} is damaged, or of another network ({error})", "Begin in another folder") from error
    return int(content["step"])
