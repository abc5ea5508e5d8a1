"""Pictures other than EXR: upright, in sRGB, as deep as they are. Pillow reads their headers, OpenCV their pixels.

8 and 16 bits are sRGB-encoded, by their ICC profile where they have one; floats are scene-linear Rec.709, as programs that
write float TIFF mean them.
"""

from __future__ import annotations

import io
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, UnidentifiedImageError

from ..errors import MissingPackageError, UnreadableImageError
from ..reading import ANY_RATIO, DEFLATE_RATIO, Reader
from . import colour

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
HEIC = frozenset({".heic", ".heif"})
FORMATS = ("PNG", "JPEG", "MPO", "TIFF", "WEBP", "BMP", "AVIF", "JPEG2000", "PPM", "GIF", "HEIF")
"""What is read, by Pillow's names: none that starts another program."""
DEFLATED = ("PNG", "TIFF", "BMP", "PPM")
DEPTH = {np.dtype(np.uint8): 255.0, np.dtype(np.uint16): 65535.0}
"""White."""

Pixels = NDArray[np.uint8] | NDArray[np.uint16] | NDArray[np.float32]


def read_pixels(path: Path) -> tuple[Pixels, NDArray[np.float32] | None]:
    """The picture at `path` [H, W, 3], upright, and its alpha [H, W] 0 to 1 where it has one.

    uint8 and uint16 are sRGB, float32 is scene-linear Rec.709. Raises UnreadableImageError, or MissingPackageError for HEIC
    without pillow-heif.
    """
    reader = Reader(path, "a picture", "Export it again, or leave it out", UnreadableImageError)
    if path.suffix.lower() in HEIC:
        _know_heic(path)
    Image.init()
    with reader.opened():
        raw = path.read_bytes()
        with _open(reader, raw) as picture:
            reader.picture(*picture.size, 1, DEFLATE_RATIO if picture.format in DEFLATED else ANY_RATIO)
            reader.ensure(_ends(raw, picture.format), "it is cut short")
            found = _decode(picture, raw)
            reader.ensure(found.shape[:2] == (picture.height, picture.width), "its parts disagree about its size")
            mirrored, turns = TURNS.get(picture.getexif().get(ORIENTATION, 1), (False, 0))
            colours = _to_srgb(found[..., :3], picture.info.get("icc_profile"))
        upright = np.rot90(colours[:, ::-1] if mirrored else colours, turns)
        alpha = None
        if found.shape[-1] == 4:
            alpha = np.rot90(found[:, ::-1, 3] if mirrored else found[..., 3], turns).astype(np.float32)
            alpha /= DEPTH.get(found.dtype, 1.0)
        return np.ascontiguousarray(upright), alpha


def to_light(pixels: Pixels) -> NDArray[np.float32]:
    """What `read_pixels` gives as scene-linear Rec.709."""
    if pixels.dtype == np.float32:
        return np.asarray(pixels, np.float32)
    return _light_of_all(pixels.itemsize)[pixels]


@cache
def _light_of_all(size: int) -> NDArray[np.float32]:
    """The light of every sRGB value of `size` bytes."""
    return colour.decode_srgb(np.linspace(0.0, 1.0, 1 << 8 * size).astype(np.float32))


def to_bytes(pixels: Pixels) -> NDArray[np.uint8]:
    """What `read_pixels` gives as sRGB of 8 bits."""
    if pixels.dtype == np.uint8:
        return np.asarray(pixels, np.uint8)
    if pixels.dtype == np.uint16:
        return ((pixels.astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8)
    return colour.to_bytes(colour.encode_srgb(np.asarray(pixels, np.float32)))


def _open(reader: Reader, raw: bytes) -> Image.Image:
    """The picture with its header read."""
    try:
        return Image.open(io.BytesIO(raw), formats=[name for name in FORMATS if name in Image.OPEN])
    except UnidentifiedImageError as error:
        raise reader.wrong("it is of no kind that is read here") from error


def _decode(picture: Image.Image, raw: bytes) -> Any:
    """[H, W, 3] or [H, W, 4], RGB as deep as the file, not turned yet."""
    found = cv2.imdecode(np.frombuffer(raw, np.uint8), cv2.IMREAD_UNCHANGED) if picture.mode not in ("CMYK", "LAB") else None
    if found is None or found.dtype not in (np.uint8, np.uint16, np.float32):
        mode = "RGBA" if picture.has_transparency_data else "RGB"
        return np.asarray(picture.convert(mode))
    if found.ndim == 2:
        return np.repeat(found[..., None], 3, axis=-1)
    return found[..., [2, 1, 0, *range(3, found.shape[-1])]]


def _to_srgb(pixels: Any, profile: bytes | None) -> Any:
    """`pixels` [H, W, 3] of an ICC profile in sRGB. Floats, and profiles that cannot be read, are left as they are."""
    if not profile or pixels.dtype == np.float32:
        return pixels
    transform = _transform(profile)
    if transform is None:
        return pixels
    if pixels.dtype == np.uint8:
        there = Image.fromarray(np.ascontiguousarray(pixels))
        return np.asarray(ImageCms.applyTransform(there, transform))
    return pixels


@cache
def _transform(profile: bytes) -> ImageCms.ImageCmsTransform | None:
    """From `profile` to sRGB; None where it is sRGB itself, of no RGB, or damaged."""
    try:
        there = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if there.profile.xcolor_space.strip() != "RGB" or "srgb" in ImageCms.getProfileDescription(there).lower():
            return None
        return ImageCms.buildTransform(there, ImageCms.createProfile("sRGB"), "RGB", "RGB")
    except (ImageCms.PyCMSError, OSError):
        return None


def _know_heic(path: Path) -> None:
    try:
        import pillow_heif
    except ImportError as error:
        raise MissingPackageError(
            f"{path} is an HEIC picture, which needs the package pillow-heif",
            "Run: pip install pillow-heif, or export a JPEG",
        ) from error
    pillow_heif.register_heif_opener()


def _ends(raw: bytes, kind: str | None) -> bool:
    """False for a JPEG or PNG that is cut short: decoders fill what is missing with grey and say nothing."""
    if kind in ("JPEG", "MPO"):
        return b"\xff\xd9" in raw[-4096:]
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
