# SPDX-License-Identifier: GPL-3.0-or-later
"""A voice becomes a performance: lips that close when they should, a life that can be chosen, any file that plays."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from headcast.core.cli.main import main
from headcast.core.errors import (
    HeadcastError,
    NoSoundError,
    NoSpeechError,
    SettingError,
    UnreadableSoundError,
    WrongFileError,
)
from headcast.core.landmarks.arkit import INDEX
from headcast.core.landmarks.measure import measure_faces
from headcast.core.performance import Performance, Phone
from headcast.core.progress import Silent
from headcast.core.settings import SpeakSettings
from headcast.core.speech import align, espeak, phones, posteriors
from headcast.core.speech.dub import dub
from headcast.core.speech.hearing import hear
from headcast.core.speech.posteriors import Posteriors, cuts
from headcast.core.speech.sound import RATE, read_sound
from headcast.core.speech.speak import speak
from headcast.core.speech.visemes import class_of, letters_of

WORDS = {
    "en-us": "My brother put five big maps on the table before breakfast.",
    "de": "Meine Mutter backt am Montag immer braunes Brot mit Butter.",
    "fr": "Mon petit papa prépare un bon repas pour ma mère.",
}
STILL = SpeakSettings(language="en-us", blinks=0, glances=0, head=0, brows=0, breath=0)


class Heard(Silent):
    """Keeps the notes."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


def write_sound(path: Path, samples: np.ndarray, rate: int, codec: str = "pcm_s16le", channels: int = 1) -> Path:
    """Samples [N], -1 to 1, in the container that the path names."""
    layout = {1: "mono", 2: "stereo"}[channels]
    frame = av.AudioFrame.from_ndarray(
        np.repeat(samples.astype(np.float32)[None], channels, 0), format="fltp", layout=layout
    )
    frame.sample_rate = rate
    with av.open(str(path), "w") as file:
        stream = file.add_stream(codec, rate=48_000 if codec == "libopus" else rate)
        stream.layout = layout
        resampler = av.AudioResampler(stream.format.name, layout, stream.rate, frame_size=stream.frame_size or 1024)
        for part in [*resampler.resample(frame), *resampler.resample(None), None]:
            file.mux(stream.encode(part))
    return path


def write_movie(path: Path, samples: np.ndarray | None, rate: int = RATE) -> Path:
    """A movie of grey frames, with a sound or without."""
    with av.open(str(path), "w") as file:
        picture = file.add_stream("mpeg4", rate=25)
        picture.width = picture.height = 64
        picture.pix_fmt = "yuv420p"
        sound = None
        if samples is not None:
            sound = file.add_stream("aac", rate=rate)
            sound.layout = "mono"
        grey = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 128, np.uint8), format="rgb24")
        for i in range(50):
            grey.pts, grey.time_base = i, Fraction(1, 25)
            file.mux(picture.encode(grey))
        file.mux(picture.encode(None))
        if sound is not None:
            frame = av.AudioFrame.from_ndarray(samples.astype(np.float32)[None], format="fltp", layout="mono")
            frame.sample_rate = rate
            resampler = av.AudioResampler("fltp", "mono", rate, frame_size=1024)
            for part in [*resampler.resample(frame), *resampler.resample(None), None]:
                file.mux(sound.encode(part))
    return path


def chord(voice: np.ndarray, rate: int) -> np.ndarray:
    """A chord that is 10 dB below a voice."""
    time = np.arange(len(voice)) / rate
    notes = sum(np.sin(2 * np.pi * hertz * time) for hertz in (220.0, 277.2, 329.6))
    return notes * float(voice.std() / notes.std() / 3.16)


@pytest.fixture(scope="module")
def voice(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, espeak.Spoken]:
    """espeak-ng says the English sentence."""
    spoken = espeak.synthesize(WORDS["en-us"], "en-us")
    path = tmp_path_factory.mktemp("voice") / "voice.wav"
    return write_sound(path, spoken.samples, spoken.rate), spoken


def closings(spoken: Sequence[Phone]) -> list[float]:
    """When p, b and m begin."""
    return [p.start for p in spoken if letters_of(p.symbol) and class_of(letters_of(p.symbol)[0]) == "PBM"]


