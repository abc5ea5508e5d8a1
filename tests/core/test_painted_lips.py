# SPDX-License-Identifier: GPL-3.0-or-later
"""Lips that are painted are looked at: they are shut where the performance shuts them, and open where it opens them."""

from __future__ import annotations

from contextlib import closing
from fractions import Fraction
from pathlib import Path

import headcast
import numpy as np
from headcast.core.adapting.adapt import adapt
from headcast.core.evaluating.painted_lips import painted_lips
from headcast.core.evaluating.speech import closures
from headcast.core.landmarks.detectors import open_detector
from headcast.core.performance import Phone
from headcast.core.progress import Silent
from headcast.core.settings import AdaptSettings, SpeakSettings
from headcast.core.speech.prosody import RATE_OF_CURVES, Prosody
from headcast.core.speech.speak import EMPTY, act

PORTRAIT = Path(headcast.__file__).parent / "sample" / "portrait.jpg"
SPOKEN = [Phone("a", 0.0, 0.2), Phone("m", 0.2, 0.3), Phone("a", 0.3, 0.6)]


def test_the_lips_of_a_portrait_meet_at_an_m(tmp_path: Path) -> None:
    moments = round(0.6 * RATE_OF_CURVES)
    prosody = Prosody(np.ones(moments), np.zeros(moments), np.ones(moments, bool))
    performance = act(SPOKEN, prosody, Fraction(15), SpeakSettings(head=0.0, blinks=0.0), EMPTY, "a test")
    adapt([str(PORTRAIT)], tmp_path / "x.likeness", AdaptSettings(detail=0), Silent())
    with closing(open_detector("mediapipe")) as detector:
        lips = painted_lips(tmp_path / "x.likeness", performance, detector)
    assert np.corrcoef(lips.asked, lips.painted)[0, 1] > 0.8
    found = closures(lips.painted, performance.rate, SPOKEN)
    assert (found.truth, found.hit, found.right) == (1, 1, found.found)


def test_lips_that_stay_open_or_shut_are_found_out() -> None:
    rate = Fraction(50)
    middles = (np.arange(50) + 0.5) / 50
    late = np.where((middles > 0.45) & (middles < 0.5), 0.0, 0.2)
    assert closures(np.full(50, np.nan), rate, SPOKEN) == (1, 0, 0, 0)
    longer = [*SPOKEN, Phone("f", 0.6, 0.7), Phone("a", 0.7, 0.9)]
    assert closures(late, rate, longer) == (1, 0, 1, 0)
    bitten = np.where((middles > 0.6) & (middles < 0.7), 0.0, 0.2)
    assert closures(bitten, rate, longer) == (1, 0, 0, 0)
    assert closures(np.zeros(50), rate, SPOKEN)[:2] == (1, 1)
