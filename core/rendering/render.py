# SPDX-License-Identifier: GPL-3.0-or-later
"""The road's last stretch: a Likeness plays a Performance, and frames land on disk."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

import numpy as np

from ..claims import turn
from ..consent import ensure_allowed
from ..errors import SettingError, UnwritableError, writing
from ..files import sha256_of
from ..imaging.colour_space import colour_tag
from ..likeness import Likeness, person_hash, read_card
from ..listing import parse_ranges, ranges, stretches
from ..painting.player import open_player
from ..painting.weights import find_weights
from ..performance import Performance
from ..progress import Reporter
from ..provenance.keys import key_or_note
from ..provenance.marks import Mark, header_marks
from ..provenance.signing import sign_take
from ..settings import RenderSettings
from ..take import (
    CONSENT,
    FILES,
    LIKENESS,
    PHOTOS,
    PLATE,
    RATE,
    WAIT_SECONDS,
    WEIGHTS,
    FramePattern,
    Manifest,
    Take,
    last_shot,
    read_manifest,
)
from ..tracking.retiming import at_rate
from ..version import VERSION
from .frames import FrameMaker
from .identity import content_of, digest, shared_by_all
from .plate import Plate
from .report_page import write_report
from .thumbnail import Thumbnail

UNSEEN = frozenset({"device", "overwrite", "weights", "plate", "frames"})
"""Settings that no pixel depends on, or on whose spelling."""


def render(
    likeness_path: Path,
    performance_path: Path,
    output: str,
    settings: RenderSettings,
    reporter: Reporter,
    thumbnail: Path | None = None,
    require_consent: bool = False,
) -> Take:
    """Render every frame that is not yet there, whole and painted from just this; several processes may share one take.

    A frame is half-float scene-linear Rec.709 RGBA, premultiplied, with the head's matte in A; with `settings.plate` it is
    the layers of `in_plate`, in the plate's colour space. Where no face was seen it is empty, and its header says so.
    `thumbnail` is where a picture follows. Raises ConsentError where the person's consent has ended, or where it is required
    and none is on record; and HeadcastError for whatever the user can mend; frames that were finished
    stay.
    """
    pattern = FramePattern.parse(output)
    consent = read_card(likeness_path).consent
    ensure_allowed(consent, likeness_path, require_consent)
    performance = Performance.load(performance_path)
    if not len(performance):
        raise SettingError(f"{performance_path} has no frames", "Track the clip again")
    if settings.plate and settings.rate:
        raise SettingError("A plate has its own rate", "Leave --rate or --plate out")
    performance = _at_rate(performance, settings.rate, reporter)
    likeness, player = open_player(likeness_path, settings.weights, settings.device, settings.photos)
    person, weights = person_hash(likeness_path), content_of(find_weights(likeness.preset, settings.weights))
    inputs: dict[str, object] = {
        "headcast": VERSION,
        LIKENESS: person,
        CONSENT: consent.summary,
        "performance": sha256_of(performance_path),
        WEIGHTS: f"{player.weights} {weights}".strip(),
        "settings": {key: value for key, value in asdict(settings).items() if key not in UNSEEN},
        PHOTOS: likeness.sources,
        RATE: float(performance.rate),
        FILES: {"weights": settings.weights, "plate": settings.plate},
    }
    opened = settings.first, settings.colour_space, settings.layer
    plate = Plate(settings.plate, *opened) if settings.plate else None
    if plate is not None:
        if plate.note:
            reporter.note(f"{settings.plate}: {plate.note}")
        inputs |= {PLATE: digest(plate.identity), "colour": colour_tag(plate.space)}
    clean = Plate(settings.clean_plate, settings.first, settings.colour_space) if plate and settings.clean_plate else None
    if clean is not None:
        inputs["clean plate"] = digest(clean.identity)
    _make_folder(pattern.folder)
    mark = Mark(person, player.weights, weights if player.weights else "", consent.id, plate is not None)
    key = key_or_note(reporter)
    follower = Thumbnail(thumbnail)
    attributes = _attributes(player.weights, likeness)
    with closing(FrameMaker(likeness, player, performance, plate, settings, reporter, clean)) as maker:
        frames, size = maker.frames, maker.size
        chosen = parse_ranges(settings.frames, frames) if settings.frames else frames
        common = shared_by_all(person, weights, size, inputs.get("colour"), settings)
        maker.settle(common, last_shot(pattern))
        identities = {number: maker.identity(number, common) for number in frames}
        manifest = Manifest(pattern, identities)
        _tell_of_others(manifest.begin(inputs, settings.overwrite), reporter)
        maker.expect(chosen)
        written = 0
        for done, number in manifest.unfinished(chosen):
            reporter.step("render", done, len(chosen))
            if maker.wants_shot(number):
                _measure_shot(maker, manifest, pattern)
            marked = {**attributes, "headcast:fingerprint": identities[number]}
            facts = maker.write(number, pattern.path(number), marked, header_marks(mark))
            manifest.record(number, bool(facts.pop("beside", False)), **facts)
            follower.show(maker.head)
            written += 1
    reporter.step("render", len(chosen), len(chosen))
    if key is not None:
        sign_take(pattern, key, mark, likeness.sources)
    if settings.tries:
        _report(pattern, reporter)
    else:
        with writing(pattern.report):
            pattern.report.unlink(missing_ok=True)  # of frames that were there before
    unseen = int((~performance.seen).sum())
    if unseen:
        reporter.note(f"{unseen} of {len(performance)} frames show no face: they are empty")
    return Take(pattern, tuple(chosen), written, *size, float(performance.rate))


def _measure_shot(maker: FrameMaker, manifest: Manifest, pattern: FramePattern) -> None:
    """Measure how the heads are to look, once for all processes: the others wait, and take what the manifest says."""
    with turn(pattern.shot, WAIT_SECONDS):
        if not maker.take_shot(last_shot(pattern)):
            manifest.keep(maker.measure_shot())


def _report(pattern: FramePattern, reporter: Reporter) -> None:
    """Write the page of the take, and say what did not pass."""
    page = write_report(pattern)
    records = sorted(read_manifest(pattern).items())
    failed = np.array([bool(record.get("flagged")) for _, record in records], bool)
    if failed.any():
        reasons = sorted({reason for _, record in records for reason in record.get("flagged", {})})
        frames = stretches([frame for frame, _ in records], failed)
        reporter.note(f"{int(failed.sum())} frames did not pass ({', '.join(reasons)}): {frames}; look at {page}")


def _tell_of_others(frames: Sequence[int], reporter: Reporter) -> None:
    """Say that frames of an earlier take, which this one does not have, still lie there under its name."""
    if frames:
        named = ranges(np.array(frames))
        reporter.note(f"Frames of an earlier take stay and are not part of this one: {named}; --overwrite deletes them")


def _at_rate(performance: Performance, rate: float, reporter: Reporter) -> Performance:
    """The performance retimed to `rate` frames a second; as it is for 0."""
    moved = at_rate(performance, rate)
    if moved is performance:
        return performance
    reporter.note(
        f"Retimed from {float(performance.rate):.6g} to {rate:.6g} frames per second: {len(performance)} frames became "
        f"{len(moved)}, from {moved.frames[0]} on"
    )
    return moved


def _attributes(weights: str, likeness: Likeness) -> dict[str, str]:
    return {
        "headcast:version": VERSION,
        "headcast:preset": likeness.preset,
        "headcast:weights": weights or "none (geometric warp)",
    }


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UnwritableError(f"The folder {folder} cannot be made ({error.strerror})", "Choose another folder") from error
