# SPDX-License-Identifier: GPL-3.0-or-later
"""How probable each phone is at each moment of a sound, by the CTC network of hama (Apache-2.0), run by ONNX Runtime.

The model's file is 5 MB and hears every language. It is looked for at `$HEADCAST_SPEECH_MODEL`, then in our cache folder,
then beside the Python that runs, where `fetching` puts it: PyPI has it inside the wheel of hama, of which nothing else is
used.
"""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..arrays import Floats
from ..fetching import SPEECH
from ..inference import open_session
from ..progress import Reporter
from .sound import RATE, loudness

STEP = 0.02
"""Seconds between moments."""
SAMPLES = round(STEP * RATE)
TOKENS: tuple[str, ...] = tuple(json.loads((Path(__file__).parent / "tokens.json").read_text("utf-8")))
"""Tokens that the network tells apart: symbols of IPA and some others, then the end of a word, then nothing new."""
WORD_END, BLANK = len(TOKENS) - 2, len(TOKENS) - 1
LONGEST, SHORTEST = 1400, 700
"""Moments of one piece: the network drops, without a word, all beyond 30 seconds."""
QUIET = 10
"""Moments over which loudness is taken where a pause is looked for."""
PACE = 0.8
LEAST = SAMPLES
"""Samples of a piece: the network mirrors the ends."""


class Posteriors(NamedTuple):
    """T moments, STEP apart, the first at the beginning of the sound."""

    chances: Floats
    """[T, len(TOKENS)] each sums to 1"""


def listen_slowly(samples: Floats, reporter: Reporter) -> Posteriors:
    """The same with the sound played at PACE: another voice of the same words, which the network hears in its own way."""
    slow = np.interp(np.arange(int(len(samples) / PACE)) * PACE, np.arange(len(samples)), samples).astype(np.float32)
    chances = listen(slow, reporter).chances
    at = np.arange(max(len(samples) // SAMPLES, 1)) / PACE
    return Posteriors(chances[np.minimum(at.round().astype(int), len(chances) - 1)])


def listen(samples: Floats, reporter: Reporter) -> Posteriors:
    """Hear `samples` [N] at RATE, piece by piece. Raises MissingPackageError, MissingWeightsError."""
    session = open_session(SPEECH)
    edges = cuts(loudness(samples, SAMPLES))
    found = []
    for i, (begin, end) in enumerate(pairwise(edges)):
        reporter.step("listen", i, len(edges) - 1)
        piece = samples[begin * SAMPLES : end * SAMPLES]
        piece = np.pad(piece, (0, max(0, LEAST - len(piece))))[None]
        logs, _ = session.run(None, {"waveform": piece, "waveform_lengths": np.array([piece.shape[1]], np.int64)})
        part = np.exp(logs[0][: end - begin].astype(np.float32))
        found.append(np.pad(part, ((0, end - begin - len(part)), (0, 0)), mode="edge"))
    return Posteriors(np.concatenate(found))


def cuts(level: Floats) -> list[int]:
    """Where a sound of `level` [T], a value a moment, is cut: rising from 0 to T (1 at least), and at the quietest moment of
    the last half of what may be a piece."""
    edges = [0]
    smooth = np.convolve(level, np.ones(QUIET) / QUIET, "same") if len(level) >= QUIET else level
    while len(level) - edges[-1] > LONGEST:
        first = edges[-1] + SHORTEST
        edges.append(first + int(np.argmin(smooth[first : edges[-1] + LONGEST])))
    return [*edges, max(len(level), 1)]