def shut_near(performance: Performance, times: Sequence[float], within: float = 0.06) -> float:
    """Part of the `times` within 60 ms of which the lips of the face are shut."""
    lips = measure_faces(performance.landmarks).lips
    middles = (np.arange(len(performance)) + 0.5) / float(performance.rate)
    return float(np.mean([(lips[np.abs(middles - time) < within + 0.02] < 0.02).any() for time in times]))


@pytest.mark.parametrize("language", WORDS)
def test_with_the_words_the_lips_close_at_every_p_b_and_m(tmp_path: Path, language: str) -> None:
    spoken = espeak.synthesize(WORDS[language], language)
    path = write_sound(tmp_path / "voice.wav", spoken.samples, spoken.rate)
    settings = SpeakSettings(language=language, joy=1.0, jaw=2.0)
    performance = speak(path, tmp_path / "x.performance", settings, Silent(), WORDS[language])
    assert shut_near(performance, closings(spoken.phones)) >= 0.95
    open_lips = measure_faces(performance.landmarks).lips > 0.05
    assert open_lips.mean() > 0.4
    found = closings(performance.phones)
    assert sum(any(abs(a - b) < 0.08 for b in found) for a in closings(spoken.phones)) / len(found) > 0.9


def test_lips_that_do_not_meet_are_seen_to_be_apart(tmp_path: Path, voice: tuple[Path, espeak.Spoken]) -> None:
    """Of painted lips two pixels are none: in the middle of every phone but p, b and m there are more."""
    performance = speak(voice[0], tmp_path / "x.performance", STILL, Silent(), WORDS["en-us"])
    lips, rate = measure_faces(performance.landmarks).lips, float(performance.rate)
    shutting = [phone for phone in performance.phones if phone.symbol in "pbm"]
    apart = [
        lips[int((phone.start + phone.end) / 2 * rate)]
        for phone in performance.phones
        if all(abs(phone.start + phone.end - other.start - other.end) > 0.3 for other in shutting)
    ]
    assert len(apart) > 5
    assert min(apart) > 0.1


def test_without_words_most_of_them(tmp_path: Path, voice: tuple[Path, espeak.Spoken]) -> None:
    reporter = Heard()
    performance = speak(voice[0], tmp_path / "x.performance", STILL, reporter)
    assert shut_near(performance, closings(voice[1].phones)) >= 0.85
    assert "phones were guessed" in reporter.notes[0]


def test_teeth_meet_the_lip_at_f_and_v(tmp_path: Path, voice: tuple[Path, espeak.Spoken]) -> None:
    performance = speak(voice[0], tmp_path / "x.performance", STILL, Silent(), WORDS["en-us"])
    for phone in performance.phones:
        if phone.symbol in "fv":
            frame = int((phone.start + phone.end) / 2 * 25)
            assert performance.expression[frame, INDEX["jawOpen"]] <= 0.121
            assert performance.expression[frame, INDEX["mouthRollLower"]] >= 0.349


def test_the_command_line(tmp_path: Path, voice: tuple[Path, espeak.Spoken], capsys: pytest.CaptureFixture[str]) -> None:
    words, output = tmp_path / "line.txt", tmp_path / "line.performance"
    words.write_text(WORDS["en-us"], "utf-8")
    options = ["--text", str(words), "--language", "en-us", "--rate", "30", "--first", "1001"]
    assert main(["speak", str(voice[0]), "-o", str(output), *options]) == 0
    performance = Performance.load(output)
    assert performance.rate == 30
    assert performance.frames[0] == 1001
    assert len(performance) == pytest.approx(30 * len(voice[1].samples) / voice[1].rate, abs=1)
    assert performance.seen.all()
    assert "phones" in capsys.readouterr().out


def test_one_seed_is_one_life_and_two_are_two(tmp_path: Path, voice: tuple[Path, espeak.Spoken]) -> None:
    files = []
    for i, seed in enumerate((1, 1, 2)):
        files.append(tmp_path / f"{i}.performance")
        speak(voice[0], files[-1], SpeakSettings(seed=seed), Silent(), WORDS["en-us"])
    assert files[0].read_bytes() == files[1].read_bytes()
    first, other = Performance.load(files[0]), Performance.load(files[2])
    assert np.abs(first.landmarks - other.landmarks).max() > 2.0
    assert first.phones == other.phones


