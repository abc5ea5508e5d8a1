# SPDX-License-Identifier: GPL-3.0-or-later
"""The three commands as a user runs them: what they make, how they resume, and what they say when they cannot."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from headcast.core.cli.main import main
from headcast.core.errors import PresetMismatchError, WrongFileError
from headcast.core.files import sha256_of
from headcast.core.imaging import exr
from headcast.core.imaging.preview import write_png
from headcast.core.imaging.read import read_photo
from headcast.core.likeness import Likeness, person_hash
from headcast.core.network.build import build_painter
from headcast.core.painting.player import Player
from headcast.core.painting.weights import load_weights, save_weights
from headcast.core.performance import Performance
from headcast.core.take import FramePattern, read_manifest


@pytest.fixture(scope="module")
def made(astronaut: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A likeness of the head crop, and a clip of that crop moved pixel by pixel, numbered from 1001."""
    folder = tmp_path_factory.mktemp("road")
    crop = np.ascontiguousarray(read_photo(astronaut)[0:256, 96:352])
    write_png(folder / "photo.png", crop)
    (folder / "clip").mkdir()
    for i in range(4):
        write_png(folder / "clip" / f"plate.{1001 + i}.png", np.roll(crop, 2 * i, axis=1))
    write_png(folder / "clip" / "plate.1005.png", np.full((256, 256, 3), 128, np.uint8))
    assert main(["adapt", str(folder / "photo.png"), "-o", str(folder / "x.likeness"), "--crop", "full"]) == 0
    assert main(["track", str(folder / "clip"), "-o", str(folder / "y.performance"), "--crop", "full"]) == 0
    return folder


def render(folder: Path, output: Path, *options: str) -> int:
    return main(["render", str(folder / "x.likeness"), str(folder / "y.performance"), "-o", str(output), *options])


def test_the_files_hold_what_they_say(made: Path) -> None:
    likeness, performance = Likeness.load(made / "x.likeness"), Performance.load(made / "y.performance")
    assert (len(likeness), likeness.size, likeness.preset, likeness.names) == (1, 256, "warp-256", ("photo.png",))
    assert performance.frames.tolist() == [1001, 1002, 1003, 1004, 1005]
    assert performance.seen.tolist() == [True] * 4 + [False]
    assert (performance.width, performance.height, performance.rate) == (256, 256, 24)
    assert np.allclose(performance.landmarks[3] - performance.landmarks[0], (6, 0), atol=2.0)


