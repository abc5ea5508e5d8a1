# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether painted lips meet in time: `python -m headcast.core.evaluating.painted_lips PICTURE ...` prints a table.

Each portrait says lines of espeak-ng's voice, whose phones and times are known, with its words and without, and the detector
looks at every painted frame. Beside it stand the lips that the portrait was asked for: where those are right, the painter or
the detector is not.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..adapting.adapt import adapt
from ..arrays import Doubles, Reals
from ..imaging.colour import to_bytes
from ..imaging.crop import to_crop
from ..landmarks.detectors import Detector, open_detector
from ..landmarks.measure import measure_faces
from ..painting.player import open_player
from ..performance import Performance
from ..progress import Silent
from ..rendering.frames import directed, framed
from ..settings import AdaptSettings, RenderSettings, SpeakSettings
from ..speech import espeak
from ..speech.speak import speak
from .lines import SENTENCES
from .speech import Closures, closures, write_voice

LINES = 2
"""Of the SENTENCES of each language, a portrait says so many, once with its words given and once without."""


class Lips(NamedTuple):
    """Gaps of the inner lips over the mouth's width, in F frames."""

    asked: Doubles
    """[F]"""
    painted: Doubles
    """[F] NaN where the detector sees no face"""


def painted_lips(likeness: Path, performance: Performance, detector: Detector) -> Lips:
    """The lips of a likeness that plays a performance, as `render` paints it from its defaults. Raises HeadcastError."""
    settings = RenderSettings()
    person, player = open_player(likeness, settings.weights, settings.device, settings.photos)
    shown, wanted = directed(framed(performance.in_square_pixels(), person, settings), person, settings)
    painted = np.full(len(wanted), np.nan)
    for i, points in enumerate(to_crop(wanted, shown.crops, person.size)):
        faces = detector.detect(to_bytes(player.paint(points).picture))
        if faces:
            painted[i] = measure_faces(faces[0].landmarks[None]).lips[0]
    return Lips(measure_faces(wanted).lips, painted)


def main(pictures: Sequence[str]) -> None:
    """Print the table: recall and precision, and how the painted gap follows the one that was asked for."""
    print("| portrait | language | words | p, b and m | asked: recall / precision | painted | correlation |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    sums: dict[tuple[str, str], list[Told]] = {}
    with tempfile.TemporaryDirectory() as name, closing(open_detector(AdaptSettings().detector)) as detector:
        folder = Path(name)
        likenesses = [folder / f"{Path(picture).stem}.likeness" for picture in pictures]
        for picture, likeness in zip(pictures, likenesses, strict=True):
            adapt([picture], likeness, AdaptSettings(), Silent())
        for language, sentences in SENTENCES.items():
            for words in ("given", "guessed"):
                for likeness in likenesses:
                    told = _tell(likeness, language, sentences[:LINES], words == "given", folder, detector)
                    sums.setdefault((language, words), []).append(told)
                    _print(likeness.stem, language, words, [told])
    for (language, words), told_by_all in sums.items():
        _print("all", language, words, told_by_all)


class Told(NamedTuple):
    """Some lines, told by a portrait."""

    asked: Closures
    painted: Closures
    correlation: float


def _tell(likeness: Path, language: str, lines: Sequence[str], words: bool, folder: Path, detector: Detector) -> Told:
    counts = np.zeros((2, 4), int)
    gaps: list[Reals] = []
    for line in lines:
        spoken = espeak.synthesize(line, language)
        voice = write_voice(folder / "voice.wav", spoken.samples, spoken.rate)
        settings = SpeakSettings(language=language)
        performance = speak(voice, folder / "line.performance", settings, Silent(), line if words else "")
        lips = painted_lips(likeness, performance, detector)
        counts += np.array([closures(each, performance.rate, spoken.phones) for each in lips])
        gaps.append(np.stack(lips))
    both = np.concatenate(gaps, axis=1)
    both = both[:, np.isfinite(both).all(axis=0)]
    asked, painted = (Closures(*each) for each in counts.tolist())
    return Told(asked, painted, float(np.corrcoef(both)[0, 1]))


def _print(portrait: str, language: str, words: str, told: Sequence[Told]) -> None:
    """A row, of all that was told."""
    asked, painted = (Closures(*np.sum(counts, axis=0).tolist()) for counts in list(zip(*told, strict=True))[:2])
    correlation = np.mean([each.correlation for each in told])
    cells = (portrait, language, words, asked.truth, asked.line, painted.line, f"{correlation:.2f}")
    print("|", *(f"{cell} |" for cell in cells), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