def test_a_dial_at_0_holds_its_part_still(tmp_path: Path, voice: tuple[Path, espeak.Spoken]) -> None:
    still = speak(voice[0], tmp_path / "x.performance", STILL, Silent(), WORDS["en-us"])
    looked = measure_faces(still.landmarks)
    assert np.ptp(looked.yaw) < 0.3
    assert not still.expression[:, INDEX["eyeBlinkLeft"]].any()
    assert np.ptp(looked.gaze[:, 0]) < 0.5
    assert np.ptp(still.expression[:, INDEX["browInnerUp"]]) == 0


def test_phones_are_kept_and_can_be_changed_by_hand(tmp_path: Path, voice: tuple[Path, espeak.Spoken]) -> None:
    """An m where there was a vowel closes the lips there; nothing listens anew."""
    path = tmp_path / "x.performance"
    speak(voice[0], path, STILL, Silent(), WORDS["en-us"])
    kept = list(Performance.load(path).phones)
    assert [phone.symbol for phone in kept[:3]] == ["m", "a", "ɪ"]
    place = next(i for i, phone in enumerate(kept) if phone.symbol == "ˈa")
    middle = (kept[place].start + kept[place].end) / 2
    assert shut_near(Performance.load(path), [middle], within=0.0) == 0
    kept[place] = kept[place]._replace(symbol="m")
    changed = speak(voice[0], path, STILL, Silent(), phones=kept)
    assert shut_near(changed, [middle], within=0.0) == 1
    assert changed.phones == tuple(kept)


def test_keys_change_a_dial_over_time(tmp_path: Path, voice: tuple[Path, espeak.Spoken]) -> None:
    table = tmp_path / "keys.csv"
    table.write_text("seconds,distance,gaze_x,joy\n0.5,1,0,0\n1.5,2,20,1\n")
    settings = SpeakSettings(keys=str(table), blinks=0, glances=0, head=0, brows=0, breath=0)
    performance = speak(voice[0], tmp_path / "x.performance", settings, Silent(), WORDS["en-us"])
    width = np.ptp(performance.landmarks[:, :17, 0], axis=1)
    assert width[-1] == pytest.approx(width[0] / 2, rel=0.05)
    assert measure_faces(performance.landmarks).gaze[-1, 0] > measure_faces(performance.landmarks).gaze[0, 0] + 10
    assert performance.expression[-1, INDEX["mouthSmileLeft"]] > performance.expression[0, INDEX["mouthSmileLeft"]] + 0.2
    for text, words in (
        ("seconds,beauty\n0,1\n1,2\n", "columns"),
        ("seconds,joy\n1,0\n0,0\n", "do not rise"),
        ("seconds,joy\n0,0\n1,high\n", "high"),
    ):
        table.write_text(text)
        with pytest.raises(WrongFileError, match=words):
            speak(voice[0], tmp_path / "x.performance", settings, Silent())
    table.write_text("seconds,joy\n0,7\n1,0\n")
    with pytest.raises(SettingError, match="joy is not from 0 to 1"):
        speak(voice[0], tmp_path / "x.performance", settings, Silent())


