# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures as cameras and programs write them: profiles, orientation, depth, alpha, animations, HEIC."""

from __future__ import annotations

import io
import struct
import sys
import zlib
from pathlib import Path

import cv2
import numpy as np
import pillow_heif
import pytest
import tifffile
from headcast.core.errors import MissingPackageError, UnreadableImageError
from headcast.core.imaging.colour_space import P3_D65, matrix_to_rec709
from headcast.core.imaging.pictures import read_pixels
from headcast.core.imaging.read import open_clip, read_linear, read_photo
from headcast.core.rendering.plate import Plate
from PIL import Image, ImageCms

D50 = np.array([0.9642, 1.0, 0.8249])
P3_TO_XYZ = np.array([[0.5151, 0.2920, 0.1571], [0.2412, 0.6922, 0.0666], [-0.0011, 0.0419, 0.7841]])
"""Linear Display P3 to XYZ of D50, as Apple's profile has it."""
ADOBE_TO_XYZ = np.array([[0.6097, 0.2053, 0.1492], [0.3111, 0.6257, 0.0632], [0.0195, 0.0609, 0.7446]])
SRGB_TO_XYZ = np.array([[0.4361, 0.3851, 0.1431], [0.2225, 0.7169, 0.0606], [0.0139, 0.0971, 0.7142]])


def decode(signal: np.ndarray) -> np.ndarray:
    return np.where(signal <= 0.04045, signal / 12.92, ((signal + 0.055) / 1.055) ** 2.4)


def encode(light: np.ndarray) -> np.ndarray:
    light = np.clip(light, 0, 1)
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)


def profile(matrix: np.ndarray, curve: bytes) -> bytes:
    """An ICC profile of a matrix and one curve."""
    fixed = lambda values: struct.pack(f">{len(values)}i", *(round(float(v) * 65536) for v in values))  # noqa: E731
    xyz = lambda values: b"XYZ \0\0\0\0" + fixed(values)  # noqa: E731
    name = b"test space"
    described = b"desc\0\0\0\0" + struct.pack(">I", len(name) + 1) + name + bytes(1 + 4 + 4 + 2 + 1 + 67)
    tags = {b"desc": described, b"wtpt": xyz(D50)}
    tags |= {key: xyz(matrix[:, i]) for i, key in enumerate((b"rXYZ", b"gXYZ", b"bXYZ"))}
    tags |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve)
    body, table, at = b"", struct.pack(">I", len(tags)), 128 + 4 + 12 * len(tags)
    for key, content in tags.items():
        padded = content + bytes(-len(content) % 4)
        table += key + struct.pack(">2I", at + len(body), len(content))
        body += padded
    head = bytearray(128)
    head[8:12], head[12:24], head[36:40] = b"\x02\x40\0\0", b"mntrRGB XYZ ", b"acsp"
    head[68:80] = fixed(D50)
    head[0:4] = struct.pack(">I", 128 + len(table) + len(body))
    return bytes(head) + table + body


SRGB_CURVE = b"para\0\0\0\0\0\3\0\0" + struct.pack(
    ">5i", *(round(v * 65536) for v in (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045))
)
GAMMA_2_2 = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(2.19921875 * 256))
TABLE = b"curv\0\0\0\0" + struct.pack(">I1024H", 1024, *(round(65535 * (i / 1023) ** 1.8) for i in range(1024)))


def pictured() -> np.ndarray:
    """Colours within sRGB's gamut, as linear light [4, 6, 3]."""
    return np.random.default_rng(0).uniform(0.05, 0.8, (4, 6, 3))


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize(
    ("matrix", "curve", "signal"),
    [
        (P3_TO_XYZ, SRGB_CURVE, encode),
        (ADOBE_TO_XYZ, GAMMA_2_2, lambda light: np.clip(light, 0, 1) ** (1 / 2.19921875)),
        (P3_TO_XYZ, TABLE, lambda light: np.clip(light, 0, 1) ** (1 / 1.8)),
    ],
    ids=["Display P3", "Adobe RGB", "table"],
)
def test_a_profiles_colours_are_seen_as_they_are(
    matrix: np.ndarray, curve: bytes, signal: object, bits: int, tmp_path: Path
) -> None:
    light = pictured()
    there = signal(light @ (np.linalg.inv(matrix) @ SRGB_TO_XYZ).T)
    path, white = tmp_path / "a.png", (1 << bits) - 1
    cv2.imwrite(str(path), np.round(there * white).astype(np.uint8 if bits == 8 else np.uint16)[..., ::-1])
    content, made = path.read_bytes(), profile(matrix, curve)
    packed = b"iCCP" + b"x\0\0" + zlib.compress(made)
    chunk = struct.pack(">I", len(packed) - 4) + packed + struct.pack(">I", zlib.crc32(packed))
    path.write_bytes(content[:33] + chunk + content[33:])
    assert np.abs(read_photo(path) / 255.0 - encode(light)).max() < (2.6 / 255 if bits == 8 else 1.2 / 255)
    if bits == 16:
        assert np.abs(read_linear(path) / light - 1).max() < 3e-3


