# SPDX-License-Identifier: GPL-3.0-or-later
"""Into the plate: what a compositing supervisor checks first."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from headcast.core.cli.main import main
from headcast.core.files import sha256_of
from headcast.core.imaging import colour, exr, resample
from headcast.core.imaging.colour_space import AP1, REC709, colour_tag, from_linear_rec709
from headcast.core.imaging.crop import full_crop
from headcast.core.imaging.preview import write_png
from headcast.core.imaging.read import open_clip, read_photo
from headcast.core.likeness import Likeness
from headcast.core.painting.player import Head, Player
from headcast.core.performance import Performance
from headcast.core.provenance.signing import stated_in
from headcast.core.provenance.verifying import WHOLE, verify
from headcast.core.take import FramePattern, read_manifest

WIDTH, HEIGHT = 300, 260


@pytest.fixture(scope="module")
def shot(astronaut: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An ACEScg plate of 32-bit floats, 1001 to 1005: a drifting face, an HDR ramp, negatives, a NaN; drive and likeness."""
    folder = tmp_path_factory.mktemp("plate")
    photo = np.ascontiguousarray(read_photo(astronaut)[0:256, 96:352])
    write_png(folder / "photo.png", photo)
    (folder / "plate").mkdir()
    rng = np.random.default_rng(0)
    for i in range(5):
        light = np.full((HEIGHT, WIDTH, 3), 0.18, np.float32)
        if i < 4:
            light[2:258, 20 + 2 * i : 276 + 2 * i] = colour.decode_srgb(colour.to_floats(photo))
        light += rng.normal(0, 0.004, light.shape).astype(np.float32)
        light[:4] = np.geomspace(1e-4, 1000, WIDTH)[:, None]
        light[-3:, :40] = -0.05
        plate = from_linear_rec709(light, AP1)
        plate[-1, -1] = np.nan
        exr.write_layers(folder / "plate" / f"p.{1001 + i}.exr", {"rgb": exr.Layer(plate, colour_tag(AP1), True)}, {})
    assert main(["adapt", str(folder / "photo.png"), "-o", str(folder / "x.likeness"), "--crop", "full"]) == 0
    assert main(["track", str(folder / "plate"), "-o", str(folder / "y.performance"), "--smoothing", "0"]) == 0
    return folder


def render(shot: Path, output: Path, *options: str) -> dict[int, dict[str, exr.Layer]]:
    """Renders into the plate, without the gate, which nothing here is about; the layers of each frame."""
    name = output / "s_v001.####.exr"
    ending = next((shot / "plate").iterdir()).suffix
    drive, plate = str(shot / "y.performance"), str(shot / "plate" / f"p.####{ending}")
    given = ["-o", str(name), "--plate", plate, "--tries", "0", *options]
    assert main(["render", str(shot / "x.likeness"), drive, *given]) == 0
    pattern = FramePattern.parse(str(name))
    return {frame: exr.read_layers(pattern.path(frame)) for frame in read_manifest(pattern)}


def plate_of(shot: Path, frame: int) -> np.ndarray:
    return exr.read_rgba(shot / "plate" / f"p.{frame}.exr")[..., :3]


def same_bits(a: np.ndarray, b: np.ndarray) -> bool:
    return np.array_equal(a.astype(np.float32).view(np.uint32), b.astype(np.float32).view(np.uint32))


def test_outside_the_matte_the_plate_is_untouched_bit_for_bit(shot: Path, tmp_path: Path) -> None:
    frames = render(shot, tmp_path)
    assert sorted(frames) == [1001, 1002, 1003, 1004, 1005]
    for frame, layers in frames.items():
        plate, alpha = plate_of(shot, frame), layers["head"].pixels[..., 3]
        assert same_bits(layers["comp"].pixels[alpha == 0], plate[alpha == 0])
        assert layers["comp"].tag == {"colorInteropID": "lin_ap1_scene"}
        assert (layers["grain"].pixels[alpha == 0] == 0).all()
        assert np.allclose(layers["core"].pixels + layers["edge"].pixels, alpha, atol=2e-3)
        assert (layers["confidence"].pixels <= alpha + 1e-3).all()
        if frame == 1005:  # nobody is there
            assert not alpha.any()
            assert same_bits(layers["comp"].pixels, plate)
        else:
            assert alpha.max() > 0.99
            over = layers["head"].pixels[..., :3] + (1 - alpha[..., None]) * plate
            inside = (alpha > 0) & np.isfinite(plate).all(axis=-1)
            assert np.allclose(over[inside], layers["comp"].pixels[inside], rtol=2e-3, atol=2e-3)
    header = exr.read_attributes(tmp_path / "s_v001.1005.exr")
    assert header["headcast:face"] == "no"


