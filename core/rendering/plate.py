# SPDX-License-Identifier: GPL-3.0-or-later
"""The plate that a head goes back into: its frames by number, as the light that they hold."""

from __future__ import annotations

from collections.abc import Iterator

from ..arrays import Floats
from ..errors import SettingError
from ..imaging import colour, exr
from ..imaging.colour_space import AUTO, Chromaticities, declared_space
from ..imaging.read import Clip, open_clip, read_linear


class Plate:
    """Numbered pictures or a movie. EXR frames come bit for bit in their own space; all else is linear Rec.709, as
    deep as it is.

    Frames of a movie are decoded in order: asking for one before the last begins anew.
    """

    def __init__(self, name: str, first: int, colour_space: str) -> None:
        """first: number of a movie's first frame. Raises EmptyClipError or UnreadableImageError."""
        self.name = name
        self._clip: Clip = open_clip(name, first, colour_space=colour_space)
        self._places = {number: i for i, number in enumerate(self._clip.numbers)}
        self._walk: Iterator[tuple[int, Floats]] = iter(())
        self._next = -1
        self._is_exr = bool(self._clip.pictures) and self._clip.pictures[0].suffix.lower() == ".exr"
        self.space: str | Chromaticities = colour.SCENE_LINEAR
        self.full = False
        """32-bit floats, which a half would not hold bit for bit"""
        if self._is_exr:
            self.full = any(layer.full for layer in exr.read_layers(self._clip.pictures[0]).values())
            header = exr.read_attributes(self._clip.pictures[0])
            self.space = declared_space(header) if colour_space == AUTO else colour_space

    @property
    def note(self) -> str:
        """What a movie was taken for, in words; may be empty."""
        return self._clip.note if self._clip.movie else ""

    @property
    def identity(self) -> list[object]:
        """What tells it from another or from itself changed: names, sizes and times of its files."""
        files = self._clip.pictures or (self._clip.path,)
        return [[path.name, path.stat().st_size, path.stat().st_mtime_ns] for path in files if path.is_file()]

    def stand_in(self, number: int) -> list[int]:
        """What stands for the content of frame `number`: size and time of its file, and for a movie which frame it is.

        Empty for a frame that there is not.
        """
        if number not in self._places:
            return []
        place = self._places[number]
        known = (self._clip.pictures[place] if self._clip.pictures else self._clip.path).stat()
        return [known.st_size, known.st_mtime_ns, *(() if self._clip.pictures else (place,))]

    def __contains__(self, number: int) -> bool:
        return number in self._places

    def nearest(self, number: int) -> int:
        """The number of the frame that is nearest to `number`."""
        return min(self._places, key=lambda known: abs(known - number))

    def read(self, number: int) -> Floats:
        """[H, W, 3] scene-linear in `space`. Raises SettingError for a frame that there is not, UnreadableImageError."""
        if number not in self._places:
            low, high = min(self._places), max(self._places)
            raise SettingError(
                f"The plate {self.name} has no frame {number}: it has {low} to {high}",
                "Give the plate that was tracked, or a movie's --first",
            )
        if self._clip.pictures:
            path = self._clip.pictures[self._places[number]]
            return exr.read_rgba(path)[..., :3] if self._is_exr else read_linear(path)
        if self._next < 0 or self._places[number] < self._next:
            self._walk, self._next = self._clip.linear_frames(), 0
        for there, light in self._walk:
            self._next += 1
            if there == number:
                return light
        raise SettingError(f"The plate {self.name} ends before frame {number}", "Give a movie that plays to its end")
