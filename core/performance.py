# SPDX-License-Identifier: GPL-3.0-or-later
"""A Performance: what a face does over time, whoever plays it. Footage and rigs become one; nothing later knows which.

Needs numpy alone, so that Blender's own Python reads and writes it. The file is a NumPy archive without pickles.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .errors import NoFaceError, NoPerformanceError
from .files import whole_file
from .landmarks import ibug68
from .landmarks.arkit import EXPRESSIONS
from .landmarks.fitting import fit_faces
from .reading import MOST_ASPECT, Reader
from .skin import Skin, read_skin

FORMAT = 2
"""1 had neither pupils nor expressions."""
MOST_SIDE = 1 << 17
"""Pixels of a plate."""
MOST_PHONES, MOST_SECONDS = 1 << 20, 1 << 20
"""Of one performance: more than a day of speech."""


class Phone(NamedTuple):
    """One sound of speech."""

    symbol: str
    """in IPA; a vowel that is stressed has its mark before it"""
    start: float
    """seconds from the beginning of the performance's first frame"""
    end: float


@dataclass(frozen=True)
class Performance:
    """F frames of one face, as seen in a plate of `width` x `height` pixels."""

    frames: NDArray[np.int32]
    """[F] source frame numbers, rising"""
    landmarks: NDArray[np.float32]
    """[F, 70, 2] iBUG points and pupils in plate pixels from the top left corner; NaN where no face was seen"""
    expression: NDArray[np.float32]
    """[F, 52] 0 to 1 in the order of `arkit.EXPRESSIONS`, read from the picture or the rig; NaN where nobody read it"""
    confidence: NDArray[np.float32]
    """[F] 0 (no face) to 1"""
    crops: NDArray[np.float64]
    """[F, 3] centre x, centre y and side of the square that holds the head, in plate pixels; steady over time. Where pixels
    are not square [F, 4], with their aspect (see `imaging.crop`)"""
    width: int
    height: int
    rate: Fraction
    """frames per second"""
    source: str
    """what it was read from, in words"""
    pixel_aspect: Fraction = Fraction(1)
    """width of a plate pixel over its height, as it is shown"""
    rest: NDArray[np.float32] | None = None
    """[70, 2] the same face at rest, where the performance was made and it is known; None where it is to be found among the
    frames"""
    skin: Skin | None = None
    """what it does between the landmarks; None where nobody measured it"""
    phones: tuple[Phone, ...] = ()
    """what is said, in the order of time; empty where nobody listened"""

    def __len__(self) -> int:
        return len(self.frames)

    @property
    def seen(self) -> NDArray[np.bool_]:
        """[F] true where there is a face."""
        found: NDArray[np.bool_] = self.confidence > 0
        return found

    def in_square_pixels(self) -> Performance:
        """As the plate is shown, its pixels as high as they are and as wide as high; itself where they are square."""
        return self.in_pixels_of(Fraction(1), round(self.width * self.pixel_aspect))

    def in_pixels_of(self, aspect: Fraction, width: int) -> Performance:
        """In a plate of another `width`, of pixels of `aspect`, that shows the same."""
        if aspect == self.pixel_aspect:
            return self
        wider = np.array([self.pixel_aspect / aspect, 1.0], np.float64)
        crops = _with_aspect(np.column_stack([self.crops[:, :2] * wider, self.crops[:, 2]]), aspect)
        points = (self.landmarks * wider).astype(np.float32)
        return replace(self, landmarks=points, crops=crops, width=width, pixel_aspect=aspect)

    def face_curves(self) -> NDArray[np.float32]:
        """[F, 52] the expression; where nobody read it, what the linear face model makes of the landmarks. NaN in gaps."""
        curves = np.where(self.seen[:, None], self.expression, np.float32(np.nan))
        unread = self.seen & ~np.isfinite(curves).all(axis=1)
        if unread.any():
            curves[unread] = np.clip(fit_faces(self.in_square_pixels().landmarks[unread]).expression, 0.0, 1.0)
        return curves

    def save(self, path: Path) -> None:
        """Write to `path`, whole or not at all. Raises UnwritableError."""
        head = {
            "format": FORMAT,
            "width": self.width,
            "height": self.height,
            "rate": [self.rate.numerator, self.rate.denominator],
            "source": self.source,
            **({"phones": self.phones} if self.phones else {}),
        }
        if self.pixel_aspect != 1:
            head["pixel aspect"] = [self.pixel_aspect.numerator, self.pixel_aspect.denominator]
        arrays = {
            "head": np.array(json.dumps(head)),
            "frames": self.frames,
            "landmarks": self.landmarks,
            "expression": self.expression,
            "confidence": self.confidence,
            "crops": self.crops[:, :3],
            **({} if self.rest is None else {"rest": self.rest}),
            **({} if self.skin is None else self.skin.arrays()),
        }
        with whole_file(path) as part, zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, array in arrays.items():
                # NumPy's own writer stamps the time of day: the same motion would make every frame of a take stale.
                content = io.BytesIO()
                np.lib.format.write_array(content, np.asanyarray(array), allow_pickle=False)
                archive.writestr(zipfile.ZipInfo(f"{name}.npy"), content.getvalue(), zipfile.ZIP_DEFLATED)

    @classmethod
    def load(cls, path: Path) -> Performance:
        """Read `path`.

        Raises NoPerformanceError where it is missing, WrongFileError where it is damaged, or of a later format.
        """
        reader = Reader(path, "a performance", "Track the clip again", missing="Make it of a clip, a rig or tracks first")
        with reader.opened(NoPerformanceError):
            arrays = reader.unpack()
            head = json.loads(str(arrays["head"]))
            version = reader.whole("format", head["format"], 1 << 16)
            if version > FORMAT:
                raise reader.newer()
            points = ibug68.COUNT if version > 1 else ibug68.IBUG
            frames = reader.array("frames", arrays["frames"], np.int32, ("F",))
            landmarks = reader.array("landmarks", arrays["landmarks"], np.float32, ("F", points, 2), gaps=True)
            confidence = reader.array("confidence", arrays["confidence"], np.float32, ("F",))
            crops = reader.array("crops", arrays["crops"], np.float64, ("F", 3))
            if version > 1:
                curves = ("F", len(EXPRESSIONS))
                expression = reader.array("expression", arrays["expression"], np.float32, curves, gaps=True)
            else:
                landmarks, expression = ibug68.with_pupils(landmarks), _unread(len(frames))
            rest = reader.array("rest", arrays["rest"], np.float32, (ibug68.COUNT, 2)) if "rest" in arrays else None
            reader.ensure(bool((np.diff(frames.astype(np.int64)) > 0).all()), "its frames do not rise")
            reader.ensure(bool(((confidence >= 0) & (confidence <= 1)).all()), "a confidence is not from 0 to 1")
            reader.ensure(bool(np.isfinite(landmarks[confidence > 0]).all()), "a face that was seen has no landmarks")
            reader.ensure(bool((crops[:, 2] > 0).all()), "a crop has no size")
            aspect = _aspect(reader, head.get("pixel aspect", [1, 1]))
            return cls(
                frames=frames,
                landmarks=landmarks,
                expression=expression,
                confidence=confidence,
                crops=_with_aspect(crops, aspect),
                width=reader.whole("width", head["width"], MOST_SIDE),
                height=reader.whole("height", head["height"], MOST_SIDE),
                rate=_fraction(reader, "rate", head["rate"]),
                source=reader.text("source", head["source"]),
                pixel_aspect=aspect,
                rest=rest,
                skin=read_skin(reader, arrays),
                phones=tuple(_phones_of(reader, head.get("phones", []))),
            )


