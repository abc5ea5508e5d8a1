# SPDX-License-Identifier: GPL-3.0-or-later
"""Clips as artists have them: exact rates and numbers, phones' uneven frames, EXR plates in their colour space."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import OpenEXR
import PyOpenColorIO as OCIO  # noqa: N814 (its users call it so)
import pytest
from headcast.core.errors import MissingPackageError, SettingError
from headcast.core.imaging import colour, colour_space
from headcast.core.imaging.movie import conform
from headcast.core.imaging.preview import write_png
from headcast.core.imaging.read import Clip, open_clip, parse_rate, read_photo

TICKS = Fraction(1, 90000)


def write_movie(path: Path, pictures: list[np.ndarray], seconds: list[float]) -> None:
    """Each picture comes on at its time."""
    height, width = pictures[0].shape[:2]
    with av.open(str(path), "w") as movie:
        stream = movie.add_stream("libx264", rate=30, options={"crf": "0"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv444p"
        stream.time_base = stream.codec_context.time_base = TICKS
        for picture, second in zip(pictures, seconds, strict=True):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = round(second / TICKS), TICKS
            movie.mux(stream.encode(frame))
        movie.mux(stream.encode())


def greys(count: int) -> list[np.ndarray]:
    """A picture's brightness says which it is."""
    return [np.full((48, 64, 3), 5 * i, np.uint8) for i in range(count)]


def shown(clip: Clip) -> list[int]:
    return [round(float(frame.picture.mean()) / 5) for frame in clip.frames()]


def test_each_frame_of_an_uneven_movie_shows_what_was_on_the_screen(tmp_path: Path) -> None:
    # Twenty at 30, three that stay for 0.1 s, four at 60, ten at 30.
    steps = [1 / 30] * 20 + [0.1] * 3 + [1 / 60] * 4 + [1 / 30] * 10
    seconds = [0.0, *np.cumsum(steps)]
    write_movie(tmp_path / "phone.mp4", greys(len(seconds)), seconds)
    clip = open_clip(str(tmp_path / "phone.mp4"), first=1001)
    assert clip.rate == 30
    assert clip.note == "variable frame rate (10.0 to 60.0): conformed to 30, 6 frames held, 2 dropped"
    frames = list(clip.frames())
    assert [frame.number for frame in frames] == list(range(1001, 1001 + len(frames)))
    assert len(frames) == round(seconds[-1] * 30) + 1
    truth = [max(i for i, second in enumerate(seconds) if second <= (k + 0.5) / 30) for k in range(len(frames))]
    assert shown(clip) == truth
    assert [frame.held for frame in frames] == [False, *(a == b for a, b in pairwise(truth))]


@pytest.mark.parametrize("rate", [Fraction(24000, 1001), Fraction(25), Fraction(30000, 1001), Fraction(59)])
def test_a_constant_rate_is_left_alone(rate: Fraction, tmp_path: Path) -> None:
    write_movie(tmp_path / "a.mp4", greys(40), [float(i / rate) for i in range(40)])
    clip = open_clip(str(tmp_path / "a.mp4"))
    assert (clip.rate, clip.note) == (rate, "")
    assert shown(clip) == list(range(40))
    assert [frame.number for frame in clip.frames()] == list(range(1, 41))


def test_times_that_are_rounded_or_broken_are_no_variable_rate() -> None:
    rounded = np.round(np.arange(2000) * 1001 / 30000, 3)
    assert conform(rounded, Fraction(30000, 1001)) == (Fraction(30000, 1001), range(2000), "")
    for broken in (np.zeros(9), np.array([0.0, 0.04, 0.02, 0.06])):
        assert conform(broken, Fraction(25)) == (25, range(len(broken)), "")
    # A single picture that was never written: one frame is held, and all others stay in their place.
    missing = np.delete(np.arange(100) / 24, 40)
    assert list(conform(missing, Fraction(2357, 100)).shown) == [*range(40), 39, *range(40, 99)]


def test_a_movie_shot_on_its_side_is_upright(tmp_path: Path) -> None:
    picture = np.zeros((48, 64, 3), np.uint8)
    picture[:24] = 200
    write_movie(tmp_path / "a.mp4", [picture] * 3, [0.0, 0.04, 0.08])
    content = bytearray((tmp_path / "a.mp4").read_bytes())
    # The track header's matrix, as a phone that is held upright writes it: a quarter turn clockwise.
    matrix = content.index(b"tkhd") + 44
    turn = [0, 1 << 16, 0, -(1 << 16), 0, 0, 48 << 16, 0, 1 << 30]
    content[matrix : matrix + 36] = b"".join(value.to_bytes(4, "big", signed=True) for value in turn)
    (tmp_path / "a.mp4").write_bytes(content)
    upright = next(open_clip(str(tmp_path / "a.mp4")).frames()).picture
    assert upright.shape == (64, 48, 3)
    assert upright[:, 24:].mean() > 190
    assert upright[:, :24].mean() < 10


