"""Photos and clips from files, folders and globs. Pictures come as sRGB uint8 [H, W, 3], upright."""

from __future__ import annotations

import glob
import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from ..errors import EmptyClipError, UnreadableImageError
from . import colour, exr

PICTURE_ENDINGS = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".bmp", ".exr"})
MOVIE_ENDINGS = frozenset({".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".mts", ".m2ts", ".wmv"})
"""What counts as a video in a folder; a file that is named itself may have any ending."""
SEQUENCE_RATE = Fraction(24)
"""Frames per second of a folder of pictures, which does not say."""

Picture = NDArray[np.uint8]


class Frame(NamedTuple):
    """One frame of a clip: its number in the source, and the picture."""

    number: int
    picture: Picture


class Clip(NamedTuple):
    """A movie, or numbered pictures. Nothing is decoded before `frames` is walked."""

    path: Path
    rate: Fraction
    """Frames per second."""
    length: int
    """Frames that the container claims; a movie may hold a few less."""
    numbers: tuple[int, ...]
    """Of numbered pictures; empty for a movie, whose frames are numbered from 1."""
    pictures: tuple[Path, ...]

    def frames(self) -> Iterator[Frame]:
        """Decode one frame after the other. Raises UnreadableImageError at a broken picture, EmptyClipError at none."""
        if self.pictures:
            for number, path in zip(self.numbers, self.pictures, strict=True):
                yield Frame(number, read_photo(path))
            return
        movie = cv2.VideoCapture(str(self.path))
        number = 0
        try:
            while True:
                there, picture = movie.read()
                if not there:
                    break
                number += 1
                yield Frame(number, np.ascontiguousarray(picture[..., ::-1]))
        finally:
            movie.release()
        if not number:
            raise EmptyClipError(f"{self.path} holds no frame that can be decoded", "Give a movie, or a folder of pictures")


def read_photo(path: Path) -> Picture:
    """One picture. EXR is taken as scene-linear Rec.709. Raises UnreadableImageError."""
    if not path.is_file():
        raise UnreadableImageError(f"{path} is not there", "Check the path")
    if path.suffix.lower() == ".exr":
        linear = exr.read_rgba(path)[..., :3]
        return colour.to_bytes(colour.encode_srgb(linear))
    raw = np.fromfile(path, np.uint8)
    picture = cv2.imdecode(raw, cv2.IMREAD_COLOR) if raw.size else None
    if picture is None or _truncated(path, raw):
        raise UnreadableImageError(f"{path} is damaged, or no picture", "Export it again, or leave it out")
    return np.ascontiguousarray(picture[..., ::-1])


def _truncated(path: Path, raw: NDArray[np.uint8]) -> bool:
    """JPEG and PNG decoders fill what is missing with grey and say nothing: look for the end mark."""
    ending = path.suffix.lower()
    tail = raw[-4096:].tobytes()
    if ending in {".jpg", ".jpeg"}:
        return b"\xff\xd9" not in tail
    return ending == ".png" and b"IEND" not in tail


def find_photos(names: list[str]) -> list[Path]:
    """The pictures that `names` (files, folders, globs) stand for, in order. Raises UnreadableImageError at none."""
    paths: list[Path] = []
    for name in names:
        paths.extend(_expand(name))
    if not paths:
        raise UnreadableImageError(f"No picture in {', '.join(names) or 'an empty list'}", "Give files, folders or globs")
    return paths


def open_clip(name: str) -> Clip:
    """The clip that `name` (a movie, a numbered picture, a folder of pictures or a glob) stands for.

    Raises EmptyClipError where there is no frame, UnreadableImageError where it is no movie.
    """
    path = Path(name)
    if path.is_file() and path.suffix.lower() not in PICTURE_ENDINGS:
        return _open_movie(path)
    pictures = _expand(name)
    if not pictures:
        raise EmptyClipError(f"{name} holds no frame", "Give a movie, or a folder of numbered pictures")
    numbers = _numbers(pictures)
    return Clip(path, SEQUENCE_RATE, len(pictures), numbers, tuple(pictures))


def _open_movie(path: Path) -> Clip:
    movie = cv2.VideoCapture(str(path))
    try:
        if not movie.isOpened():
            reason = "is empty" if path.stat().st_size == 0 else "cannot be opened as a movie"
            raise EmptyClipError(f"{path} {reason}", "Give a movie that plays, or a folder of pictures")
        rate = Fraction(movie.get(cv2.CAP_PROP_FPS) or 0).limit_denominator(1001) or SEQUENCE_RATE
        count = max(0, int(movie.get(cv2.CAP_PROP_FRAME_COUNT)))
    finally:
        movie.release()
    return Clip(path, rate, count, (), ())


def _expand(name: str) -> list[Path]:
    path = Path(name)
    if path.is_dir():
        found = [p for p in path.iterdir() if p.suffix.lower() in PICTURE_ENDINGS]
        return sorted(found, key=_natural)
    if path.exists() or not glob.has_magic(name):
        return [path]
    return sorted((Path(p) for p in glob.glob(name)), key=_natural)  # noqa: PTH207 (Path.glob takes no absolute pattern)


def _natural(path: Path) -> list[tuple[int, str]]:
    """Sorts `a.2.png` before `a.10.png`."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", path.name)]


def _numbers(pictures: list[Path]) -> tuple[int, ...]:
    """The last number in each name, or 1, 2, 3... where names have none or share one."""
    found = [re.findall(r"\d+", p.stem) for p in pictures]
    if all(found):
        numbers = tuple(int(f[-1]) for f in found)
        if len(set(numbers)) == len(numbers):
            return numbers
    return tuple(range(1, len(pictures) + 1))
