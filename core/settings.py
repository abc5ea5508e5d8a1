"""Everything that a user can set: one field each, with its default, range and help in this one place.

The command line's options (`cli/`), the panel's properties (`blender_addon/properties.py`) and the manifest are made from
these fields. Needs nothing but Python.
"""

from __future__ import annotations

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
) -> Any:
    """A dataclass field with what a user is told of it. `choices` maps each value to its meaning; kind "path" is a file."""
    return field(default=default, metadata={"text": text, "choices": choices, "low": low, "high": high, "kind": kind})


CROPS = {
    "auto": "Find the head and hold it steady in a square of its own",
    "full": "The picture is a head crop already",
}
DETECTORS = {
    "mediapipe": "Google MediaPipe: fast, and runs everywhere",
    "face-alignment": "FAN: the detector of the paper; fetches its weights at first use",
}
PRESETS = {
    "warp-256": "Bends the photos to the pose and repaints what they do not show",
    "fsth-256": "Zakharov et al. 2019: every pixel painted anew",
}
MOTIONS = {
    "absolute": "Landmarks just as they were seen: registers with the source, and keeps the driver's face shape",
    "relative": "The driver's pose and expression on the face shape of the likeness",
}
FRAMES = {
    "crop": "The square crop of the head",
    "plate": "The whole plate, the head where it was seen",
}


class Checked:
    """Settings that look at their own values. Raises SettingError, which names the option at fault."""

    def __post_init__(self) -> None:
        for item in fields(self):  # type: ignore[arg-type]
            value, limits = getattr(self, item.name), item.metadata
            name = "--" + item.name.replace("_", "-")
            if limits["choices"] is not None and value not in limits["choices"]:
                raise SettingError(f"{name} cannot be '{value}'", f"Choose one of: {', '.join(limits['choices'])}")
            low, high = limits["low"], limits["high"]
            if (low is not None and value < low) or (high is not None and value > high):
                raise SettingError(f"{name} cannot be {value}", f"Choose from {low} to {high}")


@dataclass(frozen=True)
class AdaptSettings(Checked):
    """How photos become a Likeness."""

    preset: str = option("warp-256", "Network that will paint this person", choices=PRESETS)
    steps: int = option(0, "Fine-tuning steps on the photos; 0 is feed-forward", low=0, high=5000)
    crop: str = option("auto", "What of each photo is the head", choices=CROPS)
    size: int = option(256, "Side of the head crop in pixels", low=64, high=1024)
    detector: str = option("mediapipe", "Landmark detector", choices=DETECTORS)
    weights: str = option("", "Weights file (.safetensors) in the place of the preset's own", kind="path")
    device: str = option("auto", "Where the networks run: auto, cpu, cuda, cuda:1, mps")


@dataclass(frozen=True)
class TrackSettings(Checked):
    """How a clip becomes a Performance."""

    crop: str = option("auto", "What of each frame is the head", choices=CROPS)
    size: int = option(256, "Side in pixels of the head crop in which the face is looked at again", low=64, high=1024)
    detector: str = option("mediapipe", "Landmark detector", choices=DETECTORS)
    device: str = option("auto", "Where the detector runs: auto, cpu, cuda, cuda:1, mps")


@dataclass(frozen=True)
class RenderSettings(Checked):
    """How a Likeness plays a Performance."""

    motion: str = option("absolute", "Whose face shape the head has", choices=MOTIONS)
    frame: str = option("crop", "What each frame shows", choices=FRAMES)
    opaque: bool = option(False, "Write the whole network picture, alpha 1, in the place of the matted head")
    photos: int = option(3, "Photos that each frame is painted from, of those nearest in pose", low=1, high=16)
    crop: str = option("auto", "'full' renders the whole frame of the performance as the head crop", choices=CROPS)
    size: int = option(0, "Side of the network's picture in pixels; 0 is the likeness's own", low=0, high=1024)
    weights: str = option("", "Weights file (.safetensors) in the place of the preset's own", kind="path")
    device: str = option("auto", "Where the networks run: auto, cpu, cuda, cuda:1, mps")


@dataclass(frozen=True)
class EvaluateSettings(Checked):
    """How clips are scored."""

    preset: str = option("warp-256", "Network to score", choices=PRESETS)
    photos: str = option("1,8", "Numbers of photos, with commas between")
    frames: int = option(16, "Held-out frames of each clip", low=2, high=1000)
    steps: int = option(0, "Fine-tuning steps; 0 is feed-forward", low=0, high=5000)
    size: int = option(256, "Side of the head crops in pixels", low=64, high=1024)
    detector: str = option("mediapipe", "Landmark detector", choices=DETECTORS)
    device: str = option("auto", "Where the networks run: auto, cpu, cuda, cuda:1, mps")
    sheets: str = option("", "Folder for picture sheets: photo, truth, warp, ours", kind="path")
