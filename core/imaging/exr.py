"""OpenEXR in and out: half float, scene-linear, ZIP, written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import OpenEXR
from numpy.typing import NDArray

from ..errors import UnreadableImageError
from ..files import whole_file

HALF_MOST = 65504.0
"""The largest finite half; anything above is held there, so that no infinity reaches a compositor."""


def write_rgba(path: Path, picture: NDArray[np.float32], attributes: dict[str, str]) -> None:
    """Write `picture` [H, W, 4], scene-linear with colour already multiplied by alpha, to `path`.

    The file appears under its name only when it is whole and on disk. Raises UnwritableError or DiskFullError, and then
    leaves nothing behind. The data window is the whole picture: Blender's compositor centres a smaller one instead of
    placing it (seen in 4.5 and 5.2).
    """
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage, **attributes}
    half = np.ascontiguousarray(np.clip(np.nan_to_num(picture), -HALF_MOST, HALF_MOST).astype(np.float16))
    with whole_file(path) as part:
        # The library says RuntimeError whatever went wrong: let the system itself say whether the disk is full.
        try:
            OpenEXR.File(header, {"RGBA": half}).write(str(part))
        except RuntimeError as error:
            _probe_disk(part)
            raise OSError(str(error)) from error


def _probe_disk(part: Path) -> None:
    """Let the system itself say ENOSPC, if that is what stopped the library."""
    with open(part, "ab") as file:
        file.write(bytes(1 << 16))
        file.flush()
        os.fsync(file.fileno())


def read_rgba(path: Path) -> NDArray[np.float32]:
    """The colour of `path` over its whole display window [H, W, 4], scene-linear; alpha 1 where it has none.

    Pixels are really read: a truncated file opens without complaint. Raises UnreadableImageError.
    """
    try:
        part = OpenEXR.File(str(path)).parts[0]
        channels = {name: np.asarray(channel.pixels, np.float32) for name, channel in part.channels.items()}
    except (RuntimeError, IndexError, TypeError, ValueError) as error:
        raise UnreadableImageError(f"{path} is damaged, or no EXR ({error})", "Render or export it again") from error
    if "RGBA" in channels:
        seen = channels["RGBA"]
    elif "RGB" in channels:
        colour = channels["RGB"]
        seen = np.concatenate([colour, np.ones_like(colour[..., :1])], axis=-1)
    else:
        raise UnreadableImageError(f"{path} has no RGB channels", f"It has: {', '.join(channels)}")
    (left, top), _ = part.header["dataWindow"]
    (x0, y0), (x1, y1) = part.header["displayWindow"]
    whole = np.zeros((y1 - y0 + 1, x1 - x0 + 1, 4), np.float32)
    a, b = max(0, top - y0), max(0, left - x0)
    c, d = max(0, y0 - top), max(0, x0 - left)
    part_seen = seen[c : c + whole.shape[0] - a, d : d + whole.shape[1] - b]
    whole[a : a + part_seen.shape[0], b : b + part_seen.shape[1]] = part_seen
    return whole


def read_attributes(path: Path) -> dict[str, object]:
    """The header of `path`. Raises UnreadableImageError."""
    try:
        return dict(OpenEXR.File(str(path), header_only=True).parts[0].header)
    except (RuntimeError, IndexError) as error:
        raise UnreadableImageError(f"{path} is damaged, or no EXR ({error})", "Render or export it again") from error
