# SPDX-License-Identifier: GPL-3.0-or-later
"""The jobs by name: those of the command line, and those for which the add-on alone asks.

The command line and the worker both come through here. Each job takes its arguments (paths as strings) and its settings
(a dictionary of fields) and gives a result of plain values.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from .errors import SettingError
from .progress import Reporter
from .settings import (
    AdaptSettings,
    BundleSettings,
    CheckSettings,
    DissectSettings,
    EvaluateSettings,
    MeasureSettings,
    PrepareSettings,
    RenderSettings,
    SetUpSettings,
    SynthesizeSettings,
    TrackSettings,
    TrainSettings,
)

Result = dict[str, Any]


def run_adapt(photos: list[str], output: str, settings: AdaptSettings, reporter: Reporter) -> Result:
    from .adapting.adapt import adapt

    likeness = adapt(photos, Path(output), settings, reporter)
    return {"likeness": output, "preset": likeness.preset, "weights": likeness.weights, "photos": len(likeness)}


def run_inspect(photos: list[str], folder: str, settings: AdaptSettings, reporter: Reporter) -> Result:
    from .adapting.inspecting import inspect

    found = inspect(photos, Path(folder), settings, reporter)
    return {"photos": [{**asdict(photo), "path": str(photo.path), "thumbnail": str(photo.thumbnail)} for photo in found]}


def run_track(clip: str, output: str, settings: TrackSettings, reporter: Reporter) -> Result:
    if Path(clip).suffix.lower() == ".csv":
        from .tracking.capture import capture as read_motion
    else:
        from .tracking.track import track as read_motion
    performance = read_motion(clip, Path(output), settings, reporter)
    return {
        "performance": output,
        "frames": len(performance),
        "seen": int(performance.seen.sum()),
        "first": int(performance.frames[0]),
        "rate": float(performance.rate),
    }


def run_detect(clip: str, frame: int, settings: TrackSettings, reporter: Reporter) -> Result:
    from .tracking.detecting import detect

    face, (width, height) = detect(clip, frame, settings, reporter)
    return {"landmarks": face.landmarks.tolist(), "confidence": face.confidence, "width": width, "height": height}


def run_measure(performance: str, output: str, settings: MeasureSettings, reporter: Reporter) -> Result:
    from .performance import Performance
    from .tracking.measuring import write_measures

    return {"table": output, "seen": write_measures(Performance.load(Path(performance)), Path(output))}


def run_dissect(settings: DissectSettings, reporter: Reporter, likeness: str = "", performance: str = "") -> Result:
    """Take apart the face of a likeness or of a performance."""
    from .imaging.read import parse_rate
    from .tracking.dissecting import dissect_likeness, dissect_performance

    rate = parse_rate(settings.rate) if settings.rate else None
    found = dissect_likeness(Path(likeness)) if likeness else dissect_performance(Path(performance), rate)
    return {name: values.tolist() for name, values in found._asdict().items()}


def run_render(
    likeness: str, performance: str, output: str, settings: RenderSettings, reporter: Reporter, thumbnail: str = ""
) -> Result:
    """With a `thumbnail`, the head of a frame just rendered is shown there while the job runs."""
    from .rendering.render import render

    shown = Path(thumbnail) if thumbnail else None
    take = render(Path(likeness), Path(performance), output, settings, reporter, shown)
    return {
        "pattern": str(take.pattern),
        "output": str(take.pattern.path(take.frames[0])),
        "manifest": str(take.pattern.manifest),
        "frames": len(take.frames),
        "written": take.written,
        "first": take.frames[0],
        "last": take.frames[-1],
        "width": take.width,
        "height": take.height,
        "rate": take.rate,
    }


def run_bundle(
    likeness: str, performance: str, output: str, folder: str, settings: BundleSettings, reporter: Reporter
) -> Result:
    from .farming.bundle import write_bundle

    template, chunks = write_bundle(Path(likeness), Path(performance), output, Path(folder), settings)
    return {"template": str(template), "tasks": len(chunks)}


def run_preview(
    likeness: str, canvas: str, drive: dict[str, Any], draft: bool, settings: RenderSettings, reporter: Reporter
) -> Result:
    from .rendering.preview import preview

    return preview(Path(likeness), Path(canvas), drive, draft, settings)._asdict()


def run_evaluate(clips: list[str], settings: EvaluateSettings, reporter: Reporter) -> Result:
    from .evaluating.evaluation import evaluate
    from .evaluating.report import markdown, record, write_csv

    found = evaluate(clips, settings, reporter)
    if settings.csv:
        write_csv(found, Path(settings.csv))
    rows, cross = ([record(row) for row in each] for each in (found.rows, found.cross))
    return {"rows": rows, "cross": cross, "table": markdown(found)}


def run_synthesize(output: str, settings: SynthesizeSettings, reporter: Reporter) -> Result:
    from .synthetic.synthesize import synthesize

    made = asdict(synthesize(Path(output), settings, reporter))
    return {"folder": output, **made, "sheet": str(made["sheet"])}


def run_prepare(videos: list[str], output: str, settings: PrepareSettings, reporter: Reporter) -> Result:
    from .training.prepare import prepare

    return {"folder": output, **asdict(prepare(videos, Path(output), settings, reporter))}


def run_train(data: list[str], output: str, settings: TrainSettings, reporter: Reporter) -> Result:
    from .training.meta import train

    trained = train([Path(folder) for folder in data], Path(output), settings, reporter)
    return {"run": output, "step": trained.step, "losses": trained.losses, "weights": str(trained.weights)}


def run_set_up(folder: str, online: bool, settings: SetUpSettings, reporter: Reporter) -> Result:
    from .installing.set_up import set_up

    return {"python": str(set_up(Path(folder), online, settings, reporter))}


def run_remove(folder: str, settings: CheckSettings, reporter: Reporter) -> Result:
    from .installing.environment import Environment

    reporter.step("remove the engine", 0, 1)
    Environment(Path(folder)).remove()
    return {"folder": folder}


def run_check(settings: CheckSettings, reporter: Reporter) -> Result:
    from .examining import examine

    reporter.step("check the engine", 0, 1)
    return examine()


JOBS: dict[str, tuple[Callable[..., Result], type[Any]]] = {
    "adapt": (run_adapt, AdaptSettings),
    "inspect": (run_inspect, AdaptSettings),
    "track": (run_track, TrackSettings),
    "detect": (run_detect, TrackSettings),
    "render": (run_render, RenderSettings),
    "bundle": (run_bundle, BundleSettings),
    "preview": (run_preview, RenderSettings),
    "measure": (run_measure, MeasureSettings),
    "dissect": (run_dissect, DissectSettings),
    "set_up": (run_set_up, SetUpSettings),
    "check": (run_check, CheckSettings),
    "remove": (run_remove, CheckSettings),
    "evaluate": (run_evaluate, EvaluateSettings),
    "synthesize": (run_synthesize, SynthesizeSettings),
    "train": (run_train, TrainSettings),
    "prepare": (run_prepare, PrepareSettings),
}


def run_job(name: str, arguments: dict[str, Any], settings: dict[str, Any], reporter: Reporter) -> Result:
    """Run the job called `name`. Raises SettingError for a name or a setting that is not known."""
    if name not in JOBS:
        raise SettingError(f"There is no job '{name}'", f"Choose one of: {', '.join(JOBS)}")
    function, kind = JOBS[name]
    try:
        chosen = kind(**settings)
    except TypeError as error:
        raise SettingError(
            f"A setting of '{name}' is not known ({error})", "Use one version of Headcast throughout"
        ) from error
    return function(**arguments, settings=chosen, reporter=reporter)
