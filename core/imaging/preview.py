# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures for people: contact sheets, thumbnails and preview movies. Never for the comp: 8 bits, sRGB."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from ..arrays import Picture
from ..errors import UnwritableError
from ..files import whole_file
from . import colour, exr

CHECKER = (0.18, 0.24)
"""The two greys (sRGB) that show where a frame is transparent."""
SQUARE = 16
H264 = {"crf": "17", "preset": "medium"}
"""Nearly without loss to the eye."""


def shown_over_checker(path: Path) -> Picture:
    """An EXR frame as sRGB bytes, its transparent parts over a checker board."""
    return over_checker(exr.read_head(path))


def over_checker(seen: NDArray[np.float32]) -> Picture:
    """The same of a picture [H, W, 4], scene-linear and premultiplied."""
    y, x = np.indices(seen.shape[:2]) // SQUARE
    board = colour.decode_srgb(np.asarray(CHECKER, np.float32))[(x + y) % 2]
    return colour.to_bytes(colour.encode_srgb(seen[..., :3] + board[..., None] * (1 - seen[..., 3:])))


def contact_sheet(rows: Sequence[Sequence[Picture]], side: int = 192) -> Picture:
    """Rows of pictures, each fitted into a square of `side` pixels on black."""
    width = max(len(row) for row in rows)
    sheet = np.zeros((side * len(rows), side * width, 3), np.uint8)
    for i, row in enumerate(rows):
        for j, picture in enumerate(row):
            scale = side / max(picture.shape[:2])
            fitted = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)[:side, :side]
            sheet[i * side : i * side + fitted.shape[0], j * side : j * side + fitted.shape[1]] = fitted
    return sheet


def write_png(path: Path, picture: Picture) -> None:
    """Write an sRGB picture [H, W, 3]. Raises UnwritableError."""
    done, content = cv2.imencode(".png", picture[..., ::-1])
    if not done:
        raise UnwritableError(f"{path} could not be encoded", "Check the picture")
    with whole_file(path) as part:
        part.write_bytes(content.tobytes())


def write_thumbnail(path: Path, picture: Picture) -> None:
    """Write an sRGB picture [H, W, 3] as NumPy's own file: Blender's Python reads no other. Raises UnwritableError."""
    with whole_file(path) as part, open(part, "wb") as file:
        np.save(file, picture, allow_pickle=False)


def write_movie(path: Path, frames: Iterable[Picture], rate: Fraction) -> None:
    """Write an MP4 or a MOV, by the ending, of sRGB pictures [H, W, 3] of one size: H.264 in 4:2:0, tagged Rec.709.

    An odd last row or column is left out. Raises UnwritableError.
    """
    import av

    with whole_file(path) as part:
        encoded = part.with_suffix(path.suffix)  # the container goes by it
        try:
            with av.open(str(encoded), "w", options={"movflags": "+faststart"}) as movie:
                stream = movie.add_stream("libx264", rate=rate, options=H264)
                for i, picture in enumerate(frames):
                    height, width = (side // 2 * 2 for side in picture.shape[:2])
                    if i == 0:
                        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
                        context = stream.codec_context
                        context.colorspace = context.color_primaries = context.color_trc = 1  # Rec.709
                    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture[:height, :width]), format="rgb24")
                    movie.mux(stream.encode(frame.reformat(format="yuv420p", dst_colorspace="ITU709")))
                movie.mux(stream.encode())
            encoded.replace(part)
        except av.FFmpegError as error:
            raise UnwritableError(f"{path} cannot be encoded ({error})", "Choose another ending, or pictures") from error
        finally:
            encoded.unlink(missing_ok=True)
