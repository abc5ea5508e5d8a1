# SPDX-License-Identifier: GPL-3.0-or-later
"""The road from a voice to a Performance: phones, then the curves of a face, then the face in a picture of our own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from ..arrays import Doubles
from ..errors import NoSpeechError
from ..files import ensure_writable
from ..imaging.crop import head_crops
from ..imaging.read import parse_rate
from ..landmarks.arkit import EXPRESSIONS
from ..performance import Performance, Phone, performance_from_points
from ..progress import Reporter
from ..settings import SpeakSettings
from ..tracking.capture import SIDE, acted_landmarks
from .align import align
from .controls import Keys, controls_of, read_keys
from .curves import dialled, mouth_curves, parted, seal
from .free import guess
from .life import live
from .phones import phones_of, read_words
from .posteriors import STEP, listen
from .prosody import RATE_OF_CURVES, Prosody, prosody_of
from .sound import Sound, read_sound

USUAL_RATE = "25"
BELONGS = 2.0
"""How many times as sure words are as the same ones backwards where they belong to the sound: 2.2 and more on espeak-ng's
voice in five languages, 0.7 to 1.8 for the words of others."""
UNSURE = 0.5
"""How sure the network is of what it heard, below which that is said."""
EMPTY: Keys = {}


def speak(
    voice: Path,
    output: Path,
    settings: SpeakSettings,
    reporter: Reporter,
    words: str = "",
    phones: Sequence[Phone] = (),
    keys: Keys = EMPTY,
) -> Performance:
    """Make the Performance of a voice and save it; what was heard is noted.

    The words are `words`, or those of the file `settings.text`; without any they are guessed. phones: those of an earlier
    performance, changed by hand: then nobody listens. keys: of the dials, beside those of the file `settings.keys`.

    Raises UnreadableSoundError, NoSoundError and NoSpeechError for the sound, WrongFileError for another file, SettingError,
    MissingPackageError, MissingWeightsError and UnwritableError.
    """
    ensure_writable(output)
    rate = parse_rate(settings.rate or USUAL_RATE)
    all_keys = {**(read_keys(Path(settings.keys)) if settings.keys else {}), **keys}
    reporter.step("read the sound", 0, 1)
    sound = read_sound(voice)
    prosody = prosody_of(sound.samples)
    spoken = tuple(phones) or phones_in(voice, sound, prosody, settings, reporter, words)
    reporter.step("move the face", 0, 1)
    performance = act(spoken, prosody, rate, settings, all_keys, voice.name)
    performance.save(output)
    return performance


def phones_in(
    voice: Path, sound: Sound, prosody: Prosody, settings: SpeakSettings, reporter: Reporter, words: str = ""
) -> tuple[Phone, ...]:
    """The phones of a voice, found by its words, or guessed. Raises NoSpeechError where nobody speaks, and as `speak`."""
    text = words.strip() or (read_words(Path(settings.text)) if settings.text else "")
    symbols = phones_of(text, settings.language) if text else []
    heard = listen(sound.samples, reporter)
    at = (np.arange(len(heard.chances)) * STEP * RATE_OF_CURVES).astype(int)
    loud = prosody.speaking[np.minimum(at, len(prosody.speaking) - 1)]
    nobody = NoSpeechError(f"Nobody is heard to speak in {voice}", "Give a voice without music, or another recording of it")
    if not symbols:
        guessed = guess(heard, loud)
        if not guessed.phones:
            raise nobody
        sure = "" if guessed.sure >= UNSURE else ": give the words, or correct the phones"
        reporter.note(f"{len(guessed.phones)} phones were guessed from the sound, {guessed.sure:.0%} sure{sure}")
        return guessed.phones
    if len(symbols) > len(heard.chances) // 2:
        reporter.note(f"The words are too many for {sound.seconds:.1f} seconds of sound")
    aligned = align(heard, symbols, loud)
    if aligned.sure < BELONGS * align(heard, symbols[::-1], loud).sure:
        if not guess(heard, loud).phones:
            raise nobody
        reporter.note(
            f"The words fit {voice.name} no better than backwards: are these its words, in the language "
            f"'{settings.language}'?"
        )
    return aligned.phones


def act(
    phones: Sequence[Phone], prosody: Prosody, rate: Fraction, settings: SpeakSettings, keys: Keys, source: str
) -> Performance:
    """A face that says `phones`, in frames from `settings.first` on that each show the middle of their time. Raises
    SettingError for a key out of range."""
    moments = len(prosody.loud)
    controls = controls_of(settings, keys, moments)
    life = live(phones, prosody, controls, settings.seed)
    mouth = dialled(mouth_curves(phones, prosody), prosody, controls["jaw"], controls["lips"])
    count = max(1, int(np.ceil(moments / RATE_OF_CURVES * rate)))
    jaw = sampled(np.minimum(controls["jaw"], 1.0)[:, None], count, rate)[:, 0]
    weights = parted(sampled(mouth + life.weights, count, rate), phones, float(rate), jaw)
    weights = seal(weights, phones, float(rate))
    weights = np.clip(weights, 0.0, 1.0)
    landmarks = acted_landmarks(
        weights,
        sampled(life.turn, count, rate),
        sampled(life.place, count, rate),
        1.0 / sampled(controls["distance"][:, None], count, rate)[:, 0],
    )
    rest = acted_landmarks(np.zeros((1, len(EXPRESSIONS))), np.zeros((1, 3)))
    crop = head_crops(rest, np.ones(1, bool), float(rate))
    performance = performance_from_points(
        np.arange(settings.first, settings.first + count, dtype=np.int32),
        landmarks,
        np.tile(crop, (count, 1)),
        (SIDE, SIDE),
        rate,
        source,
        expression=weights.astype(np.float32),
    )
    return replace(performance, rest=rest[0], phones=tuple(phones))


def sampled(curves: Doubles, count: int, rate: Fraction) -> Doubles:
    """Curves [N, C] in the middles of `count` frames."""
    at = (np.arange(count) + 0.5) / float(rate) * RATE_OF_CURVES - 0.5
    return np.column_stack([np.interp(at, np.arange(len(curves)), column) for column in curves.T])
