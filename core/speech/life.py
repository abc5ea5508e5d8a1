# SPDX-License-Identifier: GPL-3.0-or-later
"""A head that lives while it speaks: turns and nods with the voice, brows, breath, feelings; eyes are in `eyes`.

Heads move with pitch and loudness (Munhall et al. 2004), at 1 to 2 Hz (Pedersen et al. 2022). Sizes are those of lively
speakers: standard deviations of 1 to 2 degrees. Each part has chances of its own, so that a dial changes nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from ..arrays import Doubles
from ..imaging.crop import smooth_over_time
from ..landmarks.arkit import EXPRESSIONS, INDEX
from ..landmarks.livelink import head_rotations
from ..performance import Phone
from .controls import EMOTIONS
from .curves import columns
from .eyes import blinks, eye_weights, glances, pauses_of
from .prosody import RATE_OF_CURVES, Prosody
from .visemes import STRESS

FAST, SLOW = 0.5, 2.5
"""Seconds: standard deviations of what smooths chance into movements."""
SWAY = {"yaw": (0.9, 1.0), "pitch": (0.6, 0.7), "roll": (0.7, 0.8)}
"""Standard deviations in degrees of chance's part of the turns, fast and slow."""
LISTENING = 0.5
"""How much of it is left in silence."""
NOD = 2.4
"""Degrees of a nod at a stressed vowel, at most."""
NOD_SECONDS = 0.16
LIFTED, LOUD = 0.22, 1.6
"""Degrees by which the nose lifts for a semitone of pitch, and for full loudness, over TUNE seconds."""
TUNE = 0.12
SINK = 1.3
"""Degrees of a nod at the end of a phrase."""
FOLLOWS = 0.25
"""Part of where the eyes look that the head turns to, within TURN seconds."""
TURN = 0.25
NECK = np.array([0.0, 1.5, 0.7])
"""The point that the head turns round, in model units from between the eyes."""
BREATH = 4.2
"""Seconds of a breath at rest."""
BREATH_TURN, BREATH_LIFT = 0.35, 0.012
"""Degrees, and eye distances, that the head rises by when breath is drawn."""
GASP, GASP_SECONDS = 0.16, 0.14
"""How far the jaw opens for the breath before speech, and the spread of that time, so many seconds before: GASP_BEFORE."""
GASP_BEFORE, GASP_PAUSE = 0.3, 0.35
"""The second: after a silence of so many seconds at least."""
RAISE, RAISED_OFTEN = 0.35, 0.4
"""How far brows rise at a stressed vowel, and how often."""
RAISE_SECONDS = 0.17

FEELINGS: dict[str, dict[str, float]] = {
    "joy": {"mouthSmile": 0.55, "cheekSquint": 0.5, "eyeSquint": 0.2},
    "sadness": {"browInnerUp": 0.7, "mouthFrown": 0.5, "eyeSquint": 0.15, "mouthShrugLower": 0.2},
    "anger": {"browDown": 0.8, "eyeWide": 0.25, "mouthPress": 0.4, "noseSneer": 0.25},
    "surprise": {"browInnerUp": 0.8, "browOuterUp": 0.7, "eyeWide": 0.7, "jawOpen": 0.15},
    "disgust": {"noseSneer": 0.8, "browDown": 0.3, "mouthUpperUp": 0.35, "mouthFrown": 0.3},
    "fear": {"browInnerUp": 0.8, "browOuterUp": 0.35, "eyeWide": 0.7, "mouthStretch": 0.45},
}
"""After Ekman and Friesen's action units, by ARKit's names."""
IN_SPEECH = 0.4
"""How much of a feeling the mouth shows while it speaks."""
DROOP = {"sadness": -4.0, "joy": 1.0, "fear": 1.0, "anger": -1.5}
"""Degrees that the nose lifts by."""


class Life(NamedTuple):
    """N moments of a head."""

    weights: Doubles
    """[N, 52] of everything but the speaking mouth; 0 to about 1"""
    turn: Doubles
    """[N, 3] yaw, pitch and roll in radians, as `livelink.head_rotations` takes them"""
    place: Doubles
    """[N, 2] where the point between the eyes is, in eye distances from its rest: to the right, and down"""


