# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures: colour, EXR, crops, mattes, reading."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import cv2
import numpy as np
import OpenEXR
import pytest
from headcast.core.errors import EmptyClipError, MissingWeightsError, UnreadableImageError
from headcast.core.imaging import colour, crop, exr, halves, resample
from headcast.core.imaging.matte import head_matte
from headcast.core.imaging.names import find_photos
from headcast.core.imaging.preview import write_png
from headcast.core.imaging.read import open_clip, read_photo
from headcast.core.imaging.segmenter import person_matte
from headcast.core.landmarks.detectors import open_detector


@pytest.fixture
def noise() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (96, 128, 3), dtype=np.uint8)


def test_srgb_there_and_back() -> None:
    ramp = np.linspace(-0.5, 4.0, 1001, dtype=np.float32)
    assert np.abs(colour.decode_srgb(colour.encode_srgb(ramp)) - ramp).max() < 1e-5
    assert colour.decode_srgb(np.array([0.5], np.float32))[0] == pytest.approx(0.21404, abs=1e-4)


def test_an_exr_is_half_linear_zip_and_says_so(tmp_path: Path) -> None:
    picture = np.random.default_rng(1).random((20, 30, 4)).astype(np.float32)
    picture[0, 0, 0], picture[0, 1, 0] = np.nan, 1e9
    path = tmp_path / "a.exr"
    exr.write_rgba(path, picture, {"colorInteropID": colour.SCENE_LINEAR})
    part = OpenEXR.File(str(path)).parts[0]
    assert part.header["compression"] == OpenEXR.ZIP_COMPRESSION
    assert part.header["colorInteropID"] == "lin_rec709_scene"
    assert part.channels["RGBA"].pixels.dtype == np.float16
    back = exr.read_rgba(path)
    assert np.allclose(back[1:], picture[1:].astype(np.float16), atol=0)
    assert back[0, 0, 0] == 0
    assert back[0, 1, 0] == halves.HALF_MOST
    assert list(tmp_path.iterdir()) == [path]


def test_a_plate_with_a_data_window_is_read_where_it_lies(tmp_path: Path) -> None:
    picture = np.ones((10, 20, 4), np.float16)
    windows = {
        "dataWindow": (np.array((30, 40), np.int32), np.array((49, 49), np.int32)),
        "displayWindow": (np.array((0, 0), np.int32), np.array((99, 79), np.int32)),
    }
    OpenEXR.File({"type": OpenEXR.scanlineimage, **windows}, {"RGBA": picture}).write(str(tmp_path / "a.exr"))
    whole = exr.read_rgba(tmp_path / "a.exr")
    assert whole.shape == (80, 100, 4)
    assert whole[40:50, 30:50].min() == 1
    assert whole.sum() == picture.sum()


@pytest.mark.parametrize("part", [0.1, 0.5, 0.95])
def test_a_truncated_exr_is_refused(tmp_path: Path, part: float) -> None:
    path = tmp_path / "a.exr"
    exr.write_rgba(path, np.random.default_rng(2).random((64, 64, 4)).astype(np.float32), {})
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * part)])
    with pytest.raises(UnreadableImageError, match=r"a\.exr"):
        exr.read_rgba(path)


def test_a_full_crop_of_its_own_size_is_untouched(noise: np.ndarray) -> None:
    square = noise[:, :96]
    assert resample.cut(square, crop.full_crop(96, 96), 96) is square


@pytest.mark.parametrize("kind", [np.uint8, np.float32])
def test_a_crop_has_the_bytes_that_it_has_when_the_whole_plate_is_blurred(kind: type) -> None:
    """Wherever it lies, and beyond the border too."""
    rng = np.random.default_rng(3)
    for _ in range(60):
        height, width, channels = rng.integers((5, 5, 1), (500, 700, 5))
        plate = (rng.random((height, width, channels)) * 255).astype(kind)
        where = np.array([*rng.uniform((-200, -200), (width + 200, height + 200)), rng.uniform(100, 1500)])
        size = int(rng.integers(16, 97))
        sigma = 0.5 * float(np.sqrt((where[2] / size) ** 2 - 1))
        blurred = cv2.GaussianBlur(plate, (0, 0), sigma)
        matrix, whole = resample._plate_to_crop(where, size), cv2.BORDER_REPLICATE
        truth = cv2.warpAffine(blurred, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=whole)
        assert np.array_equal(resample.cut(plate, where, size), truth)


def test_crops_register_to_a_fraction_of_a_pixel() -> None:
    """A smooth picture, cut and put back, is the picture; points go where pixels go."""
    y, x = np.mgrid[0:200, 0:300] + 0.5
    picture = np.round(127 + 100 * np.sin(x / 25) * np.cos(y / 30)).astype(np.uint8)[..., None].repeat(3, axis=-1)
    where = np.array([151.3, 99.7, 120.4])
    cut = resample.cut(picture, where, 256).astype(np.float32)
    back = resample.place(np.dstack([cut, np.full((256, 256), 255, np.float32)]), where, 300, 200)
    inside = back[..., 3] == 255
    assert inside.sum() > 110**2
    assert np.abs(back[..., 0] - picture[..., 0])[inside].mean() < 0.6
    points = np.array([[140.25, 90.5], [170.0, 120.0]], np.float32)
    assert np.allclose(crop.to_plate(crop.to_crop(points, where, 256), where, 256), points, atol=1e-4)
    a, b = crop.to_crop(points, where, 256)
    assert (b - a) == pytest.approx((points[1] - points[0]) * 256 / 120.4, rel=1e-4)


