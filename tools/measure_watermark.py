# SPDX-License-Identifier: GPL-3.0-or-later
"""What the watermark outlives, how it looks, and whether it is found where none is.

python tools/measure_watermark.py FOLDER_OF_PHOTOS [--marked 40] [--unmarked 500] [--strength 1] [--seed 0]
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
from headcast.core.provenance.heads import head_square
from headcast.core.provenance.listening import listen
from headcast.core.provenance.payload import BITS, Heard
from headcast.core.provenance.watermark import SURE, marked
from skimage.color import deltaE_ciede2000, rgb2lab
from skimage.metrics import structural_similarity

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


def differences(before: Picture, after: Picture, where: Floats) -> tuple[float, ...]:
    """PSNR, SSIM of the luma, CIEDE2000 in the mean and at its 99th percentile; in the head alone."""
    inside = where > 0.5
    wrong = np.mean((after.astype(float) - before)[inside] ** 2)
    luma = [cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) for picture in (before, after)]
    alike = structural_similarity(*luma, full=True)[1][inside].mean()
    colours = deltaE_ciede2000(rgb2lab(before), rgb2lab(after))[inside]
    return float(10 * np.log10(255**2 / wrong)), float(alike), float(colours.mean()), float(np.quantile(colours, 0.99))


def heard_in(picture: Picture, detector: Detector) -> list[Heard]:
    """What is heard in each head."""
    return [listen(picture, head_square(face.landmarks)) for face in detector.detect(picture)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--marked", type=int, default=40)
    parser.add_argument("--unmarked", type=int, default=500)
    parser.add_argument("--strength", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    photos = sorted(path for path in asked.folder.rglob("*") if path.suffix in (".jpg", ".png"))
    random.Random(asked.seed).shuffle(photos)
    with closing(open_detector("mediapipe")) as detector:
        if asked.marked:
            measure_marked(photos, asked.marked, asked.strength, detector)
        if asked.unmarked:
            measure_unmarked(photos, asked.unmarked, detector)


def measure_marked(photos: list[Path], count: int, strength: float, detector: Detector) -> None:
    numbers, found = np.random.default_rng(0), defaultdict(list)
    looks, seconds = [], []
    for photo in photos:
        if len(looks) == count:
            break
        picture = read_photo(photo)
        faces = detector.detect(picture)
        if not faces:
            continue
        square, number = head_square(faces[0].landmarks), int(numbers.integers(1 << BITS))
        matte = cv2.resize(person_matte(picture), picture.shape[1::-1]).astype(np.float32)
        start = time.process_time()
        made = marked(picture, matte, square, number, strength).picture
        seconds.append(time.process_time() - start)
        inside = np.zeros_like(matte)
        left, top = np.maximum(square[:2] - square[2] / 2, 0).astype(int)
        inside[top : top + int(square[2]), left : left + int(square[2])] = 1
        looks.append(differences(picture, made, matte * inside))
        for name, copy in copies(made):
            best = max(heard_in(copy, detector), key=lambda one: one.likeness, default=Heard(-1, 0.0, 32))
            sure, right = best.likeness >= SURE, best.number == number
            found[name].append((square[2], best.wrong if right else 32, best.likeness, sure and right, sure and not right))
    print(f"{len(looks)} marked, strength {strength}, {np.median(seconds):.2f} s of one core a frame")
    for name, row in zip(("PSNR", "SSIM", "CIEDE2000", "its 99th percentile"), np.array(looks).T, strict=True):
        print(f"{name:>22}: mean {row.mean():.3f}, least {row.min():.3f}, most {row.max():.3f}")
    for name, rows in found.items():
        side, wrong, like, right, other = np.array(rows, float).T
        large = side >= LARGE
        print(
            f"{name:>22}: {wrong.mean():.1f} of 64 bits wrong, likeness {like.mean():.2f} (least {like.min():.2f}), ", end=""
        )
        print(f"found {right.mean():.0%} (of {large.sum()} large heads {right[large].mean():.0%}), ", end="")
        print(f"another number {int(other.sum())}", flush=True)


def measure_unmarked(photos: list[Path], count: int, detector: Detector) -> None:
    found: list[float] = []
    start = time.process_time()
    for photo in reversed(photos):
        if len(found) == count:
            break
        heard = heard_in(read_photo(photo), detector)
        if heard:
            found.append(max(one.likeness for one in heard))
            if len(found) % 50 == 0:
                print(f"{len(found)} unmarked, the likest {max(found):.3f}", flush=True)
    seconds = (time.process_time() - start) / max(len(found), 1)
    print(f"{len(found)} unmarked, taken for marked {np.sum(np.array(found) >= SURE)}; {seconds:.2f} s of one core each;")
    print(f"the likest {np.sort(found)[-5:].round(3)}, median {np.median(found):.3f}")


if __name__ == "__main__":
    main()
