# SPDX-License-Identifier: GPL-3.0-or-later
"""A tracked face whose mouth was hidden, or badly seen, takes its mouth from the sound; all else stays as it was seen."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from ..imaging.crop import smooth_over_time
from ..landmarks.arkit import EXPRESSIONS, INDEX
from ..landmarks.face_model import face_model
from ..landmarks.fitting import fit_faces
from ..landmarks.frontal import MOUTH, with_own_rest
from ..performance import Performance
from ..progress import Reporter
from ..settings import SpeakSettings
from .curves import columns, dialled, mouth_curves, parted, seal
from .life import IN_SPEECH
from .prosody import RATE_OF_CURVES, prosody_of
from .sound import read_sound
from .speak import phones_in, sampled

SPOKEN = [INDEX[name] for name in EXPRESSIONS if name.startswith(("jaw", "mouth", "tongue"))]
FELT = [*columns("mouthSmile"), *columns("mouthFrown")]
"""Of the mouth, what feelings do: some of it is left in speech."""
BLEND = 12.0
"""Standard deviation, in moments, of the change between the mouth that is seen and the one that is heard."""


def dub(performance: Performance, voice: Path, settings: SpeakSettings, reporter: Reporter) -> Performance:
    """`performance` with the mouth of the sound of `voice` while somebody speaks, and its own in pauses. The sound begins
    with the first frame. Raises what `speak` does for the sound and its words."""
    sound = read_sound(voice)
    prosody = prosody_of(sound.samples)
    phones = phones_in(voice, sound, prosody, settings, reporter)
    steady = np.ones(len(prosody.loud))
    at = performance.frames - performance.frames[0]
    count = int(at[-1]) + 1
    spoken = sampled(dialled(mouth_curves(phones, prosody), prosody, steady, steady), count, performance.rate)
    speaking = smooth_over_time(prosody.speaking[:, None].astype(np.float64), BLEND)
    within = np.arange(count) / float(performance.rate) * RATE_OF_CURVES < len(prosody.loud)
    share = (sampled(speaking, count, performance.rate)[:, 0] * within)[at]

    seen = performance.seen
    fitted = with_own_rest(performance.landmarks[seen], fit_faces(performance.landmarks[seen]))
    felt = np.zeros((count, len(EXPRESSIONS)))
    felt[np.ix_(at[seen], FELT)] = IN_SPEECH * fitted.expression[:, FELT]
    rate = float(performance.rate)
    wanted = seal(parted(np.clip(spoken + felt, 0.0, 1.0), phones, rate, np.ones(count)), phones, rate)[at]

    part = share[seen, None]
    acted = fitted.expression.copy()
    acted[:, SPOKEN] += part * (wanted[seen][:, SPOKEN] - acted[:, SPOKEN])
    moved = fitted.pose.project(fitted.neutral + np.tensordot(acted, face_model().expressions, axes=1))
    landmarks, expression = performance.landmarks.copy(), performance.expression.copy()
    here = landmarks[seen]
    here[:, MOUTH] += (part[..., None] * (moved[:, MOUTH] - here[:, MOUTH])).astype(np.float32)
    landmarks[seen] = here
    expression[:, SPOKEN] += (share[:, None] * (wanted[:, SPOKEN] - expression[:, SPOKEN])).astype(np.float32)
    # Skin was measured round the mouth that was seen.
    return replace(performance, landmarks=landmarks, expression=expression, skin=None, phones=phones)
