# SPDX-License-Identifier: GPL-3.0-or-later
"""OpenEXR in and out: half float, scene-linear, ZIP or PIZ, written whole or not at all.

A file of several layers is multi-part, each layer a part of its own: Nuke and OpenImageIO show them by the parts' names, and
so does the image node of Blender's compositor (4.5 and 5.2): a colour socket for RGBA and RGB, a vector for X and Y, a value
for one channel. A part's name must hold no dot, or Blender takes it for a render layer's and drops the parts without one.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
import OpenEXR
from numpy.typing import NDArray

from ..errors import UnreadableImageError
from ..files import whole_file
from ..reading import ANY_RATIO, DEFLATE_RATIO, Reader
from ..timecode import MOST_IN_SECOND, TimeCode
from .halves import put_floats, to_halves
from .layers import OUR_HEAD, PictureLayer, choose_layer, layer_in_words, picture_layers
from .sparse import Band, in_blocks, put_empty_blocks

DATA = "data"
"""The `colorInteropID` of what is no colour."""
CHANNELS = {1: "V", 3: "RGB", 4: "RGBA"}
"""Names of a layer's channels, by their number."""
VECTOR = "XYZ"
"""The same of a layer that is a place and no colour. Blender 4.2 reads two channels wrongly, so the third is there too."""
MOST_RATIO = {
    OpenEXR.NO_COMPRESSION: 1,
    OpenEXR.RLE_COMPRESSION: 130,
    **dict.fromkeys((OpenEXR.ZIP_COMPRESSION, OpenEXR.ZIPS_COMPRESSION, OpenEXR.PXR24_COMPRESSION), DEFLATE_RATIO),
}
"""How often its size a file may unpack to, where that is less than ANY_RATIO."""
FREE_PIXELS = 1 << 25
"""Pixels of a display window that are always allowed, however small the data window: 8192 x 4096."""
_FLAT = (OpenEXR.scanlineimage, OpenEXR.tiledimage)
DataWindow = tuple[int, int, int, int]
"""Left, top, right and bottom in plate pixels; the last two are just outside."""
LAID_OUT = frozenset(
    ("channels", "compression", "dataWindow", "displayWindow", "lineOrder", "type", "name", "tiles", "chunkCount", "version")
) | frozenset(("view", "multiView", "preview", "dwaCompressionLevel", "zipCompressionLevel", "maxSamplesPerPixel"))
"""Attributes of how a file is laid out."""
COLOUR_SPACE = ("colorInteropID", "chromaticities")
NOT_OF_A_PICTURE = (*COLOUR_SPACE, "cryptomatte/")
"""Beginnings of attributes that go with a colour space, or with layers of masks."""


class Framing(NamedTuple):
    """Where a plate's pixels lie: more than is displayed (overscan), or not from 0, 0."""

    display: DataWindow
    data: DataWindow
    """holds the display window"""


class Layer(NamedTuple):
    """One part of a file."""

    pixels: NDArray[np.float32]
    """[H, W] or [H, W, C], C of 1, 3 or 4"""
    tag: Mapping[str, object] = {"colorInteropID": DATA}
    """The attributes that say its colour space, as `colour_space.colour_tag` gives them."""
    full: bool = False
    """32-bit floats; else halves"""
    vector: bool = False
    """places, not colours"""
    filmed: bool = False
    """from a camera: PIZ packs its noise better than ZIP, and in half the time, if it is in halves"""
    corner: tuple[int, int] | None = None
    """x and y in the picture of the first of its pixels, round which it is 0; None where they are all of the picture"""


def write_rgba(path: Path, picture: NDArray[np.float32], attributes: Mapping[str, object]) -> None:
    """Write `picture` [H, W, 4], scene-linear with colour already multiplied by alpha, to `path`.

    The file appears under its name only when it is whole and on disk. Raises UnwritableError or DiskFullError, and then
    leaves nothing behind. The data window is the whole picture: Blender's compositor centres a smaller one instead of
    placing it (seen in 4.5 and 5.2).
    """
    half = to_halves(picture if np.isfinite(picture).all() else np.nan_to_num(picture))
    _write(path, [OpenEXR.Part({**_SCANLINES, **attributes}, {"RGBA": half}, "")])