@pytest.mark.parametrize(
    "kind", ["8 kHz", "96 kHz stereo", "clipped", "very quiet", "mp3", "m4a", "opus", "movie", "with music"]
)
def test_any_sound_that_plays_closes_the_lips(tmp_path: Path, voice: tuple[Path, espeak.Spoken], kind: str) -> None:
    spoken = voice[1]
    samples, rate = spoken.samples, spoken.rate

    def at(wanted: int) -> np.ndarray:
        frame = av.AudioFrame.from_ndarray(samples[None], format="flt", layout="mono")
        frame.sample_rate = rate
        resampler = av.AudioResampler("flt", "mono", wanted)
        return np.concatenate([part.to_ndarray()[0] for part in resampler.resample(frame) + resampler.resample(None)])

    path = {
        "8 kHz": lambda: write_sound(tmp_path / "x.wav", at(8000), 8000),
        "96 kHz stereo": lambda: write_sound(tmp_path / "x.wav", at(96_000), 96_000, "pcm_s24le", 2),
        "clipped": lambda: write_sound(tmp_path / "x.wav", np.clip(samples * 6, -1, 1), rate),
        "with music": lambda: write_sound(tmp_path / "x.wav", samples + chord(samples, rate), rate),
        "very quiet": lambda: write_sound(tmp_path / "x.wav", samples * 0.004, rate),
        "mp3": lambda: write_sound(tmp_path / "x.mp3", samples, rate, "libmp3lame"),
        "m4a": lambda: write_sound(tmp_path / "x.m4a", samples, rate, "aac"),
        "opus": lambda: write_sound(tmp_path / "x.opus", samples, rate, "libopus"),
        "movie": lambda: write_movie(tmp_path / "x.mp4", at(RATE)),
    }[kind]()
    seconds = len(samples) / rate
    assert read_sound(path).seconds == pytest.approx(seconds, abs=0.15)
    performance = speak(path, tmp_path / "x.performance", STILL, Silent(), WORDS["en-us"])
    assert shut_near(performance, closings(spoken.phones)) >= 0.85


def test_what_is_no_speech_is_named(tmp_path: Path) -> None:
    def refused(path: Path, error: type[HeadcastError], words: str) -> None:
        with pytest.raises(error, match=words) as caught:
            speak(path, tmp_path / "x.performance", SpeakSettings(), Silent())
        assert caught.value.hint

    tone = np.arange(2 * RATE) / RATE
    chord = sum(np.sin(2 * np.pi * hertz * tone) for hertz in (220.0, 277.2, 329.6)) / 4
    (tmp_path / "empty.wav").touch()
    (tmp_path / "text.wav").write_text("not a sound")
    refused(tmp_path / "none.wav", UnreadableSoundError, "is not there")
    refused(tmp_path / "empty.wav", UnreadableSoundError, "is empty")
    refused(tmp_path / "text.wav", UnreadableSoundError, "cannot be opened")
    refused(tmp_path, UnreadableSoundError, "is a folder")
    refused(write_movie(tmp_path / "mute.mp4", None), NoSoundError, "has no sound")
    refused(write_sound(tmp_path / "silence.wav", np.zeros(RATE), RATE), NoSoundError, "is silent")
    refused(write_sound(tmp_path / "music.wav", chord, RATE), NoSpeechError, "Nobody is heard to speak")
    refused(write_sound(tmp_path / "click.wav", np.ones(40), RATE), NoSpeechError, "Nobody is heard to speak")


def test_words_of_another_sound_and_languages_that_there_are_not(tmp_path: Path, voice: tuple[Path, espeak.Spoken]) -> None:
    other = "Zwölf gestreifte Zwerge singen leise, während draußen Schnee fällt."
    reporter = Heard()
    speak(voice[0], tmp_path / "x.performance", SpeakSettings(language="de"), reporter, other)
    assert "are these its words" in reporter.notes[0]
    with pytest.raises(SettingError, match="--language cannot be 'gibberish'"):
        speak(voice[0], tmp_path / "x.performance", SpeakSettings(language="gibberish"), Silent(), "hello")
    with pytest.raises(SettingError, match="no word that can be spoken"):
        speak(voice[0], tmp_path / "x.performance", SpeakSettings(), Silent(), "...")
    with pytest.raises(WrongFileError, match="is not there"):
        speak(voice[0], tmp_path / "x.performance", SpeakSettings(text=str(tmp_path / "none.txt")), Silent())


def test_what_is_heard_is_chances_of_tokens_at_each_moment() -> None:
    """And silence is blank, however long; what is heard of a piece does not depend on what was heard before."""
    silence = np.full(4 * RATE, 1e-5, np.float32)
    heard = hear(silence)
    assert heard.shape == (201, len(posteriors.TOKENS))
    assert np.exp(heard).sum(axis=1) == pytest.approx(1.0, abs=1e-4)
    assert (heard.argmax(axis=1) == posteriors.BLANK).mean() > 0.95
    assert np.array_equal(hear(silence), heard)
    assert len(posteriors.listen(silence[:30], Silent()).chances) == 1


