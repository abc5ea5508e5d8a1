# SPDX-License-Identifier: GPL-3.0-or-later
"""The view behind a head, and how a camera turns light into a picture. Linear Rec.709 unless said otherwise."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from ..arrays import Linear
from ..imaging.colour import encode_srgb, to_bytes
from ..imaging.exr import read_rgba

SKIN = np.array([1.0, 0.68, 0.54])
"""The hue of skin in white light: much the same for all people, from the darkest to the lightest."""


def paint_backdrop(rng: np.random.Generator, worlds: list[Path], size: int, focal: float) -> Linear:
    """A background [size, size, 3] of a mean brightness from dark to bright; `focal` in sides of the picture."""
    kind = rng.choice(["world", "wall", "clutter", "lights"], p=[0.4, 0.3, 0.2, 0.1])
    if kind == "world":
        picture = _view(worlds[rng.integers(len(worlds))], rng, size, focal)
    elif kind == "wall":
        picture = _wall(rng, size)
    elif kind == "clutter":
        picture = _clutter(rng, size)
    else:
        picture = _lights(rng, size)
    picture = _blurred(picture, size * rng.choice([0.0, 0.004, 0.015, 0.04]))
    wanted = float(np.exp(rng.uniform(np.log(0.03), np.log(0.7))))
    return np.clip(picture * (wanted / max(float(picture.mean()), 1e-4)), 0, 8).astype(np.float32)


def _view(world: Path, rng: np.random.Generator, size: int, focal: float) -> Linear:
    """A photograph of an environment map (latitude and longitude)."""
    whole = np.minimum(read_rgba(world)[..., :3], 20.0)
    y, x = (np.indices((size, size)) + 0.5) / size - 0.5
    turn, tilt = rng.uniform(0, 2 * np.pi), rng.normal(0, 0.12)
    ray = np.stack([x, -y * np.cos(tilt) - focal * np.sin(tilt), focal * np.cos(tilt) - y * np.sin(tilt)], axis=-1)
    across = ((np.arctan2(ray[..., 0], ray[..., 2]) + turn) / (2 * np.pi)) % 1.0
    down = 0.5 - np.arctan2(ray[..., 1], np.hypot(ray[..., 0], ray[..., 2])) / np.pi
    place = [np.float32(across * whole.shape[1] - 0.5), np.float32(down * whole.shape[0] - 0.5)]
    return np.asarray(cv2.remap(whole, place[0], place[1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_WRAP), np.float32)


def _colour(rng: np.random.Generator, most_saturation: float) -> NDArray[np.float32]:
    grey = rng.uniform(0.05, 0.9)
    return np.clip(grey * (1 + most_saturation * rng.normal(0, 1, 3)), 0.01, 1.0).astype(np.float32)


def _wall(rng: np.random.Generator, size: int) -> Linear:
    """A plain wall, lit from a side, perhaps with a texture."""
    y, x = np.indices((size, size)) / size
    angle, fall = rng.uniform(0, 2 * np.pi), rng.uniform(0, 1.2)
    light = np.exp(-fall * (np.cos(angle) * x + np.sin(angle) * y))
    grain = sum(_noise(rng, size, cells) * rng.uniform(0, 0.15) for cells in (3, 12, 50))
    return (_colour(rng, 0.3) * (light * (1 + grain))[..., None]).astype(np.float32)


def _noise(rng: np.random.Generator, size: int, cells: int) -> NDArray[np.float32]:
    return np.asarray(
        cv2.resize(rng.normal(0, 1, (cells, cells)).astype(np.float32), (size, size), interpolation=cv2.INTER_CUBIC)
    )


def _clutter(rng: np.random.Generator, size: int) -> Linear:
    """Shelves, frames, windows: boxes upon boxes."""
    picture = _wall(rng, size)
    for _ in range(rng.integers(4, 40)):
        x, y = rng.integers(-size // 4, size, 2)
        wide, high = (rng.lognormal(-1.8, 0.8, 2) * size).astype(int) + 2
        cv2.rectangle(picture, (int(x), int(y)), (int(x + wide), int(y + high)), [float(v) for v in _colour(rng, 0.5)], -1)
    return picture * (1 + 0.1 * _noise(rng, size, 30))[..., None]


def _lights(rng: np.random.Generator, size: int) -> Linear:
    """A night of unsharp lamps."""
    picture = _wall(rng, size) * 0.2
    for _ in range(rng.integers(10, 60)):
        x, y = rng.integers(0, size, 2)
        disc = np.zeros_like(picture)
        cv2.circle(
            disc, (int(x), int(y)), int(rng.uniform(0.01, 0.06) * size) + 1, [float(v) for v in _colour(rng, 0.5)], -1
        )
        picture += disc * rng.uniform(0.5, 3)
    return _blurred(picture, size * 0.006)


def _blurred(picture: Linear, sigma: float) -> Linear:
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma), np.float32) if sigma > 0.3 else picture


@dataclass(frozen=True)
class Development:
    """How a camera turns light into a picture: exposure, then a curve, then colour. One for a take."""

    face: float
    """linear brightness that the face's mean gets"""
    balance: float
    """how much of the light's colour the white balance takes away"""
    shoulder: float
    """where highlights begin to roll off: 0 clips, 1 rolls off early"""
    contrast: float
    saturation: float

    @staticmethod
    def sample(rng: np.random.Generator) -> Development:
        """One of many cameras."""
        return Development(
            face=float(np.exp(rng.normal(np.log(0.2), 0.3))),
            balance=float(rng.uniform(0.3, 1.0)),
            shoulder=float(rng.uniform(0.1, 0.9)),
            contrast=float(np.exp(rng.normal(0.03, 0.1))),
            saturation=float(np.clip(rng.normal(0.95, 0.15), 0, 1.4)),
        )

    def expose(self, face: Linear) -> Linear:
        """Gains [3] for a take whose face is [N, 3]: the colour of the light is what the face differs by from skin."""
        mean = np.maximum(face.mean(axis=0), 1e-4) if len(face) else np.ones(3)
        gain = (SKIN / SKIN.mean() * mean.mean() / mean) ** self.balance
        return np.asarray(gain * self.face / (mean * gain).mean(), np.float32)

    def develop(self, linear: Linear) -> NDArray[np.uint8]:
        """Linear [..., 3], already exposed, to sRGB bytes."""
        grey = linear.mean(axis=-1, keepdims=True)
        picture = np.maximum(grey + self.saturation * (linear - grey), 0.0)
        picture = 0.18 * (picture / 0.18) ** self.contrast
        knee = 1.0 - 0.75 * self.shoulder
        over = np.maximum(picture - knee, 0.0)
        rolled = np.minimum(picture, knee) + (1 - knee) * (1 - np.exp(-over / max(1 - knee, 1e-3)))
        return to_bytes(encode_srgb(rolled.astype(np.float32)))
