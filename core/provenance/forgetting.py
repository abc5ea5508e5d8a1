# SPDX-License-Identifier: GPL-3.0-or-later
"""A person who takes their consent back: their likeness is deleted, and the takes that hold them are named.

Takes are found by the person's hash in their manifests, whatever the likeness' file was called then. They are other people's
work, too, so they are listed and not deleted.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from ..errors import writing
from ..files import remove_parts
from ..likeness import person_hash
from ..take import ENDING, LIKENESS, frames_among, read_records

THUMBNAILS = "blender_*/headcast/*.npy"
"""In the system's folder for temporary files: what Blenders show of photos and takes, those that crashed too."""


class HeldTake(NamedTuple):
    """A take that shows the person, or that was painted from the likeness at some time."""

    manifest: Path
    frames: int
    """how many its manifest knows"""


class Forgotten(NamedTuple):
    """A person's files that go, and work that is left to be done."""

    person: str
    """the hash by which the takes were found"""
    deleted: tuple[Path, ...]
    takes: tuple[HeldTake, ...]


def to_forget(likeness: Path, folders: Sequence[Path]) -> Forgotten:
    """All that `forget` would delete, and the takes in `folders`, however deep, that hold the person. Nothing is deleted.

    Raises NoLikenessError, WrongFileError.
    """
    person = person_hash(likeness)
    manifests = {manifest for folder in folders for manifest in folder.rglob(f"*{ENDING}")}
    takes = tuple(take for manifest in sorted(manifests) for take in _held_by(person, manifest))
    return Forgotten(person, (likeness, *sorted(Path(tempfile.gettempdir()).glob(THUMBNAILS))), takes)


def forget(likeness: Path, folders: Sequence[Path]) -> Forgotten:
    """Delete the likeness, what a crash left of it, and small pictures in the temporary folder (they are made again where
    they are of somebody else). List the takes in `folders`, however deep, that hold the person.

    Raises NoLikenessError, WrongFileError, UnwritableError; the takes are looked for before anything is deleted.
    """
    found = to_forget(likeness, folders)
    with writing(likeness):
        likeness.unlink()
        remove_parts(likeness)
    for path in found.deleted[1:]:
        with suppress(OSError):  # another user's
            path.unlink()
    return found._replace(deleted=tuple(path for path in found.deleted if not path.exists()))


def _held_by(person: str, manifest: Path) -> Iterator[HeldTake]:
    records = read_records(manifest)[0]
    if any(record.get(LIKENESS) == person for record in records):
        yield HeldTake(manifest, len(frames_among(records)))
