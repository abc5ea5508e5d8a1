# SPDX-License-Identifier: GPL-3.0-or-later
"""A head that was shared says which take it is of, even when the file was saved again and its signature is gone."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import c2pa
import cv2
import numpy as np
import pytest
from headcast.core.cli.main import main
from headcast.core.imaging import colour, exr
from headcast.core.imaging.preview import write_movie, write_png
from headcast.core.imaging.read import open_clip, read_photo
from headcast.core.provenance.finding import find_watermark, in_words, take_number, takes_with
from headcast.core.provenance.keys import open_key
from headcast.core.provenance.marks import Mark
from headcast.core.provenance.payload import BITS, LENGTH, nearest, word_of
from headcast.core.provenance.sharing import shown
from headcast.core.provenance.signing import offline, sign_file
from headcast.core.provenance.verifying import CHANGED, UNSIGNED, WHOLE, Verification, verify
from headcast.core.provenance.watermark import SURE
from headcast.core.take import LIKENESS, FramePattern, Manifest
from PIL import Image

PERSON = "ab" * 32
NUMBER = take_number("shot_v001", PERSON)


def head_matte(side: int) -> np.ndarray:
    """[S, S] where the astronaut's head is."""
    matte = np.zeros((side, side), np.float32)
    cv2.ellipse(matte, (int(0.43 * side), int(0.24 * side)), (int(0.17 * side), int(0.22 * side)), 0, 0, 360, 1.0, -1)
    return cv2.GaussianBlur(matte, (0, 0), 2.0)


@pytest.fixture
def take(tmp_path: Path, astronaut: Path) -> FramePattern:
    """Two frames that show the astronaut's head over nothing."""
    pattern = FramePattern.parse(str(tmp_path / "take" / "shot_v001.####.exr"))
    pattern.folder.mkdir()
    linear, matte = colour.decode_srgb(read_photo(astronaut).astype(np.float32) / 255), head_matte(512)[..., None]
    manifest = Manifest(pattern, {1001: "x", 1002: "x"})
    manifest.begin({LIKENESS: PERSON})
    for number in (1001, 1002):
        exr.write_rgba(pattern.path(number), np.concatenate([linear * matte, matte], axis=-1), {})
        manifest.record(number, face="yes")
    return pattern


def of(path: Path, takes: Path | None = None) -> Verification:
    [verdict] = verify(path, takes=takes)
    return verdict


def test_a_word_is_told_where_eleven_bits_are_wrong() -> None:
    numbers = np.random.default_rng(0)
    for number in numbers.integers(1 << BITS, size=50):
        heard = word_of(int(number)).copy()
        assert nearest(heard) == (number, pytest.approx(1.0), 0)
        heard[numbers.choice(LENGTH, 11, replace=False)] *= -1
        assert nearest(heard)[::2] == (number, 11)


def test_what_is_heard_by_chance_is_not_like_a_word() -> None:
    chance = np.random.default_rng(0).normal(size=(500, LENGTH)).astype(np.float32)
    assert max(nearest(heard).likeness for heard in chance) < SURE - 0.1


