# SPDX-License-Identifier: GPL-3.0-or-later
"""EXR plates as programs lay them out: which layer is the picture, where its pixels lie, what its header says."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import OpenEXR
import pytest
from headcast.core.errors import SettingError, UnreadableImageError
from headcast.core.imaging import exr
from headcast.core.imaging.colour_space import AUTO
from headcast.core.imaging.exr import Framing, Layer
from headcast.core.imaging.preview import write_png
from headcast.core.imaging.read import open_clip, read_photo
from headcast.core.performance import Performance, performance_from_points
from headcast.core.rendering.in_plate import seen_in
from headcast.core.rendering.plate import Plate

SIZE = (6, 8)
HEADER: dict[str, Any] = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
PICTURE = np.linspace(0.1, 0.9, 6 * 8 * 4, dtype=np.float32).reshape(*SIZE, 4).astype(np.float16)


def part(name: str, *channels: str, header: dict[str, Any] | None = None, colour: bool = True) -> Any:
    """A part whose channels R, G, B, A show PICTURE, or its negative where it is no `colour`."""
    places = {"R": 0, "G": 1, "B": 2, "A": 3}
    found = {}
    for channel in channels:
        at = places.get(channel.rpartition(".")[2], 0)
        found[channel] = np.ascontiguousarray(PICTURE[..., at] if colour else -PICTURE[..., at])
    return OpenEXR.Part({**HEADER, **(header or {})}, found, name)


def write(path: Path, *parts: Any) -> Path:
    OpenEXR.File(list(parts)).write(str(path))
    return path


def named(prefix: str, letters: str = "RGBA") -> list[str]:
    return [f"{prefix}.{letter}" for letter in letters]


LAYOUTS: dict[str, list[Any]] = {
    "bare": [part("", *"RGBA")],
    "Blender's MultiLayer": [part("", *named("ViewLayer.Combined"), "ViewLayer.Depth.Z", *named("ViewLayer.Normal", "XYZ"))],
    "Blender's passes before it": [
        part("ViewLayer.AO", *named("ViewLayer.AO", "RGB"), colour=False),
        part("ViewLayer.CryptoObject00", *named("ViewLayer.CryptoObject00", "RGBA"), colour=False),
        part("ViewLayer.Combined", *named("ViewLayer.Combined")),
    ],
    "Blender's composite": [part("", *named("Composite.Combined")), part("b", *named("ViewLayer.Combined"), colour=False)],
    "depth first": [part("depth", "Z"), part("rgba", *"RGBA")],
    "depth beside": [part("", *"RGBA", "Z", "depth.Z")],
    "a layer of that name": [part("", *named("rgba"))],
    "Nuke's": [part("other", *named("other", "RGB"), colour=False), part("rgba", *named("rgba"))],
    "utilities first": [
        part("normal", *"RGB", colour=False),
        part("uv", *"RGB", colour=False),
        part("beauty", *"RGBA"),
        part("albedo", *"RGB", colour=False),
    ],
    "our comp": [
        part("head", *"RGBA", header={"headcast:version": "1"}, colour=False),
        part("comp", *"RGBA", header={"headcast:version": "1"}),
    ],
    "only a name of its own": [part("plate_bg", *"RGBA")],
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_picture_is_found(tmp_path: Path, layout: str) -> None:
    path = write(tmp_path / "a.1001.exr", *LAYOUTS[layout])
    assert np.array_equal(exr.read_rgba(path), PICTURE.astype(np.float32))
    plate = Plate(str(path), 1, "auto")
    assert np.array_equal(plate.read(1001), PICTURE[..., :3].astype(np.float32))
    assert plate.has_alpha
    assert read_photo(path).shape == (*SIZE, 3)


def test_a_layer_can_be_chosen(tmp_path: Path) -> None:
    path = write(tmp_path / "a.exr", part("", *"RGB", *named("fg.beauty"), *named("bg.beauty", "RGB"), *named("only")))
    for name in ("fg.beauty", "FG.Beauty", "only", "rgba"):
        assert exr.read_rgba(path, name)[..., 1].max() == PICTURE[..., 1].max()
    assert (exr.read_rgba(path, "bg.beauty")[..., 3] == 1).all()
    with pytest.raises(SettingError, match=r"several layers 'beauty'.*bg\.beauty, fg\.beauty"):
        exr.read_rgba(path, "beauty")
    with pytest.raises(SettingError, match=r"no layer 'comp'.*rgba, bg\.beauty"):
        exr.read_attributes(path, "comp")


def test_grey_is_a_picture_and_depth_is_none(tmp_path: Path) -> None:
    grey = exr.read_rgba(write(tmp_path / "grey.exr", part("", "Y")))
    assert np.array_equal(grey[..., 0], grey[..., 2])
    for name, parts in {
        "depth": part("", "Z"),
        "chroma": part("", "Y", "RY", "BY"),
        "crypto": part("", *named("crypto00")),
        "places": part("", *"XYZ"),
    }.items():
        with pytest.raises(UnreadableImageError, match=f"{name}.exr"):
            exr.read_rgba(write(tmp_path / f"{name}.exr", parts))


def tracked(width: int, height: int, first: int) -> Performance:
    """One frame of a face in a clip of that size."""
    points = np.full((1, 70, 2), min(width, height) / 2, np.float32)
    crops = np.array([[width / 2, height / 2, height]], np.float64)
    return performance_from_points(np.array([first], np.int32), points, crops, (width, height), Fraction(24), "test")


def windows(path: Path, name: str) -> dict[str, exr.Window]:
    header = next(p.header for p in OpenEXR.File(str(path), header_only=True).parts if p.name() == name)
    return {window: exr.window_of(header, window) for window in ("displayWindow", "dataWindow")}


def window(left: int, top: int, right: int, bottom: int) -> tuple[Any, Any]:
    return np.array((left, top), np.int32), np.array((right - 1, bottom - 1), np.int32)


@pytest.mark.parametrize(
    ("display", "data", "whole"),
    [
        ((0, 0, 8, 6), (0, 0, 8, 6), (0, 0, 8, 6)),
        ((1, 1, 7, 5), (0, 0, 8, 6), (0, 0, 8, 6)),
        ((100, 50, 108, 56), (100, 50, 108, 56), (100, 50, 108, 56)),
        ((-4, -4, 12, 10), (0, 0, 8, 6), (-4, -4, 12, 10)),
        ((0, 0, 10, 4), (2, -1, 10, 5), (0, -1, 10, 5)),
    ],
)
def test_pixels_stay_where_they_are(tmp_path: Path, display: exr.Window, data: exr.Window, whole: exr.Window) -> None:
    header = {"displayWindow": window(*display), "dataWindow": window(*data)}
    plate = Plate(str(write(tmp_path / "a.1001.exr", part("", *"RGBA", header=header))), 1, "auto")
    assert plate.framing == Framing(display, whole)
    light = plate.read(1001)
    assert light.shape[:2] == (whole[3] - whole[1], whole[2] - whole[0])
    exr.write_layers(tmp_path / "b.exr", {"comp": Layer(light, {})}, {}, framing=plate.framing)
    assert windows(tmp_path / "b.exr", "comp") == {"displayWindow": display, "dataWindow": whole}
    again = exr.read_picture(tmp_path / "b.exr").over(data)[..., :3]
    assert np.array_equal(again, PICTURE[..., :3].astype(np.float32))
    width, height = plate.display_size()
    assert (width, height) == (display[2] - display[0], display[3] - display[1])
    moved = seen_in(plate, tracked(10 * width, 10 * height, 1001))
    assert (moved.width, moved.height) == light.shape[1::-1]
    assert moved.crops[0] == pytest.approx([width / 2 + display[0] - whole[0], height / 2 + display[1] - whole[1], height])


def test_frames_that_hold_more_than_the_first(tmp_path: Path) -> None:
    """Renders with overscan have a data window of their own in each frame: all of it has room."""
    for number, data in ((1, (-1, 0, 7, 6)), (2, (0, -2, 8, 4))):
        header = {"displayWindow": window(0, 0, 8, 6), "dataWindow": window(*data)}
        write(tmp_path / f"a.{number:04d}.exr", part("", *"RGB", header=header))
    plate = Plate(str(tmp_path / "a.####.exr"), 1, "auto")
    assert plate.framing == Framing((0, 0, 8, 6), (-1, -2, 8, 6))
    write(tmp_path / "a.0003.exr", part("", *"RGB", header={"displayWindow": window(0, 0, 8, 5)}))
    with pytest.raises(SettingError, match=r"a\.0003\.exr has the display window"):
        Plate(str(tmp_path / "a.####.exr"), 1, "auto").read(3)


def test_each_frame_of_a_plate_is_taken_as_it_is_or_refused(tmp_path: Path) -> None:
    """None is read as if it were the first."""
    write(tmp_path / "a.1001.exr", part("", *"RGB", header={"colorInteropID": "lin_rec709_scene"}))
    write(tmp_path / "a.1002.exr", part("", *"RGB", header={"colorInteropID": "lin_ap1_scene"}))
    write(tmp_path / "a.1003.exr", part("", *"RGBA"))
    floats = PICTURE[..., :3].astype(np.float32) / 3
    write(tmp_path / "a.1004.exr", OpenEXR.Part(dict(HEADER), {"RGB": floats.copy()}, ""))
    plate = Plate(str(tmp_path), 1, AUTO)
    with pytest.raises(SettingError, match=r"lin_ap1_scene.*lin_rec709_scene"):
        plate.read(1002)
    assert np.array_equal(Plate(str(tmp_path), 1, "ACEScg").read(1002), plate.read(1001))
    assert plate.frame(1001)[1:] == (None, False)
    matte = plate.frame(1003).alpha
    assert matte is not None
    assert np.array_equal(matte, PICTURE[..., 3])
    assert plate.frame(1004).full
    assert np.array_equal(plate.read(1004), floats)
    (tmp_path / "b").mkdir()
    for number, side in ((1, 8), (2, 9)):
        write_png(tmp_path / "b" / f"b.{number}.png", np.zeros((side, side, 3), np.uint8))
    pictures = Plate(str(tmp_path / "b"), 1, AUTO)
    assert pictures.display_size() == (8, 8)
    with pytest.raises(SettingError, match=r"Frame 2 .* is 9 x 9, and those before it 8 x 8"):
        pictures.read(2)


def test_a_space_without_a_name_is_none(tmp_path: Path) -> None:
    path = write(tmp_path / "a.1001.exr", part("", *"RGB", header={"colorInteropID": ""}))
    assert Plate(str(path), 1, AUTO).note.endswith("linear Rec.709, as their header names none")


def test_what_a_header_says_goes_on(tmp_path: Path) -> None:
    code = OpenEXR.TimeCode(1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
    said = {
        "pixelAspectRatio": 2.0,
        "framesPerSecond": Fraction(24000, 1001),
        "timeCode": code,
        "reelName": "A001",
        "worldToCamera": np.arange(16, dtype=np.float32).reshape(4, 4),
        "lens": "50",
        "shots": ["a", "b"],
        "isoSpeed": 800.0,
        "capDate": "2026:11:26",
    }
    dropped = {"cryptomatte/7f/name": "object", "chromaticities": (0.7, 0.3, 0.2, 0.7, 0.1, 0.05, 0.31, 0.33)}
    plate = Plate(str(write(tmp_path / "a.0001.exr", part("", *"RGB", header=said | dropped))), 1, "auto")
    exr.write_layers(
        tmp_path / "b.exr",
        {"comp": Layer(plate.read(1), plate.tag), "core": Layer(plate.read(1)[..., 0])},
        plate.attributes(1),
    )
    for there in OpenEXR.File(str(tmp_path / "b.exr"), header_only=True).parts:
        for name, value in said.items():
            assert np.array_equal(there.header[name], value) or str(there.header[name]) == str(value), name
        assert "cryptomatte/7f/name" not in there.header
    assert np.allclose(exr.read_attributes(tmp_path / "b.exr")["chromaticities"], dropped["chromaticities"])


def test_a_plate_of_another_shape_is_refused(tmp_path: Path) -> None:
    shown = tracked(384, 256, 1)
    side = (shown.height, shown.width)
    for ok, (height, width) in {True: (side[0] // 2, side[1] // 2), False: (side[0] // 2, side[1])}.items():
        exr.write_layers(tmp_path / f"{ok}.0001.exr", {"rgb": Layer(np.zeros((height, width, 3), np.float32))}, {})
        plate = Plate(str(tmp_path / f"{ok}.0001.exr"), 1, "lin_rec709_scene")
        if ok:
            assert seen_in(plate, shown).width == width
        else:
            with pytest.raises(SettingError, match=f"{width} x {height}.*another shape"):
                seen_in(plate, shown)


def test_a_choice_of_layers_is_said_and_views_have_names(tmp_path: Path) -> None:
    passes = write(
        tmp_path / "passes.exr", part("", *named("diffuse", "RGB"), *named("specular", "RGB"), *named("N", "RGB"))
    )
    assert "of their layers diffuse, specular the one called diffuse" in open_clip(str(passes)).note
    pair = write(tmp_path / "pair.exr", part("", *"RGB", *named("left"), header={"multiView": ["right", "left"]}))
    assert "of their layers" not in open_clip(str(pair)).note
    assert not Plate(str(pair), 1, "auto", "right").has_alpha
    assert Plate(str(pair), 1, "auto", "left").has_alpha


@pytest.mark.parametrize("primaries", [(0.0,) * 8, (0.3,) * 8, (0.64, 0.33, 0.3, 0.6, 0.15, 0.06, 0.3, 0.0)])
def test_chromaticities_that_are_none_are_said(primaries: tuple[float, ...], tmp_path: Path) -> None:
    path = write(tmp_path / "a.exr", part("", *"RGB", header={"chromaticities": primaries}))
    assert "as the chromaticities of their header are none" in open_clip(str(path)).note
    assert np.array_equal(Plate(str(path), 1, "auto").read(1), PICTURE[..., :3].astype(np.float32))
    assert read_photo(path).shape == (*SIZE, 3)
