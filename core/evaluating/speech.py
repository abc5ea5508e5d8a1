# SPDX-License-Identifier: GPL-3.0-or-later
"""How well speech moves a face: `python -m headcast.core.evaluating.speech [CLIP ...]` prints tables.

Lips are judged by espeak-ng's own voice, whose phones and times are known. Curves are judged by clips of talkers: what the
sound of each makes of the jaw and the lips, beside the jaw and the lips that the detector sees. Baselines get the same
sound: loudness alone, and OpenFaceFX where it is installed, with the same phones.
"""

from __future__ import annotations

import sys
import tempfile
import time
import wave
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..arrays import Doubles, Reals
from ..errors import NoSpeechError
from ..landmarks.arkit import EXPRESSIONS, INDEX
from ..landmarks.measure import measure_faces
from ..performance import Phone
from ..progress import Silent
from ..settings import SpeakSettings, TrackSettings
from ..speech import espeak
from ..speech.prosody import RATE_OF_CURVES, prosody_of
from ..speech.sound import read_sound
from ..speech.speak import speak
from ..speech.visemes import class_of, letters_of
from ..tracking.capture import acted_landmarks
from ..tracking.track import track
from .lines import ORDINARY, SENTENCES

WITHIN = 0.06
"""Seconds from the truth at which lips still meet in time."""
SHUT = 0.02
"""Gap of the lips over the mouth's width below which they are shut."""
LAGS = range(-4, 5)
"""Frames."""
MINUTE, SEEDS = 60.0, 4


class Closures(NamedTuple):
    """Lips that meet at p, b and m: counts."""

    truth: int
    hit: int
    """of the truth"""
    found: int
    """times that the lips meet while somebody speaks"""
    right: int
    """of them"""

    @property
    def line(self) -> str:
        """Recall and precision."""
        return f"{self.hit / max(self.truth, 1):.2f} / {self.right / max(self.found, 1):.2f}"


def main(clips: Sequence[str]) -> None:
    """Print every table."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        print("\nlips at p, b and m: recall / precision within 60 ms\n")
        print("| lines | language | with words | without |\n| --- | --- | --- | --- |")
        for kind, lines in (("full of them", SENTENCES), ("ordinary", ORDINARY)):
            for language, sentences in lines.items():
                known, guessed = (_closures(sentences, language, words, folder) for words in (True, False))
                print(f"| {kind} | {language} | {known.line} | {guessed.line} |")
        if clips:
            print("\ncurves and talkers: correlation, and the lag at which it is best, in frames\n")
            print("| clip | by | jaw | lips |\n| --- | --- | --- | --- |")
            for clip in clips:
                for by, jaw, lips in _talker(Path(clip), folder):
                    print(f"| {Path(clip).stem} | {by} | {jaw} | {lips} |")
        _life(folder)


def _closures(sentences: Sequence[str], language: str, words: bool, folder: Path) -> Closures:
    counts = np.zeros(4, int)
    for sentence in sentences:
        spoken = espeak.synthesize(sentence, language)
        path = write_voice(folder / "voice.wav", spoken.samples, spoken.rate)
        settings = SpeakSettings(language=language, head=0.0, rate="50")
        try:
            performance = speak(path, folder / "x.performance", settings, Silent(), sentence if words else "")
            lips = measure_faces(performance.landmarks).lips
            counts += np.array(closures(lips, performance.rate, spoken.phones))
        except NoSpeechError:
            counts += np.array((len(_of_class(spoken.phones, "PBM")), 0, 0, 0))
    return Closures(*counts.tolist())


def closures(lips: Reals, rate: Fraction, spoken: Sequence[Phone]) -> Closures:
    """Where the lips of a face meet, beside where p, b and m begin. Neither pauses count, nor f and v (lip meets teeth).

    lips: [F] their gap over the mouth's width, `rate` frames a second; NaN is open.
    """
    middles = (np.arange(len(lips)) + 0.5) / float(rate)
    shut = lips < SHUT
    edges = np.flatnonzero(np.diff(np.concatenate([[False], shut, [False]]).astype(np.int8))).reshape(-1, 2)
    spans = [(float(middles[a]), float(middles[b - 1])) for a, b in edges.tolist()]
    truth = _of_class(spoken, "PBM")

    def met(phone: Phone, span: tuple[float, float]) -> bool:
        return span[0] - WITHIN <= phone.start <= span[1] + WITHIN

    bitten = _of_class(spoken, "FV")
    talk = [
        span
        for span in spans
        if not _in_a_pause(spoken, span)
        and (any(met(phone, span) for phone in truth) or not any(met(phone, span) for phone in bitten))
    ]
    hit = sum(any(met(phone, span) for span in spans) for phone in truth)
    return Closures(len(truth), hit, len(talk), sum(any(met(phone, span) for phone in truth) for span in talk))


def _of_class(spoken: Sequence[Phone], name: str) -> list[Phone]:
    """The phones of a class of shapes, such as those at which the lips meet."""
    return [phone for phone in spoken if letters_of(phone.symbol) and class_of(letters_of(phone.symbol)[0]) == name]


def _in_a_pause(spoken: Sequence[Phone], span: tuple[float, float]) -> bool:
    """True where a span lies in a pause, or before or after all phones, give or take WITHIN: a mouth may rest there."""
    ends, starts = [-np.inf, *(phone.end for phone in spoken)], [*(phone.start for phone in spoken), np.inf]
    pauses = [(end, start) for end, start in zip(ends, starts, strict=True) if start - end > WITHIN]
    return any(end - WITHIN <= span[0] and span[1] <= start + WITHIN for end, start in pauses)


def _talker(clip: Path, folder: Path) -> list[tuple[str, str, str]]:
    """The curves that each method makes of a clip's sound, beside its face."""
    face = track(str(clip), folder / "face.performance", TrackSettings(), Silent())
    lips, jaw = measure_faces(face.landmarks).lips, face.face_curves()[:, INDEX["jawOpen"]]
    sound = prosody_of(read_sound(clip).samples)
    settings = SpeakSettings(rate=str(face.rate), head=0.0)
    ours = speak(clip, folder / "ours.performance", settings, Silent())
    at = (np.arange(len(lips)) + 0.5) / float(face.rate)
    loud = np.interp(at, (np.arange(len(sound.loud)) + 0.5) / RATE_OF_CURVES, sound.loud)
    found: list[tuple[str, Reals, Reals]] = [
        ("headcast", ours.expression[:, INDEX["jawOpen"]], measure_faces(ours.landmarks).lips),
        ("loudness", loud, loud),
    ]
    other = openfacefx(ours.phones, face.rate, len(lips))
    if other is not None:
        points = acted_landmarks(other, np.zeros((len(other), 3)))
        found.append(("OpenFaceFX", other[:, INDEX["jawOpen"]], measure_faces(points).lips))
    return [(by, _agreement(a, jaw), _agreement(b, lips)) for by, a, b in found]


