# SPDX-License-Identifier: GPL-3.0-or-later
"""Portraits to a training shard: one picture is one frame, and pictures of the same person are one clip."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..errors import HeadcastError, WrongFileError
from ..imaging.crop import head_crops, to_crop
from ..imaging.face_area import sharpness
from ..imaging.matte import head_matte
from ..imaging.names import PICTURE_ENDINGS
from ..imaging.read import read_photo
from ..imaging.resample import cut
from ..landmarks.detectors import Detector
from ..landmarks.head import fit_pose
from ..settings import PrepareSettings
from ..tracking.track import look_again
from .shards import Label, Sample

LONGEST_NAME = 70
"""Bytes: a tar file's names end at 100."""
FILE, PERSON = "file", "person"
"""Columns of the table of people."""


class Album(NamedTuple):
    """The pictures of one folder, and who is in each."""

    path: Path
    name: str
    """of its shard"""
    pictures: tuple[tuple[str, Path], ...]
    """person and file, ordered by person"""


def read_people(table: str) -> dict[Path, str]:
    """Who is in a file, by a table of tabs with the columns `file` (beside the table) and `person`; none for no name.

    Raises WrongFileError.
    """
    if not table:
        return {}
    path = Path(table)
    try:
        with open(path, newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file, delimiter="\t"))
            return {(path.parent / row[FILE]).resolve(): row[PERSON] for row in rows}
    except (OSError, KeyError, UnicodeDecodeError, csv.Error) as error:
        raise WrongFileError(
            f"{path} is no table of people ({error!r})", f"Give tabs with the columns '{FILE}' and '{PERSON}'"
        ) from error


def find_albums(names: list[Path], people: dict[Path, str]) -> list[Album]:
    """The pictures in each folder among `names`, however deep. Without a table each picture is a person of its own."""
    albums = []
    for folder in (name for name in names if name.is_dir()):
        files = [path.resolve() for path in folder.rglob("*") if path.suffix.lower() in PICTURE_ENDINGS]
        known = sorted(
            (people.get(path, path.relative_to(folder.resolve()).with_suffix("").as_posix()), path) for path in files
        )
        if known:
            albums.append(Album(folder.resolve(), f"{clip_name(folder.resolve().name)}-portraits", tuple(known)))
    return albums


def clip_name(text: str) -> str:
    """`text` as a name in a shard, which ends at its first dot."""
    return re.sub(r"[^\w-]+", "-", text).encode()[-LONGEST_NAME:].decode(errors="ignore")


def portraits(
    album: Album, detector: Detector, settings: PrepareSettings, leave_out: Callable[[str, str], None]
) -> Iterator[Sample]:
    """The head crops of an album; pictures that show no good face go to `leave_out` with the reason."""
    taken: dict[str, int] = {}
    for person, path in album.pictures:
        try:
            photo = read_photo(path)
        except HeadcastError as error:
            leave_out(f"unreadable: {error.message}", path.name)
            continue
        faces = detector.detect(photo)
        if not faces:
            leave_out("no face", path.name)
            continue
        face = look_again(detector, photo, faces[0], settings.size).landmarks
        if (eyes := float(fit_pose(face[None]).scale[0])) < settings.eyes:
            leave_out(f"too small: {eyes:.0f} pixels between the eyes", path.name)
            continue
        crop = head_crops(face[None], np.array([True]), 1.0)[0]
        head, points = cut(photo, crop, settings.size), to_crop(face, crop, settings.size)
        if (sharp := sharpness(head, points)) < settings.sharpness:
            leave_out(f"blurred: sharpness {sharp:.3f}", path.name)
            continue
        name = clip_name(person)
        number = taken[name] = taken.get(name, -1) + 1
        label = Label(name, person, number, points.round(2).astype(float).tolist(), extra={"source": str(path)})
        yield Sample(head, head_matte(head, points), label)
