# SPDX-License-Identifier: GPL-3.0-or-later
"""What a take says of itself, who signed it, and that whatever becomes of it afterwards is found."""

from __future__ import annotations

import io
import json
import shutil
import stat
import time
from fractions import Fraction
from pathlib import Path
from xml.etree import ElementTree

import c2pa
import numpy as np
import pytest
from headcast.core.cli.main import main
from headcast.core.errors import ChangedTakeError, UnreadableImageError, WrongFileError
from headcast.core.imaging import exr
from headcast.core.imaging.preview import write_movie, write_png
from headcast.core.imaging.read import open_clip, read_photo
from headcast.core.painting.weights import MODEL_CARD
from headcast.core.progress import Silent
from headcast.core.provenance.keys import StudioKey, open_key
from headcast.core.provenance.marks import IPTC, Mark, header_marks, put_xmp, xmp_packet
from headcast.core.provenance.signing import EXR, offline, sign_file, sign_take, stated_in
from headcast.core.provenance.turnover import turn_over
from headcast.core.provenance.verifying import CHANGED, UNKNOWN, UNSIGNED, WHOLE, verify, worst
from headcast.core.rendering.report_page import write_report
from headcast.core.take import FramePattern, Manifest, last_run
from PIL import Image

MARK = Mark("ab" * 32, "warp-256-people-v1", "cd" * 32, "0123456789abcdef", in_plate=True)
PHOTOS = ("11" * 32, "22" * 32)


@pytest.fixture
def key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StudioKey:
    monkeypatch.setenv("HEADCAST_KEYS", str(tmp_path / "keys"))
    monkeypatch.setenv("HEADCAST_STUDIO", "Studio A")
    return open_key()


def another_studio(monkeypatch: pytest.MonkeyPatch, folder: Path) -> StudioKey:
    """From here on, this is the key of whoever sits at the machine."""
    monkeypatch.setenv("HEADCAST_KEYS", str(folder))
    monkeypatch.setenv("HEADCAST_STUDIO", "Studio B")
    return open_key()


def make_take(folder: Path, frames: int = 5) -> FramePattern:
    """Frames that differ, from 1001 on, with their manifest."""
    pattern = FramePattern.parse(str(folder / "shot_v001.####.exr"))
    folder.mkdir(parents=True, exist_ok=True)
    numbers = range(1001, 1001 + frames)
    manifest = Manifest(pattern, dict.fromkeys(numbers, "x"))
    manifest.begin({"likeness": MARK.likeness})
    for number in numbers:
        exr.write_rgba(pattern.path(number), np.full((8, 8, 4), number / 2048, np.float32), header_marks(MARK))
        manifest.record(number, face="yes", plate=f"{number:064x}")
    return pattern


@pytest.fixture
def take(tmp_path: Path, key: StudioKey) -> FramePattern:
    pattern = make_take(tmp_path / "take")
    assert sign_take(pattern, key, MARK, PHOTOS)
    return pattern


def of_take(pattern: FramePattern) -> tuple[str, tuple[str, ...]]:
    [verdict] = verify(pattern.sidecar)
    return verdict.state, verdict.findings


def test_a_key_is_made_once_and_is_its_owners_alone(key: StudioKey) -> None:
    assert stat.S_IMODE((key.folder / "key.pem").stat().st_mode) == 0o600
    assert stat.S_IMODE(key.folder.stat().st_mode) == 0o700
    assert open_key() == key
    (key.folder / "key.pem").write_text("no key")
    with pytest.raises(WrongFileError, match="holds no key"):
        open_key().signer()


def test_a_take_is_signed_and_the_signature_is_c2pas_own(take: FramePattern, key: StudioKey) -> None:
    [verdict] = verify(take.sidecar)
    assert (verdict.state, verdict.signer, verdict.frames) == (WHOLE, "Studio A", 5)
    assert (verdict.consent, verdict.source_type) == (MARK.consent, "compositeWithTrainedAlgorithmicMedia")
    with open(take.path(1001), "rb") as first:
        reader = c2pa.Reader(EXR, first, take.sidecar.read_bytes(), context=offline(key.chain.decode()))
    assert reader.get_validation_state() == "Trusted"
    manifest = reader.get_active_manifest()
    hashes = [ingredient["instance_id"] for ingredient in manifest["ingredients"]]
    assert hashes[:2] == [f"sha256:{photo}" for photo in PHOTOS]
    assert hashes[2].startswith("sha256:")
    stated = stated_in(take.sidecar)
    assert list(stated["frames"]) == ["1001", "1002", "1003", "1004", "1005"]
    assert stated["plate"]["1002"] == f"{1002:064x}"


