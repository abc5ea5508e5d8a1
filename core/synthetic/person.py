# SPDX-License-Identifier: GPL-3.0-or-later
"""Who somebody is: a shape, skin, eyes, hair, clothes. Sampled from a seed, and plain data that a label can hold."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np

RACES = ("african", "asian", "caucasian")
FEATURES = {
    "head": (
        "head-fat-decr|incr head-angle-in|out head-scale-depth-decr|incr head-scale-horiz-decr|incr "
        "head-scale-vert-decr|incr head-back-scale-depth-decr|incr head-age-decr|incr"
    ),
    "forehead": (
        "forehead-nubian-decr|incr forehead-scale-vert-decr|incr forehead-temple-decr|incr forehead-trans-backward|forward"
    ),
    "eyebrows": "eyebrows-angle-down|up eyebrows-trans-down|up eyebrows-trans-backward|forward",
    "nose": (
        "nose-base-down|up nose-compression-compress|uncompress nose-curve-concave|convex nose-flaring-decr|incr "
        "nose-greek-decr|incr nose-hump-decr|incr nose-nostrils-angle-down|up nose-nostrils-width-decr|incr "
        "nose-point-down|up nose-point-width-decr|incr nose-scale-depth-decr|incr nose-scale-horiz-decr|incr "
        "nose-scale-vert-decr|incr nose-septumangle-decr|incr nose-trans-down|up nose-volume-decr|incr "
        "nose-width1-decr|incr nose-width2-decr|incr"
    ),
    "mouth": (
        "mouth-angles-down|up mouth-cupidsbow-decr|incr mouth-cupidsbow-width-decr|incr mouth-laugh-lines-in|out "
        "mouth-lowerlip-height-decr|incr mouth-lowerlip-volume-decr|incr mouth-lowerlip-width-decr|incr "
        "mouth-philtrum-volume-decr|incr mouth-scale-horiz-decr|incr mouth-scale-vert-decr|incr "
        "mouth-trans-down|up mouth-upperlip-height-decr|incr mouth-upperlip-volume-decr|incr "
        "mouth-upperlip-width-decr|incr"
    ),
    "chin": (
        "chin-bones-decr|incr chin-cleft-decr|incr chin-height-decr|incr chin-jaw-drop-decr|incr "
        "chin-prognathism-decr|incr chin-prominent-decr|incr chin-width-decr|incr"
    ),
    "cheek": "*-cheek-bones-decr|incr *-cheek-inner-decr|incr *-cheek-trans-down|up *-cheek-volume-decr|incr",
    "eyes": (
        "*-eye-bag-decr|incr *-eye-corner1-down|up *-eye-corner2-down|up *-eye-epicanthus-in|out "
        "*-eye-eyefold-angle-down|up *-eye-eyefold-concave|convex *-eye-eyefold-down|up *-eye-height1-decr|incr "
        "*-eye-height2-decr|incr *-eye-height3-decr|incr *-eye-push1-in|out *-eye-push2-in|out "
        "*-eye-scale-decr|incr *-eye-trans-down|up *-eye-trans-in|out"
    ),
    "ears": (
        "*-ear-lobe-decr|incr *-ear-rot-backward|forward *-ear-scale-decr|incr *-ear-wing-decr|incr "
        "*-ear-trans-backward|forward"
    ),
    "neck": "neck-scale-depth-decr|incr neck-scale-horiz-decr|incr neck-double-decr|incr neck-scale-vert-decr|incr",
}
"""Pairs of opposite targets by folder; `*` stands for both sides."""
HEAD_SHAPES = ("oval", "round", "rectangular", "square", "triangular", "invertedtriangular", "diamond")
SPREAD = 0.28
"""Standard deviation of each feature; 1 is the target in full."""
HAIR_COLOURS = (
    (0.012, 0.009, 0.008),
    (0.035, 0.021, 0.014),
    (0.08, 0.045, 0.026),
    (0.17, 0.095, 0.05),
    (0.36, 0.22, 0.11),
    (0.55, 0.4, 0.23),
    (0.3, 0.09, 0.035),
    (0.42, 0.41, 0.4),
    (0.75, 0.74, 0.72),
)
"""Linear Rec.709: from black to blond, red, grey and white."""

COVERING = ("short03", "bob02")
"""Hair that hides part of the face: worn less often."""


@dataclass(frozen=True)
class Character:
    """All that makes somebody; names of files are relative to the assets' folder."""

    seed: int
    male: bool
    old: float
    """0 is about 25 years, 1 about 85"""
    targets: dict[str, float]
    """share of each target, by folder and name"""
    skins: tuple[str, str]
    blend: float
    """how much of the second skin"""
    skin_gain: tuple[float, float, float]
    skin_gamma: float
    gloss: float
    eyes: str
    brows: str
    lashes: str
    teeth: str
    hair: str
    """a file, "" for none, "buzz" for stubble all over the skull"""
    hair_colour: tuple[float, float, float]
    clothes: str
    clothes_hue: tuple[float, float, float]
    """turn, saturation, value"""
    beard: float
    """length in centimetres, 0 for none"""
    glasses: float
    """width of the rims in millimetres, 0 for none"""
    hat: str


