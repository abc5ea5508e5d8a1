# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that are damaged, mistaken for others or made to harm: one kind of error, which says which way out."""

from __future__ import annotations

import io
import json
import os
import random
import resource
import struct
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import OpenEXR
import pillow_heif
import pytest
import tifffile
from headcast.core.consent import read_consent
from headcast.core.errors import HeadcastError, NoPerformanceError, UnreadableImageError, WrongFileError
from headcast.core.imaging import exr
from headcast.core.imaging.pictures import read_alpha
from headcast.core.imaging.read import open_clip, read_photo
from headcast.core.landmarks import naming
from headcast.core.landmarks.livelink import read_livelink
from headcast.core.landmarks.naming import Match, load_matches, save_matches, tables
from headcast.core.likeness import Likeness, read_card
from headcast.core.performance import Performance, Phone
from headcast.core.provenance.keys import open_key
from headcast.core.provenance.marks import Mark
from headcast.core.provenance.signing import sign_take
from headcast.core.provenance.verifying import CHANGED, verify
from headcast.core.reading import kind_of
from headcast.core.take import FramePattern, Manifest, last_run, last_shot, read_manifest
from headcast.core.worker import protocol
from PIL import Image
from safetensors.numpy import load_file, save_file

from .test_livelink import clock, write_take
from .test_pictures import with_chunks

MUTATIONS = int(os.environ.get("HEADCAST_MUTATIONS", "200"))
"""Inputs for each reader."""


def likeness(photos: int = 2) -> Likeness:
    random_ = np.random.default_rng(0)
    return Likeness(
        preset="warp-256",
        weights="",
        pictures=random_.integers(0, 255, (photos, 64, 64, 3), np.uint8),
        mattes=random_.integers(0, 255, (photos, 64, 64), np.uint8),
        landmarks=random_.uniform(0, 64, (photos, 70, 2)).astype(np.float32),
        embedding=random_.normal(size=512).astype(np.float32),
        names=tuple(f"{i}.png" for i in range(photos)),
    )


def performance(frames: int = 8) -> Performance:
    random_ = np.random.default_rng(0)
    return Performance(
        frames=np.arange(1001, 1001 + frames, dtype=np.int32),
        landmarks=random_.uniform(0, 256, (frames, 70, 2)).astype(np.float32),
        expression=np.full((frames, 52), np.nan, np.float32),
        confidence=np.ones(frames, np.float32),
        crops=np.tile([128.0, 128.0, 200.0], (frames, 1)),
        width=256,
        height=256,
        rate=Fraction(24000, 1001),
        source="test",
        rest=random_.uniform(0, 256, (70, 2)).astype(np.float32),
        phones=(Phone("m", 0.0, 0.08), Phone("ˈa", 0.08, 0.2)),
    )


def rewrite(path: Path, **changes: object) -> None:
    """Write the performance at `path` anew with other arrays, or entries of its head."""
    with np.load(path) as archive:
        arrays = dict(archive)
    head = json.loads(str(arrays["head"]))
    for name, value in changes.items():
        (arrays if name in arrays else head)[name] = value
    arrays["head"] = np.array(json.dumps(head))
    with open(path, "wb") as file:
        np.savez_compressed(file, **arrays)


@pytest.fixture
def drive(tmp_path: Path) -> Path:
    performance().save(tmp_path / "y.performance")
    return tmp_path / "y.performance"


@pytest.fixture
def person(tmp_path: Path) -> Path:
    likeness().save(tmp_path / "x.likeness")
    return tmp_path / "x.likeness"


def refused(read: Callable[[Path], object], path: Path, *words: str, kind: type[HeadcastError] = WrongFileError) -> None:
    with pytest.raises(kind) as caught:
        read(path)
    said = str(caught.value)
    assert str(path) in said
    for word in words:
        assert word in said, said


