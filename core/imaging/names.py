# SPDX-License-Identifier: GPL-3.0-or-later
"""Which pictures a name stands for: files, folders, globs, numbered sequences. Needs nothing but Python.

A sequence's name says where its number is: `plate.####.exr`, `plate.%04d.exr`, `plate.$F4.exr`, `plate.@@@@.exr`,
`plate.<f4>.exr`. All else in it is taken as it stands, brackets too, and so is every folder that is there. Where a picture
or a folder is named, the number is the one that tells the pictures apart.
"""

from __future__ import annotations

import glob
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from ..errors import AmbiguousSequenceError, UnreadableImageError
from ..files import is_folder, is_there
from ..numbering import MOST_DIGITS, SIGNS, digits_of, range_of

PICTURE_ENDINGS = frozenset(
    (".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".jp2", ".tif", ".tiff", ".webp", ".bmp", ".exr", ".avif")
) | frozenset((".heic", ".heif", ".hif"))
OTHER_PICTURES = frozenset(
    (".dng", ".cr2", ".cr3", ".nef", ".arw", ".raf", ".orf", ".rw2", ".psd", ".xcf", ".kra", ".jxl", ".gif", ".svg")
) | frozenset((".dpx", ".cin", ".tga", ".hdr", ".sgi", ".iff", ".pic", ".tx"))
"""Of kinds that are not read: in a folder they are left out, and said to be."""
SOUND_ENDINGS = frozenset({".wav", ".mp3", ".m4a", ".aac", ".flac", ".ogg", ".opus", ".aif", ".aiff", ".caf"})
MOVIE_ENDINGS = frozenset({".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".mts", ".m2ts", ".wmv"})
"""Endings that count as a video in a folder; a file that is named itself may have any ending."""
NUMBER = re.compile(rf"(?:(?<=[._])|^)-[0-9]{{1,{MOST_DIGITS}}}(?![0-9])|(?<![0-9])[0-9]{{1,{MOST_DIGITS}}}(?![0-9])")
"""In a file's name; a minus that follows a dot, an underscore or nothing is a sign, and else a dash."""
INLINE_RANGE = re.compile(r"(?:(?<=[._])|^)[0-9x,-]*[0-9]$")
"""Frames that are listed before the number's place, as in `plate.1001-1010#.exr`."""
PADDED = 3
"""Digits of a number that was made as long as others."""
MOST_NAMED = 6
"""Sequences that an error lists."""


class Found(NamedTuple):
    """Numbered pictures, in order."""

    numbers: tuple[int, ...]
    paths: tuple[Path, ...]
    said: str
    """How they were understood, in words: the sequence's name, or that they have no numbers."""


class _Name(NamedTuple):
    """A file's name, taken apart: `texts` has one more part than `numbers`."""

    path: Path
    texts: tuple[str, ...]
    numbers: tuple[str, ...]

    @classmethod
    def of(cls, path: Path) -> _Name:
        return cls(path, tuple(NUMBER.split(path.stem)), tuple(NUMBER.findall(path.stem)))

    @property
    def kind(self) -> tuple[str, ...]:
        """The part that the names of one sequence share."""
        return (*self.texts, self.path.suffix.lower())

    def pattern(self, place: int) -> str:
        """The sequence's name, where the number at `place` is the frame's."""
        signs = "#" * len(self.numbers[place].lstrip("-"))
        numbers = [*self.numbers[:place], signs, *self.numbers[place + 1 :]]
        return "".join(t + n for t, n in zip(self.texts, [*numbers, ""], strict=True)) + self.path.suffix

    def others(self, place: int) -> tuple[str, ...]:
        """The numbers that are not the frame's."""
        return self.numbers[:place] + self.numbers[place + 1 :]

    def stands_alone(self, place: int) -> bool:
        """Whether the number may be a frame's where nothing tells: it ends a part of the name, and is no version."""
        before, after = self.texts[place], self.texts[place + 1]
        return not after[:1].isalnum() and not re.search(r"(?:^|[^a-zA-Z])[vV]$", before)

    def looks_like_a_frame(self, place: int) -> bool:
        """Whether it stands alone, follows no letter and has the digits of one that was padded."""
        padded = len(self.numbers[place].lstrip("-")) >= PADDED
        return padded and self.stands_alone(place) and not self.texts[place][-1:].isalpha()


def find_photos(names: list[str]) -> list[Path]:
    """The pictures that `names` (files, folders, globs) stand for, in order and each once. Raises UnreadableImageError
    at none."""
    paths: list[Path] = []
    for name in names:
        paths.extend(pictures_of(name))
    if not paths:
        raise UnreadableImageError(f"No picture in {', '.join(names) or 'an empty list'}", "Give files, folders or globs")
    return list({path.absolute(): path for path in paths}.values())


def pictures_of(name: str) -> list[Path]:
    """The pictures that a file, a folder, a glob or a sequence's name stands for, in the order of their numbers; a file that
    is named itself may have any ending, and need not be there."""
    path = Path(name)
    if is_folder(path):
        return _pictures_in(path)
    if is_there(path):
        return [path]
    if SIGNS.search(path.name):
        return [path for _, path in sorted(_matching(path, strict=False))]
    if not glob.has_magic(name):
        return [path]
    return _globbed(path)


def find_sequence(name: str) -> Found:
    """The numbered pictures that a sequence's name, one of its pictures, a folder or a glob stands for; none where there are
    none. Raises AmbiguousSequenceError where there are several sequences."""
    path = Path(name)
    if is_folder(path):
        return _only_sequence(name, _pictures_in(path))
    if is_there(path):
        return _sequence_of(path)
    if SIGNS.search(path.name):
        found = sorted(_matching(path)) or sorted(_in_range(path))
        loose = [] if found else sorted(_matching(path, strict=False))
        paths = tuple(p for _, p in found or loose)
        if len({number for number, _ in found or loose}) < len(paths):
            return _only_sequence(name, list(paths))
        said = path.name + (", whatever the number of digits" if loose else "")
        return Found(tuple(number for number, _ in found or loose), paths, said if paths else "")
    return _only_sequence(name, _globbed(path) if glob.has_magic(name) else [])


def left_out_of(names: list[str]) -> list[str]:
    """The names of pictures in the folders among `names` that are of kinds which are not read."""
    folders = [Path(name) for name in names if is_folder(Path(name))]
    entries = (entry for folder in folders for entry in folder.iterdir())
    return sorted(e.name for e in entries if e.suffix.lower() in OTHER_PICTURES and not e.name.startswith("."))


def _pictures_in(folder: Path) -> list[Path]:
    """Those of a folder, without hidden files: a Mac puts a `._` file beside each picture on a foreign disk."""
    found = [p for p in folder.iterdir() if p.suffix.lower() in PICTURE_ENDINGS and not p.name.startswith(".")]
    return sorted(found, key=_natural)


def _globbed(path: Path) -> list[Path]:
    """The files that a glob stands for. Of a folder that is there only the name is one, whatever signs its own name has."""
    text = str(path)
    if is_folder(path.parent):
        text = str(Path(glob.escape(str(path.parent))) / path.name)
    found = (Path(p) for p in glob.glob(text))  # noqa: PTH207 (Path.glob takes no absolute pattern)
    return sorted((p for p in found if p.suffix.lower() in PICTURE_ENDINGS), key=_natural)


def _matching(path: Path, strict: bool = True) -> Iterator[tuple[int, Path]]:
    """Number and path of each file of a sequence's name. The last signs are the number; `strict` asks for its digits, and
    for capitals where there are some."""
    signs = list(SIGNS.finditer(path.name))[-1]
    before, after = (_literal(part) for part in (path.name[: signs.start()], path.name[signs.end() :]))
    wanted = re.compile(f"{before}(-?[0-9]{{1,{MOST_DIGITS}}}){after}", 0 if strict else re.IGNORECASE)
    least = digits_of(signs) if strict else 1
    for entry in sorted(path.parent.iterdir()) if is_folder(path.parent) else ():
        found = wanted.fullmatch(entry.name)
        if found and not entry.name.startswith("._") and _is_padded(found[1], least, strict):
            yield int(found[1]), entry


def _in_range(path: Path) -> Iterator[tuple[int, Path]]:
    """The same of a name that lists its frames, as fileseq and RV write it."""
    signs = list(SIGNS.finditer(path.name))[-1]
    listed = INLINE_RANGE.search(path.name[: signs.start()])
    is_wanted = range_of(listed[0]) if listed else None
    if listed and is_wanted:
        whole = path.with_name(path.name[: listed.start()] + path.name[signs.start() :])
        yield from ((number, found) for number, found in _matching(whole, strict=False) if is_wanted(number))


def _literal(text: str) -> str:
    """A regular expression for a part of a name, in which * and ? alone stand for others."""
    return re.escape(text).replace(r"\*", ".*").replace(r"\?", ".")


def _is_padded(number: str, least: int, strict: bool) -> bool:
    digits = number.lstrip("-")
    enough = len(digits) >= least or (number.startswith("-") and len(number) >= least)
    return not strict or least <= 1 or (enough and (len(digits) <= least or digits[0] != "0"))


def _sequence_of(picture: Path) -> Found:
    """The pictures that differ from one in a number alone; just that one where there are none."""
    if picture.suffix.lower() not in PICTURE_ENDINGS:
        return Found((1,), (picture,), "")
    own = _Name.of(picture)
    beside = [name for name in map(_Name.of, _pictures_in(picture.parent)) if name.kind == own.kind]
    for place in _by_merit(own):
        same = [name for name in beside if name.others(place) == own.others(place)]
        if len(same) > 1:
            return _only_sequence(str(picture), [name.path for name in same])
    return _only_sequence(str(picture), [picture])


def _by_merit(name: _Name) -> list[int]:
    """The places of the numbers of a name that may be the frame's, the likeliest first. Beside one that looks like a frame's
    alone, those that do not are a shot's or a version's: `sh020.1001.exr` is no frame of `sh010.1001.exr`."""
    places = sorted(range(len(name.numbers)), key=lambda place: (not name.stands_alone(place), -place))
    return [place for place in places if name.looks_like_a_frame(place)] or places


def _only_sequence(name: str, paths: list[Path]) -> Found:
    """The one sequence that pictures make; pictures without any number are counted."""
    sequences = list(_sequences([_Name.of(path) for path in paths]))
    numbered = [found for found in sequences if found.said]
    if not numbered:
        said = "no frame numbers in the names: counted from 1 in their order" if paths else ""
        return Found(tuple(range(1, len(paths) + 1)), tuple(paths), said)
    if len(numbered) == 1:
        left = [path.name for found in sequences if not found.said for path in found.paths]
        more = f"; not part of it, and left out: {_listed(left)}" if left else ""
        return numbered[0]._replace(said=numbered[0].said + more)
    raise AmbiguousSequenceError(
        f"{name} holds {len(numbered)} sequences: {_listed([found.said for found in numbered])}",
        "Name the one that is meant, such as plate.####.exr",
    )


def _listed(names: list[str]) -> str:
    """The first of them, and how many more there are. `listing` needs NumPy."""
    more = f", and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(names[:MOST_NAMED]) + more


def _sequences(names: list[_Name]) -> Iterator[Found]:
    """Pictures by the sequence that they are of; `said` is empty for one that has no frame number."""
    kinds: dict[tuple[str, ...], list[_Name]] = defaultdict(list)
    for name in names:
        kinds[name.kind].append(name)
    for alike in kinds.values():
        place = _frame_place(alike)
        if place is None:
            yield from (Found((1,), (name.path,), "") for name in alike)
            continue
        takes: dict[tuple[object, ...], list[_Name]] = defaultdict(list)
        twice = len({(int(name.numbers[place]), *name.others(place)) for name in alike}) < len(alike)
        for name in alike:
            takes[(*name.others(place), len(name.numbers[place]) if twice else 0)].append(name)
        for take in takes.values():
            ordered = sorted(take, key=lambda name: int(name.numbers[place]))
            numbers = tuple(int(name.numbers[place]) for name in ordered)
            yield Found(numbers, tuple(name.path for name in ordered), ordered[0].pattern(place))


def _frame_place(alike: Iterable[_Name]) -> int | None:
    """Which number of names of one kind is the frame's: one that differs from name to name, and else one that stands alone
    in the name. None where there is none."""
    alike = list(alike)
    places = _by_merit(alike[0])
    varied = [place for place in places if len({name.numbers[place] for name in alike}) > 1]
    lone = [place for place in places if alike[0].stands_alone(place)]
    versions = varied and not alike[0].stands_alone(varied[0])
    return next(iter(lone if lone and (versions or not varied) else varied), None)


def _natural(path: Path) -> list[tuple[int, str]]:
    """Sorts `a.2.png` before `a.10.png`."""
    return [(int(part), "") if i % 2 else (-1, part) for i, part in enumerate(re.split(r"([0-9]+)", path.name))]
