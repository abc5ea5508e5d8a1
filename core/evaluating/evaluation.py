# SPDX-License-Identifier: GPL-3.0-or-later
"""The protocol: self-reenactment of held-out frames, and cross-identity, scored beside what every network must beat.

The first half of a clip gives the photos, its second half the drive and the truth. Everything goes the user's road: head
crops as numbered pictures, `adapt`, `track`, `render --opaque`, EXR. The baselines paint the same frames in the same run.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from ..arrays import Picture
from ..errors import NoFaceError, SettingError, writing
from ..files import ensure_writable
from ..imaging.read import read_photo
from ..landmarks.detectors import Detector, open_detector
from ..likeness import Likeness
from ..painting.devices import choose_device
from ..painting.player import load_painter
from ..progress import Reporter
from ..settings import EvaluateSettings
from .baseline import nearest_photo, piecewise_affine_warp
from .close_up import CloseScores
from .cross_identity import CrossScores, score_cross
from .groups import Groups, read_groups
from .response import Response, respond
from .roads import OURS, Method, MethodOutput, asked_for, make_likeness, our_methods, play
from .scores import Judge, Scores, Truth
from .sheet import Strip, write_sheet
from .subjects import Subject, find_sources, read_subject
from .trial import Trial, try_likeness

NEAREST, WARP, NOISE = "nearest photo", "warp", "detector noise"
CROSS_PHOTOS = 8


@dataclass(frozen=True)
class Row:
    """One clip by one method."""

    clip: str
    photos: int
    """0 where the method needs none"""
    method: str
    scores: Scores
    close: CloseScores = field(default_factory=CloseScores)
    response: Response = field(default_factory=Response)
    """against the true landmarks"""
    trial: Trial = field(default_factory=Trial)


@dataclass(frozen=True)
class CrossRow:
    """One clip's or picture's likeness in another clip's performance."""

    likeness: str
    drive: str
    method: str
    scores: CrossScores
    response: Response = field(default_factory=Response)
    """against the landmarks that the driver's motion asks for"""
    trial: Trial = field(default_factory=Trial)


@dataclass(frozen=True)
class Evaluation:
    """All that was measured."""

    summary: str
    """weights, steps, frames: what it was measured with"""
    notes: list[str]
    """what was left out, and why"""
    rows: list[Row]
    cross: list[CrossRow]
    groups: Groups = field(default_factory=dict)