def test_whole_files_are_read_as_they_were_written(drive: Path, person: Path) -> None:
    back = Performance.load(drive)
    assert np.array_equal(back.landmarks, performance().landmarks)
    assert np.array_equal(back.rest, performance().rest)
    assert back.phones == performance().phones
    assert (back.rate, back.width, back.frames.dtype) == (Fraction(24000, 1001), 256, np.int32)
    assert np.array_equal(Likeness.load(person).pictures, likeness().pictures)
    assert read_card(person).names == ("0.png", "1.png")


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"rate": [24, 0]}, "rate"),
        ({"rate": 24}, "rate"),
        ({"width": "wide"}, "width"),
        ({"height": float("nan")}, "height"),
        ({"source": 7}, "source"),
        ({"phones": 7}, "its phones are no list"),
        ({"phones": [["m", 0.0]]}, "a phone is ['m', 0.0]"),
        ({"phones": [["m", 1.0, 0.5]]}, "the phone m ends before it begins"),
        ({"phones": [["m", float("nan"), 0.5]]}, "a phone's time is nan"),
        ({"rest": np.zeros((7, 2), np.float32)}, "rest is [7, 2]"),
        ({"landmarks": np.zeros((8, 5, 2), np.float32)}, "landmarks is [8, 5, 2] where [8, 70, 2] is wanted"),
        ({"landmarks": np.full((8, 70, 2), np.inf, np.float32)}, "landmarks is not finite"),
        ({"landmarks": np.full((8, 70, 2), np.nan, np.float32)}, "a face that was seen has no landmarks"),
        ({"confidence": np.full(8, 7, np.float32)}, "confidence"),
        ({"confidence": np.array(["a"] * 8)}, "confidence is of the type"),
        ({"crops": np.zeros((8, 3))}, "a crop has no size"),
        ({"crops": np.zeros((9, 3))}, "crops is [9, 3]"),
        ({"frames": np.zeros(8, np.int32)}, "frames do not rise"),
        ({"frames": np.arange(8) + (1 << 40)}, "frames does not fit int32"),
    ],
)
def test_a_performance_of_wrong_values_says_which(drive: Path, changes: dict[str, object], word: str) -> None:
    rewrite(drive, **changes)
    refused(Performance.load, drive, word, "Track the clip again")


def test_a_performance_with_a_broken_stream_is_damaged(drive: Path) -> None:
    content = bytearray(drive.read_bytes())
    at = content.index(b"landmarks.npy") + 400
    content[at : at + 50] = bytes(50)
    drive.write_bytes(content)
    refused(Performance.load, drive, "damaged")


def test_a_zip_that_unpacks_a_thousand_times_is_not_unpacked(tmp_path: Path) -> None:
    bomb = tmp_path / "y.performance"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        content = io.BytesIO()
        np.save(content, np.zeros((200_000, 70, 2), np.float32))
        for name in ("head.npy", "landmarks.npy"):
            archive.writestr(name, content.getvalue())
    assert bomb.stat().st_size < 300_000
    refused(Performance.load, bomb, "it unpacks to 213 MiB, and may to")


def test_an_array_that_asks_for_more_than_it_holds_is_not_given_it(drive: Path) -> None:
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f4", "fortran_order": False, "shape": (1 << 40,)})
    with zipfile.ZipFile(drive) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(drive, "w") as archive:
        for name, content in (members | {"landmarks.npy": header.getvalue()}).items():
            archive.writestr(name, content)
    refused(Performance.load, drive, "cut short")


def test_files_in_each_others_place_are_called_what_they_are(drive: Path, person: Path, tmp_path: Path) -> None:
    refused(Performance.load, person, "is a likeness, not a performance")
    refused(Likeness.load, drive, "is a performance, not a likeness")
    refused(read_card, drive, "is a performance, not a likeness")
    np.save(tmp_path / "a.npy", np.zeros(3))
    refused(Performance.load, tmp_path / "a.npy", "is a NumPy array, not a performance")
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((8, 8, 3), np.uint8))
    refused(Likeness.load, tmp_path / "a.png", "is a PNG picture, not a likeness")
    refused(read_photo, person, "is a likeness, not a picture", kind=UnreadableImageError)
    (tmp_path / "none").touch()
    refused(Likeness.load, tmp_path / "none", "is an empty file, not a likeness")
    refused(Likeness.load, tmp_path, "is a folder")
    refused(Performance.load, tmp_path / "nowhere", "is not there", "clip", kind=NoPerformanceError)
    assert [kind_of(path) for path in (person, drive)] == ["a likeness", "a performance"]