def openfacefx(phones: Sequence[Phone], rate: Fraction, frames: int) -> Doubles | None:
    """[frames, 52] that OpenFaceFX (MIT, not among our packages) makes of phones; None where it is not installed."""
    try:
        from openfacefx.alignment import PhonemeSegment
        from openfacefx.ipa import IPA_MAPPING
        from openfacefx.pipeline import generate_from_alignment
        from openfacefx.retarget import PRESETS, retarget
    except ImportError:
        return None
    segments: list[Any] = []
    for phone in phones:
        if segments and phone.start > segments[-1].end:
            segments.append(PhonemeSegment("sil", segments[-1].end, phone.start))
        segments.append(PhonemeSegment(phone.symbol, phone.start, phone.end))
    made = retarget(generate_from_alignment(segments, fps=60.0, mapping=IPA_MAPPING), PRESETS["arkit"])
    at, curves = (np.arange(frames) + 0.5) / float(rate), np.zeros((frames, len(EXPRESSIONS)))
    for channel in made.channels:
        if channel.name in INDEX and channel.keys:
            curves[:, INDEX[channel.name]] = np.interp(
                at, [key.time for key in channel.keys], [key.value for key in channel.keys], left=0.0, right=0.0
            )
    return curves


def _agreement(made: NDArray[np.floating], true: NDArray[np.floating]) -> str:
    """The correlation, and in how many frames `made` is late where it agrees best."""
    count = min(len(made), len(true))
    a, b = made[:count], true[:count]
    shifted = {
        lag: np.corrcoef(a[max(lag, 0) : count + min(lag, 0)], b[max(-lag, 0) : count - max(lag, 0)])[0, 1] for lag in LAGS
    }
    return f"{shifted[0]:.2f} ({max(shifted, key=lambda lag: shifted[lag]):+d})"


def _life(folder: Path) -> None:
    """Blinks, glances and turns of a minute of speech, and how long it takes."""
    spoken = [espeak.synthesize(sentence, "en-us") for sentence in SENTENCES["en-us"]]
    text, samples = " ".join(SENTENCES["en-us"]), np.concatenate([each.samples for each in spoken])
    times = int(np.ceil(MINUTE * spoken[0].rate / len(samples)))
    path = write_voice(folder / "minute.wav", np.tile(samples, times), spoken[0].rate)
    words = " ".join([text] * times)
    speak(path, folder / "x.performance", SpeakSettings(language="en-us"), Silent(), words)
    start, worked = time.perf_counter(), time.process_time()
    made = [speak(path, folder / "x.performance", SpeakSettings(seed=seed), Silent(), words) for seed in range(SEEDS)]
    took, worked = ((now - then) / SEEDS for now, then in ((time.perf_counter(), start), (time.process_time(), worked)))
    seconds = len(made[0]) / float(made[0].rate)
    looked = [measure_faces(each.landmarks) for each in made]
    shut = [each.expression[:, INDEX["eyeBlinkLeft"]] > 0.3 for each in made]
    blinks = float(np.mean([np.count_nonzero(np.diff(each.astype(np.int8)) > 0) for each in shut])) / seconds * MINUTE
    jumps = [np.linalg.norm(np.diff(each.gaze, axis=0), axis=1) > 2.0 for each in looked]
    far = float(np.mean([np.count_nonzero(np.diff(each.astype(np.int8)) > 0) for each in jumps])) / seconds * MINUTE
    turns = [np.mean([getattr(each, way).std() for each in looked]) for way in ("yaw", "pitch", "roll")]
    print(f"\na minute of speech, {SEEDS} seeds: {blinks:.0f} blinks, {far:.0f} glances of more than 2 degrees a frame,")
    print("standard deviations of yaw, pitch and roll " + ", ".join(f"{turn:.1f}" for turn in turns) + " degrees,")
    print(f"{took / seconds * MINUTE:.1f} s to make, {worked / seconds * MINUTE:.1f} s of a processor's time")


def write_voice(path: Path, samples: NDArray[np.floating], rate: int) -> Path:
    """Samples [N], -1 to 1, as a WAV; returns its path."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((np.clip(samples, -1.0, 1.0) * 32767).astype("<i2").tobytes())
    return path


if __name__ == "__main__":
    main(sys.argv[1:])
