# SPDX-License-Identifier: GPL-3.0-or-later
"""What the watermark outlives, what it costs, and whether it is found where none is.

python tools/measure_watermark.py FOLDER_OF_PHOTOS [--marked 40] [--unmarked 500] [--strength 1.25] [--seed 0]
"""

from __future__ import annotations

import argparse
import io
import random
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import av
import cv2
import numpy as np
from headcast.core.arrays import Floats, Picture
from headcast.core.imaging.read import read_photo
from headcast.core.imaging.segmenter import person_matte
from headcast.core.landmarks.detectors import Detector, open_detector
from headcast.core.provenance.finding import hear
from headcast.core.provenance.payload import BITS, LENGTH, word_of
from headcast.core.provenance.watermark import head_square, listen, marked

FRAMES = 8
LARGE = 300
"""Side of a head's square, in pixels, from which on heads are counted as large."""


def jpeg(picture: Picture) -> Picture:
    coded = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 70])[1]
    return np.ascontiguousarray(cv2.imdecode(coded, cv2.IMREAD_COLOR)[..., ::-1])


def half(picture: Picture) -> Picture:
    return np.asarray(cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), np.uint8)


def cropped(picture: Picture) -> Picture:
    height, width = picture.shape[:2]
    return picture[height // 20 : height - height // 20, width // 20 : width - width // 20].copy()


def h264(picture: Picture, quality: int) -> Picture:
    """The middle of a few frames, as a phone or a site would encode them."""
    height, width = (side // 2 * 2 for side in picture.shape[:2])
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as movie:
        stream = movie.add_stream("libx264", rate=24, options={"crf": str(quality)})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for _ in range(FRAMES):
            movie.mux(stream.encode(av.VideoFrame.from_ndarray(picture[:height, :width].copy(), format="rgb24")))
        movie.mux(stream.encode())
    file.seek(0)
    with av.open(file) as movie:
        return [frame.to_ndarray(format="rgb24") for frame in movie.decode(video=0)][FRAMES // 2]


def copies(picture: Picture) -> Iterator[tuple[str, Picture]]:
    yield "as it is", picture
    yield "JPEG 70", jpeg(picture)
    yield "half size", half(picture)
    yield "10 % crop", cropped(picture)
    yield "H.264 crf 23", h264(picture, 23)
    yield "half size, H.264", h264(half(picture), 23)
    yield "H.264 crf 17, then 23", h264(h264(picture, 17), 23)


def decibels(before: Picture, after: Picture, where: Floats) -> float:
    wrong = (after.astype(float) - before)[where > 0.5]
    return float(10 * np.log10(255**2 / np.mean(wrong**2)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--marked", type=int, default=40)
    parser.add_argument("--unmarked", type=int, default=500)
    parser.add_argument("--strength", type=float, default=1.25)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    photos = sorted(asked.folder.rglob("*.jpg"))
    random.Random(asked.seed).shuffle(photos)
    with closing(open_detector("mediapipe")) as detector:
        measure_marked(photos, asked.marked, asked.strength, detector)
        measure_unmarked(photos, asked.unmarked, detector)


def measure_marked(photos: list[Path], count: int, strength: float, detector: Detector) -> None:
    numbers, found = np.random.default_rng(0), defaultdict(list)
    costs, seconds = [], []
    for photo in photos:
        if len(costs) == count:
            break
        picture = read_photo(photo)
        faces = detector.detect(picture)
        if not faces:
            continue
        square, number = head_square(faces[0].landmarks), int(numbers.integers(1 << BITS))
        matte = cv2.resize(person_matte(picture), picture.shape[1::-1]).astype(np.float32)
        start = time.perf_counter()
        made = marked(picture, matte, square, number, strength)
        seconds.append(time.perf_counter() - start)
        inside = np.zeros_like(matte)
        left, top = np.maximum(square[:2] - square[2] / 2, 0).astype(int)
        inside[top : top + int(square[2]), left : left + int(square[2])] = 1
        costs.append(decibels(picture, made, matte * inside))
        for name, copy in copies(made):
            seen = detector.detect(copy)
            bits = listen(copy, head_square(seen[0].landmarks)) if seen else np.zeros(LENGTH, np.float32)
            heard = hear([copy], detector)
            wrong = int(np.sum((bits > 0) != (word_of(number) > 0)))
            found[name].append((square[2], wrong, heard is not None and heard.number == number, heard is not None))
    print(f"{len(costs)} marked, strength {strength}: {np.mean(costs):.1f} dB in the head (worst {min(costs):.1f}),")
    print(f"{np.median(seconds):.2f} s a frame")
    for name, rows in found.items():
        side, wrong, right, any_found = np.array(rows, float).T
        large = side >= LARGE
        print(f"{name:>22}: {wrong.mean():.1f} of 32 bits wrong (large heads {wrong[large].mean():.1f}), ", end="")
        print(f"found {right.mean():.0%} (of {large.sum()} large heads {right[large].mean():.0%}), ", end="")
        print(f"another number {int(np.sum(any_found > right))}", flush=True)


def measure_unmarked(photos: list[Path], count: int, detector: Detector) -> None:
    looked = false = 0
    start = time.perf_counter()
    for photo in reversed(photos):
        if looked == count:
            break
        picture = read_photo(photo)
        if detector.detect(picture):
            looked += 1
            false += hear([picture], detector) is not None
    print(f"{looked} unmarked, found in {false}; {(time.perf_counter() - start) / max(looked, 1):.2f} s each")


if __name__ == "__main__":
    main()
