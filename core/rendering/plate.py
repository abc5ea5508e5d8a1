# SPDX-License-Identifier: GPL-3.0-or-later
"""The plate that a head goes back into: its frames by number, as the light that they hold."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import cached_property
from typing import NamedTuple

import numpy as np

from ..arrays import Floats
from ..errors import SettingError
from ..files import sha256_of
from ..imaging import colour, exr, pictures
from ..imaging.colour_space import AUTO, Chromaticities, declared_space, is_same_space, space_in_words
from ..imaging.read import Clip, open_clip, read_linear
from ..timecode import label_after


class PlateFrame(NamedTuple):
    """One frame, in the plate's own space; where it has alpha, premultiplied."""

    light: Floats
    """[H, W, 3]"""
    alpha: Floats | None
    """[H, W] 0 to 1; None where the plate has none"""
    full: bool = False
    """32-bit floats, which a half would not hold bit for bit"""


class Plate:
    """Numbered pictures or a movie. EXR frames come bit for bit in their own space; all else is linear Rec.709, as
    deep as it is.

    Pixels are those of all that EXR frames hold, overscan too; elsewhere those of the picture. Frames of a movie are decoded
    in order: asking for one before the last begins anew.
    """

    def __init__(self, name: str, first: int, colour_space: str, layer: str = "") -> None:
        """first: number of a movie's first frame; layer: of EXR frames, empty for their picture.

        Raises EmptyClipError, AmbiguousSequenceError, UnreadableImageError, or SettingError for a layer that is not there.
        """
        self.name, self._layer = name, layer
        self._clip: Clip = open_clip(name, first, colour_space=colour_space, layer=layer)
        self._places = {number: i for i, number in enumerate(self._clip.numbers)}
        self._walk: Iterator[tuple[int, Floats]] = iter(())
        self._next = -1
        self._last: tuple[int, PlateFrame] | None = None
        self._size: tuple[int, ...] = ()
        """Height and width of the first frame that was read"""
        self._in_words = ""
        """The space that the first EXR frame names; empty where the user did"""
        self._is_exr = bool(self._clip.pictures) and self._clip.pictures[0].suffix.lower() == ".exr"
        self.space: str | Chromaticities = colour.SCENE_LINEAR
        self.tag: dict[str, object] = {}
        """The header's word on its colours, where it is believed"""
        self.framing: exr.Framing | None = None
        """Where the pixels lie; None for from 0, 0"""
        self.has_alpha = bool(self._clip.pictures) and not self._is_exr and pictures.has_alpha(self._clip.pictures[0])
        if self._clip.movie is not None:
            self.has_alpha = self._clip.movie.stream.alpha
        if self._is_exr:
            seen = exr.read_picture(self._clip.pictures[0], layer)
            self.has_alpha = seen.alpha
            self.space = declared_space(seen.header) if colour_space == AUTO else colour_space
            if colour_space == AUTO:
                self._in_words = space_in_words(seen.header)
                self.tag = {key: seen.header[key] for key in exr.COLOUR_SPACE if key in seen.header}
            self.framing = self._framing(seen)

    def _framing(self, seen: exr.Seen) -> exr.Framing:
        """Holds whatever any frame has beyond the display window, where the first has more."""
        display, data = (exr.window_of(seen.header, name) for name in ("displayWindow", "dataWindow"))
        whole = exr.union(display, data)
        if whole != display:
            for path in self._clip.pictures[1:]:
                whole = exr.union(whole, exr.window_of(exr.read_attributes(path, self._layer), "dataWindow"))
        return exr.Framing(display, whole)

    @property
    def note(self) -> str:
        """How the plate was read, in words; may be empty."""
        return self._clip.note

    @property
    def margin(self) -> tuple[int, int]:
        """Pixels to the left of and above what is displayed."""
        if self.framing is None:
            return 0, 0
        return self.framing.display[0] - self.framing.data[0], self.framing.display[1] - self.framing.data[1]

    def attributes(self, number: int) -> dict[str, object]:
        """The attributes in the header of frame `number`, apart from those of pixels and colours."""
        if self._clip.movie is not None:
            said: dict[str, object] = {"framesPerSecond": self._clip.rate}
            if self.pixel_aspect != 1:
                said["pixelAspectRatio"] = float(self.pixel_aspect)
            code = self._clip.movie.stream.timecode
            label = label_after(code, self._places.get(number, 0), self._clip.rate) if code else None
            return said | (exr.time_code(label, self._clip.rate) if label else {})
        if not self._is_exr or number not in self._places:
            return {}
        return exr.passed_on(exr.read_attributes(self._clip.pictures[self._places[number]], self._layer))

    @property
    def pixel_aspect(self) -> Fraction:
        """Width of a pixel over its height, as the plate is to be shown."""
        return self._clip.pixel_aspect

    @property
    def width(self) -> int:
        """Of all that a frame holds, in its own pixels. Raises UnreadableImageError."""
        return self.display_size()[0] if self.framing is None else self.framing.data[2] - self.framing.data[0]

    @cached_property
    def identity(self) -> list[object]:
        """Names, sizes and times of its files: they tell it from another plate, and from itself when changed."""
        files = self._clip.pictures or (self._clip.path,)
        return [[path.name, path.stat().st_size, path.stat().st_mtime_ns] for path in files if path.is_file()]

    def stand_in(self, number: int) -> list[object]:
        """A stand-in for the content of frame `number`: size and time of its file, and for a movie which frame it is.

        Empty for a frame that there is not.
        """
        if number not in self._places:
            return []
        place = self._places[number]
        known = (self._clip.pictures[place] if self._clip.pictures else self._clip.path).stat()
        layer = [self._layer] if self._layer else []
        return [known.st_size, known.st_mtime_ns, *(() if self._clip.pictures else (place,)), *layer]

    def content_hash(self, number: int) -> str:
        """The SHA-256 of the file that frame `number` is read from, a movie's read but once; empty for a frame that there is
        not."""
        if number not in self._places:
            return ""
        return sha256_of(self._clip.pictures[self._places[number]]) if self._clip.pictures else self._movie_hash

    @cached_property
    def _movie_hash(self) -> str:
        return sha256_of(self._clip.path)

    def __contains__(self, number: int) -> bool:
        return number in self._places

    def nearest(self, number: int) -> int:
        """The number of the frame that is nearest to `number`."""
        return min(self._places, key=lambda known: abs(known - number))

    def display_size(self) -> tuple[int, int]:
        """Width and height of what is displayed. Raises UnreadableImageError."""
        if self.framing is not None:
            left, top, right, bottom = self.framing.display
            return right - left, bottom - top
        height, width = self.read(min(self._places)).shape[:2]
        return width, height

    def read(self, number: int) -> Floats:
        """The light of a frame. Raises what `frame` does."""
        return self.frame(number).light

    def frame(self, number: int) -> PlateFrame:
        """Scene-linear in `space`. Raises SettingError for a frame that there is not, UnreadableImageError."""
        if self._last is None or self._last[0] != number:
            self._last = None
            found = self._read(number)
            size = found.light.shape[:2]
            self._size = self._size or size
            if size != self._size:
                raise SettingError(
                    f"Frame {number} of {self.name} is {size[1]} x {size[0]}, and those before it {self._size[1]} x "
                    f"{self._size[0]}",
                    "Give one plate, rendered in one piece",
                )
            self._last = number, found
        return self._last[1]

    def _read(self, number: int) -> PlateFrame:
        if number not in self._places:
            low, high = min(self._places), max(self._places)
            raise SettingError(
                f"The plate {self.name} has no frame {number}: it has {low} to {high}",
                "Give the plate that was tracked, or a movie's --first",
            )
        if self._is_exr:
            return self._read_exr(number)
        if self._clip.pictures:
            path = self._clip.pictures[self._places[number]]
            light, alpha = read_linear(path), pictures.read_alpha(path) if self.has_alpha else None
            if self.has_alpha and alpha is None:
                alpha = np.ones(light.shape[:2], np.float32)
            return _premultiplied(light, alpha)
        if self._next < 0 or self._places[number] < self._next:
            self._walk, self._next = self._clip.linear_frames(), 0
        for there, light in self._walk:
            self._next += 1
            if there == number:
                return _premultiplied(light[..., :3], light[..., 3] if self.has_alpha else None)
        raise SettingError(f"The plate {self.name} ends before frame {number}", "Give a movie that plays to its end")

    def _read_exr(self, number: int) -> PlateFrame:
        path = self._clip.pictures[self._places[number]]
        seen = exr.read_picture(path, self._layer)
        assert self.framing is not None
        display = exr.window_of(seen.header, "displayWindow")
        if display != self.framing.display:
            raise SettingError(
                f"{path} has the display window {display}, and the plate's first frame {self.framing.display}",
                "Give one plate, rendered in one piece",
            )
        if self._in_words and not is_same_space(declared_space(seen.header), self.space):
            raise SettingError(
                f"{path} is in {space_in_words(seen.header)}, and the plate's first frame in {self._in_words}",
                "Give one plate, or say with --colour-space what all of it is in",
            )
        rgba = seen.over(self.framing.data)
        return PlateFrame(rgba[..., :3], rgba[..., 3] if self.has_alpha or seen.alpha else None, seen.full)


def _premultiplied(light: Floats, alpha: Floats | None) -> PlateFrame:
    """A frame of colours [H, W, 3] that are not multiplied by `alpha` yet."""
    return PlateFrame(light, None) if alpha is None else PlateFrame(light * alpha[..., None], np.ascontiguousarray(alpha))
