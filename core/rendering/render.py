"""The road's last stretch: a Likeness plays a Performance, and frames land on disk."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from ..errors import SettingError, UnwritableError
from ..imaging import colour, crop, exr, resample
from ..landmarks.retarget import Strength, relative_motion
from ..likeness import Likeness
from ..performance import Performance
from ..progress import Reporter
from ..settings import RenderSettings
from ..take import FramePattern, Manifest, Take, sha256_of
from ..tracking.retiming import retimed
from ..version import VERSION
from .player import Head, open_player

Floats = NDArray[np.float32]


def render(likeness_path: Path, performance_path: Path, output: str, settings: RenderSettings, reporter: Reporter) -> Take:
    """Render every frame that is not yet there, whole and current.

    A frame is half-float scene-linear Rec.709 RGBA, premultiplied, with the head's matte in A; where no face was seen it
    is empty, and its header says so. Raises HeadcastError for whatever the user can mend; frames that were finished stay.
    """
    pattern = FramePattern.parse(output)
    performance = Performance.load(performance_path)
    if not len(performance):
        raise SettingError(f"{performance_path} has no frames", "Track the clip again")
    performance = _at_rate(performance, settings.rate, reporter)
    likeness, player = open_player(likeness_path, settings.weights, settings.device, settings.photos)
    inputs: dict[str, object] = {
        "headcast": VERSION,
        "likeness": sha256_of(likeness_path),
        "performance": sha256_of(performance_path),
        "weights": player.weights,
        "settings": {key: value for key, value in asdict(settings).items() if key != "device"},
    }
    fingerprint = hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()
    _make_folder(pattern.folder)
    manifest = Manifest(pattern, fingerprint)
    manifest.begin(inputs)

    crops = performance.crops
    if settings.crop == "full":
        crops = np.tile(crop.full_crop(performance.width, performance.height), (len(performance), 1))
    wanted = wanted_landmarks(performance, likeness, settings)
    size = settings.size or likeness.painted_size
    attributes = _attributes(fingerprint, player.weights, likeness)
    written = 0
    for i, number in enumerate(performance.frames.tolist()):
        reporter.step("render", i, len(performance))
        if manifest.is_current(number):
            continue
        path = pattern.path(number)
        if performance.seen[i]:
            head = player.paint(crop.to_crop(wanted[i], crops[i], likeness.size))
            picture = _to_scene_linear(_resized(head, size), settings.opaque)
        else:
            picture = np.zeros((size, size, 4), np.float32)
        seen = "yes" if performance.seen[i] else "no"
        if settings.frame == "plate":
            picture = resample.place(picture, crops[i], performance.width, performance.height)
        exr.write_rgba(path, picture, {**attributes, "headcast:face": seen})
        manifest.record(number, face=seen)
        written += 1
    reporter.step("render", len(performance), len(performance))
    unseen = int((~performance.seen).sum())
    if unseen:
        reporter.note(f"{unseen} of {len(performance)} frames show no face: they are empty")
    width, height = (performance.width, performance.height) if settings.frame == "plate" else (size, size)
    return Take(pattern, tuple(performance.frames.tolist()), written, width, height, float(performance.rate))


def _at_rate(performance: Performance, rate: float, reporter: Reporter) -> Performance:
    """The performance retimed to `rate` frames a second; as it is for 0."""
    wanted = Fraction(rate).limit_denominator(1001)
    if not rate or wanted == performance.rate:
        return performance
    moved = retimed(performance, wanted)
    reporter.note(
        f"Retimed from {float(performance.rate):.6g} to {rate:.6g} frames per second: {len(performance)} frames became "
        f"{len(moved)}, from {moved.frames[0]} on"
    )
    return moved


def wanted_landmarks(performance: Performance, likeness: Likeness, settings: RenderSettings) -> Floats:
    """Where each frame's landmarks are to be [F, 70, 2], in plate pixels; NaN where no face was seen.

    Raises SettingError for a neutral frame that shows no face.
    """
    if settings.motion == "absolute":
        return performance.landmarks
    wanted, seen = performance.landmarks.copy(), performance.seen
    strength = Strength(settings.pose, settings.eyes, settings.gaze, settings.brows, settings.mouth)
    neutral = _neutral_index(performance, settings.neutral)
    wanted[seen] = relative_motion(performance.landmarks[seen], likeness.landmarks, strength, neutral)
    return wanted


def _neutral_index(performance: Performance, frame: str) -> int | None:
    """Which of the frames with a face is the one that is numbered so; None for an empty name."""
    if not frame:
        return None
    numbers = performance.frames[performance.seen].tolist()
    if not frame.lstrip("-").isdigit() or int(frame) not in numbers:
        raise SettingError(
            f"--neutral {frame} is no frame with a face", f"Choose one from {numbers[0]} to {numbers[-1]}, or leave it empty"
        )
    return numbers.index(int(frame))


def _resized(head: Head, size: int) -> Head:
    if head.picture.shape[0] == size:
        return head
    picture, matte = (cv2.resize(part, (size, size), interpolation=cv2.INTER_CUBIC) for part in head)
    return Head(np.clip(picture, 0.0, 1.0), np.clip(matte, 0.0, 1.0))


def _to_scene_linear(head: Head, opaque: bool) -> Floats:
    """[S, S, 4] premultiplied."""
    matte = np.ones_like(head.matte) if opaque else head.matte
    linear = colour.decode_srgb(head.picture) * matte[..., None]
    return np.concatenate([linear, matte[..., None]], axis=-1)


def _attributes(fingerprint: str, weights: str, likeness: Likeness) -> dict[str, str]:
    return {
        "colorInteropID": colour.SCENE_LINEAR,
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
