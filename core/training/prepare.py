# SPDX-License-Identifier: GPL-3.0-or-later
"""Users' own videos and portraits to training shards: the road to data of VoxCeleb's size.

One shard a video, and one for the pictures of a folder, so that a second run goes on where the first was stopped. What was
not taken, and why, is in `left_out.tsv` beside the shards; a video that gave no track is named there alone and not looked at
again.
"""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from dataclasses import dataclass, fields
from itertools import chain, islice
from multiprocessing import active_children, get_context, parent_process
from pathlib import Path
from threading import Thread
from typing import NamedTuple

import cv2
import numpy as np

from ..errors import EmptyClipError, SettingError, UnreadableImageError, WorkerError, writing
from ..files import ensure_writable
from ..imaging.face_area import sharpness
from ..imaging.names import MOVIE_ENDINGS
from ..imaging.read import Clip, open_clip
from ..landmarks.detectors import Detector, open_detector
from ..progress import Reporter
from ..settings import PrepareSettings
from ..tracking.following import Track
from .footage import FaceCrop, cut_faces, follow_faces, median_eye_distance
from .portraits import Album, clip_name, find_albums, portraits, read_people
from .shards import Label, Sample, read_clips, write_shard

VOXCELEB_PERSON = re.compile(r"id\d{5}")
"""A folder of one person's videos in VoxCeleb's layout: `id10001/<video>/00001.mp4`."""
LEFT_OUT = "left_out.tsv"


class Video(NamedTuple):
    """A video, and what it is called in the data."""

    path: Path
    name: str
    """of its shard, and of its clips with the track's number behind it"""
    person: str


@dataclass(frozen=True)
class PrepareSummary:
    """The result of a run."""

    videos: int = 0
    tracks: int = 0
    frames: int = 0
    left_out: int = 0
    """tracks, and videos with none"""
    before: int = 0
    """videos that an earlier run had finished"""

    def __add__(self, other: PrepareSummary) -> PrepareSummary:
        return PrepareSummary(*(getattr(self, item.name) + getattr(other, item.name) for item in fields(self)))


def prepare(names: Sequence[str], folder: Path, settings: PrepareSettings, reporter: Reporter) -> PrepareSummary:
    """Make a shard in `folder` of each video among `names` (videos, and folders with all that is in them), and one of the
    pictures in each folder.

    Raises EmptyClipError where there is neither or a named file is missing, SettingError where two would have one name,
    WrongFileError for a table of people that is none, UnwritableError, and what the detector raises where it cannot run.
    """
    people = read_people(settings.people)
    videos: list[Video | Album] = [*find_videos(names, people), *find_albums([Path(name) for name in names], people)]
    if not videos:
        raise EmptyClipError(f"There is no video or picture in {', '.join(names)}", "Give movies, or folders that hold some")
    ensure_writable(folder / LEFT_OUT)
    listed = _read_left_out(folder / LEFT_OUT)
    waiting = [video for video in videos if not _is_done(video, folder, listed)]
    made = PrepareSummary(before=len(videos) - len(waiting))
    # Forked processes would share a parent's threads and GPU.
    pool = ProcessPoolExecutor(settings.processes, get_context("spawn"), _begin_process)

    def begin(count: int) -> set[Future[PrepareSummary]]:
        """No more than there are processes: what waits in the pool's own queue cannot be stopped."""
        begun = islice(to_come, count)
        return {pool.submit(_prepare_one, video, folder, settings, listed.get(str(video.path), set())) for video in begun}

    to_come = iter(waiting)
    try:
        running = begin(settings.processes)
        while running:
            reporter.step("videos", made.videos, len(waiting))
            done, running = wait(running, timeout=1.0, return_when=FIRST_COMPLETED)
            made = sum((job.result() for job in done), made)
            running |= begin(len(done))
    except BrokenProcessPool as error:
        raise WorkerError("A process that read videos died", "Free memory, or take fewer --processes; then go on") from error
    except BaseException:
        for process in active_children():
            process.terminate()
        raise
    finally:
        # To wait here would hang at a second Ctrl-C (Python 3.11); the interpreter's end waits.
        pool.shutdown(wait=False, cancel_futures=True)
    reporter.step("videos", len(waiting), len(waiting))
    return made


def find_videos(names: Sequence[str], people: Mapping[Path, str] | None = None) -> list[Video]:
    """The videos that `names` stand for. Raises EmptyClipError at a missing one, SettingError where two have one name.

    people: who is in a file, where that is known.
    """
    found: dict[str, Video] = {}
    for given in map(Path, names):
        if not given.exists():
            raise EmptyClipError(f"{given} is not there", "Check the path")
        paths = [given]
        if given.is_dir():
            paths = sorted(path for path in given.rglob("*") if path.suffix.lower() in MOVIE_ENDINGS)
        for path in paths:
            within = path.relative_to(given) if given.is_dir() else Path(path.name)
            name = clip_name("_".join(within.with_suffix("").parts))
            celebrities = [part for part in path.resolve().parts if VOXCELEB_PERSON.fullmatch(part)]
            person = (people or {}).get(path.resolve(), celebrities[-1] if celebrities else name)
            video = Video(path.resolve(), name, person)
            if found.setdefault(name, video) != video:
                raise SettingError(
                    f"{path} and {found[name].path} would both be called {name}",
                    "Name the folder that holds both, or prepare them into folders of their own",
                )
    return list(found.values())


