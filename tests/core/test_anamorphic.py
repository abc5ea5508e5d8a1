# SPDX-License-Identifier: GPL-3.0-or-later
"""Pixels that are not square: a face is looked at, turned and painted as it is shown, and goes back as the plate has it."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from headcast.core.cli.main import main
from headcast.core.imaging import colour, comp, exr, resample
from headcast.core.imaging.crop import to_crop, to_plate
from headcast.core.imaging.preview import write_png
from headcast.core.imaging.read import open_clip, read_photo
from headcast.core.performance import Performance

SIDE = 256
ASPECTS = [Fraction(2), Fraction(10, 11), Fraction(1, 2)]


@pytest.fixture(scope="module")
def shots(astronaut: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A plate of one frame as it is shown, and in pixels of each aspect; a likeness of who is in it."""
    folder = tmp_path_factory.mktemp("anamorphic")
    photo = np.ascontiguousarray(read_photo(astronaut)[0:256, 96:352])
    write_png(folder / "photo.png", photo)
    assert main(["adapt", str(folder / "photo.png"), "-o", str(folder / "x.likeness"), "--crop", "full"]) == 0
    light = colour.decode_srgb(colour.to_floats(photo))
    for aspect in (Fraction(1), *ASPECTS):
        width = round(SIDE / aspect)
        squeezed = cv2.resize(light, (width, SIDE), interpolation=cv2.INTER_AREA if aspect > 1 else cv2.INTER_CUBIC)
        plate_of(folder, aspect).parent.mkdir()
        header = {"pixelAspectRatio": float(aspect)}
        exr.write_layers(plate_of(folder, aspect), {"rgb": exr.Layer(squeezed, {}, True)}, header)
    return folder


def plate_of(folder: Path, aspect: Fraction) -> Path:
    return folder / f"{aspect.numerator} by {aspect.denominator}" / "plate.1001.exr"


def tracked(folder: Path, aspect: Fraction, output: Path) -> Performance:
    assert main(["track", str(plate_of(folder, aspect)), "-o", str(output), "--smoothing", "0"]) == 0
    return Performance.load(output)


def widths_of(folder: Path, aspect: Fraction, drive: Path, output: Path, *options: str) -> np.ndarray:
    """How wide the head is in each row of the take, in pixels."""
    plate, take = (
        str(plate_of(folder, aspect)),
        str(output / f"{aspect.numerator} by {aspect.denominator}" / "t_v001.####.exr"),
    )
    person = str(folder / "x.likeness")
    assert main(["render", person, str(drive), "-o", take, "--plate", plate, "--tries", "0", *options]) == 0
    header = exr.read_attributes(Path(take.replace("####", "1001")))
    assert header["pixelAspectRatio"] == pytest.approx(float(aspect))
    layers = exr.read_layers(Path(take.replace("####", "1001")))
    plate_light = exr.read_rgba(plate_of(folder, aspect))[..., :3]
    alpha = layers["head"].pixels[..., 3]
    assert np.array_equal(layers["comp"].pixels[alpha == 0], plate_light[alpha == 0])
    return np.asarray(alpha[70:140].sum(axis=1))


@pytest.mark.parametrize("aspect", ASPECTS)
@pytest.mark.parametrize("motion", ["relative", "absolute"])
def test_a_head_has_its_shape_when_the_plate_is_shown(shots: Path, tmp_path: Path, aspect: Fraction, motion: str) -> None:
    plain = tracked(shots, Fraction(1), tmp_path / "plain.performance")
    found = tracked(shots, aspect, tmp_path / "squeezed.performance")
    assert (found.width, found.pixel_aspect) == (round(SIDE / aspect), aspect)
    shown = found.in_square_pixels()
    assert np.abs(shown.landmarks - plain.landmarks).max() < 4
    assert shown.crops[:, 2] == pytest.approx(plain.crops[:, 2], rel=0.03)
    wanted = widths_of(shots, Fraction(1), tmp_path / "plain.performance", tmp_path, "--motion", motion)
    seen = widths_of(shots, aspect, tmp_path / "squeezed.performance", tmp_path, "--motion", motion)
    assert seen * float(aspect) == pytest.approx(wanted, rel=0.05)


