# SPDX-License-Identifier: GPL-3.0-or-later
"""The one door for files from elsewhere: each is checked here before anything is made of it.

A file may be cut short, taken for another, or made to do harm. So its types, shapes, counts and numbers are checked, and how
much memory it asks for before that is given. What a `Reader` raises is the one error it was made with, which names the file,
what is wrong with it and the way out. Needs numpy alone, so that Blender's own Python reads, too.
"""

from __future__ import annotations

import ast
import io
import json
import math
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from .errors import HeadcastError, WrongFileError
from .files import is_file, is_there

LIKENESS_KEY, WEIGHTS_KEY = "headcast", "headcast.weights"
"""Keys in the metadata of safetensors files that are likenesses and trained weights."""
PERFORMANCE_HEAD = "head.npy"
"""The member of a zip archive that makes it a performance."""
MOST_HEADER = 1 << 24
"""Bytes of JSON before the arrays of a safetensors file."""
FREE_BYTES, MOST_RATIO, MOST_UNPACKED = 1 << 24, 100, 1 << 30
"""An archive may unpack to FREE_BYTES, or to MOST_RATIO times its size where that is more, and to MOST_UNPACKED at most."""
MOST_PIXELS = 1 << 28
"""Most pixels of a picture: 16384 x 16384, more than any camera of today takes."""
MOST_ASPECT = 8
"""How many times as wide as high, or as high as wide, a pixel may be."""
DEFLATE_RATIO, ANY_RATIO = 1200, 1 << 16
"""How often a picture's file may unpack to its own size: where it is deflated, and where wavelets or predictions shrink one
colour to next to nothing."""
TENSOR_BYTES = {
    **dict.fromkeys(("BOOL", "U8", "I8", "F8_E4M3", "F8_E5M2"), 1),
    **dict.fromkeys(("I16", "U16", "F16", "BF16"), 2),
    **dict.fromkeys(("I32", "U32", "F32"), 4),
    **dict.fromkeys(("I64", "U64", "F64"), 8),
}
"""Bytes of one number, by safetensors' names of their types."""
BEGINNINGS = {
    b"\x89PNG": "a PNG picture",
    b"\xff\xd8\xff": "a JPEG picture",
    b"v/1\x01": "an EXR picture",
    b"II*\0": "a TIFF picture",
    b"MM\0*": "a TIFF picture",
    b"\x93NUMPY": "a NumPy array",
    b"BLENDER": "a .blend file",
    b"%PDF": "a PDF document",
}
"""Kinds of files, by their first bytes."""


class Entry(NamedTuple):
    """One tensor's entry in a safetensors file."""

    kind: str
    """one of TENSOR_BYTES"""
    shape: tuple[int, ...]