def test_a_clean_plate_covers_the_old_head_and_says_where(shot: Path, tmp_path: Path) -> None:
    """The grey wall without anybody: beside the head it is there where the old one was, and nothing else changes."""
    wall = from_linear_rec709(np.full((HEIGHT, WIDTH, 3), 0.18, np.float32), AP1)
    exr.write_layers(tmp_path / "still.1001.exr", {"rgb": exr.Layer(wall, colour_tag(AP1), True)}, {})
    options = ("--clean-plate", str(tmp_path / "still.1001.exr"), "--grow", "-8", "--grain", "0")
    frames = render(shot, tmp_path, *options)
    records = read_manifest(FramePattern.parse(str(tmp_path / "s_v001.####.exr")))
    covered, layers = frames[1002]["clean"].pixels, frames[1002]
    plate, alpha = plate_of(shot, 1002), layers["head"].pixels[..., 3]
    assert same_bits(layers["comp"].pixels[alpha == 0], plate[alpha == 0])
    assert (alpha[covered > 0.01] > 0).all()
    assert np.abs(layers["comp"].pixels - wall)[covered > 0.99].max() < 0.02
    _, top, right, _ = records[1002]["covered_box"]
    assert records[1002]["covered"] > 50
    assert not covered[:top].any()
    assert not covered[:, right:].any()
    assert "covered" not in records[1005]
    untouched = render(shot, tmp_path / "leave", "--old-head", "leave")
    assert "clean" not in untouched[1002]


