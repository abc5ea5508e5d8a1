# SPDX-License-Identifier: GPL-3.0-or-later
"""How a head acts: smooth curves of the 52 ARKit expressions, gaze and head turns, at random but as people move."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..arrays import Doubles
from ..landmarks.arkit import EXPRESSIONS, INDEX

RATE = 25.0
"""Frames a second."""

MOODS: tuple[dict[str, float], ...] = (
    {},
    {"mouthSmile": 0.5, "cheekSquint": 0.3},
    {"mouthSmile": 0.9, "cheekSquint": 0.6, "eyeSquint": 0.3, "mouthUpperUp": 0.3},
    {"mouthFrown": 0.7, "browInnerUp": 0.6, "mouthShrugLower": 0.3},
    {"browDown": 0.9, "mouthPress": 0.5, "noseSneer": 0.3, "eyeSquint": 0.3},
    {"browInnerUp": 0.8, "browOuterUp": 0.9, "eyeWide": 0.7},
    {"eyeSquint": 0.6, "noseSneer": 0.7, "mouthUpperUp": 0.3},
    {"mouthPucker": 0.7, "browDown": 0.3},
    {"mouthStretch": 0.6, "browInnerUp": 0.5, "eyeWide": 0.4},
    {"mouthDimple": 0.6, "mouthPress": 0.4},
)
"""Expressions that a face may settle into; a name without a side is meant for both."""
SOUNDS: tuple[dict[str, float], ...] = (
    {"jawOpen": 0.55, "mouthLowerDown": 0.25},
    {"jawOpen": 0.32, "mouthStretch": 0.25, "mouthLowerDown": 0.3, "mouthUpperUp": 0.15},
    {"jawOpen": 0.14, "mouthStretch": 0.4, "mouthSmile": 0.2, "mouthLowerDown": 0.3},
    {"jawOpen": 0.35, "mouthFunnel": 0.6},
    {"jawOpen": 0.15, "mouthPucker": 0.75, "mouthFunnel": 0.2},
    {"mouthPress": 0.35, "mouthRollLower": 0.35, "mouthRollUpper": 0.3},
    {"mouthRollLower": 0.5, "mouthUpperUp": 0.35, "jawOpen": 0.05},
    {"jawOpen": 0.1, "mouthLowerDown": 0.45, "mouthUpperUp": 0.3, "mouthFunnel": 0.2},
    {"jawOpen": 0.17, "tongueOut": 0.12, "mouthLowerDown": 0.2},
    {"jawOpen": 0.85, "mouthStretch": 0.1},
)
"""Mouths of speech: open, half open, spread and rounded vowels, closed lips, lip to teeth, a hiss, a tongue, a shout."""


BODY_TURN, SWAY = np.radians((0.7, 3.0, 1.2)), 0.06
"""Standard deviations of how a body leans, turns and tilts, and of how far it shifts (decimetres)."""


@dataclass(frozen=True)
class ActedFrame:
    """A face at one time."""

    expression: Doubles
    """[52] weights, 0 to 1, in the order of EXPRESSIONS"""
    gaze: Doubles
    """[2, 2] of the left and the right eye: to the image right and up, -1 to 1"""
    head: Doubles
    """[3] rotation vector in radians against the body: about x (nod), y (yaw, to the image right), z (roll)"""
    body: Doubles
    """[3] rotation vector in radians about the hips: nobody sits still"""
    sway: Doubles
    """[3] decimetres that the whole body is shifted"""


def act(rng: np.random.Generator, frames: int, most_yaw: float, camera: float) -> list[ActedFrame]:
    """A take of `frames` at RATE. `most_yaw` (radians) is how far the head turns at most from the `camera`'s direction."""
    expression = np.zeros((frames, len(EXPRESSIONS)))
    for mood, strength in _moods(rng, frames):
        expression += strength[:, None] * _both_sides(mood, rng)
    if rng.random() < 0.75:
        expression += _speech(rng, frames)
    for name in ("jawLeft", "jawRight", "jawForward", "mouthLeft", "mouthRight", "cheekPuff", "browInnerUp", "mouthClose"):
        expression[:, INDEX[name]] += 0.25 * np.clip(_wander(rng, frames, 0.7), 0, None)
    closing = np.maximum(_blinks(rng, frames), 0.0)
    for side in ("Left", "Right"):
        blink = expression[:, INDEX[f"eyeBlink{side}"]]
        expression[:, INDEX[f"eyeBlink{side}"]] = np.maximum(blink, closing)
        expression[:, INDEX[f"eyeWide{side}"]] *= 1 - closing
    # Lips cannot be brought together further than the jaw parted them.
    close = INDEX["mouthClose"]
    expression[:, close] = np.minimum(expression[:, close], 0.9 * expression[:, INDEX["jawOpen"]])
    gaze = _gaze(rng, frames)
    for side, inward, outward in (("Left", 1, -1), ("Right", -1, 1)):
        # The lids follow the eye; the subject's left eye is on the image right.
        sideways, up = gaze[:, 0], gaze[:, 1]
        expression[:, INDEX[f"eyeLookUp{side}"]] = np.clip(up, 0, 1)
        expression[:, INDEX[f"eyeLookDown{side}"]] = np.clip(-up, 0, 1)
        expression[:, INDEX[f"eyeLookIn{side}"]] = np.clip(-inward * sideways, 0, 1)
        expression[:, INDEX[f"eyeLookOut{side}"]] = np.clip(-outward * sideways, 0, 1)
    yaw = camera + most_yaw * np.clip(rng.normal(0, 0.3) + 0.7 * _wander(rng, frames, 0.35), -1, 1)
    head = np.stack(
        [np.clip(np.radians(8) * _wander(rng, frames, 0.5), -0.3, 0.3), yaw, np.radians(6) * _wander(rng, frames, 0.4)],
        axis=1,
    )
    body = np.stack([turn * _wander(rng, frames, 0.3) for turn in BODY_TURN], axis=1)
    sway = np.stack([SWAY * _wander(rng, frames, 0.4) for _ in range(3)], axis=1)
    crossing = np.array([rng.normal(0, 0.03), 0.0])
    return [
        ActedFrame(
            np.clip(expression[i], 0, 1), np.stack([gaze[i] - crossing, gaze[i] + crossing]), head[i], body[i], sway[i]
        )
        for i in range(frames)
    ]