def write_layers(
    path: Path,
    layers: Mapping[str, Layer],
    attributes: Mapping[str, object],
    window: DataWindow | None = None,
    framing: Framing | None = None,
    size: tuple[int, int] | None = None,
) -> None:
    """Write layers of one picture to `path`, one part each, in their order; those that are data come last.

    attributes are every part's. Light beyond what a half holds is held at HALF_MOST; NaN and infinity, which are the
    plate's own, stay. The picture is the framing's data window; without one it lies at 0, 0. `size` is its width and height,
    to be given where the first layer has a corner. `window`, in its pixels, is all of the first layer that is written, and
    other layers with a corner are then written as far as they go. **Blender (4.5 and 5.2) crashes on a first part with a
    smaller window than the next ones'**, so it is for other programs. Raises UnwritableError or DiskFullError, and then
    leaves nothing behind.
    """
    ordered = sorted(layers.items(), key=lambda item: item[1].tag.get("colorInteropID") == DATA)
    width, height = size or ordered[0][1].pixels.shape[1::-1]
    whole = 0, 0, width, height
    display, data = framing or (whole, whole)
    x, y = data[:2]
    parts: list[Any] = []
    bands: list[Band | None] = []
    for i, (name, layer) in enumerate(ordered):
        left, top, right, bottom = whole if window is None else window if i == 0 else _extent(layer)
        header = {**_SCANLINES, **attributes, **layer.tag, "displayWindow": _window(display)}
        if layer.filmed and not layer.full:
            header["compression"] = OpenEXR.PIZ_COMPRESSION
        stored = top, bottom
        if len(ordered) > 1 and layer.corner is not None and header["compression"] == OpenEXR.ZIP_COMPRESSION:
            stored = in_blocks(_extent(layer)[1::2], stored)
        channels = _channels(layer, (left, stored[0], right, stored[1]))
        header["dataWindow"] = _window((left + x, stored[0] + y, right + x, stored[1] + y))
        row = sum(channel.itemsize for channel in channels.values()) * (right - left)
        bands.append(None if stored == (top, bottom) else Band((top + y, bottom + y), row))
        parts.append(OpenEXR.Part(header, channels, name))
    _write(path, parts, bands)


def _extent(layer: Layer) -> DataWindow:
    """Where in the picture the layer has pixels."""
    left, top = layer.corner or (0, 0)
    return left, top, left + layer.pixels.shape[1], top + layer.pixels.shape[0]


def _channels(layer: Layer, window: DataWindow) -> dict[str, Any]:
    """A window of the layer by the channels' names."""
    apart = layer.pixels.reshape(*layer.pixels.shape[:2], -1)
    names = VECTOR if layer.vector else CHANNELS[apart.shape[-1]]
    there = _extent(layer)
    left, top, right, bottom = window
    shared = max(left, there[0]), max(top, there[1]), min(right, there[2]), min(bottom, there[3])
    of_layer, of_window = _slices(shared, there), _slices(shared, window)
    channels = {}
    for i, name in enumerate(names):
        pixels = apart[..., i][of_layer]
        channel: NDArray[Any] = np.ascontiguousarray(pixels) if layer.full else to_halves(pixels)
        if shared != window:
            channel, part = np.zeros((bottom - top, right - left), channel.dtype), channel
            channel[of_window] = part
        channels[name] = channel
    return channels


def _slices(part: DataWindow, whole: DataWindow) -> tuple[slice, slice]:
    """Rows and columns of a part of a window, which holds it."""
    left, top = whole[:2]
    return slice(part[1] - top, part[3] - top), slice(part[0] - left, part[2] - left)


def _window(window: DataWindow) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """First and last pixel, as OpenEXR counts."""
    left, top, right, bottom = window
    return np.array((left, top), np.int32), np.array((right - 1, bottom - 1), np.int32)


_SCANLINES: dict[str, object] = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}


def _write(path: Path, parts: list[Any], bands: Sequence[Band | None] = ()) -> None:
    with whole_file(path) as part:
        if not any(bands):
            _write_parts(part, parts)
            return
        with TemporaryDirectory(prefix="headcast-") as folder:
            packed = Path(folder) / "packed.exr"
            _write_parts(packed, parts)
            put_empty_blocks(packed.read_bytes(), bands, part)


def _write_parts(path: Path, parts: list[Any]) -> None:
    # The library says RuntimeError whatever went wrong: let the system itself say whether the disk is full.
    try:
        OpenEXR.File(parts).write(str(path))
    except RuntimeError as error:
        _probe_disk(path)
        raise OSError(str(error)) from error


