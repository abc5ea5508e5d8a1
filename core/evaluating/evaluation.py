"""The protocol: self-reenactment of held-out frames, and cross-identity, scored beside what every network must beat.

The first half of a clip gives the photos, its second half the drive and the truth. Everything goes the user's road: head
crops as numbered pictures, `adapt`, `track`, `render --opaque`, EXR. The baselines paint the same frames in the same run.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import numpy as np

from ..errors import NoFaceError, SettingError, writing
from ..files import ensure_writable
from ..imaging.preview import contact_sheet, write_png
from ..imaging.read import Picture, read_photo
from ..landmarks.detectors import Detector, open_detector
from ..likeness import Likeness
from ..painting.devices import choose_device
from ..painting.player import load_painter
from ..progress import Reporter
from ..settings import EvaluateSettings
from .baseline import nearest_photo, piecewise_affine_warp
from .cross_identity import CrossScores, follow
from .roads import Shown, make_likeness, play
from .scores import Judge, Scores, Truth
from .subjects import Subject, find_sources, read_subject

NEAREST, WARP, OURS, TUNED, NOISE = "nearest photo", "warp", "ours", "ours, tuned", "detector noise"
SHEET_FRAMES = 6
CROSS_PHOTOS = 8


@dataclass(frozen=True)
class Row:
    """One clip by one method."""

    clip: str
    photos: int
    """0 where the method needs none"""
    method: str
    scores: Scores


@dataclass(frozen=True)
class CrossRow:
    """One clip's likeness in another clip's performance."""

    likeness: str
    drive: str
    method: str
    scores: CrossScores


@dataclass(frozen=True)
class Evaluation:
    """All that was measured."""

    summary: str
    """weights, steps, frames: what it was measured with"""
    notes: list[str]
    """what was left out, and why"""
    rows: list[Row]
    cross: list[CrossRow]


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
    # What can fail without a clip being read fails first.
    counts = _photo_counts(settings)
    _check_outputs(settings)
    _, weights = load_painter(settings.preset, settings.side, settings.weights, choose_device(settings.device))
    notebook = _Notebook(reporter)
    rows: list[Row] = []
    cross: list[CrossRow] = []
    with (
        tempfile.TemporaryDirectory(prefix="headcast-evaluate-") as folder,
        closing(open_detector(settings.detector, settings.device)) as detector,
    ):
        judge = Judge(detector, settings, notebook)
        subjects = _read_subjects(names, Path(folder), settings, detector, notebook)
        for i, subject in enumerate(subjects):
            notebook.step("score", i, len(subjects))
            rows += _score_subject(subject, counts, judge, settings, notebook)
        notebook.step("score", len(subjects), len(subjects))
        if settings.cross:
            for i, subject in enumerate(subjects):
                notebook.step("cross-identity", i, len(subjects))
                cross += _cross(subject, subjects[(i + 1) % len(subjects)], judge, settings)
            notebook.step("cross-identity", len(subjects), len(subjects))
    return Evaluation(_summary(settings, weights), notebook.notes, rows, cross)


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
    least = 2 if settings.cross else 1
    if len(subjects) < least:
        raise NoFaceError(f"{len(subjects)} of {len(sources)} clips can be scored, {least} are needed", "Give more clips")
    return subjects


def _score_subject(
    subject: Subject, counts: Sequence[int], judge: Judge, settings: EvaluateSettings, reporter: Reporter
) -> list[Row]:
    """The subject at every number of photos that it has."""
    truths = judge.look(subject, _held_out(subject))
    rows = [Row(subject.name, 0, NOISE, judge.detector_noise(truths))]
    for count in counts:
        if count > len(subject.photos):
            reporter.note(f"Left out: {subject.name} at {count} photos, it has {len(subject.photos)}")
        else:
            rows += _reenact(subject, count, truths, judge, settings)
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


def _reenact(subject: Subject, count: int, truths: Sequence[Truth], judge: Judge, settings: EvaluateSettings) -> list[Row]:
    """The subject's own held-out frames, from `count` photos, by every method."""
    likenesses = {method: make_likeness(subject, count, steps, settings) for method, steps in _methods(settings).items()}
    shown = _baselines(Likeness.load(likenesses[OURS]), truths)
    shown |= {method: play(path, subject.drive, settings) for method, path in likenesses.items()}
    if settings.sheets:
        others = [made.pictures for method, made in shown.items() if method != NEAREST]
        rows = [shown[NEAREST].pictures, [truth.picture for truth in truths], *others]
        _write_sheet(Path(settings.sheets) / f"{Path(subject.name).stem}_{count}.png", rows)
    return [
        Row(subject.name, count, method, judge.score(made.pictures, truths, made.seconds)) for method, made in shown.items()
    ]


def _baselines(likeness: Likeness, truths: Sequence[Truth]) -> dict[str, Shown]:
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
        NEAREST: Shown([likeness.pictures[photo] for photo in nearest], (chosen - started) / len(truths)),
        WARP: Shown(bent, (done - started) / len(truths)),
    }


def _cross(subject: Subject, driver: Subject, judge: Judge, settings: EvaluateSettings) -> list[CrossRow]:
    """The subject's likeness in the driver's held-out performance."""
    driving = _held_out(driver)
    sheet: list[Sequence[Picture]] = [[read_photo(subject.photos[0])] * len(driving), driving]
    rows = []
    for method, steps in _methods(settings).items():
        path = make_likeness(subject, min(CROSS_PHOTOS, len(subject.photos)), steps, settings)
        shown = play(path, driver.drive, settings, settings.motion)
        rows.append(CrossRow(subject.name, driver.name, method, follow(Likeness.load(path), driving, shown, judge)))
        sheet.append(shown.pictures)
    if settings.sheets:
        _write_sheet(Path(settings.sheets) / f"{Path(subject.name).stem}_as_{Path(driver.name).stem}.png", sheet)
    return rows


def _methods(settings: EvaluateSettings) -> dict[str, int]:
    """Fine-tuning steps of each method of ours."""
    return {OURS: 0, TUNED: settings.steps} if settings.steps else {OURS: 0}


def _write_sheet(path: Path, rows: Sequence[Sequence[Picture]]) -> None:
    """Of each row the same few frames, spread evenly."""
    chosen = np.linspace(0, len(rows[0]) - 1, SHEET_FRAMES).round().astype(int)
    write_png(path, contact_sheet([[row[i] for i in chosen] for row in rows]))