def _both_sides(shape: dict[str, float], rng: np.random.Generator) -> Doubles:
    """[52] weights; a face is never quite symmetric."""
    weights, lean = np.zeros(len(EXPRESSIONS)), rng.normal(0, 0.12)
    for name, weight in shape.items():
        if name in INDEX:
            weights[INDEX[name]] = weight
        else:
            weights[INDEX[name + "Left"]], weights[INDEX[name + "Right"]] = weight * (1 + lean), weight * (1 - lean)
    return weights


def _wander(rng: np.random.Generator, frames: int, rate: float) -> Doubles:
    """[frames] smooth noise with a standard deviation of 1, mostly below `rate` Hz."""
    radius = max(int(RATE / rate / 2), 1)
    noise = rng.normal(size=frames + 6 * radius)
    kernel = np.exp(-0.5 * (np.arange(-3 * radius, 3 * radius + 1) / (radius * 0.6)) ** 2)
    kernel /= np.sqrt(np.square(kernel).sum())
    smooth: Doubles = np.convolve(noise, kernel, "valid")[:frames]
    return smooth


def _moods(rng: np.random.Generator, frames: int) -> list[tuple[dict[str, float], Doubles]]:
    """Moods that come and go, each with its strength [frames]."""
    found, start = [], 0.0
    while start < frames:
        length = rng.uniform(0.8, 3.0) * RATE
        mood = MOODS[rng.integers(len(MOODS))]
        found.append((mood, rng.uniform(0.4, 1.1) * _bump(frames, start, start + length, 0.3 * RATE)))
        start += length
    return found


def _bump(frames: int, start: float, end: float, ramp: float) -> Doubles:
    """[frames] rising from 0 to 1 round `start` and falling round `end`."""
    at = np.arange(frames)
    rise: Doubles = np.clip((at - start) / ramp + 0.5, 0.0, 1.0)
    fall: Doubles = np.clip((end - at) / ramp + 0.5, 0.0, 1.0)
    return rise**2 * (3 - 2 * rise) * fall**2 * (3 - 2 * fall)


def _speech(rng: np.random.Generator, frames: int) -> Doubles:
    """[frames, 52] of somebody talking: four to six sounds a second, with pauses."""
    curves = np.zeros((frames, len(EXPRESSIONS)))
    start, loudness = rng.uniform(0, RATE), rng.uniform(0.6, 1.3)
    while start < frames:
        if rng.random() < 0.12:
            start += rng.uniform(0.3, 1.0) * RATE
            continue
        length = rng.uniform(0.13, 0.28) * RATE
        sound = _both_sides(SOUNDS[rng.choice(len(SOUNDS), p=_SOUND_SHARE)], rng)
        curves += loudness * rng.uniform(0.7, 1.1) * _bump(frames, start, start + length, 0.1 * RATE)[:, None] * sound
        start += length
    return curves


_SOUND_SHARE = np.array([5, 5, 5, 3, 3, 3, 2, 4, 1, 1]) / 32


def _blinks(rng: np.random.Generator, frames: int) -> Doubles:
    """[frames] 0 open to 1 closed; now and then the eyes stay closed, or half closed."""
    closed, start = np.zeros(frames), rng.exponential(1.5) * RATE
    while start < frames:
        long = rng.random() < 0.25
        length = rng.uniform(0.4, 1.2) * RATE if long else 0.12 * RATE
        depth = rng.uniform(0.4, 1.0) if long else 1.0
        closed = np.maximum(closed, depth * _bump(frames, start, start + length, 0.08 * RATE))
        start += length + rng.exponential(1.6) * RATE
    return closed


def _gaze(rng: np.random.Generator, frames: int) -> Doubles:
    """[frames, 2] jumps between points of interest, mostly near the camera."""
    gaze, start = np.zeros((frames, 2)), 0
    while start < frames:
        length = max(int(rng.exponential(0.9) * RATE), 4)
        gaze[start : start + length] = np.clip(rng.normal(0, [0.35, 0.2]), -0.9, 0.9)
        start += length
    return gaze