def test_what_is_no_file_is_not_read(tmp_path: Path) -> None:
    """A pipe would hold Blender for good, and a device never ends."""
    os.mkfifo(tmp_path / "pipe")
    for read in (Performance.load, Likeness.load, read_card, read_consent):
        refused(read, tmp_path / "pipe", "is no file, not a")
        refused(read, Path("/dev/zero"), "is no file, not a")
    long = tmp_path / ("d" * 300)
    refused(Likeness.load, long, "is not there")
    with pytest.raises(HeadcastError):
        open_clip(str(long))


@pytest.mark.parametrize(
    ("name", "array", "word"),
    [
        ("mattes", np.zeros((1, 64, 64), np.uint8), "mattes is [1, 64, 64] where [2, 64, 64] is wanted"),
        ("landmarks", np.zeros((2, 5, 2), np.float32), "landmarks is [2, 5, 2]"),
        ("landmarks", np.zeros((2, 70, 2), np.float64), "landmarks is of the type F64"),
        ("pictures", np.zeros((2, 64, 32, 3), np.uint8), "pictures is [2, 64, 32, 3]"),
        ("pictures", np.zeros((2,), np.uint8), "pictures is [2]"),
        ("embedding", np.zeros(0, np.float32), "embedding is [0]"),
        ("fine", np.zeros((3, 128, 128, 3), np.uint8), "fine is [3, 128, 128, 3]"),
    ],
)
def test_a_likeness_of_wrong_shapes_says_which(person: Path, name: str, array: np.ndarray, word: str) -> None:
    again(person, {**load_file(person), name: array})
    for read in (Likeness.load, read_card):
        refused(read, person, word, "Adapt the photos again")


def again(person: Path, tensors: dict[str, np.ndarray], **head: object) -> None:
    """Write the likeness anew with other tensors, or entries of its head."""
    length = int.from_bytes(person.read_bytes()[:8], "little")
    card = json.loads(json.loads(person.read_bytes()[8 : 8 + length])["__metadata__"]["headcast"])
    save_file(tensors, person, metadata={"headcast": json.dumps({**card, **head})})


def test_a_likeness_of_numbers_that_are_none_is_refused(person: Path) -> None:
    tensors = load_file(person)
    for name in ("landmarks", "embedding"):
        again(person, {**tensors, name: np.full_like(tensors[name], np.nan)})
        refused(Likeness.load, person, f"{name} is not finite")
    again(person, tensors, names=["one.png"])
    refused(read_card, person, "names is [1] where [2] is wanted")
    again(person, tensors, gain=float("nan"))
    refused(read_card, person, "gain")
    again(person, tensors, format=99)
    refused(Likeness.load, person, "newer Headcast", "Update")


def test_weights_that_do_not_fit_say_where(tmp_path: Path, person: Path) -> None:
    from headcast.core.network.build import build_painter
    from headcast.core.painting.weights import critics_path, load_critics, load_weights, save_weights

    painter = build_painter("warp-256", 128)
    path = tmp_path / "w.safetensors"
    save_weights(painter, "test", path)
    assert load_weights(painter, path) == "test"
    tensors, head = load_file(path), {"headcast.weights": "test", "headcast.preset": "warp-256"}
    first = next(name for name, tensor in sorted(tensors.items()) if tensor.ndim > 1)
    for change, word in (
        ({first: np.zeros((3, 3), np.float16)}, f"{first} is [3, 3]"),
        ({first: np.full_like(tensors[first], np.nan)}, f"{first} is not finite"),
        ({"strange": np.zeros(3, np.float16)}, "does not fit 'warp-256': strange"),
        ({first: tensors[first].astype(np.int32)}, f"{first} is of the type I32"),
    ):
        save_file({**tensors, **change}, path, metadata=head)
        refused(lambda at: load_weights(painter, at), path, word, "Fetch it again")
    refused(lambda at: load_weights(painter, at), person, "is a likeness, not a weights file")
    save_weights(painter, "test", critics_path(path))
    refused(lambda at: load_critics(path, "warp-256"), critics_path(path), "holds no discriminators", "Fetch it again")


