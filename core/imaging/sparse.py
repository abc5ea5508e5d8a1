# SPDX-License-Identifier: GPL-3.0-or-later
"""EXR files of layers that are mostly nothing. Blender wants all layers of one size, and to pack a layer in 4K that holds
nothing takes as long as to pack one that holds a head. So OpenEXR packs the rows that hold something; the blocks of rows
above and below them are packed once and put in here.

The file is as OpenEXR would have written it (see "OpenEXR File Layout" at openexr.com): headers, for each part a table of
where its blocks begin, the blocks.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

Rows = tuple[int, int]
"""The first, and the one after the last."""
BLOCK = 16
"""Rows that ZIP packs as one."""
_MAGIC = 8
"""Bytes before the first header."""
_HEAD = struct.Struct("<iii")
"""What a block begins with: number of the part, first row, bytes that follow."""


class Band(NamedTuple):
    """A part of which OpenEXR has written some blocks, packed by ZIP."""

    whole: Rows
    """that it is to have"""
    row: int
    """bytes in one, unpacked"""


def in_blocks(rows: Rows, whole: Rows) -> Rows:
    """Those of the `whole` rows that have to be written so that `rows` are: all of their blocks, and one block at least."""
    top, bottom = whole
    first = min(max(rows[0] - top, 0), bottom - top - 1) // BLOCK
    last = max(-(-(min(rows[1], bottom) - top) // BLOCK), first + 1)
    return top + first * BLOCK, min(top + last * BLOCK, bottom)


def put_empty_blocks(written: bytes, bands: Sequence[Band | None], path: Path) -> None:
    """Write to `path` the EXR file of several parts whose bytes are `written`; each part that has a band gets all of its
    rows, and 0 in those that are new. Raises OSError."""
    at, places = _MAGIC, []
    for _ in bands:
        at, place = _attributes(written, at)
        places.append(place)
    at += 1  # the list of headers ends in an empty one
    header = bytearray(written[:at])
    every: list[bytes | memoryview] = []
    for part, (band, place) in enumerate(zip(bands, places, strict=True)):
        (count,) = struct.unpack_from("<i", header, place["chunkCount"])
        found: list[bytes | memoryview] = [_block(written, start) for start in struct.unpack_from(f"<{count}Q", written, at)]
        at += 8 * count
        if band is not None:
            left, top, right, last = struct.unpack_from("<4i", header, place["dataWindow"])
            above, below = range(band.whole[0], top, BLOCK), range(last + 1, band.whole[1], BLOCK)
            found = [*(_empty(part, y, band) for y in above), *found, *(_empty(part, y, band) for y in below)]
            struct.pack_into("<4i", header, place["dataWindow"], left, band.whole[0], right, band.whole[1] - 1)
            struct.pack_into("<i", header, place["chunkCount"], len(found))
        every += found
    begin = accumulate(map(len, every[:-1]), initial=len(header) + 8 * len(every))
    with open(path, "wb") as file:
        file.write(header)
        file.write(struct.pack(f"<{len(every)}Q", *begin))
        file.writelines(every)


def _attributes(written: bytes, at: int) -> tuple[int, dict[str, int]]:
    """Where the header that begins `at` ends, and where the value of each of its attributes stands."""
    places = {}
    while written[at]:
        name_ends = written.index(0, at)
        size_at = written.index(0, name_ends + 1) + 1
        (size,) = struct.unpack_from("<i", written, size_at)
        places[written[at:name_ends].decode()] = size_at + 4
        at = size_at + 4 + size
    return at + 1, places


def _block(written: bytes, start: int) -> memoryview:
    """The block that begins at `start`, with its head."""
    size = _HEAD.unpack_from(written, start)[2]
    return memoryview(written)[start : start + _HEAD.size + size]


def _empty(part: int, y: int, band: Band) -> bytes:
    """A block from row `y` on that holds nothing."""
    packed = _packed(min(BLOCK, band.whole[1] - y) * band.row)
    return _HEAD.pack(part, y, len(packed)) + packed


@lru_cache(16)
def _packed(size: int) -> bytes:
    """So many bytes of 0 as OpenEXR packs them by ZIP: each is the difference from the one before it, and 128. What gets no
    smaller is not packed."""
    packed = zlib.compress(bytes(1) + b"\x80" * (size - 1), 9)
    return packed if len(packed) < size else bytes(size)
