# SPDX-License-Identifier: GPL-3.0-or-later
"""Photos and clips from files, folders and globs. Pictures come as sRGB uint8 [H, W, 3], upright."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from ..arrays import Picture
from ..errors import EmptyClipError, SettingError
from ..files import is_file, is_folder
from ..listing import ranges, shortened
from ..rates import exact_rate
from ..reading import MOST_ASPECT
from . import colour, exr, movie, pictures
from .colour_space import AUTO, declared_space, space_in_words, to_linear_rec709
from .halves import HALF_MOST
from .names import PICTURE_ENDINGS, find_sequence, left_out_of

SEQUENCE_RATE = Fraction(24)
"""Frames per second of numbered pictures that do not say."""
SLOWEST, FASTEST = Fraction(1, 100), Fraction(1000)
"""Frames per second that somebody may mean."""
SEVERAL = frozenset({".webp", ".png", ".apng", ".avif", ".tif", ".tiff"})
"""Endings of files that can hold several pictures."""
BRIGHT = 95.0
"""Percentile of an EXR plate's brightness that is exposed to BRIGHT_LEVEL where it lies outside of GOOD."""
BRIGHT_LEVEL = 0.6
GOOD = (0.2, 1.5)


class Frame(NamedTuple):
    """One frame of a clip: its number in the source, and the picture."""

    number: int
    picture: Picture
    held: bool = False
    """The picture is the one before, held to keep the rate."""


class Clip(NamedTuple):
    """A movie, or numbered pictures. No picture is decoded before `frames` is walked."""

    path: Path
    rate: Fraction
    """Frames per second."""
    numbers: Sequence[int]
    """The number of each frame; a damaged movie may end early."""
    pictures: tuple[Path, ...]
    """The file of each frame; empty for a movie."""
    shown: Sequence[int]
    """For each frame of a movie, which of its pictures it shows; empty for numbered pictures."""
    note: str
    """How a movie was brought to its rate, or how EXR plates were read, in words; may be empty."""
    colour_space: str
    movie: movie.Movie | None = None
    layer: str = ""
    """Of EXR plates; empty for the one that is their picture."""
    pixel_aspect: Fraction = Fraction(1)
    """Width of a pixel over its height, as the pictures are to be shown."""
    width: int = 0
    """Of a picture in its own pixels; 0 where they are square."""

    def frames(self, exposed: bool = False) -> Iterator[Frame]:
        """Decode one frame after the other, in square pixels; `exposed` EXR plates are as bright as a detector wants them.

        Raises UnreadableImageError at a broken picture, and what `read_photo` does for a colour space.
        """
        if self.pictures:
            for number, path in zip(self.numbers, self.pictures, strict=True):
                yield Frame(number, self._shown(read_photo(path, self.colour_space, exposed, self.layer)))
            return
        assert self.movie is not None
        for number, (picture, held) in zip(self.numbers, self.movie.pictures(self.shown), strict=False):
            yield Frame(number, self._shown(picture), held)

    def _shown(self, picture: Picture) -> Picture:
        """A picture as wide as it is shown."""
        if self.pixel_aspect == 1:
            return picture
        height, width = picture.shape[:2]
        mode = cv2.INTER_AREA if self.pixel_aspect < 1 else cv2.INTER_CUBIC
        return np.asarray(cv2.resize(picture, (round(width * self.pixel_aspect), height), interpolation=mode), np.uint8)

    def linear_frames(self) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """Each frame's number, and its picture [H, W, 3] in scene-linear Rec.709 at its own depth. Not for EXR plates, which
        are in a colour space of theirs. Raises UnreadableImageError."""
        if self.movie is None:
            yield from ((number, read_linear(path)) for number, path in zip(self.numbers, self.pictures, strict=True))
        else:
            yield from zip(self.numbers, self.movie.linear_frames(self.shown), strict=False)


def read_photo(path: Path, colour_space: str = AUTO, exposed: bool = False, layer: str = "") -> Picture:
    """One picture. EXR is scene-linear in `colour_space`, "auto" for the one that its header declares, and linear Rec.709
    where it declares none; `exposed` brings it to a usual brightness, `layer` is one of several. Other pictures are sRGB.

    Raises UnreadableImageError, SettingError for a layer that is not there or a colour space that nobody knows,
    MissingPackageError for one that needs OpenColorIO, or for HEIC without pillow-heif.
    """
    if path.suffix.lower() == ".exr":
        seen = exr.read_picture(path, layer)
        space = declared_space(seen.header) if colour_space == AUTO else colour_space
        shown = seen.over(exr.window_of(seen.header, "displayWindow"))
        linear = to_linear_rec709(shown[..., :3], space)
        return colour.to_bytes(colour.encode_srgb(linear * (detector_gain(linear) if exposed else 1.0)))
    return pictures.to_picture(pictures.read_pixels(path))


