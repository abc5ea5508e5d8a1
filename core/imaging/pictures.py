# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures other than EXR: upright, in sRGB, as deep as they are. Pillow reads their headers, OpenCV their pixels.

8 and 16 bits are sRGB-encoded, by their ICC profile where they have one; floats are scene-linear Rec.709, as programs that
write float TIFF mean them.
"""

from __future__ import annotations

import io
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, TiffImagePlugin, UnidentifiedImageError

from ..errors import MissingPackageError, UnreadableImageError
from ..reading import ANY_RATIO, DEFLATE_RATIO, Reader
from . import colour
from .profiles import cmyk_to_srgb, to_srgb

ORIENTATION = 0x0112
"""EXIF's tag for how a picture is to be turned."""
TURNS: dict[int, tuple[bool, int]] = {
    2: (True, 0),
    3: (False, 2),
    4: (True, 2),
    5: (True, 1),
    6: (False, 3),
    7: (True, 3),
    8: (False, 1),
}
"""Whether it is mirrored first, and quarter turns to the left then (EXIF 2.3, 4.6.4)."""
UPRIGHT = (False, 0)
SAMPLES, PHOTOMETRIC, RGB_SAMPLES = 277, 262, 2
"""TIFF's tags for how many numbers a pixel has and what they are, and for what they are where they are RGB."""
TIFF, PROFILE = (b"II*\0", b"MM\0*"), 34675
"""How such a file begins, and its tag for an ICC profile."""
HEIC = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
"""Brands of HEIF files, which cameras name as they like."""
FORMATS = ("PNG", "JPEG", "MPO", "TIFF", "WEBP", "BMP", "AVIF", "JPEG2000", "PPM", "GIF", "HEIF")
"""Formats that are read, by Pillow's names: none that starts another program."""
BY_OPENCV = ("PNG", "JPEG", "MPO", "TIFF", "WEBP", "BMP", "JPEG2000", "PPM")
DEFLATED = ("PNG", "BMP", "PPM")
"""Kinds whose files are not much smaller than their pixels."""
ANIMATED = ("WEBP", "GIF", "PNG")
WITH_ALPHA = frozenset({".png", ".tif", ".tiff", ".webp"})
"""Endings of pictures whose colour is not premultiplied with their alpha."""
DEPTH = {np.dtype(np.uint8): 255.0, np.dtype(np.uint16): 65535.0}
"""White."""

PicturePixels = NDArray[np.uint8] | NDArray[np.uint16] | NDArray[np.float32]


class Header(NamedTuple):
    """A picture's own description."""

    kind: str
    """by Pillow's names"""
    size: tuple[int, int]
    """Width and height in pixels, as stored."""
    turn: tuple[bool, int]
    """one of TURNS"""
    profile: bytes | None
    picture: Image.Image | None
    """Pillow's, not decoded yet; None for a TIFF, of which it knows fewer kinds than OpenCV"""


def read_pixels(path: Path) -> PicturePixels:
    """The picture at `path` [H, W, 3], upright, without its alpha.

    uint8 and uint16 are sRGB, float32 is scene-linear Rec.709. Raises UnreadableImageError, or MissingPackageError for HEIC
    without pillow-heif.
    """
    reader = _reader(path)
    with reader.opened():
        raw = path.read_bytes()
        header = _tiff_header(reader, raw) if raw.startswith(TIFF) else _header(reader, raw)
        reader.ensure(_ends(raw, header.kind), "it is cut short")
        found = _decode(header, raw)
        sides = (header.size[1], header.size[0])
        turned = header.kind == "TIFF" and found.shape[:2] == sides[::-1]
        reader.ensure(turned or found.shape[:2] == sides, "its parts disagree about its size")
        if found.dtype != np.float32:
            found = to_srgb(found, header.profile)
        mirrored, turns = header.turn
        return np.ascontiguousarray(np.rot90(found[:, ::-1] if mirrored else found, turns))


def read_alpha(path: Path) -> NDArray[np.float32] | None:
    """[H, W] the matte (0 to 1), upright, that a PNG, a TIFF or a WebP brings along; None where there is none, or where it
    hides nothing. Raises what `read_pixels` does."""
    if path.suffix.lower() not in WITH_ALPHA:
        return None
    reader = _reader(path)
    with reader.opened():
        raw = path.read_bytes()
        header = _tiff_header(reader, raw) if raw.startswith(TIFF) else _header(reader, raw)
        picture = cv2.imdecode(np.frombuffer(raw, np.uint8), cv2.IMREAD_UNCHANGED)
        if picture is None or picture.ndim != 3 or picture.shape[2] != 4 or picture.dtype.kind != "u":
            return None
        alpha = picture[..., 3].astype(np.float32) / np.iinfo(picture.dtype).max
        mirrored, turns = header.turn
        upright = np.ascontiguousarray(np.rot90(alpha[:, ::-1] if mirrored else alpha, turns))
        return upright if alpha.min() < 1.0 and alpha.max() > 0.0 else None


def has_alpha(path: Path) -> bool:
    """Whether a PNG, a TIFF or a WebP has a matte, whatever it hides. Raises what `read_pixels` does."""
    if path.suffix.lower() not in WITH_ALPHA:
        return False
    reader = _reader(path)
    with reader.opened():
        raw = path.read_bytes()
        if raw.startswith(TIFF):
            tags = TiffImagePlugin.ImageFileDirectory_v2(raw[:8])
            file = io.BytesIO(raw)
            file.seek(tags.next)
            tags.load(file)
            return int(tags.get(SAMPLES, 1)) == 4 and int(tags.get(PHOTOMETRIC, 2)) == RGB_SAMPLES
        with _open(reader, raw) as picture:
            return picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info
    return False