class Reader:
    """Reads one file that should be `noun` ("a likeness"), and raises `error` for whatever is wrong with it."""

    def __init__(
        self,
        path: Path,
        noun: str,
        way_out: str,
        error: type[HeadcastError] = WrongFileError,
        missing: str = "Check the path",
    ) -> None:
        """way_out: what to do about a damaged file; missing: about one that is not there."""
        self.path, self.noun, self._way_out, self._error, self._missing = path, noun, way_out, error, missing
        self._sizes: dict[str, int] = {}

    def wrong(self, reason: object, way_out: str = "") -> HeadcastError:
        """The error to raise for `reason`. A file of another kind is called what it is."""
        other = kind_of(self.path)
        if other and not other.endswith(self.noun.removeprefix("a ")):
            return self._error(f"{self.path} is {other}, not {self.noun}", f"Give {self.noun} here")
        no = self.noun.split(" ", 1)[1]
        return self._error(f"{self.path} is damaged, or no {no} ({reason})", way_out or self._way_out)

    def newer(self) -> HeadcastError:
        """The error to raise for a format that is not known yet."""
        return self._error(f"{self.path} was written by a newer Headcast", "Update Headcast")

    @contextmanager
    def opened(self, absent: type[HeadcastError] | None = None) -> Iterator[None]:
        """Whatever fails within is the file's fault, and becomes one error; a missing file raises `absent`."""
        if not is_there(self.path):
            raise (absent or self._error)(f"{self.path} is not there", self._missing)
        if not is_file(self.path):  # a pipe or a device may never end
            kind = "a folder" if self.path.is_dir() else "no file"
            raise self._error(f"{self.path} is {kind}, not {self.noun}", f"Give {self.noun} here")
        try:
            yield
        except HeadcastError:
            raise
        except OSError as error:
            if error.strerror is None:
                raise self.wrong(error) from error
            raise self._error(
                f"{self.path} cannot be read ({error.strerror})", "Check that you may read it, and its disk"
            ) from error
        except KeyError as error:
            raise self.wrong(f"it has no {error.args[0] if error.args else error}") from error
        except Exception as error:  # parsers raise all sorts of things at bytes that are not theirs
            raise self.wrong(str(error).split("\n", 1)[0][:200] or type(error).__name__) from error

    def ensure(self, right: bool, reason: str) -> None:
        """Raise for `reason` unless `right`."""
        if not right:
            raise self.wrong(reason)

    def fits(self, name: str, found: tuple[int, ...], wanted: tuple[int | str, ...], most: int = 1 << 31) -> None:
        """Check the shape `found` of `name`. A letter in `wanted` stands for any size from 1 to `most`, and the same one
        throughout the file."""
        sizes = [self._sizes.setdefault(w, f) if isinstance(w, str) else w for w, f in zip(wanted, found, strict=False)]
        if len(found) != len(wanted) or list(found) != sizes or not all(0 < size <= most for size in found):
            shape = ", ".join(str(self._sizes.get(str(w), w)) for w in wanted)
            raise self.wrong(f"{name} is {list(found)} where [{shape}] is wanted")

    def array(
        self, name: str, found: NDArray[Any], dtype: DTypeLike, wanted: tuple[int | str, ...], gaps: bool = False
    ) -> NDArray[Any]:
        """`found` as `dtype`, with its shape checked as `fits` does and no infinity in it; no NaN either without `gaps`."""
        kinds = "iu" if np.dtype(dtype).kind in "iu" else "f"
        self.ensure(found.dtype.kind in kinds, f"{name} is of the type {found.dtype}")
        self.fits(name, found.shape, wanted)
        with np.errstate(over="ignore"):
            cast = np.ascontiguousarray(found, dtype)
        if kinds == "f":
            bad = np.isinf(cast) if gaps else ~np.isfinite(cast)
            self.ensure(not bad.any(), f"{name} is not finite")
        elif cast.dtype != found.dtype:
            self.ensure(np.array_equal(cast, found), f"{name} does not fit {cast.dtype}")
        return cast

    def number(self, name: str, value: object, least: float, most: float) -> float:
        """`value` of a JSON header, if it is a number from `least` to `most`."""
        if not isinstance(value, (int, float)) or isinstance(value, bool) or not least <= value <= most:
            raise self.wrong(f"{name} is {value!r:.40}")
        return float(value)

    def whole(self, name: str, value: object, most: int) -> int:
        """`value` of a JSON header, if it is a whole number from 1 to `most`."""
        number = self.number(name, value, 1, most)
        self.ensure(number.is_integer(), f"{name} is {number}")
        return int(number)

    def text(self, name: str, value: object) -> str:
        """`value` of a JSON header, if it is a string."""
        self.ensure(isinstance(value, str), f"{name} is {value!r:.40}")
        return str(value)

    def picture(self, width: int, height: int, depth: int = 0, ratio: int = ANY_RATIO) -> None:
        """Check the size in pixels that a picture's header asks for.

        depth: least bytes of a pixel in memory, 0 for what takes none; ratio: how often the file's size those may be.
        """
        self.ensure(width > 0 and height > 0, f"it is {width} x {height} pixels")
        if width * height > MOST_PIXELS:
            raise self.wrong(f"it asks for {width} x {height} pixels", "Export it again, smaller if it is real")
        size = self.path.stat().st_size
        self.ensure(
            width * height * depth <= FREE_BYTES + size * ratio,
            f"it asks for {width} x {height} pixels, and is {size} bytes long",
        )

    def header(self) -> tuple[dict[str, str], dict[str, Entry]]:
        """Metadata and tensors that a safetensors file says that it holds, in as many bytes as it has. Within `opened`."""
        metadata, entries, data = _safetensors_header(self.path)
        for name, (entry, begin, end) in entries.items():
            size = math.prod(entry.shape) * TENSOR_BYTES[entry.kind]
            self.ensure(0 <= begin <= end <= data and size == end - begin, f"{name} is not where the file says")
        return metadata, {name: entry for name, (entry, _, _) in entries.items()}

    def unpack(self) -> dict[str, NDArray[Any]]:
        """The arrays of a NumPy archive, none of them pickled, of sizes that the file's own allows. Within `opened`."""
        self.ensure(zipfile.is_zipfile(self.path), "it is no archive of arrays")
        most = min(max(FREE_BYTES, MOST_RATIO * self.path.stat().st_size), MOST_UNPACKED)
        arrays = {}
        with zipfile.ZipFile(self.path) as archive:
            unpacked = sum(member.file_size for member in archive.infolist())
            self.ensure(unpacked <= most, f"it unpacks to {unpacked >> 20} MiB, and may to {most >> 20}")
            for member in archive.infolist():
                arrays[member.filename.removesuffix(".npy")] = _array_of(archive.read(member))
        return arrays


