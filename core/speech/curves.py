# SPDX-License-Identifier: GPL-3.0-or-later
"""The mouth's movements for phones, as ARKit curves.

Each phone draws the mouth to its shape, the more the nearer it is in time, and they share it by their dominance (Cohen and
Massaro 1993). Jaw and lips have a dial each, which follow loudness and pitch (after JALI, Edwards et al. 2016). Lips that
must meet do so whatever the neighbours want, and others are seen to be apart: `parted` and `seal` come after all else that
moves the face.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ..arrays import Doubles
from ..landmarks.arkit import EXPRESSIONS, INDEX
from ..landmarks.expression import LOWER_INNER, UPPER_INNER
from ..landmarks.face_model import face_model
from ..performance import Phone
from .prosody import RATE_OF_CURVES, Prosody
from .visemes import CLASSES, VOWELS, class_of, letters_of

JAW = "jawOpen"
REACH = 0.4
"""Seconds after which a phone's dominance counts for nothing."""
PAUSE_DOMINANCE = 0.5
QUIETEST, LOUDER = 0.3, 0.8
"""The jaw opens by the first in a whisper, and by both together at the loudness of the voice."""
HIGHER = 0.02
"""How much more the lips shape for each semitone above the voice's own pitch."""
SHORT = 0.1
"""Seconds: consonants that are shorter leave the jaw to their neighbours."""
HELD, QUICKEST = 0.06, 0.02
"""Seconds for which lips that meet are shut at least, and in which they meet at least."""


class Shape(NamedTuple):
    """The face's shape for a class of phones."""

    apex: dict[str, float]
    """weights by expression, without a side where there are two"""
    jaw: float
    """dominance over the jaw"""
    lips: float
    """dominance over all else"""
    onset: float
    """seconds in which it forms"""
    offset: float


SHAPES = {
    "PBM": Shape({"jawOpen": 0.1, "mouthPress": 0.15}, 0.8, 0.6, 0.06, 0.06),
    "FV": Shape({"jawOpen": 0.1, "mouthRollLower": 0.35, "mouthUpperUp": 0.45}, 1.0, 0.8, 0.08, 0.08),
    "TH": Shape({"jawOpen": 0.18, "tongueOut": 0.4}, 0.8, 0.4, 0.08, 0.08),
    "TD": Shape({"jawOpen": 0.2}, 0.5, 0.15, 0.06, 0.06),
    "SZ": Shape({"jawOpen": 0.12, "mouthStretch": 0.2, "mouthLowerDown": 0.2}, 1.0, 0.6, 0.08, 0.08),
    "SH": Shape({"jawOpen": 0.14, "mouthFunnel": 0.5, "mouthPucker": 0.25}, 1.2, 1.2, 0.15, 0.12),
    "KG": Shape({"jawOpen": 0.25}, 0.3, 0.05, 0.06, 0.06),
    "R": Shape({"jawOpen": 0.22, "mouthPucker": 0.3, "mouthFunnel": 0.2}, 0.8, 0.8, 0.1, 0.1),
    "A": Shape({"jawOpen": 0.6, "mouthLowerDown": 0.15}, 1.2, 1.0, 0.12, 0.12),
    "E": Shape({"jawOpen": 0.45, "mouthStretch": 0.2}, 1.0, 1.0, 0.12, 0.12),
    "I": Shape({"jawOpen": 0.25, "mouthStretch": 0.3, "mouthSmile": 0.2}, 1.0, 1.0, 0.12, 0.12),
    "O": Shape({"jawOpen": 0.45, "mouthFunnel": 0.5, "mouthPucker": 0.3}, 1.5, 1.5, 0.15, 0.12),
    "W": Shape({"jawOpen": 0.05, "mouthPucker": 0.8, "mouthFunnel": 0.1}, 2.0, 2.0, 0.1, 0.08),
    "U": Shape({"jawOpen": 0.2, "mouthPucker": 0.7, "mouthFunnel": 0.35}, 1.5, 1.5, 0.15, 0.12),
    "SCHWA": Shape({"jawOpen": 0.32}, 0.6, 0.6, 0.08, 0.08),
}
"""By the classes of `visemes`; made by hand after phonetics, and looked at."""
assert set(SHAPES) == set(CLASSES)
SHUT = {"mouthPress": 0.3, "mouthRollLower": 0.2, "mouthRollUpper": 0.2}
"""Lips that are pressed together."""
BITTEN = {"mouthRollLower": 0.35, "mouthUpperUp": 0.45}
"""The lower lip at the upper teeth."""
OPENERS = ("mouthLowerDown", "mouthUpperUp", "mouthFunnel", "mouthShrugUpper", "mouthPucker", "mouthFrown")
"""Expressions that would part lips that meet, and how much of each is left: LEFT."""
LEFT = {"mouthPucker": 0.5, "mouthFrown": 0.7}
RIGHT_CORNER, LEFT_CORNER = 60, 64
"""Of the inner lips, in the iBUG points."""
MOST_SHUT, MOST_BITTEN = 0.15, 0.12
"""Of the jaw."""
PARTED = 0.12
"""Gap of the inner lips over the mouth's width, at rest where it is pursed, from which they are seen to be apart: of painted
lips, eyes and detectors take two or three pixels for none."""
NEARBY = 0.06
"""Seconds before and after a phone in which the lips part for it."""