def _probe_disk(part: Path) -> None:
    """Let the system itself say ENOSPC, if that is what stopped the library."""
    with open(part, "ab") as file:
        file.write(bytes(1 << 16))
        file.flush()
        os.fsync(file.fileno())


class Seen(NamedTuple):
    """A picture of a file."""

    pixels: NDArray[np.float32]
    """[h, w, 4] of the data window, scene-linear; alpha 1 where it has none"""
    header: Mapping[str, Any]
    """of its part"""
    alpha: bool
    """whether it has any"""
    full: bool
    """32-bit floats; else halves"""

    def over(self, window: DataWindow) -> NDArray[np.float32]:
        """[H, W, 4] the pixels of a window, 0 where there are none."""
        data = window_of(self.header, "dataWindow")
        return self.pixels if data == window else _placed(self.pixels, data, window)


def read_picture(path: Path, layer: str = "") -> Seen:
    """The colour of `path`: the layer of that name, or the one that is the picture.

    Pixels are really read: a truncated file opens without complaint. Raises UnreadableImageError, and SettingError for a
    layer that is not there.
    """
    reader = _reader(path)
    with reader.opened():
        chosen = choose_layer(path, _headers(reader), layer)
        return _seen(_parts(reader, separate_channels=True)[chosen.part], chosen)


def read_with_matte(path: Path) -> tuple[Seen, NDArray[np.float32]]:
    """The picture of one of Headcast's frames, and the head's matte [H, W] over the whole display window.

    Raises UnreadableImageError.
    """
    reader = _reader(path)
    with reader.opened():
        headers = _headers(reader)
        chosen = choose_layer(path, headers, "")
        head = next((layer for layer in picture_layers(headers) if layer.name == OUR_HEAD), chosen)
        parts = _parts(reader, separate_channels=True)
        seen = _seen(parts[chosen.part], chosen)
        own = seen if head == chosen else _seen(parts[head.part], head)
        return seen, own.over(window_of(own.header, "displayWindow"))[..., 3]


def _seen(part: Any, layer: PictureLayer) -> Seen:
    """A layer of the part that holds it."""
    channels = [part.channels[name].pixels for name in layer.channels]
    # Each channel lies in one piece, as it does in the file: a plate in 4K is copied sooner so.
    pixels = np.moveaxis(np.empty((4, *channels[0].shape), np.float32), 0, -1)
    for i, channel in enumerate(channels):
        put_floats(channel, pixels[..., i])
    pixels[..., len(channels) :] = 1.0
    return Seen(pixels, part.header, len(channels) == 4, any(channel.dtype != np.float16 for channel in channels))


def read_rgba(path: Path, layer: str = "") -> NDArray[np.float32]:
    """The same over the whole display window [H, W, 4]. Raises what `read_picture` does."""
    seen = read_picture(path, layer)
    return seen.over(window_of(seen.header, "displayWindow"))


def read_head(path: Path) -> NDArray[np.float32]:
    """The head alone [H, W, 4] of one of Headcast's frames, over the whole display window. Raises UnreadableImageError."""
    reader = _reader(path)
    with reader.opened():
        headers = _headers(reader)
        head = next((layer for layer in picture_layers(headers) if layer.name == OUR_HEAD), None)
        if head is not None and head.part == 0:
            return _whole(headers[0], _first_part(reader, headers[0], head.channels))
    return read_rgba(path, OUR_HEAD if head is not None else "")


