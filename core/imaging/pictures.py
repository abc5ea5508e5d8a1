# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures other than EXR: upright, in sRGB, as deep as they are. Pillow reads their headers, OpenCV their pixels.

8 and 16 bits are sRGB-encoded, by their ICC profile where they have one; floats are scene-linear Rec.709, as programs that
write float TIFF mean them. So are pictures that state other colours in another way (`stated`), such as HDR.
"""

from __future__ import annotations

import io
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from ..errors import MissingPackageError, UnreadableImageError
from ..reading import ANY_RATIO, DEFLATE_RATIO, Reader
from . import colour
from .profiles import cmyk_to_srgb, lab_to_srgb, to_srgb
from .stated import Stated, stated_colours
from .tiff import BEGINNINGS as TIFF
from .tiff import EXTRA, INKS, LAB, PROFILE, WHITE_IS_ZERO, Tiff, read_tiff

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
HEIC = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
"""Brands of HEIF files, which cameras name as they like."""
FORMATS = ("PNG", "JPEG", "MPO", "TIFF", "WEBP", "BMP", "AVIF", "JPEG2000", "PPM", "GIF", "HEIF")
"""Formats that are read, by Pillow's names: none that starts another program."""
BY_OPENCV = ("PNG", "JPEG", "MPO", "TIFF", "WEBP", "BMP", "JPEG2000", "PPM")
DEFLATED = ("PNG", "BMP", "PPM")
"""Kinds whose files are not much smaller than their pixels."""
ANIMATED = ("WEBP", "GIF", "PNG", "AVIF")
WITH_ALPHA = frozenset({".png", ".tif", ".tiff", ".webp", ".avif", ".heic", ".heif", ".hif"})
"""Endings of pictures that can have a matte."""
MODES_WITH_ALPHA = ("RGBA", "LA", "PA", "RGBa", "La")
LEAST_ALPHA = 1e-4
"""Below it there is no colour to be told."""
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
    """one of TURNS; of a TIFF none, which decoders turn themselves"""
    profile: bytes | None
    stated: Stated | None
    """of its colours, where it has no profile"""
    picture: Image.Image | None
    """Pillow's, not decoded yet; None for a TIFF, of which it knows fewer kinds than OpenCV"""
    tiff: Tiff | None


class Read(NamedTuple):
    """A picture as it is stored."""

    colours: Any
    """[H, W, 3], not multiplied by alpha"""
    alpha: NDArray[np.float32] | None
    """[H, W] 0 to 1"""


def read_pixels(path: Path) -> PicturePixels:
    """The picture at `path` [H, W, 3], upright, without its alpha.

    uint8 and uint16 are sRGB, float32 is scene-linear Rec.709. Raises UnreadableImageError, or MissingPackageError for HEIC
    without pillow-heif.
    """
    reader = _reader(path)
    with reader.opened():
        header, read = _read(reader)
        found = read.colours
        if found.dtype != np.float32:
            found = header.stated.to_light(found) if header.stated else to_srgb(found, header.profile)
        return np.asarray(_upright(found, header.turn))


def read_alpha(path: Path) -> NDArray[np.float32] | None:
    """[H, W] the matte (0 to 1), upright, that a picture brings along; None where there is none, or where it hides nothing.
    Raises what `read_pixels` does."""
    if not has_alpha(path):
        return None
    reader = _reader(path)
    with reader.opened():
        header, read = _read(reader)
        if read.alpha is None or read.alpha.min() == 1.0 or read.alpha.max() == 0.0:
            return None
        return np.asarray(_upright(read.alpha, header.turn), np.float32)


def has_alpha(path: Path) -> bool:
    """Whether a picture has a matte, whatever it hides. Raises what `read_pixels` does."""
    if path.suffix.lower() not in WITH_ALPHA:
        return False
    reader = _reader(path)
    with reader.opened():
        raw = path.read_bytes()
        if raw.startswith(TIFF):
            return read_tiff(reader, raw).alpha
        with _open(reader, raw) as picture:
            return _shows_through(picture)
    return False


def pictures_in(path: Path) -> tuple[str, int]:
    """How many pictures the file at `path` has, and what they are together: "an animation", or "a document". Raises what
    `read_pixels` does."""
    reader = _reader(path)
    with reader.opened():
        raw = path.read_bytes()
        if raw.startswith(TIFF):
            return "a document", read_tiff(reader, raw).pictures
        with _open(reader, raw) as picture:
            return "an animation", int(getattr(picture, "n_frames", 1)) if picture.format in ANIMATED else 1


def _reader(path: Path) -> Reader:
    Image.init()
    return Reader(path, "a picture", "Export it again, or leave it out", UnreadableImageError)


def _read(reader: Reader) -> tuple[Header, Read]:
    """Within `reader.opened`."""
    raw = reader.path.read_bytes()
    header = _tiff_header(reader, raw) if raw.startswith(TIFF) else _header(reader, raw)
    reader.ensure(_ends(raw, header.kind), "it is cut short")
    read = _decode_tiff(reader, header.tiff) if header.tiff else _decode(header, raw)
    sides = (header.size[1], header.size[0])
    found = read.colours.shape[:2]
    reader.ensure(found == sides or (header.tiff is not None and found == sides[::-1]), "its parts disagree about its size")
    return header, read