def live(phones: Sequence[Phone], prosody: Prosody, controls: Mapping[str, Doubles], seed: int) -> Life:
    """The life of a head that says `phones`, by dials [N] of `controls` (see `settings.KEYED`)."""
    moments = len(prosody.loud)
    accents = _accents(phones, prosody)
    look = glances(prosody.speaking, controls["glances"], _chance(seed, "glances"))
    towards = np.column_stack([controls["gaze_x"], controls["gaze_y"]]) + look.away
    breath = _breath(prosody, _chance(seed, "breath")) * controls["breath"]
    degrees = _turns(accents, prosody, _chance(seed, "head")) * controls["head"][:, None]
    follow = _smooth(FOLLOWS * towards, TURN)
    degrees[:, :2] += follow * (-1.0, 1.0)
    degrees[:, 1] += BREATH_TURN * breath
    for feeling, lift in DROOP.items():
        degrees[:, 1] += lift * controls[feeling]
    weights = np.zeros((moments, len(EXPRESSIONS)))
    for name, values in eye_weights(towards + degrees[:, :2] * (1.0, -1.0)).items():
        weights[:, INDEX[name]] = values
    _raise_brows(weights, accents, controls["brows"], _chance(seed, "brows"))
    _feel(weights, prosody, controls)
    gasps = [(begin / RATE_OF_CURVES - GASP_BEFORE, GASP) for begin in _beginnings(prosody)]
    weights[:, INDEX["jawOpen"]] += _bumps(moments, gasps, GASP_SECONDS) * controls["breath"]
    shut = blinks(prosody.speaking, look.shifts, controls["blinks"], _chance(seed, "blinks"))
    weights[:, columns("eyeWide")] *= 1.0 - shut[:, None]
    weights[:, columns("eyeBlink")] = shut[:, None]
    turn = np.radians(degrees)
    carried = NECK - np.einsum("fij,j->fi", head_rotations(turn), NECK)
    place = carried[:, :2]
    place[:, 1] -= BREATH_LIFT * breath
    return Life(weights, turn, place)


def _chance(seed: int, part: str) -> np.random.Generator:
    return np.random.default_rng([seed, *part.encode()])


def _smooth(values: Doubles, seconds: float) -> Doubles:
    """[N, C] smoothed over time."""
    return smooth_over_time(values, seconds * RATE_OF_CURVES)


def _drift(moments: int, seconds: float, chance: np.random.Generator) -> Doubles:
    """[N, 3] smooth chance with a standard deviation of 1."""
    sigma = seconds * RATE_OF_CURVES
    room = int(4 * sigma)
    found = _smooth(chance.standard_normal((moments + 2 * room, 3)), seconds)[room : room + moments]
    return np.asarray(found * np.sqrt(2 * sigma * np.sqrt(np.pi)))


def _accents(phones: Sequence[Phone], prosody: Prosody) -> list[tuple[float, float]]:
    """Seconds and strengths, 0 to 1, of stressed vowels; of the loudest moments where no phone has its stress."""
    stressed = [phone for phone in phones if phone.symbol[:1] == STRESS[0]]
    times = [(phone.start + phone.end) / 2 for phone in stressed] or _loud_moments(prosody)
    found = []
    for time in times:
        i = min(int(time * RATE_OF_CURVES), len(prosody.loud) - 1)
        found.append((time, float(np.clip(0.5 * prosody.loud[i] + 0.08 * prosody.pitch[i] + 0.1, 0.1, 1.0))))
    return found


def _loud_moments(prosody: Prosody) -> list[float]:
    """Seconds of the syllables that are the loudest for a third of a second round them."""
    loud = _smooth(prosody.loud[:, None], 0.05)[:, 0]
    reach = RATE_OF_CURVES // 3
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(loud, reach), 2 * reach + 1)
    return (np.flatnonzero((loud >= windows.max(axis=1)) & (loud > 0.7)) / RATE_OF_CURVES).tolist()