class _Notebook:
    """A Reporter that also keeps the notes."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter
        self.notes: list[str] = []

    def step(self, what: str, done: int, total: int) -> None:
        self._reporter.step(what, done, total)

    def note(self, text: str) -> None:
        self.notes.append(text)
        self._reporter.note(text)


def evaluate(names: Sequence[str], settings: EvaluateSettings, reporter: Reporter) -> Evaluation:
    """Score every clip that `names` stand for, at every number of photos that the settings name. Raises HeadcastError."""
    # Checks that need no clip come first.
    counts = _photo_counts(settings)
    _check_outputs(settings)
    groups = read_groups(Path(settings.groups)) if settings.groups else {}
    painter, weights = load_painter(settings.preset, settings.side, settings.weights, choose_device(settings.device))
    methods = our_methods(settings, untrained=bool(weights) and painter.starts_as_warp)
    notebook = _Notebook(reporter)
    rows: list[Row] = []
    cross: list[CrossRow] = []
    with (
        tempfile.TemporaryDirectory(prefix="headcast-evaluate-") as folder,
        closing(open_detector(settings.detector, settings.device)) as detector,
    ):
        judge = Judge(detector, settings, notebook)
        subjects = _read_subjects(names, Path(folder), settings, detector, notebook)
        clips = [subject for subject in subjects if subject.performance]
        for i, subject in enumerate(clips):
            notebook.step("score", i, len(clips))
            rows += _score_subject(subject, counts, methods, judge, settings, notebook)
        notebook.step("score", len(clips), len(clips))
        trials: dict[Path, Trial] = {}
        pairs = _pairs(subjects) if settings.cross else []
        for i, (subject, driver) in enumerate(pairs):
            notebook.step("cross-identity", i, len(pairs))
            cross += _cross(subject, driver, methods, judge, settings, trials)
        notebook.step("cross-identity", len(pairs), len(pairs))
    return Evaluation(_summary(settings, weights), notebook.notes, rows, cross, groups)


def _pairs(subjects: Sequence[Subject]) -> list[tuple[Subject, Subject]]:
    """Whose likeness plays whose performance: each clip the next clip's, each picture every clip's."""
    clips = [subject for subject in subjects if subject.performance]
    pairs = [(clip, clips[(i + 1) % len(clips)]) for i, clip in enumerate(clips)] if len(clips) > 1 else []
    return pairs + [(subject, clip) for subject in subjects if not subject.performance for clip in clips]


def _read_subjects(
    names: Sequence[str], folder: Path, settings: EvaluateSettings, detector: Detector, reporter: Reporter
) -> list[Subject]:
    """All clips that can be scored. Raises NoFaceError where too few can."""
    sources = find_sources(names)
    subjects = []
    for i, source in enumerate(sources):
        reporter.step("read clips", i, len(sources))
        try:
            subjects.append(read_subject(source, folder / f"{i:03d}", settings, detector))
        except NoFaceError as error:
            reporter.note(f"Left out: {error.message}")
    reporter.step("read clips", len(sources), len(sources))
    enough = bool(_pairs(subjects)) if settings.cross else any(subject.performance for subject in subjects)
    if not enough:
        needed = "a clip and another clip or a picture" if settings.cross else "a clip"
        raise NoFaceError(f"{len(subjects)} of {len(sources)} sources can be scored, {needed} is needed", "Give more clips")
    return subjects


def _score_subject(
    subject: Subject,
    counts: Sequence[int],
    methods: Sequence[Method],
    judge: Judge,
    settings: EvaluateSettings,
    reporter: Reporter,
) -> list[Row]:
    """The subject at every number of photos that it has."""
    truths = judge.look(subject, _held_out(subject))
    rows = [Row(subject.name, 0, NOISE, *judge.detector_noise(truths))]
    for count in counts:
        if count > len(subject.photos):
            reporter.note(f"Left out: {subject.name} at {count} photos, it has {len(subject.photos)}")
        else:
            rows += _reenact(subject, count, methods, truths, judge, settings)
    return rows


def _photo_counts(settings: EvaluateSettings) -> list[int]:
    try:
        counts = [int(count) for count in settings.photos.split(",")]
    except ValueError:
        counts = [0]
    if min(counts) < 1:
        raise SettingError(f"--photos cannot be '{settings.photos}'", "Give numbers from 1, with commas between: 1,8,32")
    return counts


def _check_outputs(settings: EvaluateSettings) -> None:
    if settings.csv:
        ensure_writable(Path(settings.csv))
    if settings.sheets:
        with writing(Path(settings.sheets)):
            Path(settings.sheets).mkdir(parents=True, exist_ok=True)


def _summary(settings: EvaluateSettings, weights: str) -> str:
    steps = f"feed-forward and {settings.steps} fine-tuning steps" if settings.steps else "feed-forward"
    return (
        f"`{settings.preset}`, weights {weights or 'none (geometry alone)'}, {steps}; up to {settings.frames} held-out "
        f"frames of each clip at {settings.side} px, points by {settings.detector}"
    )


def _held_out(subject: Subject) -> list[Picture]:
    return [read_photo(path) for path in subject.held_out]


def _reenact(
    subject: Subject,
    count: int,
    methods: Sequence[Method],
    truths: Sequence[Truth],
    judge: Judge,
    settings: EvaluateSettings,
) -> list[Row]:
    """The subject's own held-out frames, from `count` photos, by every method."""
    likenesses = {method.name: make_likeness(subject, count, method) for method in methods}
    photos = Likeness.load(likenesses[OURS])
    near = photos.landmarks[[nearest_photo(truth.landmarks, photos.landmarks) for truth in truths]]
    shown = _baselines(photos, truths)
    shown |= {method.name: play(likenesses[method.name], subject.drive, method.settings) for method in methods}
    trials = {
        method.name: try_likeness(likenesses[method.name], method.settings.weights, settings, judge.detector)
        for method in methods
    }
    if settings.sheets:
        wanted = np.stack([truth.landmarks for truth in truths])
        strips = [Strip(shown[NEAREST].pictures, near), Strip([truth.picture for truth in truths], wanted)]
        strips += [Strip(made.pictures, wanted) for method, made in shown.items() if method != NEAREST]
        write_sheet(Path(settings.sheets) / f"{Path(subject.name).stem}_{count}.png", strips, wanted)
    return [
        Row(
            subject.name,
            count,
            method,
            *judge.score(made.pictures, truths, near, made.seconds),
            trials.get(method, Trial()),
        )
        for method, made in shown.items()
    ]


def _baselines(likeness: Likeness, truths: Sequence[Truth]) -> dict[str, MethodOutput]:
    """The nearest photo for each frame as it is, and bent to the frame's landmarks."""
    started = perf_counter()
    nearest = [nearest_photo(truth.landmarks, likeness.landmarks) for truth in truths]
    chosen = perf_counter()
    bent = [
        piecewise_affine_warp(likeness.pictures[photo], likeness.landmarks[photo], truth.landmarks)
        for photo, truth in zip(nearest, truths, strict=True)
    ]
    done = perf_counter()
    return {
        NEAREST: MethodOutput([likeness.pictures[photo] for photo in nearest], (chosen - started) / len(truths)),
        WARP: MethodOutput(bent, (done - started) / len(truths)),
    }


def _cross(
    subject: Subject,
    driver: Subject,
    methods: Sequence[Method],
    judge: Judge,
    settings: EvaluateSettings,
    trials: dict[Path, Trial],
) -> list[CrossRow]:
    """The subject's likeness in the driver's held-out performance. trials: of the likenesses that were tried already."""
    assert driver.performance is not None
    driving = _held_out(driver)
    wanted: NDArray[np.float32] = driver.performance.landmarks
    strips: list[Strip] = []
    rows = []
    for method in methods:
        path = make_likeness(subject, min(CROSS_PHOTOS, len(subject.photos)), method)
        likeness = Likeness.load(path)
        if path not in trials:
            trials[path] = try_likeness(path, method.settings.weights, settings, judge.detector)
        if not strips:
            own = np.repeat(likeness.landmarks[:1], len(driving), axis=0)
            strips = [Strip([likeness.pictures[0]] * len(driving), own), Strip(driving, wanted)]
            wanted = asked_for(likeness, driver.performance, settings, settings.motion)
        shown = play(path, driver.drive, method.settings, settings.motion)
        strips.append(Strip(shown.pictures, wanted))
        rows.append(
            CrossRow(
                subject.name,
                driver.name,
                method.name,
                score_cross(likeness, driving, shown, judge),
                respond([judge.find(picture) for picture in shown.pictures], wanted),
                trials[path],
            )
        )
    if settings.sheets:
        write_sheet(Path(settings.sheets) / f"{Path(subject.name).stem}_as_{Path(driver.name).stem}.png", strips, wanted)
    return rows
