# SPDX-License-Identifier: GPL-3.0-or-later
"""What a TIFF says of itself, and the rewriting of its header where OpenCV reads less than there is.

OpenCV takes the first picture of a file, which may be a thumbnail, and mixes up planes of more than 8 bits that lie one
after the other. So the header is made to point at the picture that is meant, and each plane is read as a grey picture.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

from PIL import TiffImagePlugin

from ..reading import Reader

BEGINNINGS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
"""Of TIFF and BigTIFF."""
KIND, WIDTH, HEIGHT, BITS, PHOTOMETRIC, OFFSETS, ORIENTATION = 254, 256, 257, 258, 262, 273, 274
SAMPLES, SIZES, PLANES, EXTRA, FORMAT, PROFILE = 277, 279, 284, 338, 339, 34675
TILE_OFFSETS, TILE_SIZES = 324, 325
"""Tags (TIFF 6.0)."""
WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, INKS, LAB = 0, 1, 2, 5, 8
"""Of PHOTOMETRIC."""
MULTIPLIED = 1
"""Of EXTRA: a matte with which the colours are multiplied."""
FLOATS = 3
"""Of FORMAT."""
APART = 2
"""Of PLANES: one plane after the other."""
KEPT = (WIDTH, HEIGHT, 259, 266, ORIENTATION, 278, 317, 322, 323)
"""Tags that a plane has in common with its picture: how it is packed, and in which pieces."""
LONG, LONG_OF_BIG = 4, 16
"""Types of numbers."""
MOST_PICTURES = 10_000


class Tiff(NamedTuple):
    """The picture of a file that is meant: the first that is no smaller copy of another."""

    tags: TiffImagePlugin.ImageFileDirectory_v2
    pictures: int
    """How many there are, smaller copies not counted."""
    raw: bytes
    """The file with that picture first."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height as stored."""
        return int(self.tags[WIDTH]), int(self.tags[HEIGHT])

    @property
    def samples(self) -> int:
        """Numbers of a pixel."""
        return int(self.tags.get(SAMPLES, 1))

    @property
    def bits(self) -> int:
        """Of each."""
        return max(self.tags.get(BITS, (1,)))

    @property
    def photometric(self) -> int:
        """The meaning of the numbers."""
        return int(self.tags.get(PHOTOMETRIC, BLACK_IS_ZERO))

    @property
    def floats(self) -> bool:
        """Whether they are floats."""
        return FLOATS in self.tags.get(FORMAT, ())

    @property
    def alpha(self) -> bool:
        """Whether there is one number more than the colours need."""
        wanted = {RGB: 4, BLACK_IS_ZERO: 2, WHITE_IS_ZERO: 2}
        return self.samples == wanted.get(self.photometric)

    @property
    def multiplied(self) -> bool:
        """Whether the colours are multiplied with their alpha."""
        return MULTIPLIED in self.tags.get(EXTRA, ())

    @property
    def apart(self) -> bool:
        """Whether the colours lie one after the other."""
        return self.samples > 1 and int(self.tags.get(PLANES, 1)) == APART

    def planes(self) -> Iterator[bytes]:
        """A grey picture for each colour of a file whose colours lie apart: all of it, with another list of tags behind."""
        offsets, sizes = (TILE_OFFSETS, TILE_SIZES) if TILE_OFFSETS in self.tags else (OFFSETS, SIZES)
        each = len(self.tags[offsets]) // self.samples
        kept = {tag: self.tags[tag] for tag in KEPT if tag in self.tags}
        for plane in range(self.samples):
            part = slice(plane * each, (plane + 1) * each)
            own = {SAMPLES: 1, PHOTOMETRIC: BLACK_IS_ZERO, BITS: self.bits, FORMAT: self.tags.get(FORMAT, (1,))[0]}
            yield _with_tags(self.raw, kept | own | {offsets: self.tags[offsets][part], sizes: self.tags[sizes][part]})


def read_tiff(reader: Reader, raw: bytes) -> Tiff:
    """The picture of `raw` that is meant. Within `reader.opened`."""
    file = io.BytesIO(raw)
    at, seen = _no_tags(raw).next, set[int]()
    chosen: tuple[TiffImagePlugin.ImageFileDirectory_v2, int] | None = None
    pictures = 0
    while at and at not in seen and len(seen) < MOST_PICTURES:
        seen.add(at)
        tags = _no_tags(raw)
        file.seek(at)
        tags.load(file)
        whole = not int(tags.get(KIND, 0)) & 1
        if chosen is None or (whole and not pictures):
            chosen = tags, at
        pictures += whole
        at = tags.next
    if chosen is None:
        raise reader.wrong("it holds no picture")
    return Tiff(chosen[0], max(pictures, 1), _pointing_at(raw, chosen[1]))


def _is_big(raw: bytes) -> bool:
    return raw[2:4] in (b"+\0", b"\0+")


def _no_tags(raw: bytes) -> TiffImagePlugin.ImageFileDirectory_v2:
    """An empty list of tags for this kind of file; its `next` is where the first one lies."""
    return TiffImagePlugin.ImageFileDirectory_v2(raw[: 16 if _is_big(raw) else 8])


def _pointing_at(raw: bytes, at: int) -> bytes:
    """The file with the list of tags at `at` as its first."""
    order: Literal["little", "big"] = "little" if raw.startswith(b"II") else "big"
    if _is_big(raw):
        return raw[:8] + at.to_bytes(8, order) + raw[16:]
    return raw[:4] + at.to_bytes(4, order) + raw[8:]


def _with_tags(raw: bytes, tags: Mapping[int, Any]) -> bytes:
    """The file with another list of tags behind it, to which its header points."""
    order = "<" if raw.startswith(b"II") else ">"
    head, entry, number, kind = ("Q", "HHQ", "Q", LONG_OF_BIG) if _is_big(raw) else ("H", "HHL", "L", LONG)
    size = struct.calcsize(f"{order}{number}")
    at = len(raw) + -len(raw) % 8
    listed = struct.pack(f"{order}{head}", len(tags))
    behind = at + len(listed) + len(tags) * struct.calcsize(f"{order}{entry}{number}") + size
    values = b""
    for tag, value in sorted(tags.items()):
        several = value if isinstance(value, tuple) else (value,)
        packed = struct.pack(f"{order}{len(several)}{number}", *several)
        if len(packed) > size:
            packed, values = struct.pack(f"{order}{number}", behind + len(values)), values + packed
        listed += struct.pack(f"{order}{entry}", tag, kind, len(several)) + packed
    return _pointing_at(raw.ljust(at, b"\0"), at) + listed + bytes(size) + values