def _upright(stored: Any, turn: tuple[bool, int]) -> Any:
    mirrored, turns = turn
    return np.ascontiguousarray(np.rot90(stored[:, ::-1] if mirrored else stored, turns))


def _shows_through(picture: Image.Image) -> bool:
    return picture.mode in MODES_WITH_ALPHA or "transparency" in picture.info


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
    turn, profile = TURNS.get(exif.get(ORIENTATION, 1), UPRIGHT), picture.info.get("icc_profile")
    return Header(kind, picture.size, turn, profile, None if profile else stated_colours(kind, raw, picture), picture, None)


def _tiff_header(reader: Reader, raw: bytes) -> Header:
    tiff = read_tiff(reader, raw)
    reader.picture(*tiff.size, 1, DEFLATE_RATIO)
    return Header("TIFF", tiff.size, UPRIGHT, tiff.tags.get(PROFILE), None, None, tiff)


def _decode(header: Header, raw: bytes) -> Read:
    """As deep as the file."""
    assert header.picture is not None
    if header.picture.mode == "CMYK":
        return Read(np.asarray(cmyk_to_srgb(header.picture)), None)
    if header.kind == "HEIF":
        return _decode_heic(raw)
    grey_key = header.picture.mode == "L" and "transparency" in header.picture.info  # which OpenCV leaves out
    if header.kind in BY_OPENCV and not grey_key:
        found = cv2.imdecode(np.frombuffer(raw, np.uint8), cv2.IMREAD_UNCHANGED)
        if found is not None and found.dtype in (np.uint8, np.uint16, np.float32):
            return _of_opencv(found)
    return _of_pillow(header.picture)


def _decode_tiff(reader: Reader, tiff: Tiff) -> Read:
    """As deep as the file, and turned upright."""
    if tiff.photometric in (INKS, LAB) or (tiff.alpha and tiff.bits == 8 and EXTRA in tiff.tags):
        # To these OpenCV does what cannot be undone.
        return _of_pillow(Image.open(io.BytesIO(tiff.raw), formats=["TIFF"]))
    parts = list(tiff.planes()) if tiff.apart and tiff.bits > 8 else [tiff.raw]
    decoded = [cv2.imdecode(np.frombuffer(part, np.uint8), cv2.IMREAD_UNCHANGED) for part in parts]
    if any(part is None or part.dtype not in (np.uint8, np.uint16, np.float32, np.float64) for part in decoded):
        try:
            return _of_pillow(Image.open(io.BytesIO(tiff.raw), formats=["TIFF"]))
        except UnidentifiedImageError as error:
            kind = "floats" if tiff.floats else "integers"
            raise reader.wrong(f"its {tiff.bits}-bit {kind}, or its compression, are not read here") from error
    found = np.stack([*decoded[2::-1], *decoded[3:4]], axis=-1) if len(decoded) > 2 else decoded[0]
    if tiff.photometric == WHITE_IS_ZERO and found.dtype == np.uint16:
        found = ~found  # of 8 bits OpenCV does
    read = _of_opencv(found.astype(np.float32) if found.dtype == np.float64 else found)
    if read.alpha is None or not tiff.multiplied:
        return read
    straight = read.colours / np.maximum(read.alpha, LEAST_ALPHA)[..., None]
    if found.dtype.kind == "f":
        return Read(straight.astype(np.float32), read.alpha)
    return Read(np.round(np.minimum(straight, np.iinfo(found.dtype).max)).astype(found.dtype), read.alpha)


def _decode_heic(raw: bytes) -> Read:
    """As deep as the file; the library turns it upright."""
    import pillow_heif

    found = pillow_heif.open_heif(io.BytesIO(raw), convert_hdr_to_8bit=False)
    pixels = np.asarray(found)
    if pixels.dtype == np.uint16:  # shifted up to 16 bits
        pixels = pixels | pixels >> int(found.info.get("bit_depth", 16))
    return _of_rgb(pixels)


def _of_opencv(found: Any) -> Read:
    """Of what OpenCV gives: grey, or blue before green before red."""
    return _of_rgb(found if found.ndim == 2 else found[..., [2, 1, 0, *range(3, found.shape[-1])]])


def _of_pillow(picture: Image.Image) -> Read:
    if picture.mode == "CMYK":
        return Read(np.asarray(cmyk_to_srgb(picture)), None)
    if picture.mode == "LAB":
        return Read(np.asarray(lab_to_srgb(picture)), None)
    return _of_rgb(np.asarray(picture.convert("RGBA" if _shows_through(picture) else "RGB")))


def _of_rgb(found: Any) -> Read:
    """Of a picture [H, W] or [H, W, C], C of 1 to 4."""
    if found.ndim == 2 or found.shape[-1] == 1:
        return Read(np.repeat(found.reshape(*found.shape[:2], 1), 3, axis=-1), None)
    most = 1.0 if found.dtype.kind == "f" else float(np.iinfo(found.dtype).max)
    alpha = found[..., 3].astype(np.float32) / most if found.shape[-1] == 4 else None
    return Read(found[..., :3], alpha)


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