def _bumps(moments: int, events: Sequence[tuple[float, float]], seconds: float) -> Doubles:
    """[N] a smooth bump of each event's height at its time."""
    found = np.zeros(moments)
    reach = int(3 * seconds * RATE_OF_CURVES)
    for time, height in events:
        middle = int(time * RATE_OF_CURVES)
        begin, end = max(0, middle - reach), min(moments, middle + reach + 1)
        at = np.arange(begin, end) / RATE_OF_CURVES - time
        found[begin:end] += height * np.exp(-0.5 * np.square(at / seconds))
    return found


def _turns(accents: Sequence[tuple[float, float]], prosody: Prosody, chance: np.random.Generator) -> Doubles:
    """[N, 3] degrees of yaw, pitch and roll."""
    moments = len(prosody.loud)
    sizes = np.array(list(SWAY.values()))
    sway = _drift(moments, FAST, chance) * sizes[:, 0] + _drift(moments, SLOW, chance) * sizes[:, 1]
    speaking = _smooth(prosody.speaking[:, None].astype(np.float64), FAST)
    degrees = sway * (LISTENING + (1 - LISTENING) * speaking)
    nods = [(time + 0.03, strength * chance.uniform(0.3, 1.0)) for time, strength in accents]
    tune = _smooth(np.column_stack([prosody.pitch, prosody.loud]) * prosody.speaking[:, None], TUNE)
    degrees[:, 1] += LIFTED * tune[:, 0] + LOUD * (tune[:, 1] - 0.6 * speaking[:, 0])
    degrees[:, 1] -= NOD * _bumps(moments, nods, NOD_SECONDS)
    ends = [(moment / RATE_OF_CURVES + 0.1, chance.uniform(0.5, 1.0)) for moment in pauses_of(prosody.speaking)]
    degrees[:, 1] -= SINK * _bumps(moments, ends, 2 * NOD_SECONDS)
    return degrees


def _beginnings(prosody: Prosody) -> list[int]:
    """Moments at which speech begins after GASP_PAUSE."""
    edges = np.diff(np.concatenate([[0], prosody.speaking.astype(np.int8)]))
    begins, ends = np.flatnonzero(edges > 0), np.flatnonzero(edges < 0)
    before = np.concatenate([[0], ends])[np.searchsorted(ends, begins, side="right")] if len(ends) else np.zeros(len(begins))
    return begins[begins - before >= GASP_PAUSE * RATE_OF_CURVES].tolist()


def _breath(prosody: Prosody, chance: np.random.Generator) -> Doubles:
    """[N] 0 breathed out, 1 drawn in: in time with itself in silence, and drawn quickly at pauses."""
    moments = len(prosody.loud)
    pace = 1.0 + 0.15 * _drift(moments, SLOW, chance)[:, 0]
    resting = 0.5 - 0.5 * np.cos(2 * np.pi * np.cumsum(pace) / (BREATH * RATE_OF_CURVES))
    drawn = _bumps(moments, [(moment / RATE_OF_CURVES + 0.2, 1.0) for moment in pauses_of(prosody.speaking)], 0.25)
    return np.clip(resting + drawn, 0.0, 1.5)


def _raise_brows(
    weights: Doubles, accents: Sequence[tuple[float, float]], dial: Doubles, chance: np.random.Generator
) -> None:
    """Add the brows' part of the stress."""
    raised = []
    for time, strength in accents:
        often, height = chance.random(), chance.uniform(0.4, 1.0)
        if often < RAISED_OFTEN * (0.5 + strength):
            raised.append((time, strength * height))
    up = np.minimum(_bumps(len(weights), raised, RAISE_SECONDS), 1.0) * RAISE * dial
    weights[:, columns("browInnerUp")] += up[:, None]
    weights[:, columns("browOuterUp")] += 0.8 * up[:, None]


def _feel(weights: Doubles, prosody: Prosody, controls: Mapping[str, Doubles]) -> None:
    """Add the feelings; the mouth shows less of them while it speaks."""
    quiet = 1.0 - (1.0 - IN_SPEECH) * _smooth(prosody.speaking[:, None].astype(np.float64), 0.15)[:, 0]
    for feeling in EMOTIONS:
        for name, weight in FEELINGS[feeling].items():
            part = quiet if name.startswith(("mouth", "jaw")) else 1.0
            weights[:, columns(name)] += (weight * controls[feeling] * part)[:, None]