def test_what_is_signed_already_is_not_signed_again(take: FramePattern, key: StudioKey) -> None:
    before = take.sidecar.read_bytes()
    assert not sign_take(take, key, MARK, PHOTOS)
    assert take.sidecar.read_bytes() == before


@pytest.mark.parametrize("frame", [1001, 1003])
def test_a_flipped_byte_is_found(take: FramePattern, frame: int) -> None:
    content = bytearray(take.path(frame).read_bytes())
    content[-3] ^= 1
    take.path(frame).write_bytes(content)
    assert of_take(take) == (CHANGED, (f"shot_v001.{frame}.exr was changed",))


@pytest.mark.parametrize("frame", [1001, 1004])
def test_a_removed_frame_is_found(take: FramePattern, frame: int) -> None:
    take.path(frame).unlink()
    assert of_take(take) == (CHANGED, (f"shot_v001.{frame}.exr is missing",))


def test_swapped_frames_are_found(take: FramePattern) -> None:
    first, second = take.path(1001).read_bytes(), take.path(1004).read_bytes()
    take.path(1001).write_bytes(second)
    take.path(1004).write_bytes(first)
    findings = ("shot_v001.1001.exr is now what 1004 was", "shot_v001.1004.exr is now what 1001 was")
    assert of_take(take) == (CHANGED, findings)


def test_an_added_frame_is_found(take: FramePattern) -> None:
    shutil.copy(take.path(1001), take.path(1006))
    assert of_take(take) == (CHANGED, ("shot_v001.1006.exr was added",))


