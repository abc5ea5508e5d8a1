# SPDX-License-Identifier: GPL-3.0-or-later
"""From the curves of a face capture to a Performance: the model's mean person acts them, in a picture of our own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..arrays import Doubles, Points
from ..files import ensure_writable
from ..imaging.crop import BELOW_EYES, full_crop, head_crops
from ..imaging.read import parse_rate
from ..landmarks.face_model import face_model
from ..landmarks.head import HeadPose
from ..landmarks.livelink import LiveLinkTake, head_rotations, read_livelink
from ..listing import shortened, stretches
from ..performance import Performance, performance_from_points
from ..progress import Reporter
from ..settings import TrackSettings

SIDE = 512
"""Side of the picture in pixels."""
EYES = 100.0
"""Distance of the eyes in pixels: the whole head is in the picture."""


def capture(clip_name: str, output: Path, settings: TrackSettings, reporter: Reporter) -> Performance:
    """Make the Performance of a Live Link Face CSV and save it; what was found is noted.

    Frames are numbered from `settings.first`, as those of the movie that the phone records beside it. Curves are kept as
    they are: the phone has smoothed them. Raises WrongFileError, NoFaceError, UnwritableError, and SettingError for a rate
    that is none.
    """
    ensure_writable(output)
    take = read_livelink(Path(clip_name))
    rate = parse_rate(settings.rate) if settings.rate else take.rate
    frames = np.arange(settings.first, settings.first + len(take.weights), dtype=np.int32)
    seen = np.isfinite(take.weights).all(axis=1)
    acted = acted_landmarks(np.nan_to_num(take.weights), np.nan_to_num(take.head))
    landmarks = np.where(seen[:, None, None], acted, np.float32(np.nan))
    steady = settings.crop == "auto" and seen.any()
    crops = head_crops(landmarks, seen, float(rate)) if steady else np.tile(full_crop(SIDE, SIDE), (len(frames), 1))
    performance = performance_from_points(
        frames, landmarks, crops, (SIDE, SIDE), rate, Path(clip_name).name, expression=take.weights
    )
    _note_take(take, performance, clip_name, reporter)
    performance.save(output)
    return performance


def acted_landmarks(
    weights: NDArray[np.floating], turn: Doubles, place: Doubles | None = None, size: Doubles | None = None
) -> Points:
    """[F, 70, 2] the mean person acting `weights` [F, 52] in a picture of SIDE pixels.

    turn: [F, 3] yaw, pitch and roll of the head in radians; place: [F, 2] of the point between the eyes, in eye distances
    from where it is at rest, to the right and down; size: [F] how many times its own size the head has.
    """
    frames = len(weights)
    drift = np.zeros((frames, 2)) if place is None else place
    scale = np.full(frames, EYES) if size is None else EYES * size
    between = (SIDE / 2, SIDE / 2 - BELOW_EYES * EYES) + scale[:, None] * drift
    pose = HeadPose(head_rotations(turn), scale, between)
    return pose.project(face_model().acted(weights)).astype(np.float32)


def _note_take(take: LiveLinkTake, performance: Performance, clip_name: str, reporter: Reporter) -> None:
    seen, frames = performance.seen, performance.frames
    reporter.note(f"{clip_name}: {float(performance.rate):.5g} frames a second, numbered from {frames[0]}")
    if take.lacking:
        reporter.note(f"{clip_name} has no column for {shortened(list(take.lacking))}: taken as 0")
    if not seen.all():
        reporter.note(
            f"{int((~seen).sum())} of {len(seen)} frames of {clip_name} were dropped or show no face: they are marked as "
            f"gaps ({stretches(frames, ~seen)})"
        )
    if not take.head[seen].any():
        reporter.note(f"{clip_name} has no rotation of the head: it looks straight ahead (the app streams it when told to)")
