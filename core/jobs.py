# SPDX-License-Identifier: GPL-3.0-or-later
"""The jobs by name: those of the command line, and those for which the add-on alone asks.

The command line and the worker both come through here. Each job takes its arguments (paths as strings) and its settings
(a dictionary of fields) and gives a result of plain values.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from .errors import SettingError
from .progress import Reporter
from .settings import (
    AdaptSettings,
    BundleSettings,
    CheckSettings,
    ConsentSettings,
    DissectSettings,
    EvaluateSettings,
    ForgetSettings,
    MeasureSettings,
    PrepareSettings,
    RenderSettings,
    SetUpSettings,
    ShareSettings,
    SpeakSettings,
    SynthesizeSettings,
    TrackSettings,
    TrainSettings,
    TurnoverSettings,
    VerifySettings,
)

Result = dict[str, Any]


def run_adapt(
    photos: list[str], output: str, settings: AdaptSettings, reporter: Reporter, consent: dict[str, str] | None = None
) -> Result:
    """`consent` has the fields of `Consent`; a file that the settings name goes before it."""
    from .adapting.adapt import adapt
    from .consent import Consent

    allowed = Consent(**consent or {}).with_paper(Path())
    likeness = adapt(photos, Path(output), settings, reporter, allowed)
    return {
        "likeness": output,
        "preset": likeness.preset,
        "weights": likeness.weights,
        "photos": len(likeness),
        "consent": likeness.consent.words,
    }


def run_consent(likeness: str, settings: ConsentSettings, reporter: Reporter) -> Result:
    """Put a record into a likeness where the settings name one, and say what is there."""
    from .consent import read_consent
    from .likeness import read_card, record_consent

    if settings.consent:
        record_consent(Path(likeness), read_consent(Path(settings.consent)))
    consent = read_card(Path(likeness)).consent
    return {"likeness": likeness, "consent": consent.words, "ended": consent.has_ended(), **consent.summary}


def run_forget(likeness: str, settings: ForgetSettings, reporter: Reporter, folders: list[str] | None = None) -> Result:
    """Takes are looked for in `folders`; without any in the likeness' own."""
    from .provenance.forgetting import forget, to_forget

    act = to_forget if settings.list_only else forget
    gone = act(Path(likeness), [Path(folder) for folder in folders or [str(Path(likeness).parent)]])
    takes = [{"manifest": str(take.manifest), "frames": take.frames} for take in gone.takes]
    return {
        "likeness": likeness,
        "person": gone.person,
        "deleted": [str(path) for path in gone.deleted],
        "takes": takes,
        "list_only": settings.list_only,
    }


def run_inspect(photos: list[str], folder: str, settings: AdaptSettings, reporter: Reporter) -> Result:
    from .adapting.inspecting import inspect

    found = inspect(photos, Path(folder), settings, reporter)
    return {"photos": [{**asdict(photo), "path": str(photo.path), "thumbnail": str(photo.thumbnail)} for photo in found]}


def run_verify(path: str, settings: VerifySettings, reporter: Reporter) -> Result:
    """`state` is that of the worst, `code` what a pipeline is told of it."""
    from .provenance.verifying import EXIT_CODES, verify, worst

    found = verify(Path(path), reporter, Path(settings.takes) if settings.takes else None)
    state = worst(found)
    return {
        "state": state,
        "code": EXIT_CODES[state],
        "verdicts": [{**asdict(verdict), "path": str(verdict.path)} for verdict in found],
    }


def run_share(take: str, output: str, settings: ShareSettings, reporter: Reporter) -> Result:
    from .provenance.sharing import share
    from .provenance.verifying import take_at

    return {"output": output, **share(take_at(Path(take)), Path(output), settings, reporter)._asdict()}


def run_turnover(take: str, output: str, settings: TurnoverSettings, reporter: Reporter) -> Result:
    from .painting.weights import MODEL_CARD
    from .provenance.turnover import turn_over
    from .provenance.verifying import take_at
    from .rendering.report_page import write_report

    pattern = take_at(Path(take))
    turned = turn_over(pattern, Path(output), MODEL_CARD, reporter)
    if pattern.report.is_file():
        write_report(turned)
    return {"folder": output, "pattern": str(turned), "files": len(list(Path(output).iterdir()))}