@pytest.mark.parametrize("ending", ["jpg", "png", "webp", "tif", "avif"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_are_upright_in_every_format(ending: str, orientation: int, tmp_path: Path) -> None:
    upright = np.full((32, 64, 3), 60, np.uint8)
    upright[:16, :32], upright[:16, 32:], upright[16:, :32] = (250, 20, 20), (20, 250, 20), (20, 20, 250)
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.transpose(1, 0, 2),
        6: np.rot90(upright),
        7: upright[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(upright, 3),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"a.{ending}"
    Image.fromarray(np.ascontiguousarray(stored)).save(path, exif=exif, quality=98)
    seen = read_photo(path)
    assert seen.shape == upright.shape
    for y, x in ((8, 16), (8, 48), (24, 16), (24, 48)):
        assert np.abs(seen[y, x].astype(int) - upright[y, x]).max() < 20, (y, x)


def test_sixteen_bits_and_floats_keep_their_steps(tmp_path: Path) -> None:
    ramp = np.repeat(np.linspace(0.30, 0.34, 256)[None, :, None], 3, axis=-1)
    for name in ("a.png", "a.tif"):
        cv2.imwrite(str(tmp_path / name), np.round(ramp * 65535).astype(np.uint16))
        light = read_linear(tmp_path / name)
        assert len(np.unique(light)) == 256
        assert np.allclose(light, decode(ramp), rtol=1e-4)
        assert np.abs(read_photo(tmp_path / name) - ramp * 255).max() <= 0.51
    light = np.array([[[0.5, -0.1, 7.0]]], np.float32)
    cv2.imwrite(str(tmp_path / "f.tif"), light[..., ::-1], [cv2.IMWRITE_TIFF_COMPRESSION, 1])
    assert np.array_equal(read_linear(tmp_path / "f.tif"), light)
    assert read_photo(tmp_path / "f.tif").tolist() == [[[188, 0, 255]]]


def test_alpha_palettes_greys_and_inks(tmp_path: Path) -> None:
    colours = np.zeros((8, 8, 4), np.uint8)
    colours[..., 0], colours[..., 3] = 200, 90
    picture = Image.fromarray(colours)
    picture.save(tmp_path / "alpha.png")
    picture.convert("RGB").quantize(4).save(tmp_path / "palette.png")
    picture.convert("RGB").convert("CMYK").save(tmp_path / "inks.jpg", quality=98)
    for name in ("alpha.png", "palette.png", "inks.jpg"):
        seen = read_photo(tmp_path / name)
        assert seen.shape == (8, 8, 3)
        assert np.abs(seen[4, 4].astype(int) - [200, 0, 0]).max() < 6, name
    for mode in ("L", "LA", "1"):
        picture.convert("RGB").convert(mode).save(tmp_path / "grey.png")
        assert read_photo(tmp_path / "grey.png").shape == (8, 8, 3)


def write_tiff(path: Path, pixels: np.ndarray, **how: object) -> None:
    tifffile.imwrite(path, pixels, **how)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("extra", ["assocalpha", "unassalpha"])
def test_a_tiffs_alpha_is_taken_as_it_is_meant(kind: type, extra: str, tmp_path: Path) -> None:
    """Colours that are multiplied with their alpha are divided by it, once."""
    white = 1.0 if kind is np.float32 else float(np.iinfo(kind).max)
    straight, alpha = np.full((8, 8, 3), (0.8, 0.3, 0.2)), np.full((8, 8, 1), 0.5)
    stored = np.concatenate([straight * alpha if extra == "assocalpha" else straight, alpha], axis=-1)
    pixels = stored * white if white == 1.0 else np.round(stored * white)
    write_tiff(tmp_path / "a.tif", pixels.astype(kind), photometric="rgb", extrasamples=[extra])
    plate = Plate(str(tmp_path / "a.tif"), 1, "auto").frame(1)
    light = straight if white == 1.0 else decode(straight)
    assert np.allclose(plate.alpha, 0.5, atol=0.003)
    assert np.allclose(plate.light[4, 4], light[4, 4] * 0.5, atol=0.005)


def test_tiffs_of_every_layout(tmp_path: Path) -> None:
    picture = np.zeros((16, 24, 3), np.uint16)
    picture[...], picture[:4, :8] = (52428, 19789, 9766), (7710, 51400, 15420)
    write_tiff(tmp_path / "planes.tif", picture.transpose(2, 0, 1).copy(), photometric="rgb", planarconfig="separate")
    write_tiff(tmp_path / "tiles.tif", picture, photometric="rgb", tile=(16, 16))
    write_tiff(tmp_path / "big.tif", picture, photometric="rgb", bigtiff=True)
    write_tiff(tmp_path / "other.tif", picture, photometric="rgb", byteorder=">")
    with tifffile.TiffWriter(tmp_path / "small_first.tif") as file:
        file.write(picture[::4, ::4].copy(), photometric="rgb", subfiletype=1)
        file.write(picture, photometric="rgb")
    for name in ("planes", "tiles", "big", "other", "small_first"):
        assert np.array_equal(read_pixels(tmp_path / f"{name}.tif"), picture), name
        assert open_clip(str(tmp_path / f"{name}.tif")).note == ""
    write_tiff(tmp_path / "white.tif", 65535 - picture[..., 0], photometric="miniswhite")
    assert np.array_equal(read_pixels(tmp_path / "white.tif")[..., 0], picture[..., 0])
    write_tiff(tmp_path / "pages.tif", np.stack([picture, picture]), photometric="rgb")
    assert open_clip(str(tmp_path / "pages.tif")).note == "a document of 2 pictures, of which only the first is taken"
    for kind, word in ((np.float16, "16-bit floats"), (np.uint32, "32-bit integers")):
        write_tiff(tmp_path / "odd.tif", picture.astype(kind), photometric="rgb")
        with pytest.raises(UnreadableImageError, match=word):
            read_pixels(tmp_path / "odd.tif")


def with_chunks(path: Path, *chunks: tuple[bytes, bytes]) -> None:
    """Put chunks into a PNG, before its pixels."""
    made = b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in chunks
    )
    content = path.read_bytes()
    path.write_bytes(content[:33] + made + content[33:])


@pytest.mark.parametrize(
    ("chunks", "wanted"),
    [
        ([(b"cICP", bytes([1, 13, 0, 1]))], decode),
        ([(b"gAMA", struct.pack(">I", 45455))], decode),
        ([(b"gAMA", struct.pack(">I", 100000))], lambda signal: signal),
        ([(b"cICP", bytes([12, 13, 0, 1]))], lambda signal: decode(signal) @ matrix_to_rec709(P3_D65).T),
        (
            [
                (b"gAMA", struct.pack(">I", 45455)),
                (b"cHRM", struct.pack(">8I", 31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000)),
            ],
            lambda signal: signal**2.2 @ matrix_to_rec709(P3_D65).T,
        ),
        ([(b"cICP", bytes([9, 16, 0, 1]))], None),
    ],
    ids=["sRGB", "gamma 2.2", "linear", "P3", "P3 by primaries", "PQ"],
)
def test_colours_that_a_png_states_by_numbers(chunks: list[tuple[bytes, bytes]], wanted: object, tmp_path: Path) -> None:
    signal = np.array([0.6, 0.4, 0.2])
    cv2.imwrite(str(tmp_path / "a.png"), np.round(np.full((8, 8, 3), signal[::-1]) * 65535).astype(np.uint16))
    with_chunks(tmp_path / "a.png", *chunks)
    light = read_linear(tmp_path / "a.png")[4, 4]
    if wanted is None:  # 0.6 of PQ is 244 cd/m2, and its white 203
        assert light.max() > 1.0
    else:
        assert np.allclose(light, wanted(signal), atol=2e-4)


def test_a_cameras_word_for_adobe_rgb_and_a_grey_profile(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0xA001] = 65535
    exif.get_ifd(0x8769)[0xA005] = {1: "R03"}
    picture = Image.fromarray(np.full((16, 16, 3), (60, 160, 60), np.uint8))
    picture.save(tmp_path / "plain.jpg", quality=98)
    picture.save(tmp_path / "adobe.jpg", quality=98, exif=exif)
    plain, adobe = (read_photo(tmp_path / name)[8, 8].astype(int) for name in ("plain.jpg", "adobe.jpg"))
    assert adobe[0] < plain[0] - 40  # the same numbers are a greener green there
    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(1.0 * 256))
    Image.fromarray(np.full((8, 8), 128, np.uint8)).save(tmp_path / "grey.png", icc_profile=grey_profile(curve))
    assert np.abs(read_photo(tmp_path / "grey.png")[4, 4].astype(int) - 188).max() <= 2


def grey_profile(curve: bytes) -> bytes:
    """Of a monitor without colours, with this curve."""
    white = b"XYZ \0\0\0\0" + struct.pack(">3i", 63190, 65536, 54061)
    body, entries = b"", b""
    for name, content in ((b"wtpt", white), (b"kTRC", curve + bytes(-len(curve) % 4))):
        entries += struct.pack(">4sII", name, 128 + 4 + 24 + len(body), len(content))
        body += content
    head = bytearray(128)
    head[8:12], head[12:24], head[36:40] = bytes([2, 64, 0, 0]), b"mntrGRAYXYZ ", b"acsp"
    head[68:80] = struct.pack(">3i", 63190, 65536, 54061)
    whole = bytes(head) + struct.pack(">I", 2) + entries + body
    return struct.pack(">I", len(whole)) + whole[4:]


def test_heic_of_ten_bits_and_hdr(tmp_path: Path) -> None:
    ramp = np.repeat(np.linspace(20000, 24000, 64).astype(np.uint16)[None, :, None], 64, axis=0)
    made = pillow_heif.from_bytes("RGB;16", (64, 64), np.repeat(ramp, 3, axis=-1).tobytes())
    made.save(tmp_path / "a.heic", quality=-1, chroma=444)
    found = read_pixels(tmp_path / "a.heic")
    assert found.dtype == np.uint16
    assert len(np.unique(found[32, :, 0])) > 30  # 16 of 8 bits
    content = (tmp_path / "a.heic").read_bytes()
    at = content.index(b"colrnclx") + 8
    (tmp_path / "a.heic").write_bytes(content[:at] + bytes([0, 9, 0, 16]) + content[at + 4 :])
    assert read_pixels(tmp_path / "a.heic").dtype == np.float32


def test_a_damaged_profile_changes_nothing(tmp_path: Path) -> None:
    picture = Image.fromarray(np.full((8, 8, 3), 120, np.uint8))
    for made in (
        b"nothing",
        profile(P3_TO_XYZ, SRGB_CURVE)[:200],
        ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes(),
    ):
        picture.save(tmp_path / "a.png", icc_profile=made)
        assert read_photo(tmp_path / "a.png")[4, 4].tolist() == [120, 120, 120]


def test_an_animation_says_that_its_first_picture_alone_is_taken(tmp_path: Path) -> None:
    frames = [Image.fromarray(np.full((8, 8, 3), 40 * i, np.uint8)) for i in range(1, 5)]
    frames[0].save(tmp_path / "a.webp", save_all=True, append_images=frames[1:])
    frames[0].save(tmp_path / "one.webp")
    assert open_clip(str(tmp_path / "a.webp")).note == "an animation of 4 pictures, of which only the first is taken"
    assert open_clip(str(tmp_path / "one.webp")).note == ""


def test_heic_is_read_or_says_which_package_reads_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    phone = tmp_path / "IMG_1.jpg"  # as some programs name what an iPhone sends
    phone.write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(200))
    with monkeypatch.context() as without:
        without.setitem(sys.modules, "pillow_heif", None)
        with pytest.raises(MissingPackageError, match="pip install pillow-heif"):
            read_photo(phone)
    with pytest.raises(UnreadableImageError, match=r"IMG_1\.jpg"):
        read_photo(phone)
    made = io.BytesIO()
    pillow_heif.from_pillow(Image.fromarray(np.full((64, 64, 3), (200, 90, 60), np.uint8))).save(made, quality=95)
    phone.write_bytes(made.getvalue())
    assert np.abs(read_photo(phone)[30, 30].astype(int) - (200, 90, 60)).max() < 8