def test_an_identity_network_gives_the_plate_back(shot: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The delta comp of a network that paints what it saw is the plate itself, highlights, negatives, NaN and all."""
    from headcast.core.rendering import in_plate
    from headcast.core.rendering.near import Near

    performance = Performance.load(shot / "y.performance")
    painted: list[int] = []

    def seen(self: in_plate.InPlate, near: Near, part: np.ndarray, size: int) -> np.ndarray:
        i = min(range(4), key=lambda i: abs(performance.crops[i, :2] - near.crop[:2] - near.corner).sum())
        return self._placed(near, heads[i], self._shot.transfer)[0]

    heads = {}
    for i in range(4):
        light = plate_of(shot, int(performance.frames[i]))
        encoded = np.clip(colour.encode_srgb(np.nan_to_num(light)), 0, 1)
        heads[i] = Head(resample.cut(encoded, performance.crops[i], 256), np.ones((256, 256), np.float32))

    def paint(self: Player, landmarks: np.ndarray, sources: None, skin: object) -> Head:
        painted.append(1)
        return heads[min(range(4), key=lambda i: abs(landmarks - wanted[i]).sum())]

    from headcast.core.imaging.crop import to_crop

    wanted = to_crop(performance.landmarks, performance.crops, 256)
    monkeypatch.setattr(Player, "paint", paint)
    monkeypatch.setattr(in_plate.InPlate, "_as_network_sees", seen)
    frames = render(shot, tmp_path, "--over", "delta", "--as-painted")
    assert painted
    for frame in range(1001, 1006):
        assert same_bits(frames[frame]["comp"].pixels, plate_of(shot, frame))


def test_the_crop_and_back_lose_nothing_in_gamut(shot: Path, tmp_path: Path) -> None:
    """ACEScg and linear Rec.709 plates through the network's eyes and back: below 1e-5 of the light."""
    from headcast.core.imaging.transfer import Transfer

    rng = np.random.default_rng(1)
    light = rng.uniform(0, 1, (64, 64, 3)).astype(np.float32)
    for space in (REC709, AP1):
        plate = from_linear_rec709(light, space)
        transfer = Transfer(space, 0.7)
        back = transfer.decode(transfer.encode(plate))
        assert np.abs(back - plate).max() < 1e-5
    assert np.array_equal(resample.cut(light, full_crop(64, 64), 64), light)


def test_handles_layers_and_window(shot: Path, tmp_path: Path) -> None:
    drive = Performance.load(shot / "y.performance")
    from dataclasses import replace

    cut = {name: getattr(drive, name)[1:3] for name in ("frames", "landmarks", "expression", "confidence", "crops")}
    replace(drive, skin=None, **cut).save(tmp_path / "y.performance")
    plate = str(shot / "plate" / "p.%04d.exr")
    options = ["--plate", plate, "--handles", "2", "--layers", "head", "--window", "head", "--feather", "2", "--tries", "0"]
    output = tmp_path / "out" / "s.####.exr"
    assert main(["render", str(shot / "x.likeness"), str(tmp_path / "y.performance"), "-o", str(output), *options]) == 0
    known = read_manifest(FramePattern.parse(str(output)))
    # The plate begins at 1001: one handle before, two after.
    assert {frame: record["face"] for frame, record in sorted(known.items())} == {
        1001: "handle",
        1002: "yes",
        1003: "yes",
        1004: "handle",
        1005: "handle",
    }
    header = exr.read_attributes(tmp_path / "out" / "s.1002.exr")
    low, high = header["dataWindow"]
    assert high[0] - low[0] < WIDTH - 10
    assert tuple(header["displayWindow"][1]) == (WIDTH - 1, HEIGHT - 1)
    assert list(exr.read_layers(tmp_path / "out" / "s.1002.exr")) == ["head"]


def test_a_changed_plate_is_rendered_again_and_a_version_is_never_overwritten(
    shot: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    render(shot, tmp_path, "--layers", "head")
    arguments = ["render", str(shot / "x.likeness"), str(shot / "y.performance"), "-o", str(tmp_path / "s_v001.####.exr")]
    arguments += ["--plate", str(shot / "plate" / "p.####.exr"), "--layers", "head", "--tries", "0"]
    assert main(arguments) == 0
    assert "0 rendered now" in capsys.readouterr().out
    assert main([*arguments, "--grow", "-2"]) == 2
    assert "s_v002" in capsys.readouterr().err
    assert main([*arguments, "--grow", "-2", "--overwrite"]) == 0
    assert "5 rendered now" in capsys.readouterr().out


def test_a_take_in_a_plate_is_marked_as_a_composite_and_the_plate_is_in_its_signature(shot: Path, tmp_path: Path) -> None:
    """With the marks the comp is the plate outside the matte, bit for bit."""
    layers = render(shot, tmp_path, "--frames", "1001")[1001]
    outside = layers["head"].pixels[..., 3] == 0
    assert outside.any()
    assert same_bits(layers["comp"].pixels[outside], plate_of(shot, 1001)[outside])
    name = tmp_path / "s_v001.####.exr"
    pattern = FramePattern.parse(str(name))
    header = exr.read_attributes(pattern.path(1001))
    weights = Likeness.load(shot / "x.likeness").weights
    term = "compositeWithTrainedAlgorithmicMedia" if weights else "compositeSynthetic"
    assert str(header["Iptc4xmpExt:DigitalSourceType"]).endswith(f"/{term}")
    [found] = verify(pattern.sidecar)
    assert (found.state, found.source_type) == (WHOLE, term)
    assert stated_in(pattern.sidecar)["plate"] == {"1001": sha256_of(shot / "plate" / "p.1001.exr")}


@pytest.mark.parametrize("name", ["plate_wide_a.mp4", "plate_wide_b.mp4"])
def test_a_persons_own_head_shows_no_seam(clips: Path, tmp_path: Path, name: str) -> None:
    """Self-reenactment: at the matte's edge the comp is no rougher than the plate, within it no more restless, outside it is
    the plate."""
    photos = tmp_path / "photos"
    photos.mkdir()
    frames = []
    for frame in open_clip(str(clips / name)).frames():
        if frame.number in (1, 20, 40):
            write_png(photos / f"{frame.number:04d}.png", frame.picture)
        if 40 < frame.number <= 46:
            frames.append(frame)
        if len(frames) == 6:
            break
    (tmp_path / "plate").mkdir()
    for frame in frames:
        write_png(tmp_path / "plate" / f"p.{frame.number:04d}.png", frame.picture)
    assert main(["adapt", str(photos), "-o", str(tmp_path / "x.likeness")]) == 0
    assert main(["track", str(tmp_path / "plate"), "-o", str(tmp_path / "y.performance")]) == 0
    found = render(tmp_path, tmp_path / "out", "--motion", "absolute")
    seams, seen = [], []
    for frame in frames:
        plate = colour.decode_srgb(colour.to_floats(frame.picture))
        comp, alpha = found[frame.number]["comp"].pixels, found[frame.number]["head"].pixels[..., 3]
        assert np.array_equal(comp[alpha == 0], plate.astype(np.float16).astype(np.float32)[alpha == 0])
        rim = (alpha > 0.02) & (alpha < 0.98)
        seen.append((colour.encode_srgb(plate).mean(axis=-1), colour.encode_srgb(comp).mean(axis=-1), alpha))
        seams.append([np.hypot(*np.gradient(colour.encode_srgb(each).mean(axis=-1)))[rim].mean() for each in (plate, comp)])
    before, after = np.mean(seams, axis=0)
    assert after <= before * 1.05
    plates, comps, alphas = (np.stack(part) for part in zip(*seen, strict=True))
    within = np.minimum(np.minimum(alphas[:-2], alphas[1:-1]), alphas[2:]) > 0.5
    flicker = [np.abs(np.diff(each, 2, axis=0))[within].mean() for each in (plates, comps)]
    # Of three photos a frame's head flickers a little more than the plate's own since mattes are decided by colours.
    assert flicker[1] <= flicker[0] * 1.08


def test_a_plate_without_the_frames_says_so(shot: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["render", str(shot / "x.likeness"), str(shot / "y.performance"), "-o", str(tmp_path / "s.####.exr")]
    assert main([*arguments, "--plate", str(shot / "photo.png")]) == 2
    assert "has no frame 1001" in capsys.readouterr().err