def run_track(clip: str, output: str, settings: TrackSettings, reporter: Reporter) -> Result:
    if Path(clip).suffix.lower() == ".csv":
        from .tracking.capture import capture as read_motion
    else:
        from .tracking.track import track as read_motion
    performance = read_motion(clip, Path(output), settings, reporter)
    if settings.mouth == "speech":
        from .speech.dub import dub

        performance = dub(performance, Path(clip), SpeakSettings(text=settings.text, language=settings.language), reporter)
        performance.save(Path(output))
    return {
        "performance": output,
        "frames": len(performance),
        "seen": int(performance.seen.sum()),
        "first": int(performance.frames[0]),
        "rate": float(performance.rate),
    }


def run_speak(
    voice: str,
    output: str,
    settings: SpeakSettings,
    reporter: Reporter,
    words: str = "",
    phones: list[list[Any]] | None = None,
    keys: dict[str, list[float]] | None = None,
) -> Result:
    """words: instead of those of a file; phones: symbol, start and end of each, instead of listening; keys: of the dials."""
    from .performance import Phone
    from .speech.speak import speak

    given = [Phone(str(symbol), float(start), float(end)) for symbol, start, end in phones or []]
    performance = speak(Path(voice), Path(output), settings, reporter, words, given, keys or {})
    return {
        "performance": output,
        "frames": len(performance),
        "first": int(performance.frames[0]),
        "rate": float(performance.rate),
        "phones": [list(phone) for phone in performance.phones],
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
    likeness: str,
    performance: str,
    output: str,
    settings: RenderSettings,
    reporter: Reporter,
    thumbnail: str = "",
    require_consent: bool = False,
) -> Result:
    """With a `thumbnail`, the head of a frame just rendered is shown there while the job runs."""
    from .likeness import read_card
    from .rendering.render import render

    shown = Path(thumbnail) if thumbnail else None
    take = render(Path(likeness), Path(performance), output, settings, reporter, shown, require_consent)
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
        "consent": read_card(Path(likeness)).consent.id,
    }


def run_bundle(
    likeness: str, performance: str, output: str, folder: str, settings: BundleSettings, reporter: Reporter
) -> Result:
    from .farming.bundle import write_bundle

    template, chunks = write_bundle(Path(likeness), Path(performance), output, Path(folder), settings)
    return {"template": str(template), "tasks": len(chunks)}


def run_preview(
    likeness: str,
    canvas: str,
    drive: dict[str, Any],
    draft: bool,
    settings: RenderSettings,
    reporter: Reporter,
    require_consent: bool = False,
) -> Result:
    from .rendering.preview import preview

    return preview(Path(likeness), Path(canvas), drive, draft, settings, require_consent)._asdict()


def run_get_ready(likeness: str, settings: RenderSettings, reporter: Reporter) -> Result:
    from .rendering.preview import get_ready

    get_ready(Path(likeness), settings)
    return {}


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


def load_painting() -> None:
    """Load what paints, which takes more than a second, before anybody waits for it; nothing where the engine lacks it."""
    with suppress(ImportError):
        from .rendering import preview  # noqa: F401


LEADS_TO_PAINTING = ("adapt", "track", "speak")
"""Jobs after which an artist looks at a head. No set: what a message names may be anything, and need not have a hash."""
JOBS: dict[str, tuple[Callable[..., Result], type[Any]]] = {
    "adapt": (run_adapt, AdaptSettings),
    "inspect": (run_inspect, AdaptSettings),
    "consent": (run_consent, ConsentSettings),
    "forget": (run_forget, ForgetSettings),
    "verify": (run_verify, VerifySettings),
    "share": (run_share, ShareSettings),
    "turnover": (run_turnover, TurnoverSettings),
    "track": (run_track, TrackSettings),
    "speak": (run_speak, SpeakSettings),
    "detect": (run_detect, TrackSettings),
    "render": (run_render, RenderSettings),
    "bundle": (run_bundle, BundleSettings),
    "preview": (run_preview, RenderSettings),
    "get_ready": (run_get_ready, RenderSettings),
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