def png_of_nothing(width: int, height: int) -> bytes:
    chunks = (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)), (b"IDAT", zlib.compress(b"")), (b"IEND", b"")
    packed = [
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in chunks
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


def test_pictures_that_ask_for_all_memory_are_refused(tmp_path: Path) -> None:
    huge = tmp_path / "a.png"
    for width, word in ((60000, "3600000000 pixels"), (2000, "asks for 2000 x 60000 pixels, and is")):
        huge.write_bytes(png_of_nothing(width, 60000))
        refused(read_photo, huge, word, kind=UnreadableImageError)
    plate = tmp_path / "a.exr"
    pixels = np.zeros((8, 8, 3), np.float16)
    OpenEXR.File({"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}, {"RGB": pixels}).write(str(plate))
    small = plate.read_bytes()
    window = small.index(b"dataWindow") + len("dataWindow\0box2i\0") + 4
    for side, word in ((600_000, "asks for 600000 x 600000 pixels"), (12_000, "bytes long")):
        box = struct.pack("<4i", 0, 0, side - 1, side - 1)
        plate.write_bytes(small[:window] + box + small[window + 16 :])
        for read in (exr.read_rgba, exr.read_layers, exr.read_attributes):
            refused(read, plate, word, kind=UnreadableImageError)


def mutated(content: bytes, dice: random.Random) -> bytes:
    """Bytes flipped, cut, doubled or made extreme, mostly near the beginning, where headers are."""
    made = bytearray(content)
    for _ in range(dice.choice((1, 1, 2, 8))):
        at = int(len(made) * dice.random() ** dice.choice((1, 4, 8)))
        match dice.randrange(5):
            case 0:
                made[at : at + 1] = bytes([dice.randrange(256)])
            case 1:
                made[at : at + 4] = dice.choice((b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", bytes(4), b"\xff\xff\xff\x7f"))
            case 2:
                del made[at : at + dice.randrange(1, 40)]
            case 3:
                made[at:at] = made[at : at + dice.randrange(1, 40)]
            case _:
                del made[max(at, 1) : None if dice.random() < 0.3 else at + 2]
    return bytes(made)


FUZZ = """
import os, random, resource, sys
from pathlib import Path
from tests.core.test_checking import READERS, mutated
from headcast.core.errors import EmptyClipError, PresetMismatchError, UnreadableImageError, WrongFileError
reader, path, count = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
read, whole = READERS[reader], path.read_bytes()
read(path)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
refused = 0
for seed in range(count):
    path.write_bytes(mutated(whole, random.Random(seed)))
    try:
        read(path)
    except (WrongFileError, UnreadableImageError, EmptyClipError, PresetMismatchError) as error:
        assert str(path) in str(error), (seed, error)
        refused += 1
    except BaseException as error:
        raise SystemExit(f"seed {seed}: {type(error).__name__}: {error}")
print(refused, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) >> 10)
os._exit(0)
"""


def read_weights(path: Path) -> object:
    from headcast.core.network.build import build_painter
    from headcast.core.painting.weights import load_weights

    global PAINTER
    PAINTER = PAINTER or build_painter("warp-256", 128)
    return load_weights(PAINTER, path)


PAINTER: Any = None
"""Built once: only what it is given changes."""


def read_photo_and_alpha(path: Path) -> object:
    return read_photo(path), read_alpha(path)


def read_worker(path: Path) -> None:
    """What both ends do with lines before a job begins or a message is shown."""
    for line in path.read_bytes().decode("utf-8", "replace").splitlines():
        message = protocol.decode(line)
        if message is not None:
            protocol.encode(message)
            assert isinstance(protocol.error_of(message), HeadcastError)
            assert all(isinstance(protocol.number_of(message, key), int | None) for key in ("id", "cancel"))


SLOW = {"weights": 20, "mp4": 5}
"""Readers of so much that they get so many times fewer inputs, unless a number was asked for."""
NEVER_REFUSED = {"manifest", "worker"}
"""A line that is none counts for nothing."""


def signed(path: Path) -> None:
    """Read a take's sidecar; what does not hold is an error here."""
    [found] = verify(path)
    if found.state == CHANGED:
        raise UnreadableImageError(f"{path} is damaged ({found.findings})", "")


READERS: dict[str, Callable[[Path], object]] = {
    "json": read_consent,
    "c2pa": signed,
    "weights": read_weights,
    "csv": read_livelink,
    "map": load_matches,
    "table": lambda path: tables("shapes", [path.parent]),
    "manifest": lambda path: read_manifest(FramePattern.parse(str(path.parent / "t_v001.####.exr"))),
    "worker": read_worker,
    "likeness": Likeness.load,
    "card": read_card,
    "performance": Performance.load,
    "exr": exr.read_rgba,
    "layers": exr.read_layers,
    "mp4": lambda path: list(open_clip(str(path)).linear_frames()),
    **dict.fromkeys(("png", "jpg", "tif", "webp", "bmp", "heic", "avif"), read_photo),
    **dict.fromkeys(("planes", "matted", "stated"), read_photo_and_alpha),
}


def small_file(reader: str, folder: Path) -> Path:
    """A real file for `reader`, as small as may be."""
    endings = {"layers": "exr", "table": "json", "weights": "safetensors", "planes": "tif", "matted": "tif", "stated": "png"}
    path = folder / f"a.{endings.get(reader, reader)}"
    picture = np.random.default_rng(0).integers(0, 255, (16, 24, 3), np.uint8)
    if reader in ("likeness", "card"):
        likeness().save(path)
    elif reader == "performance":
        performance().save(path)
    elif reader == "json":
        path.write_text(
            json.dumps({"kind": "person", "subject": "a", "allowed_by": "b", "scope": "c", "until": "2999-01-31"})
        )
    elif reader == "c2pa":
        pattern = FramePattern.parse(str(folder / "a.####.exr"))
        exr.write_rgba(pattern.path(1), np.zeros((8, 8, 4), np.float32), {})
        manifest = Manifest(pattern, {1: "x"})
        manifest.begin({})
        manifest.record(1)
        sign_take(pattern, open_key(), Mark("a", "w", "b", "", False), ())
    elif reader == "exr":
        exr.write_rgba(path, np.random.default_rng(0).random((16, 24, 4), np.float32), {"note": "test"})
    elif reader == "layers":
        light = np.random.default_rng(0).random((16, 24, 3), np.float32)
        exr.write_layers(path, {"comp": exr.Layer(light), "matte": exr.Layer(light[..., 0])}, {})
    elif reader == "weights":
        from headcast.core.network.build import build_painter
        from headcast.core.painting.weights import save_weights

        save_weights(build_painter("warp-256", 128), "test", path)
    elif reader == "csv":
        write_take(path, [clock(i) for i in range(4)], JawOpen=[0, 1, 0, 1])
    elif reader == "map":
        save_matches(path, "ours", "bones", [Match("lid.T.R@head", "lm_36", 0.25), Match("lid.T.R@tail", "lm_36", 0.75)])
    elif reader == "table":
        path.write_bytes((Path(naming.__file__).parent / "names" / "vrm.json").read_bytes())
    elif reader == "manifest":
        path = FramePattern.parse(str(folder / "t_v001.####.exr")).manifest
        manifest = Manifest(FramePattern.parse(str(folder / "t_v001.####.exr")), {1: "a", 2: "b"})
        manifest.begin({"likeness": "x"})
        for frame in (1, 2):
            (folder / f"t_v001.{frame:04d}.exr").write_bytes(b"a frame")
            manifest.record(frame, beside=True, identity_distance=0.25)
    elif reader == "worker":
        failed = protocol.error_message(WrongFileError("it is damaged", "mend it"))
        step = {"event": "step", "what": "render", "done": 3, "total": 48}
        asked = {"id": 1, "job": "render", "arguments": {}, "settings": {"photos": 3}}
        path.write_text("".join(map(protocol.encode, (asked, {"cancel": 1}, {"id": 1, **step}, {"id": 1, **failed}))))
    elif reader == "mp4":
        with av.open(str(path), "w") as movie:
            stream = movie.add_stream("libx264", rate=25)
            stream.width, stream.height, stream.pix_fmt = 24, 16, "yuv420p"
            for _ in range(4):
                movie.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
            movie.mux(stream.encode())
    elif reader == "planes":
        deep = np.random.default_rng(0).integers(0, 65535, (4, 16, 24), np.uint16)
        how = {"photometric": "rgb", "planarconfig": "separate", "extrasamples": ["assocalpha"]}
        tifffile.imwrite(path, deep, **how)
    elif reader == "matted":
        matted = np.dstack([picture, picture[..., :1]])
        tifffile.imwrite(path, matted, photometric="rgb", extrasamples=["unassalpha"], compression="zlib")
    elif reader == "stated":
        Image.fromarray(np.dstack([picture, picture[..., :1]])).save(path)
        with_chunks(path, (b"gAMA", struct.pack(">I", 100000)), (b"cICP", bytes([9, 16, 0, 1])))
    elif reader in ("heic", "avif"):
        pillow_heif.register_heif_opener()
        Image.fromarray(picture).resize((64, 64)).save(path)
    else:
        cv2.imwrite(str(path), picture)
    return path


@pytest.mark.parametrize(
    "line",
    [
        b'{"frame": ["a"], "file": "t_v001.0002.exr"}',
        b'{"frame": "t_v001.0002.exr"}',
        b'{"run": "x", "frames": {",": "a"}}',
        b'{"run": "x", "frames": {"1": 2}}',
        b'{"run": "x", "frames": ["1"]}',
        b'{"frame": 2, "flagged": "mouth"}',
        b'{"shot": "x", "sampled": {"one": "a"}}',
        b'{"frame": 2.5}',
        b"[1]",
    ],
)
def test_a_line_of_a_manifest_that_a_disk_has_damaged_counts_for_nothing(line: bytes, tmp_path: Path) -> None:
    """Found by the fuzz run of 10,000."""
    path = small_file("manifest", tmp_path)
    pattern = FramePattern.parse(str(tmp_path / "t_v001.####.exr"))
    whole = read_manifest(pattern)
    path.write_bytes(path.read_bytes() + line + b"\n")
    assert read_manifest(pattern) == whole
    assert sorted(whole) == [1, 2]
    assert last_run(pattern)["likeness"] == "x"
    assert last_shot(pattern) == {}


@pytest.mark.parametrize("reader", READERS)
def test_whatever_is_damaged_is_refused_within_bounds_of_memory(reader: str, tmp_path: Path) -> None:
    path = small_file(reader, tmp_path)
    count = MUTATIONS if "HEADCAST_MUTATIONS" in os.environ else MUTATIONS // SLOW.get(reader, 1)
    command = [sys.executable, "-c", FUZZ, reader, str(path), str(count)]
    limit = lambda: resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # noqa: E731
    root = Path(__file__).parents[2]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=root, preexec_fn=limit)
    assert done.returncode == 0, done.stderr[-1000:]
    refused_, mebibytes = map(int, done.stdout.split()[-2:])  # the libraries say things, too
    assert refused_ > count // 20 or reader in NEVER_REFUSED
    # A display window of 8K is real, however small the file.
    assert mebibytes < (1500 if reader in ("exr", "layers") else 600)
