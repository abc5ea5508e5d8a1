# SPDX-License-Identifier: GPL-3.0-or-later
"""Clips made ready to be scored: found, cut to head crops, the first half for photos, the second held out as the drive. A
single picture is a subject without a drive."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..adapting.adapt import find_head
from ..errors import NoFaceError
from ..imaging.crop import full_crop
from ..imaging.names import MOVIE_ENDINGS, PICTURE_ENDINGS
from ..imaging.preview import write_png
from ..imaging.read import Frame, open_clip, read_photo
from ..imaging.resample import cut
from ..landmarks.detectors import Detector
from ..performance import Performance
from ..progress import Silent
from ..settings import AdaptSettings, EvaluateSettings, TrackSettings
from ..tracking.track import track
from ..training.shards import ShardClip, read_clips

FEWEST = 8
"""Head crops below which a clip says nothing."""
RUN = 4
"""Neighbouring frames that are held out together, so that flicker can be measured."""


@dataclass(frozen=True)
class Subject:
    """One clip, or one picture, its head crops as pictures on disk."""

    name: str
    folder: Path
    """for what is made of it"""
    photos: list[Path]
    """the first half, in the order of time; the picture"""
    held_out: list[Path]
    """of the second half, in the order of time; none of a picture"""
    performance: Performance | None
    """of the held-out frames, tracked in the crops; None for a picture"""

    @property
    def drive(self) -> Path:
        """Where the performance lies."""
        return self.folder / "drive.performance"


def find_sources(names: Sequence[str]) -> list[str | ShardClip]:
    """The sources that `names` stand for: a movie; a folder of movies or of numbered pictures; a shard, or a folder of them;
    a picture.

    Raises WrongFileError for a damaged shard.
    """
    found: list[str | ShardClip] = []
    for name in names:
        path = Path(name)
        inside = sorted(path.iterdir()) if path.is_dir() else []
        movies = [str(entry) for entry in inside if entry.suffix.lower() in MOVIE_ENDINGS]
        if path.suffix == ".tar" or any(entry.suffix == ".tar" for entry in inside):
            found += read_clips([path])
        else:
            found += movies or [name]
    return found


def read_subject(source: str | ShardClip, folder: Path, settings: EvaluateSettings, detector: Detector) -> Subject:
    """Cut `source` into head crops under `folder`, and track those that are held out.

    A source that is a picture's file is a subject of one photo.

    Frames in whose crop no face is found are left out. Raises NoFaceError where fewer than FEWEST remain, EmptyClipError,
    UnreadableImageError, WrongFileError.
    """
    drive = folder / "drive"
    drive.mkdir(parents=True)
    if isinstance(source, str) and Path(source).is_file() and Path(source).suffix.lower() in PICTURE_ENDINGS:
        return _read_portrait(Path(source), folder, settings, detector)
    name, crops = (
        (source.name, _shard_crops(source, settings.side))
        if isinstance(source, ShardClip)
        else (Path(source).name, _plate_crops(source, folder, settings))
    )
    paths = []
    for frame in crops:
        if detector.detect(frame.picture):
            paths.append(folder / f"crop.{frame.number:05d}.png")
            write_png(paths[-1], frame.picture)
    if len(paths) < FEWEST:
        raise NoFaceError(f"{name} shows a face in {len(paths)} frames", "Give a clip with more of the face")
    half = len(paths) // 2
    held_out = [
        paths[half + i].rename(drive / paths[half + i].name) for i in spread_runs(len(paths) - half, settings.frames)
    ]
    performance = track(
        str(drive),
        folder / "drive.performance",
        TrackSettings(detector=settings.detector, crop="full", device=settings.device, smoothing=0.0),
        Silent(),
    )
    return Subject(name, folder, paths[:half], held_out, performance)


def _read_portrait(picture: Path, folder: Path, settings: EvaluateSettings, detector: Detector) -> Subject:
    photo = read_photo(picture)
    head = find_head(detector, photo, AdaptSettings(size=settings.side))
    crop = folder / "crop.00001.png"
    if head is not None:
        write_png(crop, cut(photo, head.where, settings.side))
    if head is None or not detector.detect(read_photo(crop)):
        raise NoFaceError(f"{picture.name} shows no face", "Take a picture in which the face is larger and seen")
    return Subject(picture.name, folder, [crop], [], None)


def _plate_crops(clip_name: str, folder: Path, settings: EvaluateSettings) -> Iterator[Frame]:
    """The steady head crops of a movie or of numbered pictures."""
    tracked = track(
        clip_name,
        folder / "clip.performance",
        TrackSettings(detector=settings.detector, device=settings.device, size=settings.side, smoothing=0.0),
        Silent(),
    ).in_square_pixels()
    for frame, crop, seen in zip(open_clip(clip_name).frames(), tracked.crops, tracked.seen, strict=True):
        if seen:
            yield Frame(frame.number, cut(frame.picture, crop, settings.side))


def _shard_crops(clip: ShardClip, size: int) -> Iterator[Frame]:
    """The pictures of a clip of training data, which are head crops already."""
    for frame in clip.frames:
        picture = frame.read("jpg")
        yield Frame(frame.label.frame, cut(picture, full_crop(picture.shape[1], picture.shape[0]), size))


def spread_runs(length: int, count: int) -> NDArray[np.int_]:
    """`count` of `length` frames, rising: runs of RUN neighbours, spread evenly. All of them where there are no more."""
    starts = np.linspace(0, max(length - RUN, 0), max(count // RUN, 1)).round().astype(int)
    chosen = np.unique(starts[:, None] + np.arange(RUN))
    return np.asarray(chosen[chosen < length])