def _aspect(reader: Reader, parts: object) -> Fraction:
    aspect = _fraction(reader, "pixel aspect", parts)
    reader.number("pixel aspect", float(aspect), 1 / MOST_ASPECT, MOST_ASPECT)
    return aspect


def _fraction(reader: Reader, name: str, parts: object) -> Fraction:
    if not isinstance(parts, list) or len(parts) != 2:
        raise reader.wrong(f"its {name} is {parts!r:.40}")
    above, below = (reader.whole(name, part, 1 << 31) for part in parts)
    return Fraction(above, below)


def _phones_of(reader: Reader, rows: object) -> Iterator[Phone]:
    if not isinstance(rows, list) or len(rows) > MOST_PHONES:
        raise reader.wrong("its phones are no list of phones")
    for row in rows:
        if not isinstance(row, list) or len(row) != 3:
            raise reader.wrong(f"a phone is {row!r:.40}")
        phone = Phone(
            reader.text("phone", row[0]), *(reader.number("a phone's time", time, 0, MOST_SECONDS) for time in row[1:])
        )
        reader.ensure(phone.start <= phone.end, f"the phone {phone.symbol} ends before it begins")
        yield phone


def performance_from_points(
    frames: NDArray[np.int32],
    landmarks: NDArray[np.float32],
    crops: NDArray[np.float64],
    size: tuple[int, int],
    rate: Fraction,
    source: str,
    confidence: NDArray[np.float32] | None = None,
    expression: NDArray[np.float32] | None = None,
    pixel_aspect: Fraction = Fraction(1),
) -> Performance:
    """A Performance of points and crops in plate pixels; a frame with a NaN counts as unseen.

    Raises NoFaceError where all do.
    """
    whole = np.isfinite(landmarks).all(axis=(1, 2))
    if not whole.any():
        raise NoFaceError(f"No face in any of {len(frames)} frames of {source}", "Check what is looked at")
    scores = whole.astype(np.float32) if confidence is None else np.where(whole, confidence, 0.0).astype(np.float32)
    curves = _unread(len(frames)) if expression is None else expression
    return Performance(frames, landmarks, curves, scores, crops, size[0], size[1], rate, source, pixel_aspect)


def _with_aspect(crops: NDArray[np.float64], aspect: Fraction) -> NDArray[np.float64]:
    """Crops [F, 3] in pixels of `aspect`."""
    return crops if aspect == 1 else np.column_stack([crops, np.full(len(crops), float(aspect))])


def _unread(frames: int) -> NDArray[np.float32]:
    return np.full((frames, len(EXPRESSIONS)), np.nan, np.float32)