def columns(name: str) -> list[int]:
    """Places of an expression in `arkit.EXPRESSIONS`: both sides where it has sides."""
    return [INDEX[name]] if name in INDEX else [INDEX[name + "Left"], INDEX[name + "Right"]]


def mouth_curves(phones: Sequence[Phone], prosody: Prosody) -> Doubles:
    """[N, 52] weights at the moments of `prosody`, of phones that may overlap."""
    moments = len(prosody.loud)
    wanted, shares = np.zeros((moments, len(EXPRESSIONS))), np.full((moments, 2), 1e-6)
    jaw = INDEX[JAW]
    for phone, shape in _shaped(phones):
        begin = max(0, int((phone.start - REACH) * RATE_OF_CURVES))
        end = min(moments, int((phone.end + REACH) * RATE_OF_CURVES) + 1)
        if begin >= end:
            continue
        at = (np.arange(begin, end) + 0.5) / RATE_OF_CURVES
        share = _dominance(at, phone, shape)
        short = phone.end - phone.start < SHORT and class_of(letters_of(phone.symbol)[0]) not in VOWELS
        of_jaw = share * shape.jaw * (0.6 if short else 1.0)
        of_lips = share * shape.lips
        shares[begin:end] += np.column_stack([of_jaw, of_lips])
        for name, weight in shape.apex.items():
            for column in columns(name):
                wanted[begin:end, column] += (of_jaw if column == jaw else of_lips) * weight
    shares += PAUSE_DOMINANCE * _between(phones, moments)[:, None]
    is_jaw = np.arange(len(EXPRESSIONS)) == jaw
    return np.asarray(wanted / np.where(is_jaw, shares[:, :1], shares[:, 1:]))


def dialled(curves: Doubles, prosody: Prosody, jaw: Doubles, lips: Doubles) -> Doubles:
    """`curves` [N, 52] made larger and smaller by loudness and pitch, and by dials [N] of the jaw and of the lips."""
    of_jaw = jaw * (QUIETEST + LOUDER * np.minimum(prosody.loud, 1.0))
    of_lips = lips * np.clip(1.0 + HIGHER * prosody.pitch, 0.8, 1.3)
    scale = np.where(np.arange(len(EXPRESSIONS)) == INDEX[JAW], of_jaw[:, None], of_lips[:, None])
    return np.clip(curves * scale, 0.0, 1.0)


def parted(curves: Doubles, phones: Sequence[Phone], rate: float, amount: Doubles) -> Doubles:
    """`curves` [F, 52], `rate` a second, with the jaw lower where a phone that shuts no lips would leave them all but shut.

    amount: [F] of PARTED. The lips of the face model are linear in the curves, so it is known how much jaw is lacking.
    """
    model, middles = face_model(), (np.arange(len(curves)) + 0.5) / rate
    near = np.zeros(len(curves))
    for phone, shape in _shaped(phones):
        if shape is not SHAPES["PBM"]:
            away = np.maximum(phone.start - middles, middles - phone.end)
            near = np.maximum(near, np.clip(1.0 - away / NEARBY, 0.0, 1.0))
    lips = model.acted(curves)
    gap = (lips[:, LOWER_INNER, 1] - lips[:, UPPER_INNER, 1]).mean(axis=1)
    width, at_rest = (points[..., LEFT_CORNER, 0] - points[..., RIGHT_CORNER, 0] for points in (lips, model.neutral))
    wanted = PARTED * amount * np.maximum(width, at_rest)
    opened = model.expressions[INDEX[JAW]]
    slope = (opened[LOWER_INNER, 1] - opened[UPPER_INNER, 1]).mean()
    lower = curves.copy()
    lower[:, INDEX[JAW]] += near * np.maximum(wanted - gap, 0.0) / slope
    return lower


