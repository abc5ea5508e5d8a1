# SPDX-License-Identifier: GPL-3.0-or-later
"""Movies through PyAV (FFmpeg): when their pictures come on, and the pictures as the stream says that they are to be shown.

Matrix, range and turn are what the stream says; where it names no matrix, BT.709 from 720 lines on and BT.601 below, as
players take it. The light of HDR (HLG, PQ) and of wide primaries is in `broadcast`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import av
import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation
from av.video.stream import VideoStream
from numpy.typing import NDArray

from ..errors import EmptyClipError
from ..reading import Reader

CONTAINERS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpeg,mpegvideo,mpegts,mxf,asf,flv,ogg,h264,hevc,m4v,dv,gif"
"""Formats that are opened, by FFmpeg's names: none that names other files or places."""
MATRICES = {1: "ITU709", 4: "FCC", 5: "ITU601", 6: "SMPTE170M", 7: "SMPTE240M", 9: "BT2020", 10: "BT2020"}
"""By H.273's number, as PyAV calls them."""
HD_LINES = 720
FULL_RANGE = 2
UNNAMED_MATRICES = (0, 2, 3)
"""H.273's numbers for R, G and B themselves, and for none named."""
TURN = "DISPLAYMATRIX"
COVER = av.stream.Disposition.attached_pic
"""Of a stream that is a poster."""
SCALING = Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT

VideoPixels = NDArray[np.uint8] | NDArray[np.uint16]


class Stream(NamedTuple):
    """A movie's own description of its pictures."""

    stamps: tuple[Fraction, ...]
    """Seconds at which each picture comes on, rising; empty where the container does not say for all."""
    pictures: int
    claimed: Fraction
    """Frames per second, as the container has them."""
    bits: int
    """Bits per colour."""
    primaries: int
    transfer: int
    matrix: int
    """By H.273's numbers; 2 where the stream names none."""
    alpha: bool
    """Whether its pictures have a matte."""
    timecode: str
    """Of the first picture; empty where there is none."""
    pixel_aspect: Fraction
    """Width of a pixel over its height, in upright pictures."""
    width: int
    """Of an upright picture, in its own pixels."""
    interlaced: bool
    beside: int
    """Other streams of pictures in the file."""


def read_stream(path: Path) -> Stream:
    """Read the headers, the time stamps and one picture. Raises EmptyClipError where there is none to show."""
    stamps, pictures = _stamps(path)
    with _opened(path) as (movie, stream):
        first = next(_frames(movie, stream), None)
        if first is None:
            raise EmptyClipError(f"{path} holds no frame that can be decoded", "Give a movie, or a folder of pictures")
        aspect, lies = Fraction(stream.sample_aspect_ratio or 1), _turn_of(first)[0]
        return Stream(
            stamps=stamps,
            pictures=pictures,
            claimed=Fraction(stream.guessed_rate or stream.average_rate or 24),
            bits=bits_of(first),
            primaries=first.color_primaries,
            transfer=first.color_trc,
            matrix=first.colorspace,
            alpha=any(component.is_alpha for component in first.format.components),
            timecode=_timecode(movie),
            pixel_aspect=1 / aspect if lies else aspect,
            width=first.height if lies else first.width,
            interlaced=bool(first.interlaced_frame),
            beside=sum(not other.disposition & COVER for other in movie.streams.video) - 1,
        )


def _stamps(path: Path) -> tuple[tuple[Fraction, ...], int]:
    """The packets' time stamps in the order of display, without what an edit list leaves out, and how many there are."""
    with _opened(path) as (movie, stream):
        packets = [packet.pts for packet in _packets(movie, stream) if packet.size and not packet.is_discard]
        known = [pts for pts in packets if pts is not None]
        if len(set(known)) == len(packets) and stream.time_base is not None:
            return tuple(pts * stream.time_base for pts in sorted(known)), len(packets)
    with _opened(path) as (movie, stream):
        return (), sum(1 for _ in _frames(movie, stream))


def read_frames(path: Path, stamps: tuple[Fraction, ...]) -> Iterator[tuple[int, VideoFrame]]:
    """Each picture that can be decoded, and its number in `stamps`; counted where there are none. Ends with the movie."""
    places = {stamp: i for i, stamp in enumerate(stamps)}
    with _opened(path) as (movie, stream):
        for counted, frame in enumerate(_frames(movie, stream)):
            if not stamps:
                yield counted, frame
            elif frame.pts is not None and frame.time_base is not None and frame.pts * frame.time_base in places:
                yield places[frame.pts * frame.time_base], frame


