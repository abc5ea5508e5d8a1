# SPDX-License-Identifier: GPL-3.0-or-later
"""Movies say how they are to be shown: matrix, range, depth, light, rotation, what an edit list leaves out."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from headcast.core.errors import EmptyClipError
from headcast.core.imaging.colour_space import REC2020, matrix_to_rec709
from headcast.core.imaging.read import open_clip
from headcast.core.rendering.plate import Plate
from headcast.core.timecode import label_after

MATRIX_709 = np.array([[0.2126, 0.7152, 0.0722], [-0.1146, -0.3854, 0.5], [0.5, -0.4542, -0.0458]])
MATRIX_601 = np.array([[0.299, 0.587, 0.114], [-0.1687, -0.3313, 0.5], [0.5, -0.4187, -0.0813]])
MATRIX_2020 = np.array([[0.2627, 0.678, 0.0593], [-0.1396, -0.3604, 0.5], [0.5, -0.4598, -0.0402]])
"""R'G'B' to Y'CbCr (BT.709, BT.601, BT.2020)."""
COLOUR = np.array([0.8, 0.3, 0.15])
Size = tuple[int, int]


def write_movie(
    path: Path,
    signals: list[np.ndarray],
    matrix: np.ndarray,
    size: Size = (64, 48),
    full: bool = False,
    tags: tuple[int, int, int] = (2, 2, 2),
    deep: bool = False,
    tweak: Callable[[av.VideoStream], None] = lambda stream: None,
) -> None:
    """Each picture is of one R'G'B' signal, or of a row of them [W, 3]; tags: H.273's primaries, transfer and matrix."""
    width, height = size
    white = 1023.0 if deep else 255.0
    bits = 4 if deep else 1
    with av.open(str(path), "w") as movie:
        stream = movie.add_stream("libx264", rate=25, options={"crf": "0", "qp": "0"})
        stream.width, stream.height = width, height
        stream.pix_fmt = "yuv444p10le" if deep else "yuv444p"
        code = stream.codec_context
        code.color_primaries, code.color_trc, code.colorspace = tags
        code.color_range = 2 if full else 1
        tweak(stream)
        for signal in signals:
            row = np.broadcast_to(signal, (width, 3)) if signal.ndim == 1 else signal
            y, cb, cr = matrix @ row.T
            if full:
                planes = y * white, (cb + 0.5) * white, (cr + 0.5) * white
            else:
                planes = (16 + 219 * y) * bits, (128 + 224 * cb) * bits, (128 + 224 * cr) * bits
            frame = av.VideoFrame(width, height, stream.pix_fmt)
            kind = np.uint16 if deep else np.uint8
            for plane, values in zip(frame.planes, planes, strict=True):
                rows = np.zeros((height, plane.line_size // kind().itemsize), kind)
                rows[:, :width] = np.clip(np.round(values), 0, white)
                plane.update(rows.tobytes())
            frame.color_range, frame.colorspace = code.color_range, tags[2]
            frame.color_primaries, frame.color_trc = tags[:2]
            movie.mux(stream.encode(frame))
        movie.mux(stream.encode())


def first(path: Path) -> np.ndarray:
    return next(open_clip(str(path)).frames()).picture[20, 30] / 255.0


@pytest.mark.parametrize(
    ("matrix", "tag", "size", "full"),
    [
        (MATRIX_709, 1, (64, 48), False),
        (MATRIX_709, 1, (64, 48), True),
        (MATRIX_601, 5, (64, 48), False),
        (MATRIX_601, 6, (64, 48), True),
        (MATRIX_2020, 9, (64, 48), False),
        (MATRIX_601, 2, (64, 48), False),
        (MATRIX_709, 2, (1280, 720), False),
    ],
)
def test_matrix_and_range_are_those_that_the_stream_names(
    matrix: np.ndarray, tag: int, size: Size, full: bool, tmp_path: Path
) -> None:
    write_movie(tmp_path / "a.mp4", [COLOUR] * 2, matrix, size, full, (2, 2, tag))
    assert np.abs(first(tmp_path / "a.mp4") - COLOUR).max() < 2 / 255


def test_of_several_streams_the_largest_is_read_and_it_is_said(tmp_path: Path) -> None:
    """Cameras put a small one for previews beside the picture, and not always behind it."""
    with av.open(str(tmp_path / "a.mkv"), "w") as movie:
        streams = [movie.add_stream("ffv1", rate=24) for _ in range(3)]
        for stream, width in zip(streams, (32, 64, 48), strict=True):
            stream.width, stream.height, stream.pix_fmt = width, width // 2, "bgr0"
        for stream in streams:
            signal = np.full((stream.height, stream.width, 3), stream.width, np.uint8)
            for _ in range(3):
                movie.mux(stream.encode(av.VideoFrame.from_ndarray(signal, "rgb24").reformat(format="bgr0")))
            movie.mux(stream.encode())
    clip = open_clip(str(tmp_path / "a.mkv"))
    pictures = [frame.picture for frame in clip.frames()]
    assert [picture.shape for picture in pictures] == [(32, 64, 3)] * 3
    assert (pictures[0] == 64).all()
    assert clip.note == "it holds 3 streams of pictures, of which the largest is read"


def test_ten_bits_reach_the_plate(tmp_path: Path) -> None:
    ramp = np.repeat(np.linspace(0.3, 0.34, 64)[:, None], 3, axis=1)
    write_movie(tmp_path / "a.mp4", [ramp], MATRIX_709, tags=(1, 1, 1), deep=True)
    ((number, light),) = open_clip(str(tmp_path / "a.mp4"), first=7).linear_frames()
    assert number == 7
    assert len(np.unique(light[20, :, 1])) > 30
    truth = ((ramp[:, 1] + 0.055) / 1.055) ** 2.4
    assert np.abs(light[20, :, 1] / truth - 1).max() < 6e-3


def hlg(light: np.ndarray) -> np.ndarray:
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    return np.where(light <= 1 / 12, np.sqrt(3 * light), a * np.log(np.maximum(12 * light - b, 1e-9)) + c)


def pq(nits: np.ndarray) -> np.ndarray:
    power = (nits / 10000.0) ** (2610 / 16384)
    return ((3424 / 4096 + 2413 / 128 * power) / (1 + 2392 / 128 * power)) ** (2523 / 32)


@pytest.mark.parametrize(("transfer", "curve", "white", "name"), [(18, hlg, 0.26496, "HLG"), (16, pq, 203.0, "PQ")])
def test_hdr_is_read_as_light(
    transfer: int, curve: Callable[[np.ndarray], np.ndarray], white: float, name: str, tmp_path: Path
) -> None:
    greys = np.repeat(np.repeat([0.1, 0.5, 1.0, 3.0], 16)[:, None], 3, axis=1)
    red = np.broadcast_to(np.linalg.inv(matrix_to_rec709(REC2020)) @ [0.5, 0.0, 0.0], (64, 3))
    signals = [curve(np.maximum(light, 0) * white) for light in (greys, red)]
    write_movie(tmp_path / "a.mp4", signals, MATRIX_2020, tags=(9, transfer, 9), deep=True)
    clip = open_clip(str(tmp_path / "a.mp4"))
    assert f"{name} of 10 bits" in clip.note
    grey, seen_red = (light[20] for _, light in clip.linear_frames())
    assert np.allclose(grey[8::16], greys[8::16], rtol=0.02)
    assert np.allclose(seen_red[30], [0.5, 0.0, 0.0], atol=0.01)
    # What is shown to a detector is cut at white, not wrapped.
    shown = next(clip.frames()).picture[20, 8::16, 0]
    assert shown[2:].tolist() == [255, 255]
    assert shown[0] == pytest.approx(255 * (1.055 * 0.1 ** (1 / 2.4) - 0.055), abs=3)


def greys(count: int) -> list[np.ndarray]:
    return [np.full(3, 0.1 + 0.02 * i) for i in range(count)]


def shown(path: Path) -> list[int]:
    return [round((float(frame.picture.mean()) / 255 - 0.1) / 0.02) for frame in open_clip(str(path)).frames()]


def test_what_an_edit_list_leaves_out_is_not_there(tmp_path: Path) -> None:
    write_movie(tmp_path / "whole.mp4", greys(20), MATRIX_709, tags=(1, 1, 1))
    with av.open(str(tmp_path / "whole.mp4")) as whole, av.open(str(tmp_path / "cut.mp4"), "w") as cut:
        stream = cut.add_stream_from_template(whole.streams.video[0])
        for packet in whole.demux(video=0):
            if packet.size:
                shift = round(Fraction(5, 25) / packet.time_base)
                packet.pts, packet.dts, packet.stream = packet.pts - shift, packet.dts - shift, stream
                cut.mux(packet)
    assert shown(tmp_path / "whole.mp4") == list(range(20))
    assert shown(tmp_path / "cut.mp4") == list(range(5, 20))
    assert open_clip(str(tmp_path / "cut.mp4")).rate == 25


def test_a_damaged_picture_leaves_the_one_before_on_the_screen(tmp_path: Path) -> None:
    def one_key(stream: av.VideoStream) -> None:
        stream.codec_context.gop_size = 1

    write_movie(tmp_path / "a.mp4", greys(12), MATRIX_709, tags=(1, 1, 1), tweak=one_key)
    with av.open(str(tmp_path / "a.mp4")) as movie:
        places = [(packet.pos, packet.size) for packet in movie.demux(video=0) if packet.size]
    content = bytearray((tmp_path / "a.mp4").read_bytes())
    at, size = places[6]
    content[at : at + size] = b"\xff" * size
    (tmp_path / "a.mp4").write_bytes(content)
    assert shown(tmp_path / "a.mp4") == [0, 1, 2, 3, 4, 5, 5, 7, 8, 9, 10, 11]


def test_a_movie_that_is_cut_short_ends_early(tmp_path: Path) -> None:
    write_movie(tmp_path / "a.mkv", greys(40), MATRIX_709, tags=(1, 1, 1))
    content = (tmp_path / "a.mkv").read_bytes()
    (tmp_path / "a.mkv").write_bytes(content[: len(content) * 2 // 3])
    seen = shown(tmp_path / "a.mkv")
    assert 5 < len(seen) < 40
    assert seen == list(range(len(seen)))


def test_pixels_that_are_not_square_are_named(tmp_path: Path) -> None:
    def wide(stream: av.VideoStream) -> None:
        stream.codec_context.sample_aspect_ratio = Fraction(2)

    write_movie(tmp_path / "a.mp4", greys(2), MATRIX_709, tags=(1, 1, 1), tweak=wide)
    assert "its pixels are 2 times as wide as high" in open_clip(str(tmp_path / "a.mp4")).note


@pytest.mark.parametrize(
    ("matrix", "corner"),
    [
        ((1, 0, 0, 1), (0, 0)),
        ((0, 1, -1, 0), (0, 1)),
        ((-1, 0, 0, -1), (1, 1)),
        ((0, -1, 1, 0), (1, 0)),
        ((-1, 0, 0, 1), (0, 1)),
        ((1, 0, 0, -1), (1, 0)),
        ((0, 1, 1, 0), (0, 0)),
        ((0, 0, 0, 0), (0, 0)),
    ],
)
def test_turned_and_mirrored_movies_are_upright(
    matrix: tuple[int, int, int, int], corner: tuple[int, int], tmp_path: Path
) -> None:
    """The track header's matrix says where the top left corner of the stored picture is shown."""
    with av.open(str(tmp_path / "a.mov"), "w") as movie:
        stream = movie.add_stream("png", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "rgb24"
        picture = np.zeros((48, 64, 3), np.uint8)
        picture[:12, :12] = 255
        movie.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        movie.mux(stream.encode())
    content = bytearray((tmp_path / "a.mov").read_bytes())
    a, b, c, d = (value << 16 for value in matrix)
    at = content.index(b"tkhd") + 44
    content[at : at + 36] = b"".join(n.to_bytes(4, "big", signed=True) for n in (a, b, 0, c, d, 0, 0, 0, 1 << 30))
    (tmp_path / "a.mov").write_bytes(content)
    shown = next(open_clip(str(tmp_path / "a.mov")).frames()).picture
    assert shown.shape == ((64, 48, 3) if matrix[1] else (48, 64, 3))
    assert shown[(2, -3)[corner[0]], (2, -3)[corner[1]]].tolist() == [255, 255, 255]
    assert (shown == 255).sum() == 12 * 12 * 3


def test_a_movies_alpha_and_time_code_go_on(tmp_path: Path) -> None:
    rgba = np.zeros((48, 64, 4), np.uint8)
    rgba[..., 0], rgba[..., 3] = 255, 128
    with av.open(str(tmp_path / "a.mov"), "w") as movie:
        stream = movie.add_stream("qtrle", rate=Fraction(30000, 1001))
        stream.width, stream.height, stream.pix_fmt = 64, 48, "argb"
        stream.metadata["timecode"] = "01:00:59;28"
        for _ in range(3):
            movie.mux(stream.encode(av.VideoFrame.from_ndarray(rgba, format="rgba").reformat(format="argb")))
        movie.mux(stream.encode())
    plate = Plate(str(tmp_path / "a.mov"), 1001, "auto")
    assert plate.has_alpha
    light, alpha, _ = plate.frame(1001)
    assert np.allclose(alpha, 128 / 255, atol=1e-3)
    assert np.allclose(light[5, 5], [128 / 255, 0, 0], atol=1e-3)
    codes = [plate.attributes(number)["timeCode"] for number in (1001, 1002, 1003)]
    assert [(code.hours, code.minutes, code.seconds, code.frame) for code in codes] == [
        (1, 0, 59, 28),
        (1, 0, 59, 29),
        (1, 1, 0, 2),
    ]


@pytest.mark.parametrize(
    ("first", "frames", "rate", "wanted"),
    [
        ("01:09:59;29", 1, Fraction(30000, 1001), (1, 10, 0, 0)),
        ("00:00:00;00", 107892, Fraction(30000, 1001), (1, 0, 0, 0)),
        ("23:59:59;29", 1, Fraction(30000, 1001), (0, 0, 0, 0)),
        ("00:00:59;59", 1, Fraction(60000, 1001), (0, 1, 0, 4)),
        ("00:00:59:29", 1, Fraction(30000, 1001), (0, 1, 0, 0)),
        ("10:00:00:23", 1, Fraction(24000, 1001), (10, 0, 1, 0)),
        ("10:00:00:25", 1, Fraction(25), None),
        ("at ten", 1, Fraction(25), None),
        ("00:01:00;00", 1, Fraction(30000, 1001), None),
    ],
)
def test_time_codes_count_as_cameras_do(first: str, frames: int, rate: Fraction, wanted: tuple[int, ...] | None) -> None:
    found = label_after(first, frames, rate)
    assert (found and found[:4]) == wanted


def test_colours_that_are_not_known_are_said(tmp_path: Path) -> None:
    for tags, known in (((1, 1, 1), True), ((2, 2, 8), False), ((10, 1, 1), False), ((1, 9, 1), False)):
        write_movie(tmp_path / "a.mkv", greys(2), MATRIX_709, tags=tags)
        assert ("are not known here" in open_clip(str(tmp_path / "a.mkv")).note) != known


def test_a_name_is_a_file_and_no_address(tmp_path: Path) -> None:
    odd = tmp_path / "concat:a|b.mp4"
    write_movie(tmp_path / "a.mp4", greys(3), MATRIX_709, tags=(1, 1, 1))
    (tmp_path / "a.mp4").rename(odd)
    assert shown(odd) == [0, 1, 2]
    (tmp_path / "list.m3u8").write_text("#EXTM3U\n#EXTINF:1\n/etc/passwd\n#EXT-X-ENDLIST\n")
    (tmp_path / "no.mp4").write_bytes(b"no movie at all" * 100)
    for name in ("list.m3u8", "no.mp4"):
        with pytest.raises(EmptyClipError, match=name):
            open_clip(str(tmp_path / name))