def _first_part(reader: Reader, header: Mapping[str, Any], channels: Sequence[str]) -> NDArray[np.float32]:
    """[h, w, C] the channels of the first part alone: one layer of a frame in 4K, not all."""
    left, top, right, bottom = window_of(header, "dataWindow")
    found = OpenEXR.InputFile(str(reader.path)).channels(list(channels))
    size = (right - left) * (bottom - top)
    planes = [np.frombuffer(data, {2: np.float16, 4: np.float32}[len(data) // size]) for data in found]
    return np.stack(planes, axis=-1).reshape(bottom - top, right - left, -1).astype(np.float32)


def read_layers(path: Path) -> dict[str, Layer]:
    """Every part of `path` over its whole display window, by name. Raises UnreadableImageError."""
    layers = {}
    reader = _reader(path)
    with reader.opened():
        for part in _parts(reader, separate_channels=True):
            names = sorted(part.channels, key="RGBAXYZV".find)
            pixels = np.stack([part.channels[name].pixels for name in names], axis=-1)
            tag = {key: part.header[key] for key in COLOUR_SPACE if key in part.header}
            whole = _whole(part.header, pixels.astype(np.float32))
            layers[part.name()] = Layer(
                whole if len(names) > 1 else whole[..., 0], tag, pixels.dtype == np.float32, names[0] == "X"
            )
    return layers


def read_attributes(path: Path, layer: str | None = None) -> dict[str, object]:
    """The header of the first part of `path`; of the part that holds `layer` where that is given, "" for the picture.

    Raises UnreadableImageError, and SettingError for a layer that is not there.
    """
    reader = _reader(path)
    with reader.opened():
        headers = _headers(reader)
        return headers[0 if layer is None else choose_layer(path, headers, layer).part]


def read_choice(path: Path, layer: str) -> str:
    """Which layer is read where several could be meant, in words; may be empty. Raises what `read_attributes` does."""
    reader = _reader(path)
    with reader.opened():
        headers = _headers(reader)
        return layer_in_words(headers, choose_layer(path, headers, layer))


def passed_on(header: Mapping[str, Any]) -> dict[str, object]:
    """Of a plate's header what goes on with a picture made of it: all but how the file is laid out, and its colours."""
    return {name: value for name, value in header.items() if name not in LAID_OUT and not name.startswith(NOT_OF_A_PICTURE)}


def time_code(label: TimeCode, rate: Fraction) -> dict[str, object]:
    """The attribute `timeCode`. It has room for 39 frames: of faster rates pairs are counted, and the field tells which."""
    frame, second = (label.frame, 0) if rate <= MOST_IN_SECOND else divmod(label.frame, 2)
    whole = (label.hours, label.minutes, label.seconds, frame, label.drops, 0, second)
    return {"timeCode": OpenEXR.TimeCode(*whole, *[0] * 11)}


def window_of(header: Mapping[str, Any], name: str) -> DataWindow:
    """`dataWindow` or `displayWindow` of a header."""
    (left, top), (right, bottom) = ((int(x), int(y)) for x, y in header[name])
    return left, top, right + 1, bottom + 1


def union(a: DataWindow, b: DataWindow) -> DataWindow:
    """The smallest window that holds both."""
    return min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3])


def _reader(path: Path) -> Reader:
    return Reader(path, "an EXR picture", "Render or export it again", UnreadableImageError)


def _headers(reader: Reader) -> list[dict[str, Any]]:
    """Each part's header, of the sizes that such a file can have; no pixel is read. Within `reader.opened`."""
    headers = [dict(part.header) for part in OpenEXR.File(str(reader.path), header_only=True).parts]
    reader.ensure(bool(headers), "it is cut short")
    for header in headers:
        reader.ensure(header.get("type", _FLAT[0]) in _FLAT, "it holds deep pixels, which nothing here reads")
        for window in ("dataWindow", "displayWindow"):
            left, top, right, bottom = window_of(header, window)
            width, height = right - left, bottom - top
            stored = window == "dataWindow" or width * height > FREE_PIXELS
            halves = 2 * len(header["channels"]) if stored else 0
            reader.picture(width, height, halves, MOST_RATIO.get(header["compression"], ANY_RATIO))
    return headers


def _parts(reader: Reader, **how: bool) -> list[Any]:
    """The parts, their pixels really read. Within `reader.opened`."""
    there = len(_headers(reader))
    parts = list(OpenEXR.File(str(reader.path), **how).parts)
    # The library leaves out parts that are cut short and says nothing.
    reader.ensure(len(parts) == there, "it is cut short")
    return parts


def _placed(seen: NDArray[np.float32], data: DataWindow, window: DataWindow) -> NDArray[np.float32]:
    """The pixels of the window `data` [h, w, C] over another one [H, W, C]: 0 where there are none."""
    whole = np.zeros((window[3] - window[1], window[2] - window[0], seen.shape[-1]), np.float32)
    left, top, right, bottom = (
        max(data[0], window[0]),
        max(data[1], window[1]),
        min(data[2], window[2]),
        min(data[3], window[3]),
    )
    if left < right and top < bottom:
        from_there = seen[top - data[1] : bottom - data[1], left - data[0] : right - data[0]]
        whole[top - window[1] : bottom - window[1], left - window[0] : right - window[0]] = from_there
    return whole


def _whole(header: Mapping[str, Any], seen: NDArray[np.float32]) -> NDArray[np.float32]:
    """The pixels of a data window [h, w, C] over the display window [H, W, C]."""
    return _placed(seen, window_of(header, "dataWindow"), window_of(header, "displayWindow"))