def _read_left_out(path: Path) -> dict[str, set[str]]:
    """Lines of an earlier run by their video."""
    listed: dict[str, set[str]] = {}
    for line in path.read_text("utf-8").splitlines() if path.exists() else ():
        listed.setdefault(line.split("\t")[0], set()).add(line)
    return listed


def _is_done(video: Video | Album, folder: Path, listed: dict[str, set[str]]) -> bool:
    """Its shard is there, or a line that names no clip says why there is none."""
    whole = any(line.split("\t")[1:2] == [""] for line in listed.get(str(video.path), ()))
    return whole or _shard(video, folder).exists()


def _shard(video: Video | Album, folder: Path) -> Path:
    return folder / f"{video.name}.tar"


def _begin_process() -> None:
    """Ctrl-C is for the run alone, which then has each process leave its video, and nothing half-written."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    Thread(target=_end_with_the_run, daemon=True).start()
    cv2.setNumThreads(1)
    # FFmpeg and MediaPipe have something to say of every video; what fails comes back as an exception.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


def _end_with_the_run() -> None:
    """A run that is killed cannot say so."""
    if run := parent_process():
        run.join()
        os._exit(1)


class LeftOut:
    """Notes why parts of a video were left out, written at once; each line once, however often a run was stopped."""

    def __init__(self, path: Path, video: Video | Album, listed: set[str]) -> None:
        self._path, self._video, self._listed = path, video, listed
        self.count = 0

    def add(self, reason: str, clip: str = "") -> None:
        """Leave out `clip`, or the whole video. Raises UnwritableError."""
        self.count += 1
        line = f"{self._video.path}\t{clip}\t{reason}"
        if line not in self._listed:
            # So short a line is appended whole, even by several processes.
            with writing(self._path), open(self._path, "a", encoding="utf-8") as file:
                file.write(line + "\n")


def _prepare_one(video: Video | Album, folder: Path, settings: PrepareSettings, listed: set[str]) -> PrepareSummary:
    """Make the shard of one video, or of one folder's pictures, in a process of its own."""
    left_out = LeftOut(folder / LEFT_OUT, video, listed)
    with closing(open_detector(settings.detector, settings.device)) as detector:
        samples = (
            portraits(video, detector, settings, left_out.add)
            if isinstance(video, Album)
            else _samples(video, detector, settings, left_out)
        )
        first = next(samples, None)
        if first is None:
            return PrepareSummary(videos=1, left_out=left_out.count)
        write_shard(_shard(video, folder), chain([first], samples))
    clips = read_clips([_shard(video, folder)])
    return PrepareSummary(1, len(clips), sum(len(clip.frames) for clip in clips), left_out.count)


def _samples(video: Video, detector: Detector, settings: PrepareSettings, left_out: LeftOut) -> Iterator[Sample]:
    """The frames of every good track, one track after the other; the rest goes to `left_out`."""
    try:
        clip = open_clip(str(video.path))
        found = follow_faces(clip, detector, settings.stride)
    except (EmptyClipError, UnreadableImageError) as error:
        return left_out.add(f"unreadable: {error.message}")
    tracks: dict[str, Track] = {}
    for i, track in enumerate(found):
        name, reason = f"{video.name}-{i:03d}", _why_not(track, clip, settings)
        if reason:
            left_out.add(reason, name)
        else:
            tracks[name] = track
    names, taken = list(tracks), 0
    for i, shown in cut_faces(clip, list(tracks.values()), detector, settings.frames, settings.size):
        sharp = float(np.median([sharpness(frame.picture, frame.landmarks) for frame in shown])) if shown else 0.0
        if not shown:
            left_out.add("unsteady: no frame in which two looks agree", names[i])
        elif sharp < settings.sharpness:
            left_out.add(f"blurred: sharpness {sharp:.3f}", names[i])
        else:
            taken += 1
            yield from (_sample(frame, names[i], video, clip) for frame in shown)
    if not taken:
        left_out.add("no face is good enough" if found else "no face")


def _why_not(track: Track, clip: Clip, settings: PrepareSettings) -> str:
    """Why a track is refused before its frames are cut, or nothing."""
    seconds, eyes = (track.numbers[-1] - track.numbers[0] + 1) / clip.rate, median_eye_distance(track)
    if seconds < settings.seconds:
        return f"too short: {float(seconds):.2f} s from {_time(track.numbers[0], clip):.2f} s"
    if eyes < settings.eyes:
        return f"too small: {eyes:.0f} pixels between the eyes"
    return ""


def _time(number: int, clip: Clip) -> float:
    """Seconds from the start to frame `number` of a movie, which counts from 1."""
    return float((number - 1) / clip.rate)


def _sample(shown: FaceCrop, name: str, video: Video, clip: Clip) -> Sample:
    label = Label(
        clip=name,
        person=video.person,
        frame=shown.number,
        landmarks=shown.landmarks.round(2).astype(float).tolist(),
        extra={"source": str(video.path), "seconds": round(_time(shown.number, clip), 3)},
    )
    return Sample(shown.picture, shown.matte, label)
