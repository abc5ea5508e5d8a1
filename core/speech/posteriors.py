# SPDX-License-Identifier: GPL-3.0-or-later
"""How probable each phone is at each moment of a sound, by the CTC network of hama (Apache-2.0), which `hearing` runs.

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
from ..progress import Reporter
from .hearing import hear
from .sound import RATE, loudness

STEP = 0.02
"""Seconds between moments."""
SAMPLES = round(STEP * RATE)
TOKENS: tuple[str, ...] = tuple(json.loads((Path(__file__).parent / "tokens.json").read_text("utf-8")))
"""Tokens that the network tells apart: symbols of IPA and some others, then the end of a word, then nothing new."""
WORD_END, BLANK = len(TOKENS) - 2, len(TOKENS) - 1
LONGEST, SHORTEST = 1400, 700
"""Moments of one piece: the network was made for 30 seconds, and its attention grows with the square."""
QUIET = 10
"""Moments over which loudness is taken where a pause is looked for."""
LEAST = SAMPLES
"""Samples of a piece: the network mirrors the ends."""


class Posteriors(NamedTuple):
    """T moments, STEP apart, the first at the beginning of the sound."""

    chances: Floats
    """[T, len(TOKENS)] each sums to 1"""


def listen(samples: Floats, reporter: Reporter) -> Posteriors:
    """Hear `samples` [N] at RATE, piece by piece. Raises MissingPackageError, MissingWeightsError."""
    edges = cuts(loudness(samples, SAMPLES))
    found = []
    for i, (begin, end) in enumerate(pairwise(edges)):
        reporter.step("listen", i, len(edges) - 1)
        piece = samples[begin * SAMPLES : end * SAMPLES]
        part = np.exp(hear(np.pad(piece, (0, max(0, LEAST - len(piece)))))[: end - begin])
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