def test_another_key_is_found(take: FramePattern, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever changes a frame may sign anew; but not as the studio, though the certificate bears its name."""
    monkeypatch.setenv("HEADCAST_KEYS", str(tmp_path / "forger"))
    forger = open_key()
    take.sidecar.unlink()
    assert sign_take(take, forger, MARK, PHOTOS)
    assert of_take(take) == (WHOLE, ())
    monkeypatch.setenv("HEADCAST_KEYS", str(tmp_path / "keys"))
    [verdict] = verify(take.sidecar)
    assert (verdict.state, verdict.signer, verdict.findings) == (UNKNOWN, "Studio A", ())
    (tmp_path / "keys" / "trusted").mkdir()
    shutil.copy(tmp_path / "forger" / "certificate.pem", tmp_path / "keys" / "trusted" / "b.pem")
    assert of_take(take) == (WHOLE, ())


@pytest.mark.parametrize("part", [0.05, 0.1, 0.2, 0.3, 0.4])
def test_a_sidecar_that_was_changed_is_found(take: FramePattern, part: float) -> None:
    """Its second half is room that is kept for the signature."""
    content = bytearray(take.sidecar.read_bytes())
    content[int(part * len(content))] ^= 1
    take.sidecar.write_bytes(content)
    state, findings = of_take(take)
    assert (state, bool(findings)) == (CHANGED, True)


def test_hashes_that_were_put_into_the_sidecar_are_found(take: FramePattern) -> None:
    """A frame is changed and its hash in the list with it, as somebody without the key would."""
    before = stated_in(take.sidecar)["frames"]["1003"]
    exr.write_rgba(take.path(1003), np.zeros((8, 8, 4), np.float32), {})
    after = exr_hash(take.path(1003))
    content = take.sidecar.read_bytes()
    assert content.count(before.encode()) == 1
    take.sidecar.write_bytes(content.replace(before.encode(), after.encode()))
    state, findings = of_take(take)
    assert state == CHANGED
    assert "assertion.hashedURI.mismatch" in findings[0]


def exr_hash(path: Path) -> str:
    from headcast.core.files import sha256_of

    return sha256_of(path)


def test_a_sidecar_that_names_files_elsewhere_is_not_believed(tmp_path: Path, key: StudioKey) -> None:
    pattern = make_take(tmp_path / "take", frames=1)
    manifest = {"claim_generator_info": [{"name": "x", "version": "1"}], "format": EXR}
    for stated in (
        {"name": "../../etc/x.####.exr", "frames": {"1": "ab" * 32}},
        {"name": "x.####.exr", "frames": {"1": "../x"}},
    ):
        assertion = {"label": "headcast.take", "data": stated}
        made = {"label": "c2pa.actions.v2", "data": {"actions": [{"action": "c2pa.created", "digitalSourceType": IPTC}]}}
        builder = c2pa.Builder(json.dumps({**manifest, "assertions": [made, assertion]}), context=offline())
        builder.set_no_embed()
        with open(pattern.path(1001), "rb") as first:
            pattern.sidecar.write_bytes(builder.sign(key.signer(), EXR, first, io.BytesIO()))
        state, findings = of_take(pattern)
        assert state == CHANGED
        assert "damaged" in findings[0]


def test_exit_codes_tell_a_pipeline(take: FramePattern, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = str(take.folder)
    assert main(["verify", folder]) == 0
    assert main(["verify", str(take)]) == 0
    assert main(["verify", str(take.path(1002))]) == 0
    another_studio(monkeypatch, tmp_path / "other")
    assert main(["verify", folder]) == 3
    take.path(1002).unlink()
    assert main(["verify", folder]) == 1
    take.sidecar.unlink()
    assert main(["verify", folder]) == 4
    assert main(["verify", str(tmp_path / "nowhere.1001.exr")]) == 2
    assert main(["verify", str(tmp_path / "other")]) == 2
    assert main(["verify", str(tmp_path / "nowhere.png")]) == 2
    with pytest.raises(UnreadableImageError, match="nothing that is signed"):
        verify(tmp_path / "x.txt")


def test_a_header_says_what_a_frame_is_and_names_nobody(take: FramePattern) -> None:
    header = exr.read_attributes(take.path(1001))
    assert header["Iptc4xmpExt:DigitalSourceType"] == IPTC + "compositeWithTrainedAlgorithmicMedia"
    assert header["headcast:likeness"] == MARK.likeness
    assert header["headcast:consent"] == MARK.consent
    assert header["headcast:weightsHash"] == MARK.weights_hash
    assert str(header["xmp:CreatorTool"]).startswith("Headcast ")
    assert header_marks(Mark("a", "", "", "", False))["headcast:consent"] == "none on record"


@pytest.mark.parametrize(
    ("weights", "in_plate", "term"),
    [
        ("w", False, "trainedAlgorithmicMedia"),
        ("w", True, "compositeWithTrainedAlgorithmicMedia"),
        ("", False, "compositeSynthetic"),
        ("", True, "compositeSynthetic"),
    ],
)
def test_the_iptcs_term_fits(weights: str, in_plate: bool, term: str) -> None:
    assert Mark("a", weights, "", "", in_plate).source_type == IPTC + term


@pytest.fixture
def shared(tmp_path: Path) -> dict[str, Path]:
    """A picture and movies, without any mark yet."""
    noise = np.random.default_rng(0).integers(0, 255, (4, 64, 96, 3), np.uint8)
    files = {ending: tmp_path / f"a.{ending}" for ending in ("png", "mp4", "mov")}
    write_png(files["png"], noise[0])
    write_movie(files["mp4"], noise, Fraction(24))
    import av

    with av.open(str(files["mov"]), "w") as movie:
        stream = movie.add_stream("libx264", rate=24)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        for picture in noise:
            movie.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        movie.mux(stream.encode())
    return files


@pytest.mark.parametrize("ending", ["png", "mp4", "mov"])
def test_a_shared_file_carries_mark_and_signature_and_shows_the_same(
    shared: dict[str, Path], key: StudioKey, ending: str
) -> None:
    path = shared[ending]
    before = read_photo(path) if ending == "png" else [frame.picture for frame in open_clip(str(path)).frames()]
    assert verify(path)[0].state == UNSIGNED
    put_xmp(path, xmp_packet(MARK))
    sign_file(path, key, MARK, PHOTOS)
    after = read_photo(path) if ending == "png" else [frame.picture for frame in open_clip(str(path)).frames()]
    assert np.array_equal(before, after)
    content = path.read_bytes()
    assert MARK.source_type.encode() in content
    assert b"Iptc4xmpExt:DigitalSourceType" in content
    if ending == "png":
        packet = ElementTree.fromstring(Image.open(path).info["XML:com.adobe.xmp"].partition("?>")[2].rpartition("<?")[0])
        words = packet[0][0].attrib
        assert words["{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}DigitalSourceType"] == MARK.source_type
        assert words["{urn:headcast:provenance:1}consent"] == MARK.consent
    [verdict] = verify(path)
    assert (verdict.state, verdict.signer, verdict.consent) == (WHOLE, "Studio A", MARK.consent)
    reader = c2pa.Reader(str(path), context=offline(key.chain.decode()))
    assert reader.get_validation_state() == "Trusted"


@pytest.mark.parametrize("ending", ["png", "mp4", "mov"])
def test_a_byte_flipped_in_a_shared_file_is_found(shared: dict[str, Path], key: StudioKey, ending: str) -> None:
    path = shared[ending]
    put_xmp(path, xmp_packet(MARK))
    sign_file(path, key, MARK)
    content = bytearray(path.read_bytes())
    place = content.index(b"IDAT" if ending == "png" else b"mdat") + 200
    content[place] ^= 1
    path.write_bytes(content)
    assert verify(path)[0].state == CHANGED


def test_another_signer_of_a_shared_file_is_not_known(
    shared: dict[str, Path], key: StudioKey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_file(shared["png"], key, MARK)
    another_studio(monkeypatch, tmp_path / "other")
    [verdict] = verify(shared["png"])
    assert (verdict.state, verdict.signer) == (UNKNOWN, "Studio A")


def test_a_folder_is_as_good_as_the_worst_in_it(take: FramePattern, shared: dict[str, Path], key: StudioKey) -> None:
    sign_file(shared["png"], key, MARK)
    verdicts = verify(take.folder.parent)
    assert sorted(verdict.path.name for verdict in verdicts) == ["a.mov", "a.mp4", "a.png", "shot_v001.c2pa"]
    assert worst(verdicts) == UNSIGNED


def test_a_hundred_frames_are_signed_in_less_than_a_second(tmp_path: Path, key: StudioKey) -> None:
    pattern = make_take(tmp_path / "take", frames=100)
    start = time.perf_counter()
    assert sign_take(pattern, key, MARK, PHOTOS)
    seconds = time.perf_counter() - start
    print(f"100 frames signed in {seconds * 1000:.1f} ms, {pattern.sidecar.stat().st_size} bytes")
    assert seconds < 1.0
    assert of_take(pattern) == (WHOLE, ())


@pytest.fixture
def told(tmp_path: Path, key: StudioKey) -> FramePattern:
    """A take whose manifest and report name folders of this machine."""
    pattern = make_take(tmp_path / "secret project" / "take")
    with open(pattern.manifest, "a") as file:
        run = last_run(pattern) | {
            "weights": f"{MARK.weights} {MARK.weights_hash}",
            "consent": {"kind": "own", "id": MARK.consent, "until": ""},
            "settings": {"clean_plate": "../plates/clean.exr", "motion": "auto", "note": "C:\\shots\\x.exr"},
            "files": {"weights": "/home/anna/w.safetensors", "plate": str(tmp_path / "secret project" / "plate.####.exr")},
        }
        file.write(json.dumps(run) + "\n")
    write_report(pattern)
    sign_take(pattern, key, MARK, PHOTOS)
    return pattern


def test_a_turnover_has_all_and_no_path_of_this_machine(
    told: FramePattern, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "delivery"
    assert main(["turnover", str(told), "-o", str(folder)]) == 0
    names = {path.name for path in folder.iterdir()}
    extra = {"shot_v001.c2pa", "shot_v001.manifest.jsonl", "shot_v001.report.html", "provenance.json", "credits.txt"}
    assert names == extra | {f"shot_v001.{frame}.exr" for frame in range(1001, 1006)} | {"model-card.md"}
    for path in folder.iterdir():
        content = path.read_bytes()
        for word in (b"secret project", b"/home/", b"C:\\\\shots", b"C:\\shots", b"../plates", str(tmp_path).encode()):
            assert word not in content, (path, word)
    known = json.loads((folder / "provenance.json").read_text())
    assert (known["signed"], known["signer"], known["consent"]["id"]) == (WHOLE, "Studio A", MARK.consent)
    assert "clean.exr" in (folder / "shot_v001.manifest.jsonl").read_text()
    assert "record 0123456789abcdef" in (folder / "shot_v001.report.html").read_text()
    assert "DeBruine" in (folder / "model-card.md").read_text()
    assert main(["verify", str(folder)]) == 0
    assert main(["turnover", str(told), "-o", str(folder)]) == 2
    assert "is not empty" in capsys.readouterr().err


def test_what_is_not_what_was_signed_is_not_handed_over(told: FramePattern, tmp_path: Path) -> None:
    content = bytearray(told.path(1002).read_bytes())
    content[-3] ^= 1
    told.path(1002).write_bytes(content)
    with pytest.raises(ChangedTakeError, match=r"1002\.exr was changed"):
        turn_over(told, tmp_path / "delivery", Path("none"), Silent())
    told.sidecar.unlink()
    with pytest.raises(ChangedTakeError, match="not what was rendered"):
        turn_over(told, tmp_path / "delivery", Path("none"), Silent())
    with pytest.raises(UnreadableImageError, match="no frames"):
        turn_over(FramePattern.parse(str(tmp_path / "x.####.exr")), tmp_path / "other", Path("none"), Silent())


def test_weights_of_others_have_no_card_of_ours(told: FramePattern, tmp_path: Path) -> None:
    with open(told.manifest, "a") as file:
        file.write(json.dumps(last_run(told) | {"weights": "my-own-v1 ab"}) + "\n")
    turn_over(told, tmp_path / "delivery", MODEL_CARD, Silent())
    assert not (tmp_path / "delivery" / "model-card.md").exists()
    assert "ask whoever made them" in (tmp_path / "delivery" / "credits.txt").read_text()


def test_paths_in_the_plates_headers_are_told_of(tmp_path: Path, key: StudioKey) -> None:
    pattern = FramePattern.parse(str(tmp_path / "take" / "shot.####.exr"))
    pattern.folder.mkdir()
    manifest = Manifest(pattern, {1: "x"})
    manifest.begin({})
    exr.write_rgba(pattern.path(1), np.zeros((8, 8, 4), np.float32), {"input/filename": "/mnt/shots/a.exr"})
    manifest.record(1)
    notes: list[str] = []
    reporter = Silent()
    reporter.note = notes.append  # type: ignore[method-assign]
    turn_over(pattern, tmp_path / "delivery", MODEL_CARD, reporter)
    assert notes[0] == "The take is not signed"
    assert "input/filename" in notes[1]


@pytest.mark.parametrize("ending", ["mp4", "mov", "png"])
def test_a_take_is_shared_marked_and_signed(told: FramePattern, tmp_path: Path, key: StudioKey, ending: str) -> None:
    with open(told.manifest, "a") as file:
        file.write(json.dumps(last_run(told) | {"plate": "x", "rate": 12.0, "photos": list(PHOTOS)}) + "\n")
    output = tmp_path / "shared" / f"preview.{ending}"
    assert main(["share", str(told), "-o", str(output)]) == 0
    assert [path.name for path in output.parent.iterdir()] == [output.name]
    [verdict] = verify(output)
    assert (verdict.state, verdict.signer, verdict.consent) == (WHOLE, "Studio A", MARK.consent)
    assert verdict.source_type == "compositeWithTrainedAlgorithmicMedia"
    reader = c2pa.Reader(str(output), context=offline(key.chain.decode()))
    hashes = [ingredient["instance_id"] for ingredient in reader.get_active_manifest()["ingredients"]]
    assert hashes[:2] == [f"sha256:{photo}" for photo in PHOTOS]
    clip = open_clip(str(output))
    pictures = [frame.picture for frame in clip.frames()]
    assert len(pictures) == (1 if ending == "png" else 5)
    # 1001/2048 of light over a grey of 0.18 at an alpha of as much, as sRGB.
    assert np.allclose(pictures[0], 200, atol=3)
    if ending != "png":
        assert clip.rate == 12
    assert b"secret project" not in output.read_bytes()


def test_only_what_can_carry_a_signature_is_shared(told: FramePattern, tmp_path: Path) -> None:
    assert main(["share", str(told), "-o", str(tmp_path / "x.gif")]) == 2
    assert main(["share", str(told), "-o", str(tmp_path / "x.png"), "--frames", "7"]) == 2
    assert main(["share", str(tmp_path / "none.####.exr"), "-o", str(tmp_path / "x.png")]) == 2
    assert not list(tmp_path.glob("x.*"))