def seal(curves: Doubles, phones: Sequence[Phone], rate: float) -> Doubles:
    """`curves` [F, 52], `rate` a second, with the lips shut at every p, b and m, and the lower lip at the teeth at f and v,
    in one frame at least, however short the phone. Each frame counts in its middle."""
    sealed = curves.copy()
    shaped = _shaped(phones)
    middles = [-np.inf, *((phone.start + phone.end) / 2 for phone, _ in shaped), np.inf]
    for i, (phone, shape) in enumerate(shaped, start=1):
        name = class_of(letters_of(phone.symbol)[0])
        if name not in ("PBM", "FV"):
            continue
        middle = middles[i]
        half = max(min(phone.end - phone.start, 2 * HELD), HELD) / 2
        # A short vowel between two that close still opens: they leave its middle alone.
        onset = float(np.clip(middle - half - middles[i - 1], QUICKEST, shape.onset))
        offset = float(np.clip(middles[i + 1] - middle - half, QUICKEST, shape.offset))
        begin = max(0, int((middle - half - onset) * rate))
        end = min(len(curves), int((middle + half + offset) * rate) + 2)
        if begin >= end:
            continue
        at = (np.arange(begin, end) + 0.5) / rate
        before, after = (middle - half - at) / onset, (at - middle - half) / offset
        amount = _eased(1.0 - np.clip(np.maximum(before, after), 0.0, 1.0))
        amount[np.argmin(np.abs(at - middle))] = 1.0
        part = sealed[begin:end]
        part += amount[:, None] * (_met(part, name) - part)
    return sealed


def _met(curves: Doubles, name: str) -> Doubles:
    """`curves` [F, 52] with the lips as a closing phone has them."""
    met = curves.copy()
    for opener in OPENERS:
        met[:, columns(opener)] *= LEFT.get(opener, 0.0)
    shut = name == "PBM"
    met[:, INDEX[JAW]] = np.minimum(met[:, INDEX[JAW]], MOST_SHUT if shut else MOST_BITTEN)
    met[:, INDEX["mouthClose"]] = met[:, INDEX[JAW]] if shut else 0.0
    for expression, weight in (SHUT if shut else BITTEN).items():
        at = columns(expression)
        met[:, at] = np.maximum(met[:, at], weight)
    return met


def _shaped(phones: Sequence[Phone]) -> list[tuple[Phone, Shape]]:
    """Phones that the face shows, with their shapes; a symbol that an artist wrote may have several letters."""
    found = []
    for phone in phones:
        letters = letters_of(phone.symbol)
        edges = np.linspace(phone.start, phone.end, len(letters) + 1).tolist()
        for letter, start, end in zip(letters, edges, edges[1:], strict=False):
            found.append((Phone(letter, start, end), SHAPES[class_of(letter)]))
    return found


def _dominance(at: Doubles, phone: Phone, shape: Shape) -> Doubles:
    """[M] 1 in the phone's middle half, and 1/e so far outside of it as the shape takes to form, or to go."""
    middle, half = (phone.start + phone.end) / 2, (phone.end - phone.start) / 4
    before, after = np.maximum(middle - half - at, 0.0), np.maximum(at - middle - half, 0.0)
    return np.exp(-(before / shape.onset + after / shape.offset))


def _between(phones: Sequence[Phone], moments: int) -> Doubles:
    """[N] 1 where no phone is, 0 where one is."""
    free = np.ones(moments)
    for phone in phones:
        free[max(0, int(phone.start * RATE_OF_CURVES)) : max(0, int(np.ceil(phone.end * RATE_OF_CURVES)))] = 0.0
    return free


def _eased(part: Doubles) -> Doubles:
    return part * part * (3.0 - 2.0 * part)