def test_ten_minutes_stay_in_step(voice: tuple[Path, espeak.Spoken]) -> None:
    """The sentence again and again, heard once: the last time it is where it was the first time."""
    sound = read_sound(voice[0])
    heard = posteriors.listen(sound.samples, Silent()).chances
    times = round(600 / sound.seconds)
    symbols = phones.phones_of(WORDS["en-us"], "en-us")
    loud = np.ones(len(heard) * times, bool)
    once = align.align(Posteriors(heard), symbols, loud[: len(heard)]).phones
    long = align.align(Posteriors(np.tile(heard, (times, 1))), symbols * times, loud).phones
    shift = (times - 1) * len(heard) * posteriors.STEP
    moved = [late.start - shift - early.start for late, early in zip(long[-len(once) :], once, strict=True)]
    assert np.abs(moved[1:]).max() < 0.05
    level = np.tile(np.repeat([1.0, 0.0, 1.0], [400, 20, 400]), 40).astype(np.float32)
    edges = np.array(cuts(level))
    assert edges[-1] == len(level)
    assert np.diff(edges).max() <= 1400
    assert (level[edges[1:-1]] == 0).all()


def test_a_feeling_that_lasts_is_still_one_on_another_face(tmp_path: Path, voice: tuple[Path, espeak.Spoken]) -> None:
    """A performance that smiles throughout has no frame at rest: its own rest says what a smile is."""
    from headcast.core.landmarks.face_model import face_model
    from headcast.core.likeness import Likeness
    from headcast.core.rendering.frames import directed
    from headcast.core.settings import RenderSettings

    face = (face_model().neutral[None, :, :2] * 50 + 128).astype(np.float32)
    square = np.zeros((1, 256, 256, 3), np.uint8)
    likeness = Likeness("warp-256", "", square, square[..., 0], face, np.zeros(1, np.float32), ("photo",))
    widths = []
    for joy in (0.0, 1.0):
        settings = SpeakSettings(joy=joy, blinks=0, glances=0, head=0, brows=0, breath=0)
        performance = speak(voice[0], tmp_path / "x.performance", settings, Silent(), WORDS["en-us"])
        _, wanted = directed(Performance.load(tmp_path / "x.performance"), likeness, RenderSettings())
        assert wanted.shape == performance.landmarks.shape
        widths.append(np.median(wanted[:, 54, 0] - wanted[:, 48, 0]))
    assert widths[1] > 1.03 * widths[0]


def test_a_tracked_face_takes_its_mouth_from_the_sound(tmp_path: Path, voice: tuple[Path, espeak.Spoken]) -> None:
    """A face that was seen with its mouth shut throughout, looking about."""
    silent = speak(
        voice[0], tmp_path / "x.performance", SpeakSettings(jaw=0, lips=0, breath=0), Silent(), phones=[Phone("ə", 0, 0.1)]
    )
    dubbed = dub(silent, voice[0], SpeakSettings(), Silent())
    lips = measure_faces(dubbed.landmarks).lips
    assert measure_faces(silent.landmarks).lips.max() < 0.05
    assert (lips > 0.05).mean() > 0.4
    assert shut_near(dubbed, closings(voice[1].phones)) >= 0.75
    above = [*range(17, 36), *range(36, 48), 68, 69]
    assert np.array_equal(dubbed.landmarks[:, above], silent.landmarks[:, above])
    assert dubbed.expression[:, INDEX["jawOpen"]].max() > 0.2


def test_pictures_have_no_sound_to_take_a_mouth_from(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "take.csv"
    path.write_text("Timecode,BlendShapeCount,JawOpen\n12:00:00:00.000,61,0.1\n12:00:00:01.000,61,0.2\n")
    assert main(["track", str(path), "-o", str(tmp_path / "x.performance"), "--mouth", "speech"]) == 2
    assert "cannot be opened as a sound" in capsys.readouterr().err