def sample_character(seed: int, assets: Path) -> Character:
    """The person of a seed. `assets` is the folder of MakeHuman's assets."""
    rng = np.random.default_rng([seed, 1])
    male, old = bool(rng.random() < 0.5), float(np.clip(rng.beta(1.0, 1.8), 0, 1))
    hair = _choose(rng, assets, "hair/*/*.mhclo")
    if any(name in hair for name in COVERING) and rng.random() < 0.7:
        hair = _choose(rng, assets, "hair/*[124]/*.mhclo")
    if male and ("braid" in hair or "bob" in hair or "pony" in hair) and rng.random() < 0.9:
        hair = _choose(rng, assets, "hair/short*/*.mhclo")
    short = rng.random()
    hair = "" if short < 0.03 + 0.1 * male * old else "buzz" if short < (0.28 if male else 0.08) else hair
    grey = rng.random() < old**1.5
    colour = np.array(HAIR_COLOURS[rng.integers(7, 9) if grey else rng.integers(0, 7)]) * np.exp(
        rng.normal(0, 0.2) + rng.normal(0, 0.04, 3)
    )
    dressed = _choose(rng, assets, f"clothes/{'male' if male else 'female'}_*/*.mhclo")
    hat = rng.random() < 0.04 and hair != "buzz"
    return Character(
        seed=seed,
        male=male,
        old=old,
        targets=_shape(rng, male, old),
        skins=(_choose(rng, assets, "skins/*.jpg"), _choose(rng, assets, "skins/*.jpg")),
        blend=float(rng.beta(0.7, 0.7)),
        skin_gain=_triple(np.exp(rng.normal(0, [0.08, 0.05, 0.06]) + rng.normal(0, 0.1))),
        skin_gamma=float(np.exp(rng.normal(0, 0.15))),
        gloss=float(rng.uniform(0.42, 0.68)),
        eyes=_choose(rng, assets, "eyes/materials/*_eye.png"),
        brows=_choose(rng, assets, "eyebrows/*/*.mhclo"),
        lashes=_choose(rng, assets, "eyelashes/*/*.mhclo"),
        teeth=_choose(rng, assets, "teeth/*/*.mhclo"),
        hair=hair,
        hair_colour=_triple(colour),
        clothes=dressed,
        clothes_hue=(float(rng.random()), float(rng.uniform(0.2, 1.3)), float(rng.uniform(0.4, 1.4))),
        beard=float(rng.choice([0.12, 0.4, 1.2], p=[0.5, 0.3, 0.2])) if male and rng.random() < 0.4 else 0.0,
        glasses=float(rng.uniform(1.0, 4.0)) if rng.random() < 0.12 else 0.0,
        hat="clothes/fedora01/fedora.mhclo" if hat else "",
    )


def _choose(rng: np.random.Generator, assets: Path, pattern: str) -> str:
    found = sorted(path.relative_to(assets).as_posix() for path in assets.glob(pattern))
    return found[rng.integers(len(found))]


def _triple(values: np.ndarray) -> tuple[float, float, float]:
    return float(values[0]), float(values[1]), float(values[2])


def _shape(rng: np.random.Generator, male: bool, old: float) -> dict[str, float]:
    """Shares of targets: where from, how old, how heavy, and features each on its own."""
    shares: dict[str, float] = {}
    sex = "male" if male else "female"
    ages = {"young": 1 - old, "old": old}
    origin = rng.dirichlet([0.4] * 3)
    for (race, share), (age, part) in product(zip(RACES, origin, strict=True), ages.items()):
        shares[f"macrodetails/{race}-{sex}-{age}"] = float(share * part)
    weight = float(np.clip(rng.normal(0.1, 0.4), -0.9, 0.9))
    heavy = "maxweight" if weight > 0 else "minweight"
    for age, part in ages.items():
        shares[f"macrodetails/universal-{sex}-{age}-averagemuscle-{heavy}"] = abs(weight) * part
    shares[f"head/head-{HEAD_SHAPES[rng.integers(len(HEAD_SHAPES))]}"] = float(rng.uniform(0, 0.5))
    for folder, names in FEATURES.items():
        for stem, ends in (name.rsplit("-", 1) for name in names.split()):
            amount = np.clip(rng.normal(0, SPREAD), -0.9, 0.9)
            end = ends.split("|")[amount > 0]
            for side, share in _sides(stem, float(abs(amount)), rng):
                shares[f"{folder}/{side}-{end}"] = share
    return {name: share for name, share in shares.items() if share > 1e-3}


def _sides(stem: str, amount: float, rng: np.random.Generator) -> list[tuple[str, float]]:
    """The target's name and share, for each side where it has sides: nearly the same on both."""
    if not stem.startswith("*"):
        return [(stem, amount)]
    return [(side + stem[1:], float(np.clip(amount + rng.normal(0, 0.06), 0, 1))) for side in "lr"]
