# SPDX-License-Identifier: GPL-3.0-or-later
"""Walk-through: a portrait reads a line, in two languages.

    python examples/speak.py OUT_FOLDER [--portrait PICTURE] [--frames 8]

The voice is espeak-ng's, so that nobody's is needed; the portrait is the sample's, of a woman who does not exist. Leaves in
OUT_FOLDER, in a folder for each language, the scene with its markers and sound, the take, a contact sheet and a movie that
can be heard; and beside them sounds.png, the head at SOUNDS, a row for each language. Needs bpy in the engine's own Python,
where espeak-ng is.
"""

from __future__ import annotations

import argparse
import wave
from collections.abc import Sequence
from pathlib import Path

import bpy
import headcast
import numpy as np
from headcast.core.imaging.preview import contact_sheet, write_png
from headcast.core.performance import Performance
from headcast.core.speech.espeak import synthesize
from headcast.core.speech.visemes import STRESS
from showing import SIDE, leave, seen
from staging import empty_scene, end, save_as

LINES = {
    "en-us": "Good morning. I am only a picture, but you may ask me for my opinion on anything.",
    "de": "Guten Morgen. Ich bin nur ein Porträt, aber man darf mich alles fragen, was man möchte.",
}
FEELING = {"en-us": {"joy": 0.4}, "de": {"surprise": 0.3}}
RATE = 25
SOUNDS = "pbmfɔa"
"""Shown by sounds.png, at the longest phone of each."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--portrait", type=Path, default=Path(headcast.__file__).parent / "sample" / "portrait.jpg")
    parser.add_argument("--frames", type=int, default=0, help="render so many frames of each line; 0 renders all")
    given = parser.parse_args()
    rows = []
    for language, line in LINES.items():
        folder = given.folder.resolve() / language
        performance = read_line(folder, given.portrait.resolve(), language, line, given.frames)
        rows.append(heads_at_sounds(performance, sorted((folder / "take").glob("*.exr"))))
        headcast.unregister()  # the next scene registers it again
    write_png(given.folder / "sounds.png", contact_sheet(rows, SIDE))


def read_line(folder: Path, portrait: Path, language: str, line: str, frames: int) -> Performance:
    """One language."""
    folder.mkdir(parents=True, exist_ok=True)
    voice = write_voice(folder / "voice.wav", language, line)
    scene = empty_scene(frames=1)
    scene.render.fps = RATE
    save_as(folder / "speak.blend")
    settings = scene.headcast
    settings.photos = str(portrait)
    settings.source, settings.sound, settings.words = "SPEECH", str(voice), line
    settings.speak.language = language
    for feeling, amount in FEELING[language].items():
        setattr(settings.speak, feeling, amount)
    settings.output = "//take/speak_v001.####.exr"
    settings.render.opaque = True
    bpy.ops.headcast.adapt()
    bpy.ops.headcast.speak()
    performance = Performance.load(Path(bpy.path.abspath(settings.performance)))
    last = int(performance.frames[-1])
    settings.render.frames = f"1-{min(frames, last)}" if frames else ""
    bpy.ops.headcast.render()
    bpy.ops.wm.save_mainfile()
    leave(folder, [sorted((folder / "take").glob("*.exr"))], performance.rate, voice)
    return performance


def heads_at_sounds(performance: Performance, frames: Sequence[Path]) -> list[np.ndarray]:
    """A picture for each of SOUNDS, which every line has. Where few frames were rendered, the last stands for later ones."""
    heads = []
    for sound in SOUNDS:
        said = [phone for phone in performance.phones if phone.symbol.strip(STRESS) == sound]
        longest = max(said, key=lambda phone: phone.end - phone.start)
        middle = int((longest.start + longest.end) / 2 * performance.rate)
        heads.append(seen(frames[min(middle, len(frames) - 1)]))
    return heads


def write_voice(path: Path, language: str, line: str) -> Path:
    """The line as espeak-ng says it."""
    spoken = synthesize(line, language)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(spoken.rate)
        file.writeframes((np.clip(spoken.samples, -1.0, 1.0) * 32767).astype("<i2").tobytes())
    return path


if __name__ == "__main__":
    main()
    end()
