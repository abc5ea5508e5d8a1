# SPDX-License-Identifier: GPL-3.0-or-later
"""The way of a plate's light to what the network sees, and exactly back.

Plate space -> linear Rec.709 -> one exposure gain per shot -> a shoulder that holds highlights below white and can be undone
-> sRGB. One Transfer serves all frames of a shot: a gain that followed each frame would flicker.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..arrays import Doubles, Floats
from ..errors import NoFaceError
from . import colour
from .colour import LUMINANCE, SCENE_LINEAR
from .colour_space import Chromaticities, from_linear_rec709, to_linear_rec709
from .halves import HALF_MOST

KNEE = 0.8
"""Exposed light above which the shoulder bends."""
FACE_LEVEL = 0.22
"""Linear luminance of a face that is exposed as photos are: the middle of a skin's usual 0.1 to 0.35."""
BRIGHTEST = 99.9
"""Percentile of a face's brightest channel that is the shot's white: above it lie sparks."""


@dataclass(frozen=True)
class Transfer:
    """Plate to network and back, the same for every frame of a shot."""

    space: str | Chromaticities = SCENE_LINEAR
    """Colour space of the plate, by name or by its primaries."""
    gain: float = 1.0
    """Factor by which the plate's light is multiplied for the network."""
    white: float = float("inf")
    """Exposed light, at least 1, that the network sees as its white. So its white is no brighter than the shot's."""

    def encode(self, plate: Floats) -> Floats:
        """`plate` [H, W, 3] as sRGB for the network: 0 to 1 for light from black to white, beyond it for what lies beyond.

        Always finite: NaN becomes black, infinity the largest half.
        """
        clean = np.clip(np.nan_to_num(plate, posinf=HALF_MOST, neginf=-HALF_MOST), -HALF_MOST, HALF_MOST)
        linear = np.nan_to_num(to_linear_rec709(clean, self.space), posinf=HALF_MOST, neginf=-HALF_MOST)
        return colour.encode_srgb(_shoulder(linear * np.float32(self.gain), self.white))

    def decode(self, network: Floats) -> Floats:
        """The inverse of `encode`: sRGB [H, W, 3] in light of the plate's space."""
        return from_linear_rec709(_unshoulder(colour.decode_srgb(network), self.white) / np.float32(self.gain), self.space)


def face_level(face: Floats) -> float:
    """Median linear luminance of a face's pixels [N, 3], linear Rec.709; not finite or black ones aside, NaN where none is
    left."""
    light = _lit(face) @ LUMINANCE
    return float(np.median(light)) if len(light) else float("nan")


def shot_transfer(space: str | Chromaticities, faces: Sequence[Floats], level: float = FACE_LEVEL) -> Transfer:
    """The transfer that exposes a shot so that its face has the luminance `level`, such as that of the likeness' photos.

    faces: pixels [N, 3] of the face in a few frames, in the plate's space. Raises NoFaceError where no pixel is lit.
    """
    lit = [_lit(to_linear_rec709(face, space)) for face in faces]
    lit = [face for face in lit if len(face)]
    if not lit:
        raise NoFaceError("No face in the sampled frames has light to expose by", "Give the plate that was tracked")
    gain = level / float(np.median([face_level(face) for face in lit]))
    brightest = float(np.median([np.percentile(face.max(axis=-1), BRIGHTEST) for face in lit]))
    return Transfer(space, gain, max(1.0, gain * brightest))


def _lit(face: Floats) -> Floats:
    return face[np.isfinite(face).all(axis=-1) & (face @ LUMINANCE > 0.0)]


def _shoulder(linear: Floats, white: float) -> Floats:
    """Light to light that is the same up to KNEE and 1 at `white`, smoothly; with no white (infinity) it only nears 1.

    t / (1 + c t) over the knee: slope 1 where it begins, and undone by f / (1 - c f). Odd, so negatives keep their sign.
    """
    over, where = _over_knee(linear)
    return _with_highlights(linear, over / (1.0 + _bend(white) * over), where)


def _unshoulder(bent: Floats, white: float) -> Floats:
    """The inverse of `_shoulder`, at most HALF_MOST."""
    over, where = _over_knee(bent)
    # A network may give values that the shoulder never gives: they are held at its brightest.
    most = (HALF_MOST - KNEE) / (1.0 - KNEE)
    over = np.minimum(over, most / (1.0 + _bend(white) * most))
    return _with_highlights(bent, over / (1.0 - _bend(white) * over), where)


def _over_knee(light: Floats) -> tuple[Doubles, NDArray[np.bool_]]:
    """How far each pixel's channel that is over the knee is over it, in parts of the way to 1; and where those are."""
    where = np.abs(light) > KNEE
    return (np.abs(light[where]).astype(np.float64) - KNEE) / (1.0 - KNEE), where


def _with_highlights(light: Floats, over: Doubles, where: NDArray[np.bool_]) -> Floats:
    whole = light.copy()
    whole[where] = np.copysign(KNEE + (1.0 - KNEE) * over, light[where])
    return whole


def _bend(white: float) -> float:
    """c of the shoulder: 1 - 1 / T, so that t = T gives 1; 0, no shoulder at all, where white is 1."""
    return 1.0 - (1.0 - KNEE) / (white - KNEE)