def test_crops_do_not_pulse_when_somebody_speaks(face: np.ndarray) -> None:
    """Two seconds of chatter with detector noise: the crop's side wavers by less than half a percent."""
    rng = np.random.default_rng(0)
    drive = np.repeat(face[None], 48, axis=0) + rng.normal(0, 0.5, (48, 70, 2)).astype(np.float32)
    opening = (1 + np.sin(np.arange(48))) * 6
    drive[:, [6, 7, 8, 9, 10, 55, 56, 57, 58, 59, 65, 66, 67], 1] += opening[:, None]
    crops = crop.head_crops(drive, np.ones(48, bool), 24.0)
    assert crops[:, 2].std() / crops[:, 2].mean() < 0.005
    assert crops[:, :2].std(axis=0).max() < 0.5


def test_a_gap_in_a_clip_borrows_its_crop(face: np.ndarray) -> None:
    drive = np.stack([face + 2 * i for i in range(30)])
    seen = np.ones(30, bool)
    seen[10:20] = False
    drive[10:20] = np.nan
    crops = crop.head_crops(drive, seen, 5.0)
    assert np.isfinite(crops).all()
    assert np.allclose(np.diff(crops[:, 0]), 2.0, atol=0.3)


def test_the_matte_holds_face_and_hair_and_not_the_wall(astronaut: Path) -> None:
    photo = read_photo(astronaut)
    with closing(open_detector("mediapipe")) as detector:
        (face,) = detector.detect(photo)
    where = crop.head_crops(face.landmarks[None], np.array([True]), 1.0)[0]
    points = crop.to_crop(face.landmarks, where, 256)
    matte = head_matte(resample.cut(photo, where, 256), points)
    assert matte[points[:, 1].astype(int), points[:, 0].astype(int)][17:].min() > 240
    brow = int(points[19:24, 1].min())
    middle = int(points[27, 0])
    assert matte[brow - 45, middle] > 200  # hair
    assert matte[5, 5] == matte[5, 250] == matte[250, 5] == 0
    assert matte[254, 128] < 100  # the neck fades


def test_a_wall_that_is_coloured_like_the_hair_stays_out(astronaut: Path) -> None:
    photo = read_photo(astronaut)
    with closing(open_detector("mediapipe")) as detector:
        (face,) = detector.detect(photo)
    where = crop.head_crops(face.landmarks[None], np.array([True]), 1.0)[0]
    head, points = resample.cut(photo, where, 256), crop.to_crop(face.landmarks, where, 256)
    matte = head_matte(head, points)
    hair = np.median(head[30:50, 110:150].reshape(-1, 3), axis=0)
    wall = hair + np.random.default_rng(0).normal(0, 6, head.shape)
    share = person_matte(head)[..., None]
    before_it = np.clip(head * share + wall * (1 - share), 0, 255).astype(np.uint8)
    there = head_matte(before_it, points)
    assert np.minimum(there, matte).sum() > 0.9 * np.maximum(there, matte).sum()


def test_the_segmenter_says_how_to_get_its_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADCAST_SEGMENTER", str(tmp_path / "none.tflite"))
    with pytest.raises(MissingWeightsError, match=r"none\.tflite") as missing:
        person_matte(np.zeros((8, 8, 3), np.uint8))
    assert "headcast.core.fetching" in missing.value.hint
    (tmp_path / "none.tflite").write_bytes(b"another model")
    with pytest.raises(MissingWeightsError, match="not the model that was tested"):
        person_matte(np.zeros((8, 8, 3), np.uint8))


def test_clips_are_what_artists_have(tmp_path: Path, noise: np.ndarray) -> None:
    for number in (1001, 1002, 1010):
        write_png(tmp_path / f"plate.{number}.png", noise)
    for name in (str(tmp_path), str(tmp_path / "plate.*.png")):
        clip = open_clip(name)
        assert [frame.number for frame in clip.frames()] == [1001, 1002, 1010]
    assert np.array_equal(next(clip.frames()).picture, noise)
    assert find_photos([str(tmp_path / "plate.1001.png"), str(tmp_path)])[0].name == "plate.1001.png"


def test_clips_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    with pytest.raises(EmptyClipError, match=r"empty\.mp4"):
        open_clip(str(tmp_path / "empty.mp4"))
    (tmp_path / "folder").mkdir()
    with pytest.raises(EmptyClipError, match="folder"):
        open_clip(str(tmp_path / "folder"))


def test_damaged_pictures_are_refused(tmp_path: Path, astronaut: Path) -> None:
    content = astronaut.read_bytes()
    for name, damaged in (("cut.png", content[: len(content) // 2]), ("text.jpg", b"no picture"), ("none.png", b"")):
        (tmp_path / name).write_bytes(damaged)
        with pytest.raises(UnreadableImageError, match=name):
            read_photo(tmp_path / name)
