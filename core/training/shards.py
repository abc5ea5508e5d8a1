# SPDX-License-Identifier: GPL-3.0-or-later
"""Training data on disk: WebDataset shards, that is uncompressed tar files.

A shard holds whole clips, one after the other. A clip is one person in one take: same clothes, light and camera. Each
frame is a sample, the members that share a name up to the first dot:

    p000012_0003.jpg             the picture, square, sRGB
    p000012_0003.matte.png       8 bits: the head with hair and neck
    p000012_0003.alpha.png       optional, 8 bits: all that is in front of the background
    p000012_0003.json            the labels, see `Label`
    p000012_0003.background.jpg  optional, on a clip's first frame: what lies behind, wherever alpha is below 1

numpy and OpenCV alone, so that Blender's own Python can write them.
"""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np

from ..arrays import Bytes
from ..errors import WrongFileError
from ..files import whole_file

JPEG_QUALITY = 95


@dataclass(frozen=True)
class Label:
    """The label of a frame. Points are pixels of the picture, x to the right and y down, (0, 0) its corner."""

    clip: str
    person: str
    frame: int
    landmarks: list[list[float]]
    """70 points (see `landmarks.ibug68`), or the 68 alone; exact in renders, a detector's in footage"""
    detected: list[list[float]] | None = None
    """The points as a detector sees them, where `landmarks` are exact and it found the face"""
    extra: dict[str, Any] = field(default_factory=dict)
    """in renders: visible, gaze, head pose, ARKit weights, camera; in footage: source file and time"""


@dataclass(frozen=True)
class Sample:
    """A frame and its labels. Pictures [S, S, 3] and [S, S]."""

    picture: Bytes
    matte: Bytes
    label: Label
    alpha: Bytes | None = None
    background: Bytes | None = None


def write_shard(path: Path, samples: Iterable[Sample]) -> None:
    """Write a shard, whole or not at all; the samples of a clip follow each other. Raises UnwritableError."""
    with whole_file(path) as part, tarfile.open(part, "w", format=tarfile.USTAR_FORMAT) as tar:
        for sample in samples:
            key = f"{sample.label.clip}_{sample.label.frame:05d}"
            _add(tar, f"{key}.json", json.dumps(asdict(sample.label)).encode())
            _add(tar, f"{key}.jpg", _encode(".jpg", sample.picture))
            _add(tar, f"{key}.matte.png", _encode(".png", sample.matte))
            if sample.alpha is not None:
                _add(tar, f"{key}.alpha.png", _encode(".png", sample.alpha))
            if sample.background is not None:
                _add(tar, f"{key}.background.jpg", _encode(".jpg", sample.background))


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    tar.addfile(member, io.BytesIO(content))


def _encode(kind: str, picture: Bytes) -> bytes:
    shown = picture[..., ::-1] if picture.ndim == 3 else picture
    quality = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, 0x111111]
    return cv2.imencode(kind, shown, quality if kind == ".jpg" else [])[1].tobytes()


@dataclass(frozen=True)
class ShardFrame:
    """Where a frame's members lie: offset and size in the shard's file by ending."""

    shard: Path
    label: Label
    members: dict[str, tuple[int, int]]

    def read(self, kind: str) -> Bytes:
        """Member `jpg`, `matte.png`, `alpha.png` or `background.jpg`: RGB [S, S, 3], or [S, S]. Raises KeyError."""
        start, size = self.members[kind]
        with open(self.shard, "rb") as file:
            file.seek(start)
            content = np.frombuffer(file.read(size), np.uint8)
        coloured = kind.endswith("jpg")
        picture = cv2.imdecode(content, cv2.IMREAD_COLOR if coloured else cv2.IMREAD_GRAYSCALE)
        if picture is None:
            raise WrongFileError(f"{self.shard} is damaged at byte {start}", "Make or fetch this shard again")
        return np.ascontiguousarray(picture[..., ::-1]) if coloured else picture


@dataclass(frozen=True)
class ShardClip:
    """One person in one take."""

    name: str
    person: str
    frames: list[ShardFrame]


def read_clips(folders: Sequence[Path]) -> list[ShardClip]:
    """Every clip of the shards in `folders` (or of shard files), in the order of their names; pictures are not read yet.

    Raises WrongFileError for a damaged shard, or where there is none.
    """
    shards = [shard for folder in folders for shard in (sorted(folder.glob("*.tar")) if folder.is_dir() else [folder])]
    if not shards:
        raise WrongFileError(f"There is no shard (.tar) in {', '.join(map(str, folders))}", "headcast synthesize makes some")
    return [clip for shard in shards for clip in _read_shard(shard)]


def _read_shard(shard: Path) -> list[ShardClip]:
    members: dict[str, dict[str, tuple[int, int]]] = {}
    labels: dict[str, Label] = {}
    try:
        with tarfile.open(shard, "r:") as tar:
            for member in tar:
                key, kind = member.name.split(".", 1)
                members.setdefault(key, {})[kind] = (member.offset_data, member.size)
                if kind == "json":
                    labels[key] = Label(**json.loads(tar.extractfile(member).read()))  # type: ignore[union-attr]
    except (tarfile.TarError, OSError, ValueError, TypeError) as error:
        raise WrongFileError(f"{shard} is damaged, or no shard ({error})", "Make or fetch it again") from error
    clips: dict[str, list[ShardFrame]] = {}
    for key, label in labels.items():
        clips.setdefault(label.clip, []).append(ShardFrame(shard, label, members[key]))
    return [ShardClip(name, frames[0].label.person, frames) for name, frames in clips.items()]


class Cast(NamedTuple):
    """The clips of a run. A training clip's place is its row in the discriminator's table, so the order is kept on disk."""

    training: list[ShardClip]
    held_out: list[ShardClip]
