# SPDX-License-Identifier: GPL-3.0-or-later
"""One EXR with every layer of a frame, as other programs read it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import OpenEXR
import pytest
from headcast.core.errors import UnreadableImageError
from headcast.core.imaging import exr, halves
from headcast.core.imaging.colour_space import colour_tag
from headcast.core.imaging.exr import Layer

ACESCG = colour_tag("ACEScg")

LISTED = """
import json, sys
import numpy as np, OpenImageIO as oiio
parts, file = [], oiio.ImageInput.open(sys.argv[1])
while file.seek_subimage(len(parts), 0):
    spec = file.spec()
    pixels = file.read_image("float")
    parts.append({
        "name": spec.getattribute("name"), "channels": list(spec.channelnames), "format": str(spec.format),
        "full": [spec.full_x, spec.full_y, spec.full_width, spec.full_height], 
        "data": [spec.x, spec.y, spec.width, spec.height],
        "tag": spec.getattribute("colorInteropID"), "compression": spec.getattribute("compression"),
        "face": spec.getattribute("headcast:face"), "sum": np.nansum(pixels, axis=(0, 1), dtype=np.float64).tolist(),
    })
print(json.dumps(parts))
"""


def listed(path: Path) -> list[dict[str, Any]]:
    """The parts of a file as OpenImageIO reads them, in a process of its own."""
    found = subprocess.run([sys.executable, "-c", LISTED, str(path)], check=True, capture_output=True, text=True)
    parts: list[dict[str, Any]] = json.loads(found.stdout)
    return parts


@pytest.fixture
def layers() -> dict[str, Layer]:
    rng = np.random.default_rng(0)

    def noise(*channels: int) -> np.ndarray:
        return rng.random((40, 60, *channels), np.float32).astype(np.float16).astype(np.float32)

    head = np.zeros((40, 60, 4), np.float32)
    head[5:15, 30:50] = noise(4)[5:15, 30:50]
    return {
        "head": Layer(head, ACESCG),
        "comp": Layer(noise(3), ACESCG, filmed=True),
        "core": Layer(noise()),
        "edge": Layer(noise()),
        "confidence": Layer(noise()),
        "grain": Layer(noise(3), ACESCG),
        "st": Layer(rng.random((40, 60, 3), np.float32), full=True, vector=True),
        "raw": Layer(noise(3), ACESCG),
    }


@pytest.mark.parametrize("window", [None, (30, 5, 50, 15)])
def test_layers_come_back(tmp_path: Path, layers: dict[str, Layer], window: exr.DataWindow | None) -> None:
    path = tmp_path / "a.exr"
    exr.write_layers(path, layers, {"headcast:face": "yes"}, window)
    back = exr.read_layers(path)
    assert list(back) == ["head", "comp", "grain", "raw", "core", "edge", "confidence", "st"]
    for name, layer in layers.items():
        assert np.array_equal(back[name].pixels, layer.pixels), name
        assert back[name].tag == dict(layer.tag)
        assert back[name].full == layer.full
    assert np.array_equal(exr.read_rgba(path), layers["head"].pixels)
    part = OpenEXR.File(str(path)).parts[0]
    assert part.channels["RGBA"].pixels.shape == ((10, 20, 4) if window else (40, 60, 4))
    assert list(tmp_path.iterdir()) == [path]


def test_the_plates_own_wildness_stays_and_light_never_overflows(tmp_path: Path) -> None:
    plate = np.array([[[np.nan, np.inf, -np.inf], [1e6, -1e6, -0.5]]], np.float32)
    exr.write_layers(tmp_path / "a.exr", {"comp": Layer(plate, ACESCG), "exact": Layer(plate, ACESCG, full=True)}, {})
    back = exr.read_layers(tmp_path / "a.exr")
    most = halves.HALF_MOST
    assert np.array_equal(back["comp"].pixels, [[[np.nan, np.inf, -np.inf], [most, -most, -0.5]]], equal_nan=True)
    assert np.array_equal(back["exact"].pixels, plate, equal_nan=True)


def test_every_half_comes_back_bit_for_bit(tmp_path: Path) -> None:
    halves = np.arange(1 << 16, dtype=np.uint16).view(np.float16).reshape(256, 256)
    quiet = ~np.isnan(halves)
    exr.write_layers(tmp_path / "a.exr", {"comp": Layer(halves.astype(np.float32), ACESCG)}, {})
    back = exr.read_layers(tmp_path / "a.exr")["comp"].pixels.astype(np.float16)
    assert np.array_equal(back.view(np.uint16)[quiet], halves.view(np.uint16)[quiet])
    assert np.isnan(back[~quiet]).all()


def test_a_layer_of_a_part_lies_where_it_belongs(tmp_path: Path, layers: dict[str, Layer]) -> None:
    """In a whole picture of nothing, or by itself where a window is wanted; the head is read alone, and the same."""
    whole = layers["head"].pixels
    part = {
        "head": Layer(whole[5:15, 30:50], ACESCG, corner=(30, 5)),
        "comp": layers["comp"],
        "core": Layer(whole[2:20, 30:55, 3], corner=(30, 2)),
    }
    for name, window in (("whole", None), ("window", (32, 6, 48, 14))):
        path = tmp_path / f"{name}.exr"
        exr.write_layers(path, part, {}, window, size=(60, 40))
        back = exr.read_layers(path)
        seen = np.s_[6:14, 32:48] if window else np.s_[:, :]
        assert np.array_equal(back["head"].pixels[seen], whole[seen])
        assert np.array_equal(exr.read_head(path), back["head"].pixels)
        assert np.array_equal(back["core"].pixels, whole[..., 3])
        assert np.array_equal(back["comp"].pixels, layers["comp"].pixels)
        windows = [exr.window_of(each.header, "dataWindow") for each in OpenEXR.File(str(path), header_only=True).parts]
        assert windows == [window or (0, 0, 60, 40), (0, 0, 60, 40), (30, 2, 55, 20) if window else (0, 0, 60, 40)]


@pytest.mark.parametrize("part", [0.2, 0.6, 0.98])
def test_a_truncated_file_is_refused(tmp_path: Path, layers: dict[str, Layer], part: float) -> None:
    path = tmp_path / "a.exr"
    exr.write_layers(path, layers, {})
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * part)])
    for read in (exr.read_layers, exr.read_rgba):
        with pytest.raises(UnreadableImageError, match=r"a\.exr"):
            read(path)


@pytest.mark.parametrize("window", [None, (30, 5, 50, 15)])
def test_openimageio_agrees(tmp_path: Path, layers: dict[str, Layer], window: exr.DataWindow | None) -> None:
    path = tmp_path / "a.exr"
    exr.write_layers(path, layers, {"headcast:face": "yes"}, window)
    parts = {part["name"]: part for part in listed(path)}
    assert set(parts) == set(layers)
    for name, layer in layers.items():
        part, pixels = parts[name], layer.pixels.reshape(40, 60, -1)
        assert part["channels"] == list(exr.VECTOR if layer.vector else exr.CHANNELS[pixels.shape[-1]]), name
        assert part["format"] == ("float" if layer.full else "half")
        assert part["full"] == [0, 0, 60, 40]
        assert part["data"] == ([30, 5, 20, 10] if window and name == "head" else [0, 0, 60, 40])
        assert part["tag"] == layer.tag["colorInteropID"]
        assert (part["face"], part["compression"]) == ("yes", "piz" if name == "comp" else "zip")
        assert part["sum"] == pytest.approx(pixels.sum(axis=(0, 1), dtype=np.float64).tolist(), rel=1e-6)


@pytest.mark.parametrize("origin", [(0, 0), (-7, -21)])
@pytest.mark.parametrize("rows", [(0, 1), (15, 17), (33, 70), (69, 70), (20, 20)])
def test_a_layer_that_is_mostly_nothing_is_written_as_any(
    tmp_path: Path, rows: tuple[int, int], origin: tuple[int, int]
) -> None:
    """OpenEXR packs the rows that hold something only; the file is as if it had packed all of them."""
    rng = np.random.default_rng(3)
    top, bottom = rows
    some = rng.random((max(bottom - top, 1), 11, 4), np.float32).astype(np.float16).astype(np.float32)
    whole = np.zeros((70, 50, 4), np.float32)
    whole[top : top + len(some), 20:31] = some
    plate = Layer(rng.random((70, 50, 3), np.float32).astype(np.float16).astype(np.float32), ACESCG, filmed=True)
    x, y = origin
    framing = exr.Framing((0, 0, 40, 40), (x, y, x + 50, y + 70))
    for name, head, core in (
        ("sparse", Layer(some, ACESCG, corner=(20, top)), Layer(some[..., 3], corner=(20, top))),
        ("full", Layer(whole, ACESCG), Layer(whole[..., 3])),
    ):
        exr.write_layers(
            tmp_path / f"{name}.exr", {"head": head, "comp": plate, "core": core}, {"a": "b"}, None, framing, (50, 70)
        )
    sparse, full = (OpenEXR.File(str(tmp_path / f"{name}.exr"), separate_channels=True) for name in ("sparse", "full"))
    for part, other in zip(sparse.parts, full.parts, strict=True):
        assert {name: str(value) for name, value in part.header.items()} == {
            name: str(value) for name, value in other.header.items()
        }
        for name, channel in other.channels.items():
            assert part.channels[name].pixels.tobytes() == channel.pixels.tobytes()
    # Each block stands where the table says, in order.
    assert abs((tmp_path / "sparse.exr").stat().st_size - (tmp_path / "full.exr").stat().st_size) < 600
    assert listed(tmp_path / "sparse.exr") == listed(tmp_path / "full.exr")


def test_halves_are_those_of_numpy() -> None:
    rng = np.random.default_rng(1)
    bits = rng.integers(0, 1 << 32, (256, 256), np.uint32).view(np.float32)
    for light in (np.nan_to_num(bits) % 60000, bits, bits[:0], bits[:1, :1], np.ones((4, 6), np.float32)[:, ::2]):
        with np.errstate(over="ignore", invalid="ignore"):
            wanted = light.astype(np.float16)
        beyond = np.isinf(wanted) & np.isfinite(light)
        wanted[beyond] = np.copysign(np.float16(halves.HALF_MOST), light[beyond])
        assert halves.to_halves(light).tobytes() == wanted.tobytes()
        back = np.empty(wanted.shape, np.float32)
        halves.put_floats(wanted, back)
        assert back.tobytes() == wanted.astype(np.float32).tobytes()