def kind_of(path: Path) -> str:
    """The kind of the file at `path` by its content, in words with an article; empty where unknown."""
    try:
        with open(path, "rb") as file:
            beginning = file.read(16)
        if not beginning:
            return "an empty file"
        if beginning.startswith(b"PK"):
            with zipfile.ZipFile(path) as archive:
                return "a performance" if PERFORMANCE_HEAD in archive.namelist() else "a zip archive"
        known = next((noun for begins, noun in BEGINNINGS.items() if beginning.startswith(begins)), "")
        if known:
            return known
        if beginning[4:8] == b"ftyp":
            return "a movie or an HEIC picture"
        metadata, _, _ = _safetensors_header(path)
        nouns = {LIKENESS_KEY: "a likeness", WEIGHTS_KEY: "a weights file"}
        return next((noun for key, noun in nouns.items() if key in metadata), "")
    except Exception:  # nothing is known of what cannot be parsed, for whatever reason
        return ""


def _safetensors_header(path: Path) -> tuple[dict[str, str], dict[str, tuple[Entry, int, int]], int]:
    """Metadata, the tensors with where their bytes begin and end, and how many bytes there are."""
    with open(path, "rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if not 2 <= length <= min(MOST_HEADER, path.stat().st_size - 8):
            raise ValueError("it is cut short, or no safetensors file")
        found = json.loads(file.read(length))
    if not isinstance(found, dict):
        raise ValueError("its header is no list of tensors")
    metadata = found.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(text, str) for text in metadata.values()):
        raise ValueError("its metadata is no text")
    entries = {}
    for name, entry in found.items():
        kind, shape, (begin, end) = entry["dtype"], entry["shape"], entry["data_offsets"]
        if kind not in TENSOR_BYTES or any(type(n) is not int or n < 0 for n in (*shape, begin, end)):
            raise ValueError(f"{name} is of no known type")
        entries[name] = Entry(kind, tuple(shape)), begin, end
    return metadata, entries, path.stat().st_size - 8 - length


def _array_of(content: bytes) -> NDArray[Any]:
    """The array of a .npy file's bytes. NumPy's own reader takes as much memory as the header asks for before it looks."""
    file = io.BytesIO(content)
    version = np.lib.format.read_magic(file)
    length = int.from_bytes(file.read(2 if version == (1, 0) else 4), "little")
    if length > len(content):
        raise ValueError("an array's header is cut short")
    head = ast.literal_eval(file.read(length).decode("latin1"))
    dtype, shape = np.lib.format.descr_to_dtype(head["descr"]), tuple(head["shape"])
    if dtype.hasobject or any(type(n) is not int or n < 0 for n in shape):
        raise ValueError("it holds what is no array of numbers")
    size, body = math.prod(shape) * dtype.itemsize, file.tell()
    if size != len(content) - body:
        raise ValueError("an array is cut short")
    flat = np.frombuffer(content, dtype, offset=body).copy() if size else np.empty(0, dtype)
    return flat.reshape(shape, order="F" if head["fortran_order"] else "C")