def test_proxies_that_do_not_say_how_they_are_shown(shots: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Squeezed PNGs were tracked, where a detector sees less well, and the plate says that its pixels are twice as wide."""
    aspect = Fraction(2)
    light = exr.read_rgba(plate_of(shots, aspect))[..., :3]
    write_png(tmp_path / "proxy.1001.png", colour.to_bytes(colour.encode_srgb(light)))
    drive = tmp_path / "proxy.performance"
    assert main(["track", str(tmp_path / "proxy.1001.png"), "-o", str(drive), "--smoothing", "0"]) == 0
    assert Performance.load(drive).pixel_aspect == 1
    tracked(shots, Fraction(1), tmp_path / "plain.performance")
    wanted = widths_of(shots, Fraction(1), tmp_path / "plain.performance", tmp_path)
    assert widths_of(shots, aspect, drive, tmp_path).max() * 2 == pytest.approx(wanted.max(), rel=0.15)
    assert "track the plate itself" in capsys.readouterr().err


def test_a_take_without_a_plate_has_the_performances_pixels(shots: Path, tmp_path: Path) -> None:
    for aspect in (Fraction(1), Fraction(2)):
        tracked(shots, aspect, tmp_path / "y.performance")
        output = str(tmp_path / f"{aspect}" / "t_v001.####.exr")
        likeness = str(shots / "x.likeness")
        settings = ["--frame", "plate", "--tries", "0", "--motion", "absolute"]
        assert main(["render", likeness, str(tmp_path / "y.performance"), "-o", output, *settings]) == 0
    plain, squeezed = (exr.read_rgba(tmp_path / name / "t_v001.1001.exr")[..., 3] for name in "12")
    assert squeezed.shape == (SIDE, SIDE // 2)
    assert 2 * squeezed.sum(axis=1)[70:140] == pytest.approx(plain.sum(axis=1)[70:140], rel=0.05)
    assert exr.read_attributes(tmp_path / "2" / "t_v001.1001.exr")["pixelAspectRatio"] == 2


@pytest.mark.parametrize("aspect", [2.0, 0.5])
def test_crops_are_cut_and_put_back_in_pixels_that_are_not_square(aspect: float) -> None:
    rng = np.random.default_rng(0)
    noise = cv2.GaussianBlur(rng.random((200, 240, 3), np.float32), (0, 0), 6)
    squeezed = cv2.resize(noise, (round(240 / aspect), 200), interpolation=cv2.INTER_AREA if aspect > 1 else cv2.INTER_CUBIC)
    plain, crop = np.array([120.0, 90.0, 110.0]), np.array([120.0 / aspect, 90.0, 110.0, aspect])
    assert resample.cut(squeezed, crop, 128) == pytest.approx(resample.cut(noise, plain, 128), abs=0.01)
    points = np.array([[100.0, 80.0], [30.0, 60.0]], np.float32)
    inside = to_crop(points / np.float32([aspect, 1]), crop, 128)
    assert inside == pytest.approx(to_crop(points, plain, 128))
    assert to_plate(inside, crop, 128) * np.float32([aspect, 1]) == pytest.approx(points, rel=1e-5)
    width = round(240 / aspect)
    for made in (comp.st_map, lambda *given: comp.crop_window(*given, 10.0)[..., None]):
        whole = cv2.resize(
            made(plain, 240, 200), (width, 200), interpolation=cv2.INTER_AREA if aspect > 1 else cv2.INTER_LINEAR
        )
        assert np.abs(made(crop, width, 200) - whole.reshape(200, width, -1)).mean() < 0.005


def test_a_performance_keeps_how_its_plate_is_shown(shots: Path, tmp_path: Path) -> None:
    found = tracked(shots, Fraction(2), tmp_path / "a.performance")
    again = found.in_square_pixels().in_pixels_of(Fraction(2), found.width)
    assert again.landmarks == pytest.approx(found.landmarks, abs=1e-4)
    assert again.crops == pytest.approx(found.crops)
    assert found.in_square_pixels().in_square_pixels().width == SIDE


def test_a_header_that_no_camera_writes_is_passed_over(tmp_path: Path) -> None:
    for number, aspect in enumerate((1e-5, 0.01, 100.0, 1e5)):
        path = tmp_path / f"{number}.exr"
        exr.write_layers(path, {"rgb": exr.Layer(np.zeros((8, 8, 3), np.float32), {})}, {"pixelAspectRatio": aspect})
        assert open_clip(str(path)).pixel_aspect == 1