def test_the_rate_of_numbered_pictures(tmp_path: Path) -> None:
    write_png(tmp_path / "a.1001.png", greys(3)[2])
    assert open_clip(str(tmp_path)).rate == 24
    assert open_clip(str(tmp_path), rate="23.976").rate == Fraction(24000, 1001)
    assert open_clip(str(tmp_path), first=7, rate="30000/1001").numbers == (1001,)
    assert [parse_rate(text) for text in ("25", "12.5", "59.94")] == [25, Fraction(25, 2), Fraction(60000, 1001)]
    for wrong in ("fast", "0", "-24", "24/0", "1e9", "1e-9", "nan"):
        with pytest.raises(SettingError, match="--rate"):
            parse_rate(wrong)
    write_plate(tmp_path / "plate.1001.exr", np.full(3, 0.5), framesPerSecond=Fraction(48))
    assert open_clip(str(tmp_path / "plate.1001.exr")).rate == 48


def write_plate(path: Path, light: np.ndarray, **header: object) -> None:
    """A plate of one colour, scene-linear."""
    pixels = np.broadcast_to(np.asarray(light, np.float16), (8, 8, 3))
    whole = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage, **header}
    OpenEXR.File(whole, {"RGB": np.ascontiguousarray(pixels)}).write(str(path))


def seen(path: Path, **options: object) -> list[int]:
    return read_photo(path, **options)[4, 4].tolist()


def test_plates_are_seen_in_their_colour_space(tmp_path: Path) -> None:
    light = np.array([0.42, 0.20, 0.12])
    plain, acescg = tmp_path / "plain.exr", tmp_path / "acescg.exr"
    write_plate(plain, light)
    write_plate(acescg, np.linalg.inv(colour_space.matrix_to_rec709(colour_space.AP1)) @ light)
    truth = seen(plain)
    assert truth == colour.to_bytes(colour.encode_srgb(light.astype(np.float32))).tolist()
    assert seen(acescg) != truth
    assert np.allclose(seen(acescg, colour_space="ACEScg"), truth, atol=1)
    for header in ({"colorInteropID": "lin_ap1_scene"}, {"chromaticities": colour_space.AP1}):
        write_plate(tmp_path / "told.exr", np.linalg.inv(colour_space.matrix_to_rec709(colour_space.AP1)) @ light, **header)
        assert np.allclose(seen(tmp_path / "told.exr"), truth, atol=1)
        assert open_clip(str(tmp_path / "told.exr")).note.startswith("EXR plates in ")


def test_our_matrices_are_those_of_the_aces_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OCIO", raising=False)
    config = OCIO.Config.CreateFromBuiltinConfig(colour_space.STUDIO)
    light = np.random.default_rng(0).uniform(0, 2, (3, 5, 3)).astype(np.float32)
    for name in ("ACEScg", "ACES2065-1", "Linear Rec.2020", "Linear P3-D65", "lin_ap1_scene", "lin_rec709_scene"):
        there = OCIO.Config.GetProcessorToBuiltinColorSpace(config, name, "lin_rec709_scene").getDefaultCPUProcessor()
        truth = light.copy()
        there.applyRGB(truth)
        assert np.allclose(colour_space.to_linear_rec709(light, name), truth, atol=2e-3), name
    grey = np.full((1, 1, 3), 0.391007, np.float32)
    assert np.allclose(colour_space.to_linear_rec709(grey, "ARRI LogC3 (EI800)"), 0.18, atol=1e-3)
    with pytest.raises(SettingError, match="LogC9"):
        colour_space.to_linear_rec709(grey, "LogC9")
    monkeypatch.setenv("OCIO", "/nowhere/config.ocio")
    with pytest.raises(SettingError, match="/nowhere"):
        colour_space.to_linear_rec709(grey, "ARRI LogC3 (EI800)")


def test_a_colour_space_that_needs_a_package_says_which(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "PyOpenColorIO", None)
    with pytest.raises(MissingPackageError, match="pip install opencolorio"):
        colour_space.to_linear_rec709(np.zeros((1, 1, 3), np.float32), "Log3G10 REDWideGamutRGB")


def test_dark_plates_are_exposed_for_the_detector_alone(tmp_path: Path) -> None:
    for name, light in (("dark", 0.004), ("usual", 0.4), ("hot", 30.0)):
        write_plate(tmp_path / f"{name}.exr", np.full(3, light))
    assert seen(tmp_path / "dark.exr")[0] < 20
    assert seen(tmp_path / "hot.exr")[0] == 255
    assert seen(tmp_path / "usual.exr") == seen(tmp_path / "usual.exr", exposed=True)
    for name in ("dark", "hot"):
        assert 180 < seen(tmp_path / f"{name}.exr", exposed=True)[0] < 220
    (frame,) = open_clip(str(tmp_path / "dark.exr")).frames()
    assert frame.picture.max() < 20