def moving_pictures(path: Path) -> int:
    """How many pictures an animation at `path` has; 1 for a picture. Raises what `read_pixels` does."""
    reader = _reader(path)
    with reader.opened(), _open(reader, path.read_bytes()) as picture:
        return int(getattr(picture, "n_frames", 1)) if picture.format in ANIMATED else 1


def _reader(path: Path) -> Reader:
    Image.init()
    return Reader(path, "a picture", "Export it again, or leave it out", UnreadableImageError)


def to_linear(pixels: PicturePixels) -> NDArray[np.float32]:
    """What `read_pixels` gives as scene-linear Rec.709."""
    if pixels.dtype == np.float32:
        return np.asarray(pixels, np.float32)
    return _light_of_all(pixels.itemsize)[pixels]


@cache
def _light_of_all(size: int) -> NDArray[np.float32]:
    """The light of every sRGB value of `size` bytes."""
    return colour.decode_srgb(np.linspace(0.0, 1.0, 1 << 8 * size).astype(np.float32))


def to_picture(pixels: PicturePixels) -> NDArray[np.uint8]:
    """What `read_pixels` gives as sRGB of 8 bits."""
    if pixels.dtype == np.uint8:
        return np.asarray(pixels, np.uint8)
    if pixels.dtype == np.uint16:
        return ((pixels.astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8)
    return colour.to_bytes(colour.encode_srgb(np.asarray(pixels, np.float32)))


def _open(reader: Reader, raw: bytes) -> Image.Image:
    """The picture with its header read."""
    if raw[4:8] == b"ftyp" and raw[8:12] in HEIC:
        _know_heic(reader.path)
    try:
        return Image.open(io.BytesIO(raw), formats=[name for name in FORMATS if name in Image.OPEN])
    except UnidentifiedImageError as error:
        raise reader.wrong("it is of no kind that is read here") from error


def _header(reader: Reader, raw: bytes) -> Header:
    picture = _open(reader, raw)
    kind = picture.format or ""
    reader.picture(*picture.size, 1, DEFLATE_RATIO if kind in DEFLATED else ANY_RATIO)
    if kind == "PNG":  # of which Pillow decodes all pixels to look for EXIF behind them
        exif = Image.Exif()
        exif.load(picture.info.get("exif", b""))
    else:
        exif = picture.getexif()
    turn = TURNS.get(exif.get(ORIENTATION, 1), UPRIGHT)
    return Header(kind, picture.size, turn, picture.info.get("icc_profile"), picture)


def _tiff_header(reader: Reader, raw: bytes) -> Header:
    """The header of a TIFF, which OpenCV turns upright itself."""
    file = io.BytesIO(raw)
    tags = TiffImagePlugin.ImageFileDirectory_v2(file.read(8))
    file.seek(tags.next)
    tags.load(file)
    size = int(tags[256]), int(tags[257])
    reader.picture(*size, 1, DEFLATE_RATIO)
    return Header("TIFF", size, UPRIGHT, tags.get(PROFILE), None)


def _decode(header: Header, raw: bytes) -> Any:
    """[H, W, 3], RGB as deep as the file."""
    if header.picture is not None and header.picture.mode == "CMYK":
        return np.asarray(cmyk_to_srgb(header.picture))
    found = cv2.imdecode(np.frombuffer(raw, np.uint8), cv2.IMREAD_UNCHANGED) if header.kind in BY_OPENCV else None
    if found is not None and found.dtype in (np.uint8, np.uint16, np.float32):
        if found.ndim == 2:
            return np.repeat(found[..., None], 3, axis=-1)
        if found.shape[-1] in (3, 4):
            return found[..., 2::-1]
    return np.asarray((header.picture or Image.open(io.BytesIO(raw), formats=["TIFF"])).convert("RGB"))


def _know_heic(path: Path) -> None:
    try:
        import pillow_heif
    except ImportError as error:
        raise MissingPackageError(
            f"{path} is an HEIC picture, which needs the package pillow-heif",
            "Run: pip install pillow-heif, or export a JPEG",
        ) from error
    pillow_heif.register_heif_opener()


def _jpeg_ends(raw: bytes) -> bool:
    """Whether the first picture of a JPEG goes on to its end, by its markers (ITU-T T.81, B.1)."""
    at = 2
    while 0 <= at < len(raw) - 1:
        marker = raw[at + 1]
        if raw[at] != 0xFF or marker in (0x00, 0xFF, 0x01) or 0xD0 <= marker <= 0xD7:
            at = raw.find(b"\xff", at + 1)  # within what a scan holds
        elif marker == 0xD9:
            return True
        else:
            at += 2 + int.from_bytes(raw[at + 2 : at + 4], "big")
    return False


def _ends(raw: bytes, kind: str) -> bool:
    """False for a JPEG or PNG that is cut short: decoders fill what is missing with grey and say nothing. What follows the
    end counts for nothing: phones put a movie there, and disks fill up with zeros."""
    if kind in ("JPEG", "MPO"):
        return _jpeg_ends(raw)
    if kind != "PNG":
        return True
    # OpenCV takes as much memory as a chunk says that it is long, so each has to lie within the file.
    at = 8
    while at + 12 <= len(raw):
        length, name = int.from_bytes(raw[at : at + 4], "big"), raw[at + 4 : at + 8]
        at += 12 + length
        if name == b"IEND":
            return at <= len(raw)
    return False