def pixels_of(frame: VideoFrame, deep: bool = False) -> tuple[VideoPixels, int]:
    """R'G'B' [H, W, 3] from black at 0, upright, in the stream's own transfer and primaries, and the value of its white.

    deep: 16 bits. FFmpeg scales by powers of two, so that white is just below the most that 16 bits hold.
    """
    full = frame.color_range == FULL_RANGE or frame.format.name.startswith("yuvj") or frame.format.is_rgb
    unnamed = "ITU709" if frame.height >= HD_LINES else "ITU601"
    shown: Any = frame.reformat(
        format="gbrp16le" if deep else "gbrp",
        interpolation=SCALING,
        src_colorspace=MATRICES.get(frame.colorspace, unnamed),
        src_color_range="JPEG" if full else "MPEG",
        dst_color_range="JPEG",
        threads=1,
    ).to_ndarray()
    white = (1 << 16) - ((1 << 16) >> (bits_of(frame) if full else 8)) if deep else 255
    return _upright(shown, frame), white


def alpha_of(frame: VideoFrame) -> NDArray[np.float32]:
    """[H, W] the matte of a picture that has one, upright, 0 to 1: it has its full range, whatever the colours have."""
    bits = bits_of(frame)
    shown: Any = frame.reformat(format="gbrap16le" if bits > 8 else "gbrap", threads=1).to_ndarray()
    most = (1 << 16) - ((1 << 16) >> bits) if bits > 8 else 255
    return _upright(np.minimum(shown[..., 3].astype(np.float32) / most, 1.0), frame)


def knows_matrix(matrix: int) -> bool:
    """Whether pictures of this matrix are read as they are meant."""
    return matrix in MATRICES or matrix in UNNAMED_MATRICES


def _upright(shown: Any, frame: VideoFrame) -> Any:
    """The pixels [H, W, ...] as the display matrix wants them: across for down, then mirrored."""
    across, mirrored, upside_down = _turn_of(frame)
    if across:
        shown = shown.swapaxes(0, 1)
    return np.ascontiguousarray(shown[:: -1 if upside_down else 1, :: -1 if mirrored else 1])


def _turn_of(frame: VideoFrame) -> tuple[bool, bool, bool]:
    """Whether rows are to become columns, and whether it is then to be mirrored, and turned upside down.

    The display matrix is of QuickTime's track header: x' = a x + c y, y' = b x + d y. One that turns by less than half a
    right angle, or that is none, counts for nothing.
    """
    said: Any = frame.side_data.get(TURN)  # by name, which PyAV's hints do not know
    if said is None or len(bytes(said)) < 36:
        return False, False, False
    a, b, _, c, d = np.frombuffer(bytes(said), np.int32, 5).astype(np.int64).tolist()
    across = abs(b) + abs(c) > abs(a) + abs(d)
    x, y = (c, b) if across else (a, d)
    return across, x < 0, y < 0


def _timecode(movie: InputContainer) -> str:
    """Containers keep it by the file, by the pictures, or in a track of its own."""
    said = (movie.metadata, *(stream.metadata for stream in movie.streams))
    named = (value for tags in said for name, value in tags.items() if name.lower() == "timecode")
    return next(named, "")


def bits_of(frame: VideoFrame) -> int:
    """Bits per colour."""
    return max(component.bits for component in frame.format.components)


@contextmanager
def _opened(path: Path) -> Iterator[tuple[InputContainer, VideoStream]]:
    """Raises EmptyClipError where `path` is no movie, or has no picture."""
    reader = Reader(path, "a movie", "Give a movie that plays, or a folder of pictures", EmptyClipError)
    with reader.opened():
        if path.stat().st_size == 0:
            raise EmptyClipError(f"{path} is empty", "Give a movie that plays, or a folder of pictures")
        try:
            # The protocol keeps names with a colon from being taken for addresses.
            movie = av.open(f"file:{path}", options={"protocol_whitelist": "file", "format_whitelist": CONTAINERS})
        except (av.FFmpegError, ValueError) as error:
            raise EmptyClipError(
                f"{path} cannot be opened as a movie ({error.strerror if isinstance(error, av.FFmpegError) else error})",
                "Give a movie that plays, or a folder of pictures",
            ) from error
        with movie:
            streams = [stream for stream in movie.streams.video if not stream.disposition & COVER]
            if not streams:
                raise EmptyClipError(f"{path} has no pictures", "Give a movie that plays, or a folder of pictures")
            stream = max(streams, key=lambda stream: stream.width * stream.height)  # the others are previews
            reader.picture(stream.width, stream.height)
            stream.thread_type = "AUTO"
            yield movie, stream


def _frames(movie: InputContainer, stream: VideoStream) -> Iterator[VideoFrame]:
    """The frames that can be decoded: damaged packets are skipped."""
    for packet in _packets(movie, stream):
        try:
            yield from packet.decode()
        except av.FFmpegError:
            continue


def _packets(movie: InputContainer, stream: VideoStream) -> Iterator[Packet[VideoStream]]:
    """The packets of a file that may be cut short."""
    try:
        yield from movie.demux(stream)
    except av.FFmpegError:
        return
