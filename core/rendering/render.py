"""The road's last stretch: a Likeness plays a Performance, and frames land on disk."""

from __future__ import annotations

import hashlib
import json
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

import numpy as np

from ..errors import SettingError, UnwritableError
from ..imaging.colour_space import colour_tag
from ..likeness import Likeness
from ..listing import stretches
from ..painting.player import open_player
from ..performance import Performance
from ..progress import Reporter
from ..settings import RenderSettings
from ..take import FramePattern, Manifest, Take, read_manifest, sha256_of
from ..tracking.retiming import at_rate
from ..version import VERSION
from .frames import FrameMaker
from .plate import Plate
from .report_page import write_report
from .thumbnail import Thumbnail

UNSEEN = frozenset({"device", "overwrite"})
"""Settings that no pixel depends on."""


def render(
    likeness_path: Path,
    performance_path: Path,
    output: str,
    settings: RenderSettings,
    reporter: Reporter,
    thumbnail: Path | None = None,
) -> Take:
    """Render every frame that is not yet there, whole and current; several processes may share the frames of one take.

    A frame is half-float scene-linear Rec.709 RGBA, premultiplied, with the head's matte in A; with `settings.plate` it is
    the layers of `in_plate`, in the plate's colour space. Where no face was seen it is empty, and its header says so.
    `thumbnail` is where a picture follows. Raises HeadcastError for whatever the user can mend; frames that were finished
    stay.
    """
    pattern = FramePattern.parse(output)
    performance = Performance.load(performance_path)
    if not len(performance):
        raise SettingError(f"{performance_path} has no frames", "Track the clip again")
    if settings.plate and settings.rate:
        raise SettingError("A plate has its own rate", "Leave --rate or --plate out")
    performance = _at_rate(performance, settings.rate, reporter)
    likeness, player = open_player(likeness_path, settings.weights, settings.device, settings.photos)
    inputs: dict[str, object] = {
        "headcast": VERSION,
        "likeness": sha256_of(likeness_path),
        "performance": sha256_of(performance_path),
        "weights": player.weights,
        "settings": {key: value for key, value in asdict(settings).items() if key not in UNSEEN},
    }
    plate = Plate(settings.plate, settings.first, settings.colour_space) if settings.plate else None
    if plate is not None:
        if plate.note:
            reporter.note(f"{settings.plate}: {plate.note}")
        inputs |= {"plate": plate.identity, "colour": colour_tag(plate.space)}
    fingerprint = hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()
    _make_folder(pattern.folder)
    manifest = Manifest(pattern, fingerprint)
    manifest.begin(inputs, settings.overwrite)
    follower = Thumbnail(thumbnail)

    attributes = _attributes(fingerprint, player.weights, likeness)
    with closing(FrameMaker(likeness, player, performance, plate, settings, reporter)) as maker:
        frames, size = maker.frames, maker.size
        written = 0
        for done, number in manifest.unfinished(frames):
            reporter.step("render", done, len(frames))
            facts = maker.write(number, pattern.path(number), attributes)
            manifest.record(number, **facts)
            follower.show(maker.head)
            written += 1
    reporter.step("render", len(frames), len(frames))
    if settings.tries:
        _report(pattern, reporter)
    unseen = int((~performance.seen).sum())
    if unseen:
        reporter.note(f"{unseen} of {len(performance)} frames show no face: they are empty")
    return Take(pattern, tuple(frames), written, *size, float(performance.rate))


def _report(pattern: FramePattern, reporter: Reporter) -> None:
    """Write the page of the take, and say what did not pass."""
    page = write_report(pattern)
    records = sorted(read_manifest(pattern).items())
    failed = np.array([bool(record.get("flagged")) for _, record in records], bool)
    if failed.any():
        reasons = sorted({reason for _, record in records for reason in record.get("flagged", {})})
        frames = stretches([frame for frame, _ in records], failed)
        reporter.note(f"{int(failed.sum())} frames did not pass ({', '.join(reasons)}): {frames}; look at {page}")


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


def _attributes(fingerprint: str, weights: str, likeness: Likeness) -> dict[str, str]:
    return {
        "headcast:version": VERSION,
        "headcast:preset": likeness.preset,
        "headcast:weights": weights or "none (geometric warp)",
        "headcast:fingerprint": fingerprint,
    }


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UnwritableError(f"The folder {folder} cannot be made ({error.strerror})", "Choose another folder") from error