def test_a_still_is_marked_in_the_head_alone(take: FramePattern, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    marked = tmp_path / "marked.png"
    assert main(["share", str(take), "-o", str(marked)]) == 0
    assert f"watermark {in_words(NUMBER)}" in capsys.readouterr().out
    before, after = shown(take.path(1001)).astype(float), read_photo(marked).astype(float)
    matte = head_matte(512)
    assert np.array_equal(before[matte == 0], after[matte == 0])
    cost = 10 * np.log10(255**2 / np.mean((before - after)[matte > 0.5] ** 2))
    assert cost > 44
    tint = np.ptp(after - before, axis=-1)[(after.min(axis=-1) > 0) & (after.max(axis=-1) < 255)]
    assert tint.max() <= 1  # grey alone, but for rounding
    verdict = of(marked, take.folder)
    assert (verdict.watermark, verdict.takes) == (in_words(NUMBER), ("shot_v001",))


def test_a_copy_without_a_signature_still_names_the_take(
    take: FramePattern, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["share", str(take), "-o", str(tmp_path / "a.png")]) == 0
    copy = tmp_path / "copy.jpg"
    with Image.open(tmp_path / "a.png") as picture:
        picture.convert("RGB").crop((20, 20, 490, 490)).save(copy, quality=70)
    verdict = of(copy, tmp_path)
    assert (verdict.state, verdict.watermark, verdict.takes) == (UNSIGNED, in_words(NUMBER), ("shot_v001",))
    assert verdict.stated_watermark == ""
    assert main(["verify", str(copy), "--takes", str(tmp_path)]) == 4
    assert f"watermark {in_words(NUMBER)} (take shot_v001)" in capsys.readouterr().out


def test_the_signature_states_the_watermark(
    take: FramePattern, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As C2PA has it: the mark leads back to the signature, and the signature says which mark it is."""
    output = tmp_path / "a.png"
    assert main(["share", str(take), "-o", str(output)]) == 0
    with c2pa.Reader(str(output), context=offline()) as reader:
        assertions = {each["label"]: each["data"] for each in reader.get_active_manifest()["assertions"]}
    binding = assertions["c2pa.soft-binding"]
    assert (binding["alg"], binding["blocks"][0]["value"]) == ("headcast.head-texture.1", in_words(NUMBER))
    assert "c2pa.watermarked.bound" in [action["action"] for action in assertions["c2pa.actions.v2"]["actions"]]
    verdict = of(output)
    assert (verdict.state, verdict.watermark, verdict.stated_watermark) == (WHOLE, in_words(NUMBER), in_words(NUMBER))
    capsys.readouterr()
    main(["verify", str(output)])
    assert f"watermark {in_words(NUMBER)}, as was signed" in capsys.readouterr().out


def test_a_watermark_that_is_not_the_one_that_was_signed_is_found(take: FramePattern, tmp_path: Path) -> None:
    output = tmp_path / "a.png"
    assert main(["share", str(take), "-o", str(output)]) == 0
    picture = read_photo(output)
    other = tmp_path / "other.png"
    write_png(other, picture)
    sign_file(other, open_key(), Mark(PERSON, "", "", "", False), watermark="123")
    verdict = of(other)
    assert (verdict.state, verdict.findings) == (
        CHANGED,
        (f"its watermark is {in_words(NUMBER)}, and 123 is what was signed",),
    )


def test_what_was_signed_and_cannot_be_heard_is_told(
    astronaut: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = tmp_path / "plain.png"
    write_png(plain, read_photo(astronaut))
    sign_file(plain, open_key(), Mark(PERSON, "", "", "", False), watermark="123")
    main(["verify", str(plain)])
    assert "watermark 123 was signed, and is not heard" in capsys.readouterr().out


def test_a_movie_is_told_after_it_was_encoded_again_and_smaller(take: FramePattern, tmp_path: Path) -> None:
    movie, copy = tmp_path / "a.mp4", tmp_path / "copy.mov"
    assert main(["share", str(take), "-o", str(movie)]) == 0
    small = [cv2.resize(frame.picture, (360, 360), interpolation=cv2.INTER_AREA) for frame in open_clip(str(movie)).frames()]
    write_movie(copy, small, Fraction(24))
    found = find_watermark(copy)
    assert found is not None
    assert found.number == NUMBER


def test_nothing_is_found_where_nothing_was_put_in(take: FramePattern, astronaut: Path, tmp_path: Path) -> None:
    plain = tmp_path / "plain.png"
    assert main(["share", str(take), "-o", str(plain), "--watermark", "0"]) == 0
    assert np.array_equal(read_photo(plain), shown(take.path(1001)))
    assert of(plain).watermark == ""
    assert of(astronaut).watermark == ""


def test_without_a_detector_a_take_is_shared_unmarked_and_a_note_says_so(
    take: FramePattern, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HEADCAST_FACE_LANDMARKER", "/nowhere/face.task")
    output = tmp_path / "a.png"
    assert main(["share", str(take), "-o", str(output)]) == 0
    said = capsys.readouterr()
    assert "No watermark is put in: " in said.err
    assert "no watermark" in said.out
    assert main(["verify", str(output)]) == 0
    assert "No watermark is looked for: " in capsys.readouterr().err


def test_a_face_that_is_not_the_takes_is_left_alone(
    take: FramePattern, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The head's layer is elsewhere than the face in the plate."""
    linear = exr.read_rgba(take.path(1001))[..., :3]
    head = np.zeros((512, 512, 4), np.float32)
    head[400:, 400:] = 0.5
    layers = {"comp": exr.Layer(linear), "head": exr.Layer(head)}
    exr.write_layers(take.path(1001), layers, {"headcast:version": "x"})
    assert main(["share", str(take), "-o", str(tmp_path / "a.png")]) == 0
    assert "No watermark is in 1 frames" in capsys.readouterr().err
    assert np.array_equal(read_photo(tmp_path / "a.png"), shown(take.path(1001)))


def test_a_take_is_named_by_its_sidecar_and_by_any_likeness_it_was_painted_from(take: FramePattern, tmp_path: Path) -> None:
    with open(take.manifest, "a") as file:
        file.write(json.dumps({"frames": {}, LIKENESS: "cd" * 32}) + "\n")
    assert takes_with(NUMBER, tmp_path, deep=True) == ["shot_v001"]
    assert takes_with(take_number("shot_v001", "cd" * 32), tmp_path, deep=True) == ["shot_v001"]
    assert takes_with(NUMBER, tmp_path, deep=False) == []
    assert takes_with(NUMBER + 1, tmp_path, deep=True) == []
