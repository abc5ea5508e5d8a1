# SPDX-License-Identifier: GPL-3.0-or-later
"""Walk-through: a portrait reads a line, in two languages.

    python examples/speak.py OUT_FOLDER [--portrait PICTURE] [--frames 8]

The voice is espeak-ng's, so that nobody's is needed; the portrait is the sample's, of a woman who does not exist. Leaves in
OUT_FOLDER, in a folder for each language, the scene with its markers and sound, the take, a contact sheet and a movie that
can be heard. Needs bpy in the engine's own Python, where espeak-ng is.
"""

from __future__ import annotations

import argparse
import wave
from pathlib import Path

import bpy
import headcast
import numpy as np
from headcast.core.performance import Performance
from headcast.core.speech.espeak import synthesize
from showing import leave
from staging import empty_scene, end, save_as

LINES = {
    "en-us": "Good morning. I am only a picture, but you may ask me for my opinion on anything.",
    "de": "Guten Morgen. Ich bin nur ein Bild, aber man darf mich alles fragen, was man möchte.",
}
FEELING = {"en-us": {"joy": 0.4}, "de": {"surprise": 0.3}}
RATE = 25


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--portrait", type=Path, default=Path(headcast.__file__).parent / "sample" / "portrait.jpg")
    parser.add_argument("--frames", type=int, default=0, help="render so many frames of each line; 0 renders all")
    given = parser.parse_args()
    for language, line in LINES.items():
        read_line(given.folder.resolve() / language, given.portrait.resolve(), language, line, given.frames)
        headcast.unregister()  # the next scene registers it again


def read_line(folder: Path, portrait: Path, language: str, line: str, frames: int) -> None:
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