def read_linear(path: Path) -> NDArray[np.float32]:
    """One picture other than EXR [H, W, 3] in scene-linear Rec.709, as deep as it is. Raises UnreadableImageError."""
    return pictures.to_linear(pictures.read_pixels(path))


def several_in(path: Path) -> str:
    """That a file holds several pictures, of which the first is read, in words; empty where it holds one. Raises
    UnreadableImageError."""
    if path.suffix.lower() not in SEVERAL or not is_file(path):
        return ""
    kind, count = pictures.pictures_in(path)
    return f"{kind} of {count} pictures, of which only the first is taken" if count > 1 else ""


def detector_gain(linear: NDArray[np.float32]) -> float:
    """Factor by which scene-linear Rec.709 [H, W, 3] is multiplied for a detector: 1 for a picture that is neither dark nor
    blown out. For its eyes alone, so it may differ from frame to frame."""
    bright = float(np.nanpercentile(np.nan_to_num(linear @ colour.LUMINANCE, posinf=HALF_MOST), BRIGHT))
    return 1.0 if GOOD[0] <= bright <= GOOD[1] else BRIGHT_LEVEL / max(bright, 1e-4)


def open_clip(name: str, first: int = 1, rate: str = "", colour_space: str = AUTO, layer: str = "") -> Clip:
    """The clip that `name` (a movie, a numbered picture, a folder of pictures or a glob) stands for.

    A movie's frames are numbered from `first`, pictures as their names say. `rate` is of numbered pictures alone, which
    without it have that of an EXR's header, or 24. Raises EmptyClipError where there is no frame, AmbiguousSequenceError
    where there are several sequences, UnreadableImageError where it is no movie, SettingError where `rate` is none or where
    EXR plates have no such `layer`.
    """
    path = Path(name)
    if is_file(path) and path.suffix.lower() not in PICTURE_ENDINGS:
        opened = movie.open_movie(path)
        shown = opened.timing.shown
        numbers: Sequence[int] = range(first, first + len(shown))
        return Clip(
            path,
            opened.timing.rate,
            numbers,
            (),
            shown,
            opened.note,
            colour_space,
            opened,
            "",
            *_squeeze(opened.stream.pixel_aspect, opened.stream.width),
        )
    numbers, paths, said = find_sequence(name)
    if not paths:
        raise EmptyClipError(f"{name} holds no frame", "Give a movie, or a folder of numbered pictures")
    header = exr.read_attributes(paths[0], layer) if _is_plate(paths[0]) else {}
    declared = header.get("framesPerSecond")
    known = declared if isinstance(declared, Fraction) and declared > 0 else SEQUENCE_RATE
    notes = [f"{said}: {ranges(np.array(numbers))}"] if len(paths) > 1 or is_folder(path) else []
    strange = left_out_of([name])
    if strange:
        notes.append(f"left out, of kinds that are not read: {shortened(strange)}")
    if header:
        notes.append(f"EXR plates in {colour_space if colour_space != AUTO else space_in_words(header)}")
        notes += filter(None, [exr.read_choice(paths[0], layer)])
    aspect, width = _squeeze_of(header)
    if width:
        notes.append(f"their pixels are {float(aspect):.4g} times as wide as high")
    notes += [several_in(paths[0])] if len(paths) == 1 and several_in(paths[0]) else []
    stated = parse_rate(rate) if rate else known
    return Clip(path, stated, numbers, paths, (), "; ".join(notes), colour_space, None, layer, aspect, width)


def _squeeze(aspect: Fraction, width: int) -> tuple[Fraction, int]:
    """Pixel aspect and width of a `Clip`: pixels that no camera has count as square."""
    return (aspect, width) if aspect != 1 and 1 / MOST_ASPECT <= aspect <= MOST_ASPECT else (Fraction(1), 0)


def _squeeze_of(header: Mapping[str, Any]) -> tuple[Fraction, int]:
    """The same of an EXR plate's header."""
    aspect = header.get("pixelAspectRatio", 1.0)
    if not isinstance(aspect, float) or not math.isfinite(aspect) or aspect <= 0 or aspect == 1:
        return Fraction(1), 0
    left, _, right, _ = exr.window_of(header, "displayWindow")
    return _squeeze(Fraction(aspect).limit_denominator(1000), right - left)


def parse_rate(text: str) -> Fraction:
    """Frames per second, exactly, of "24", "30000/1001" or "23.976", which is short for 24000/1001. Raises SettingError."""
    try:
        rate = Fraction(text)
    except (ValueError, ZeroDivisionError):
        rate = Fraction(0)
    if not SLOWEST <= rate <= FASTEST:
        raise SettingError(f"--rate cannot be '{text}'", "Give frames per second, such as 24, 23.976 or 30000/1001")
    return exact_rate(rate)


def _is_plate(picture: Path) -> bool:
    return picture.suffix.lower() == ".exr" and is_file(picture)
