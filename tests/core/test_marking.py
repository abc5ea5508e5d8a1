# SPDX-License-Identifier: GPL-3.0-or-later
"""In a movie the mark goes with the head: calm, heard after an encoder, and without looking for a face in each frame."""

from __future__ import annotations

import io
from itertools import pairwise
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from headcast.core.arrays import Picture
from headcast.core.imaging.read import read_photo
from headcast.core.landmarks.detectors import Face
from headcast.core.landmarks.head import head_model
from headcast.core.provenance.heads import SharedFrame, head_square, located
from headcast.core.provenance.listening import listen
from headcast.core.provenance.watermark import SURE, Marker

from .test_watermark import head_matte

NUMBER = 1234
SQUARE = np.array([220.0, 130.0, 300.0])
"""Round the astronaut's head."""


class Looking:
    """Knows where the face is in a picture by the picture's first value, and counts."""

    def __init__(self, middles: list[float]) -> None:
        self.middles, self.looks = middles, 0

    def detect(self, picture: Picture) -> list[Face]:
        self.looks += 1
        return [Face(face_at(self.middles[picture[0, 0, 0]]), 1.0, {})]

    def close(self) -> None:
        pass


def face_at(x: float) -> np.ndarray:
    return (head_model().landmarks[:, :2] * 30.0 + (x, 100.0)).astype(np.float32)


def frames_at(middles: list[float]) -> list[SharedFrame]:
    """Small frames with a disc of a matte round each face."""
    frames = []
    for i, x in enumerate(middles):
        matte = np.zeros((200, 400), np.float32)
        cv2.circle(matte, (round(x), 100), 60, 1.0, -1)
        frames.append(SharedFrame(Path(f"{i}.exr"), np.full((200, 400, 3), i, np.uint8), matte))
    return frames


def squares_at(middles: list[float]) -> tuple[np.ndarray, int]:
    """[F] where across the squares are found, and how often a face was looked for."""
    detector = Looking(middles)
    heads = [head for _, head in located(frames_at(middles), detector)]
    return np.array([head.square[0] for head in heads]), detector.looks


def test_a_face_is_looked_for_now_and_then_while_the_head_moves_evenly() -> None:
    middles = [120.0 + 3 * i for i in range(13)]
    found, looks = squares_at(middles)
    assert looks == 3
    assert np.allclose(found, [head_square(face_at(x))[0] for x in middles], atol=0.1)


@pytest.mark.parametrize("middles", [[120.0] * 4 + [280.0] * 5, [120.0, 140, 170, 200, 220, 230, 235]], ids=["cut", "quick"])
def test_a_face_is_looked_for_in_each_frame_where_it_does_not(middles: list[float]) -> None:
    found, _ = squares_at(middles)
    assert np.allclose(found, [head_square(face_at(x))[0] for x in middles], atol=5.0)


def test_a_head_that_moves_keeps_its_mark_through_an_encoder(astronaut: Path) -> None:
    photo, matte = read_photo(astronaut), head_matte(512)
    marker, moves = Marker(NUMBER, 1.0), np.array([[2 * i, i] for i in range(8)])
    marked, changes = [], []
    for move in moves:
        before, solid = (np.roll(one, move[::-1], axis=(0, 1)) for one in (photo, matte))
        made = marker(before, solid, moved(move))
        assert made.is_heard
        marked.append(made.picture)
        changes.append(np.roll(made.picture.astype(int) - before, -move[::-1], axis=(0, 1)))
    assert np.mean([np.abs(b - a).mean() for a, b in pairwise(changes)]) < 0.4 * np.abs(changes).mean()
    for picture, move in list(zip(encoded(marked), moves, strict=True))[1::3]:
        heard = listen(picture, moved(move))
        assert (heard.number, heard.likeness >= SURE) == (NUMBER, True)


def moved(move: np.ndarray) -> np.ndarray:
    """The square after a move across and down."""
    return SQUARE + np.append(move, 0.0)


def test_another_face_gets_a_mark_of_its_own(astronaut: Path) -> None:
    """After a cut the change that was made for the face before is not left in the next one."""
    photo, matte = read_photo(astronaut), head_matte(512)
    other, there = photo[:, ::-1].copy(), matte[:, ::-1].copy()
    marker, square = Marker(NUMBER, 1.0), SQUARE * (-1, 1, 1) + (512, 0, 0)
    marker(photo, matte, SQUARE)
    after = marker(other, there, square).picture
    alone = Marker(NUMBER, 1.0)(other, there, square).picture
    assert np.array_equal(after, alone)


def encoded(pictures: list[Picture]) -> list[Picture]:
    """The same after H.264 at crf 23."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as movie:
        stream = movie.add_stream("libx264", rate=24, options={"crf": "23"})
        stream.width, stream.height, stream.pix_fmt = *pictures[0].shape[1::-1], "yuv420p"
        for picture in pictures:
            movie.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        movie.mux(stream.encode())
    file.seek(0)
    with av.open(file) as movie:
        return [frame.to_ndarray(format="rgb24") for frame in movie.decode(video=0)]