def test_the_same_input_makes_the_same_files(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Made again on another day, they leave a take's frames current."""
    monkeypatch.setattr("time.time", lambda: 2e9)
    assert main(["adapt", str(made / "photo.png"), "-o", str(tmp_path / "x.likeness"), "--crop", "full"]) == 0
    assert main(["track", str(made / "clip"), "-o", str(tmp_path / "y.performance"), "--crop", "full"]) == 0
    for name in ("x.likeness", "y.performance"):
        assert (tmp_path / name).read_bytes() == (made / name).read_bytes()


def test_a_take_from_the_same_framing_registers_pixel_for_pixel(made: Path, tmp_path: Path) -> None:
    assert render(made, tmp_path / "out.####.exr", "--opaque", "--motion", "absolute") == 0
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == [*(f"out.{n}.exr" for n in range(1001, 1006)), "out.c2pa", "out.manifest.jsonl", "out.report.html"]
    truth = read_photo(made / "clip" / "plate.1001.png").astype(float)
    painted = read_photo(tmp_path / "out.1001.exr").astype(float)
    face = np.s_[50:170, 80:190]
    error = {
        shift: np.abs(np.roll(painted, shift, axis=(0, 1)) - truth)[face].mean()
        for shift in [(0, 0), (0, 1), (0, -1), (1, 0), (-1, 0)]
    }
    assert min(error, key=error.get) == (0, 0)
    assert error[(0, 0)] < 1.5
    assert exr.read_rgba(tmp_path / "out.1001.exr")[..., 3].min() == 1


def test_the_matte_is_in_alpha_and_colour_is_premultiplied(made: Path, tmp_path: Path) -> None:
    assert render(made, tmp_path / "out.####.exr") == 0
    frame = exr.read_rgba(tmp_path / "out.1002.exr")
    assert frame[2:10, 2:10].max() == 0
    assert frame[100, 128, 3] > 0.99
    edge = (frame[..., 3] > 0.2) & (frame[..., 3] < 0.8)
    assert edge.any()
    assert (frame[..., :3].max(axis=-1) <= frame[..., 3] + 1e-3)[edge].all()
    attributes = exr.read_attributes(tmp_path / "out.1002.exr")
    assert attributes["colorInteropID"] == "lin_rec709_scene"
    assert attributes["headcast:face"] == "yes"
    assert attributes["headcast:weights"] == "warp-256-people-v1"


def test_a_frame_without_a_face_is_empty_and_says_so(made: Path, tmp_path: Path) -> None:
    assert render(made, tmp_path / "out.####.exr") == 0
    assert exr.read_rgba(tmp_path / "out.1005.exr").max() == 0
    assert exr.read_attributes(tmp_path / "out.1005.exr")["headcast:face"] == "no"


def test_rendering_again_renders_only_what_is_not_current(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pattern = tmp_path / "out.####.exr"

    def written(*options: str) -> int:
        capsys.readouterr()
        assert render(made, pattern, "--json", *options) == 0
        return json.loads(capsys.readouterr().out.splitlines()[-1])["result"]["written"]

    assert written() == 5
    before = (tmp_path / "out.1002.exr").read_bytes()
    assert written() == 0
    (tmp_path / "out.1001.exr").unlink()
    (tmp_path / "out.1002.exr").write_bytes(before[: len(before) // 2])
    assert written() == 2
    assert (tmp_path / "out.1002.exr").read_bytes() == before
    assert written("--motion", "absolute") == 4  # the fifth shows no face
    # A crash in mid-line costs that frame alone.
    manifest = tmp_path / "out.manifest.jsonl"
    manifest.write_bytes(manifest.read_bytes()[:-20])
    assert written("--motion", "absolute") == 1
    assert written("--motion", "absolute") == 0


def test_a_plate_frame_shows_the_head_where_it_was_seen(astronaut: Path, tmp_path: Path) -> None:
    photo = str(astronaut)
    assert main(["adapt", photo, "-o", str(tmp_path / "x.likeness")]) == 0
    assert main(["track", photo, "-o", str(tmp_path / "y.performance")]) == 0
    assert render(tmp_path, tmp_path / "o.####.exr", "--frame", "plate") == 0
    (path,) = tmp_path.glob("*.exr")
    frame = exr.read_rgba(path)
    assert frame.shape == (512, 512, 4)
    solid = frame[..., 3] > 0.999
    assert solid.sum() > 5000
    from headcast.core.imaging.colour import encode_srgb

    gap = np.abs(encode_srgb(frame[..., :3]) * 255 - read_photo(astronaut))[solid]
    assert gap.mean() < 3


def test_progress_is_json_lines(made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert render(made, tmp_path / "out.####.exr", "--json") == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    steps = [event for event in events if event["event"] == "step"]
    assert [event["done"] for event in steps] == [0, 1, 2, 3, 4, 5]
    assert {event["total"] for event in steps} == {5}
    assert events[-1]["event"] == "done"
    assert any(event["event"] == "note" and "1 of 5" in event["text"] for event in events)


@pytest.mark.usefixtures("any_gain")
def test_several_photos_and_fine_tuning_end_up_in_the_likeness(made: Path, weights: Path, tmp_path: Path) -> None:
    clip = str(made / "clip" / "plate.100[1-3].png")
    options = [clip, "-o", str(tmp_path / "x.likeness"), "--weights", str(weights), "--crop", "full", "--steps", "2"]
    assert main(["adapt", *options]) == 0
    tuned = Likeness.load(tmp_path / "x.likeness")
    assert len(tuned) == 3
    assert {"regions.mouth.last.weight", "regions.eye.last.weight"} < set(tuned.adapted)
    landmarks = tuned.landmarks[0].copy()
    at_rest = Player(tuned, weights=str(weights), device="cpu").paint(landmarks)
    assert np.abs(at_rest.picture * 255 - tuned.pictures[0])[60:160, 90:180].mean() < 6
    assert main(["adapt", *options, "--feed-forward"]) == 0
    untuned = Likeness.load(tmp_path / "x.likeness")
    assert not untuned.adapted
    landmarks[65:68, 1] += 8
    opened = [Player(one, weights=str(weights), device="cpu").paint(landmarks).picture for one in (tuned, untuned)]
    assert not np.array_equal(*opened)


@pytest.mark.usefixtures("any_gain", "untrained")
def test_without_weights_there_is_nothing_to_tune(made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Geometry alone paints, and the frames say so."""
    output = tmp_path / "x.likeness"
    assert main(["adapt", str(made / "photo.png"), "-o", str(output), "--crop", "full", "--steps", "2"]) == 0
    assert "no trained weights" in capsys.readouterr().err
    whole = Likeness.load(output)
    assert (whole.weights, whole.adapted) == ("", {})
    clip = str(made / "clip" / "plate.1001.png")
    assert main(["track", clip, "-o", str(tmp_path / "y.performance"), "--crop", "full"]) == 0
    assert render(tmp_path, tmp_path / "o.####.exr", "--tries", "0") == 0
    assert "geometric warp" in exr.read_attributes(tmp_path / "o.1001.exr")["headcast:weights"]


@pytest.mark.usefixtures("any_gain")
def test_the_papers_preset_goes_the_same_road(made: Path, tmp_path: Path) -> None:
    """With a weights file `fsth-256` embeds, fine-tunes and renders; untrained ones show that the road holds, no more."""
    torch.manual_seed(0)
    weights = tmp_path / "weights.safetensors"
    save_weights(build_painter("fsth-256"), "untrained", weights)
    likeness = tmp_path / "x.likeness"
    options = ["--preset", "fsth-256", "--weights", str(weights), "--crop", "full", "--steps", "1"]
    assert main(["adapt", str(made / "photo.png"), "-o", str(likeness), *options]) == 0
    whole = Likeness.load(likeness)
    assert whole.weights == "untrained"
    assert np.linalg.norm(whole.embedding) > 0
    assert whole.adapted["style"].shape == (1, build_painter("fsth-256").style(torch.zeros(1, 512)).shape[1])
    clip = str(made / "clip" / "plate.1001.png")
    assert main(["track", clip, "-o", str(tmp_path / "y.performance"), "--crop", "full"]) == 0
    assert render(tmp_path, tmp_path / "o.####.exr", "--weights", str(weights)) == 0
    frame = exr.read_rgba(tmp_path / "o.1001.exr")
    assert frame.shape == (256, 256, 4)
    assert frame[100, 128, 3] > 0.99  # the matte is the photo's, bent
    with pytest.raises(PresetMismatchError, match="fsth-256"):
        load_weights(build_painter("warp-256"), weights)


def test_twice_the_size_is_a_preset_that_takes_the_same_weights(made: Path, weights: Path, tmp_path: Path) -> None:
    likeness = tmp_path / "x.likeness"
    options = ["--preset", "warp-512", "--weights", str(weights), "--crop", "full"]
    assert main(["adapt", str(made / "photo.png"), "-o", str(likeness), *options]) == 0
    clip = str(made / "clip" / "plate.1001.png")
    assert main(["track", clip, "-o", str(tmp_path / "y.performance"), "--crop", "full"]) == 0
    assert render(tmp_path, tmp_path / "o.####.exr", "--weights", str(weights)) == 0
    assert exr.read_rgba(tmp_path / "o.1001.exr").shape == (512, 512, 4)


def test_doctor_says_what_is_here(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    names = {finding["name"]: finding for finding in report["findings"]}
    assert report["healthy"]
    assert names["torch"]["state"] == "ok"
    assert names["device"]["state"] == "ok"
    assert "weights of warp-256" in names
    assert names["mediapipe's model"]["state"] == "ok"


def test_doctor_says_what_is_missing(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("HEADCAST_FACE_LANDMARKER", "/nowhere.task")
    assert main(["doctor"]) == 2
    assert "/nowhere.task" in capsys.readouterr().out


class TestBadInput:
    """Each with a message that names what is wrong, exit code 2, and nothing half-written."""

    @pytest.fixture(autouse=True)
    def _here(self, tmp_path: Path, made: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.made, self.capsys = tmp_path, made, capsys

    def refused(self, arguments: list[object], *words: str, left: tuple[str, ...] = ()) -> None:
        before = {path.name for path in self.folder.iterdir()}
        assert main([str(argument) for argument in arguments]) == 2
        said = self.capsys.readouterr().err
        assert all(word in said for word in words), said
        assert {path.name for path in self.folder.iterdir()} - before == set(left)

    def adapt(self, *photos: object) -> list[object]:
        return ["adapt", *photos, "-o", self.folder / "x.likeness"]

    def test_no_face(self) -> None:
        write_png(self.folder / "wall.png", np.full((200, 200, 3), 90, np.uint8))
        self.refused(self.adapt(self.folder / "wall.png"), "No face in", "wall.png", "Leave it out")
        self.refused(["track", self.folder / "wall.png", "-o", self.folder / "y.performance"], "No face", "wall.png")

    def test_two_faces_take_the_larger_and_say_so(self, astronaut: Path) -> None:
        photo = read_photo(astronaut)[:256, 96:352]
        small = photo[::2, ::2]
        both = np.zeros((256, 400, 3), np.uint8)
        both[:, :256], both[64:192, 264:392] = photo, small
        write_png(self.folder / "two.png", both)
        assert main([str(a) for a in self.adapt(self.folder / "two.png")]) == 0
        assert "2 faces in" in self.capsys.readouterr().err
        whole = Likeness.load(self.folder / "x.likeness")
        assert np.ptp(whole.landmarks[0, :, 0]) > 80

    def test_damaged_pictures(self, astronaut: Path) -> None:
        (self.folder / "cut.png").write_bytes(astronaut.read_bytes()[:9000])
        (self.folder / "text.png").write_text("hello")
        self.refused(self.adapt(self.folder / "cut.png"), "cut.png", "damaged")
        self.refused(self.adapt(self.folder / "text.png"), "text.png", "damaged")
        self.refused(self.adapt(self.folder / "none.png"), "none.png", "not there")

    def test_an_empty_clip(self) -> None:
        (self.folder / "empty.mp4").touch()
        self.refused(["track", self.folder / "empty.mp4", "-o", self.folder / "y.performance"], "empty.mp4", "is empty")

    def test_missing_weights(self) -> None:
        self.refused([*self.adapt(self.made / "photo.png"), "--preset", "fsth-256"], "no weights for 'fsth-256'")
        self.refused([*self.adapt(self.made / "photo.png"), "--weights", "w.safetensors"], "w.safetensors")

    def test_a_detector_without_its_file(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HEADCAST_FACE_LANDMARKER", "/nowhere.task")
        self.refused(self.adapt(self.made / "photo.png"), "/nowhere.task")

    def test_folders_that_cannot_be_written(self) -> None:
        (self.folder / "file").touch()
        target = self.folder / "file" / "x.likeness"
        self.refused(["adapt", self.made / "photo.png", "-o", target], "cannot be written", "Choose a folder")
        take = self.folder / "file" / "a.####.exr"
        self.refused(
            ["render", self.made / "x.likeness", self.made / "y.performance", "-o", take], str(take.parent), "cannot be"
        )

    def test_files_that_are_something_else(self) -> None:
        (self.folder / "x.likeness").write_bytes(b"x" * 100)
        out = ["-o", self.folder / "a.####.exr"]
        self.refused(["render", self.folder / "x.likeness", self.made / "y.performance", *out], "x.likeness", "damaged")
        self.refused(["render", self.made / "x.likeness", self.folder / "x.likeness", *out], "x.likeness", "damaged")
        self.refused(["render", self.made / "x.likeness", self.folder / "none", *out], "none", "is not there")

    def test_settings_out_of_range(self) -> None:
        self.refused([*self.adapt(self.made / "photo.png"), "--size", "9"], "9 px", "multiple of 64")
        self.refused([*self.adapt(self.made / "photo.png"), "--preset", "gan"], "--preset", "warp-256")
        self.refused([*self.adapt(self.made / "photo.png"), "--device", "cuda:7"], "cuda:7")
        output = ["-o", self.folder / "a.mov"]
        self.refused(["render", self.made / "x.likeness", self.made / "y.performance", *output], "a.mov", ".exr")

    def test_a_likeness_of_another_preset(self) -> None:
        whole = Likeness.load(self.made / "x.likeness")
        other = Likeness(**{**whole.__dict__, "preset": "fomm-256"})
        other.save(self.folder / "x.likeness")
        arguments = ["render", self.folder / "x.likeness", self.made / "y.performance", "-o", self.folder / "a.####.exr"]
        self.refused(arguments, "fomm-256", "Adapt again")
        with pytest.raises(PresetMismatchError, match="other-weights"):
            Player(Likeness(**{**whole.__dict__, "weights": "other-weights"}))

    def test_a_disk_that_fills_up(self) -> None:
        disk = self.folder / "disk"
        disk.mkdir()
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", disk], check=False).returncode == 0
        if not mounted:
            pytest.skip("a small disk can be mounted by root alone")
        try:
            arguments = ["render", self.made / "x.likeness", self.made / "y.performance", "-o", disk / "a.####.exr"]
            self.refused([*arguments, "--opaque"], "disk is full", "Free some space")
            frames = sorted(disk.iterdir())
            assert not [path for path in frames if path.name.endswith(".part")]
            for path in frames:
                if path.suffix == ".exr":
                    exr.read_rgba(path)
        finally:
            subprocess.run(["umount", disk], check=True)


def test_a_newer_file_asks_for_a_newer_headcast(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headcast.core.likeness.FORMAT", 99)
    Likeness.load(made / "x.likeness").save(tmp_path / "x.likeness")
    monkeypatch.undo()
    with pytest.raises(WrongFileError, match="newer Headcast"):
        Likeness.load(tmp_path / "x.likeness")


def test_each_frame_is_scored_and_the_take_has_a_page(made: Path, tmp_path: Path) -> None:
    assert render(made, tmp_path / "a.####.exr") == 0
    records = read_manifest(FramePattern.parse(str(tmp_path / "a.####.exr")))
    assert all(record["scores"]["landmarks"] < 0.1 for record in records.values() if record["face"] == "yes")
    assert "scores" not in records[1005]
    page = (tmp_path / "a.report.html").read_text("utf-8")
    assert "5 frames" in page
    assert "1 without a face" in page
    assert render(made, tmp_path / "b.####.exr", "--mouth-limit", "0.0011") == 0
    flagged = read_manifest(FramePattern.parse(str(tmp_path / "b.####.exr")))
    assert any("mouth" in record.get("flagged", {}) for record in flagged.values())


def test_the_command_is_on_the_path() -> None:
    command = Path(sys.executable).parent / "headcast"
    done = subprocess.run([command, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("headcast 0.")


def test_a_command_leaves_nothing_but_its_line(made: Path, tmp_path: Path) -> None:
    """No traceback of a library that was closed too late."""
    command = [sys.executable, "-m", "headcast.core.cli", "track", str(made / "clip"), "-o", str(tmp_path / "y.performance")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "y.performance: 5 frames from 1001 at 24 fps, a face in 4" in done.stdout
    assert "note: 1 of 5 frames" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_take_says_that_it_is_synthetic_and_is_signed(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Frames that show no head do not say so."""
    assert render(made, tmp_path / "out.####.exr", "--tries", "0") == 0
    assert "no consent on record" in capsys.readouterr().out
    shown, empty = (exr.read_attributes(tmp_path / f"out.{frame}.exr") for frame in (1001, 1005))
    term = shown["Iptc4xmpExt:DigitalSourceType"]
    assert str(term).startswith("http://cv.iptc.org/newscodes/digitalsourcetype/")
    assert shown["headcast:likeness"] == person_hash(made / "x.likeness")
    assert shown["headcast:consent"] == "none on record"
    assert "Iptc4xmpExt:DigitalSourceType" not in empty
    assert main(["verify", str(tmp_path)]) == 0
    assert "whole" in capsys.readouterr().out
    [photo] = Likeness.load(made / "x.likeness").sources
    assert photo == sha256_of(made / "photo.png")


def test_a_take_that_cannot_be_signed_is_rendered_all_the_same(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("HEADCAST_KEYS", str(tmp_path / "file" / "keys"))
    assert render(made, tmp_path / "out.####.exr", "--tries", "0", "--frames", "1001") == 0
    assert "Nothing is signed" in capsys.readouterr().err
    assert not (tmp_path / "out.c2pa").exists()
