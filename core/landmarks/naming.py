# SPDX-License-Identifier: GPL-3.0-or-later
"""Names that rigs, trackers and face captures give to parts of a face, read from tables: no rig needs a map made by hand.

A table is a JSON file of `names/`, or of a folder of the user's. Each has "name" (which artists read), "kind" and "about":

- kind "shapes": "keys" gives for each shape key or property the ARKit expressions that it drives, with weights; an
  expression named without its side means both. "prefixes" may stand before a key.
- kind "bones": "features" are runs of "landmarks" along ends of "bones", "name@head" or "name@tail". As many ends as
  landmarks go one to one; otherwise the polyline through the ends at rest ("closed": also back to the first) is cut into
  equal lengths, and each landmark hangs between the two ends next to it. A landmark is taken from the first feature that
  gives it, so later ones may stand in for bones that a rig lacks. The first of "prefixes" that a rig has is used.
- kind "points": "points" gives for each landmark the names of its track, empty or vertex group, the preferred first.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import RigError, WrongFileError
from ..files import whole_file
from . import arkit, ibug68

FOLDER = Path(__file__).parent / "names"
LANDMARKS = tuple(f"lm_{i:02d}" for i in range(ibug68.COUNT))
TARGETS = {"shapes": arkit.EXPRESSIONS, "bones": LANDMARKS, "points": LANDMARKS}
"""The target of each kind of table."""
CALLED = {"shapes": "shape keys", "bones": "bones", "points": "points"}
LEAST = {"shapes": 3, "bones": 8, "points": 4}
"""So many names of a convention must be there, and drive as many targets, for it to be recognised: fewer are chance."""
SIDES = {"l": "left", "r": "right"}

Position = Sequence[float]
"""(x, y, z)"""


class Match(NamedTuple):
    """One thing in the scene drives one of Headcast's targets.

    An expression is the sum over its rows of weight times value, clipped to 0 to 1; a landmark is the weighted mean of its
    rows' positions.
    """

    source: str
    """Name of a shape key, property, track, empty or vertex group; "bone@head" or "bone@tail" for bones."""
    target: str
    """An ARKit expression for shape keys, "lm_00" to "lm_69" for all else."""
    weight: float = 1.0


class Matched(NamedTuple):
    """A rig as it was read."""

    convention: str
    """Whose names they are: the tables' names, the one that gives most first"""
    matches: tuple[Match, ...]
    missing: tuple[str, ...]
    """Targets that nothing drives"""


class Feature(NamedTuple):
    """A run of landmarks along bone ends."""

    landmarks: tuple[str, ...]
    ends: tuple[str, ...]
    closed: bool


@dataclass(frozen=True)
class NamingTable:
    """One convention. Of `keys`, `features` and `points` it has the one of its kind."""

    name: str
    kind: str
    about: str
    prefixes: tuple[str, ...] = ()
    keys: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    features: tuple[Feature, ...] = ()
    points: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def names(self) -> dict[str, tuple[str, ...]]:
        """The names that the convention knows, and what each drives."""
        known = {key: tuple(weights) for key, weights in self.keys.items()}
        for feature in self.features:
            known |= {end: (*known.get(end, ()), *feature.landmarks) for end in feature.ends}
        return known | {names[0]: (landmark,) for landmark, names in self.points.items()}


def tables(kind: str, folders: Sequence[Path] = ()) -> list[NamingTable]:
    """The tables of a kind: those that ship, then those of the user's `folders`. Raises WrongFileError for a broken one."""
    paths = [path for folder in folders for path in sorted(folder.glob("*.json"))]
    return [table for table in (*_shipped(), *map(_read_table, paths)) if table is not None and table.kind == kind]


def match_shapes(names: Iterable[str], folders: Sequence[Path] = ()) -> Matched:
    """Read a face by the names of its shape keys or properties. Raises RigError where no convention fits.

    Names in another spelling, or with more before or behind them, are looked at where they give more than those that are as
    a convention has them.
    """
    given = list(names)
    loosely = _match("shapes", given, folders, lambda table: _shape_rows(table, given, loosely=True))
    try:
        exactly = _match("shapes", given, folders, lambda table: _shape_rows(table, given))
    except RigError:
        return loosely
    return min(exactly, loosely, key=lambda found: len(found.missing))


def match_bones(rest: Mapping[str, Position], folders: Sequence[Path] = ()) -> Matched:
    """Read a face by its bones: `rest` has the position (x, y, z) at rest, in any unit, of each "bone@head" and "bone@tail".

    Raises RigError where no convention fits.
    """
    return _match("bones", list(rest), folders, lambda table: _bone_rows(table, rest))


def match_points(names: Iterable[str], folders: Sequence[Path] = ()) -> Matched:
    """Read a face by the names of tracks, empties or vertex groups. Raises RigError where no convention fits."""
    given = list(names)
    return _match("points", given, folders, lambda table: _point_rows(table, given))


def polyline_weights(
    count: int, ends: Sequence[Position] | NDArray[np.floating], closed: bool = False
) -> NDArray[np.float64]:
    """How `count` points equally far apart along the polyline through `ends` [E, 3] are made of the ends: [count, E].

    An open polyline's first and last point are its own; a single point is its middle.
    """
    knots = np.asarray(ends, np.float64)
    own = np.eye(len(knots))
    if closed:
        knots, own = np.concatenate([knots, knots[:1]]), np.concatenate([own, own[:1]])
    along = np.append(0.0, np.linalg.norm(np.diff(knots, axis=0), axis=1).cumsum())
    at = np.linspace(0.0, along[-1], count, endpoint=not closed) if count > 1 else along[-1:] / 2
    return np.stack([np.interp(at, along, column) for column in own.T], axis=1)


@cache
def landmark_labels() -> tuple[str, ...]:
    """Labels for each of the 70 landmarks, such as "Right eye, outer corner"."""
    table = next(table for table in tables("points") if table.name == "Landmark names")
    return tuple(table.points[landmark][0] for landmark in LANDMARKS)


@cache
def track_presets() -> dict[str, tuple[int, ...]]:
    """Landmarks worth tracking by hand, under the name that artists read, the fewest first."""
    data = json.loads((FOLDER / "track_presets.json").read_text("utf-8"))
    return {name: tuple(landmarks) for name, landmarks in data["presets"].items()}


def save_matches(path: Path, name: str, kind: str, matches: Iterable[Match]) -> None:
    """Keep a map that an artist has corrected. Raises UnwritableError or DiskFullError."""
    content = {"name": name, "kind": kind, "matches": [match._asdict() for match in matches]}
    with whole_file(path) as part:
        part.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", "utf-8")


def load_matches(path: Path) -> tuple[str, Matched]:
    """The kind of a kept map ("shapes", "bones" or "points"), and the map. Raises WrongFileError."""
    try:
        data = json.loads(path.read_text("utf-8"))
        matches = tuple(Match(str(row["source"]), str(row["target"]), float(row["weight"])) for row in data["matches"])
        _check(data["kind"], (match.target for match in matches))
        return data["kind"], Matched(data["name"], matches, _missing(data["kind"], matches))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WrongFileError(f"{path} is no map of a face ({error})", "Choose a file that was saved as one") from error


@cache
def _shipped() -> tuple[NamingTable | None, ...]:
    return tuple(_read_table(path) for path in sorted(FOLDER.glob("*.json")))


def _read_table(path: Path) -> NamingTable | None:
    """None for a file that is no table: track presets, or a map that an artist kept there."""
    try:
        data = json.loads(path.read_text("utf-8"))
        if data["kind"] == "presets" or "matches" in data:
            return None
        table = NamingTable(
            name=data["name"],
            kind=data["kind"],
            about=data["about"],
            prefixes=tuple(data.get("prefixes", ())),
            keys={key: both_sides(weights) for key, weights in data.get("keys", {}).items()},
            features=tuple(_read_feature(feature) for feature in data.get("features", ())),
            points={landmark: tuple(names) for landmark, names in data.get("points", {}).items()},
        )
        _check(table.kind, (target for targets in table.names.values() for target in targets))
        return table
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        hint = (
            "Mend it or take it out of the folder; the shipped tables beside headcast/core/landmarks/naming.py are examples"
        )
        raise WrongFileError(f"{path} is no naming table ({type(error).__name__}: {error})", hint) from error


def _read_feature(data: Mapping[str, Any]) -> Feature:
    landmarks = tuple(f"lm_{i:02d}" for i in data["landmarks"])
    return Feature(landmarks, tuple(data["bones"]), bool(data.get("closed", False)))


def both_sides(weights: Mapping[str, float]) -> dict[str, float]:
    """{"mouthSmile": 1} as {"mouthSmileLeft": 1, "mouthSmileRight": 1}; what has no sides, or names one, as it is."""
    found = {}
    for target, weight in weights.items():
        for name in (f"{target}Left", f"{target}Right") if f"{target}Left" in arkit.INDEX else (target,):
            found[name] = float(weight)
    return found


def _check(kind: str, targets: Iterable[str]) -> None:
    """Raises ValueError where a target is none of the kind's."""
    strange = set(targets) - set(TARGETS[kind])
    if strange:
        raise ValueError(f"{_some(sorted(strange))} cannot be driven")


def _match(kind: str, given: list[str], folders: Sequence[Path], rows_of: Callable[[NamingTable], list[Match]]) -> Matched:
    """The table that gives the most targets, and what others can add to it.

    A shape key that one table has read is left alone by the others, because keys add up; so is a landmark, because bones
    and points do not.
    """
    read = [(table, rows_of(table)) for table in tables(kind, folders)]
    read.sort(key=lambda item: len({row.target for row in item[1]}), reverse=True)
    new = Match._fields.index("source" if kind == "shapes" else "target")
    kept: list[Match] = []
    conventions: list[str] = []
    for table, rows in read:
        done = {row[new] for row in kept}
        fresh = [row for row in rows if row[new] not in done]
        if min(len({row.source for row in fresh}), len({row.target for row in fresh})) >= LEAST[kind]:
            kept += fresh
            conventions.append(table.name)
    if not kept:
        raise _unknown(kind, given, *read[0])
    return Matched(" + ".join(conventions), tuple(kept), _missing(kind, kept))


def _unknown(kind: str, given: list[str], nearest: NamingTable, rows: list[Match]) -> RigError:
    """Nothing fits: what is nearest, and what of it is missing."""
    found = {row.target for row in rows}
    lacking = [name for name, targets in nearest.names.items() if targets and not found.intersection(targets)]
    hint = "Choose by hand what drives what, or "
    if rows:
        hint += f'use the names of "{nearest.name}", which is the nearest: {_some(lacking)} are missing'
    else:
        hint += f"use the names of one of these: {', '.join(table.name for table in tables(kind))}"
    return RigError(f"No known convention fits these {CALLED[kind]}: {_some(given) or 'there are none'}", hint)


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:6]) + (f" … ({len(names)} in all)" if len(names) > 6 else "")


def _missing(kind: str, matches: Iterable[Match]) -> tuple[str, ...]:
    found = {match.target for match in matches}
    return tuple(target for target in TARGETS[kind] if target not in found)


def _shape_rows(table: NamingTable, names: Sequence[str], loosely: bool = False) -> list[Match]:
    keys = {_plain(key): key for key in table.keys}
    sources: dict[str, str] = {}
    for name in names:
        for prefix in ("", *map(_plain, table.prefixes)):
            key = keys.get(_plain(name).removeprefix(prefix))
            if key is not None:
                sources.setdefault(key, name)
    if loosely:
        sources = _loose_sources(table, [name for name in names if name not in sources.values()]) | sources
    return [Match(name, target, weight) for key, name in sources.items() for target, weight in table.keys[key].items()]


def _loose_sources(table: NamingTable, names: Iterable[str]) -> dict[str, str]:
    """By the table's keys, names that say the same word for word, in whatever case and with whatever between the words
    (jaw_open, Jaw Open), the side before or behind, "L" or "left".

    More words may stand before or behind, such as a character's name or a node's: the same ones with as many names as make
    a convention. Names without any count first, then those with the words that most names have.
    """
    keys = {spelling: key for key in table.keys for spelling in _spellings(key)}
    found: dict[tuple[str, str], dict[str, str]] = {}
    for name in names:
        words = _words(name)
        for begin in range(len(words)):
            for end in range(begin + 1, len(words) + 1):
                key = next((keys[spelt] for spelt in _spellings_of(words[begin:end]) if spelt in keys), None)
                if key is not None:
                    found.setdefault(("".join(words[:begin]), "".join(words[end:])), {}).setdefault(key, name)
    sources: dict[str, str] = {}
    for more, read in sorted(found.items(), key=lambda item: (item[0] != ("", ""), -len(item[1]))):
        if more == ("", "") or len(read) >= LEAST["shapes"]:
            fresh = {key: name for key, name in read.items() if name not in sources.values()}
            sources = fresh | sources
    return sources


def _bone_rows(table: NamingTable, rest: Mapping[str, Position]) -> list[Match]:
    plain = {_plain(re.split(r"[:|]", end)[-1]): end for end in rest} | {_plain(end): end for end in rest}  # namespaces
    rows: list[Match] = []
    for feature in table.features:
        spelt = ([plain.get(_plain(prefix + end)) for prefix in (*table.prefixes, "")] for end in feature.ends)
        ends = [next(filter(None, names), None) for names in spelt]
        known = [end for end in ends if end is not None]
        if len(ends) == len(feature.landmarks):
            weights = np.eye(len(ends))
        elif len(known) == len(ends):
            weights = polyline_weights(len(feature.landmarks), [rest[end] for end in known], feature.closed)
        else:
            continue
        given = {row.target for row in rows}
        rows += [
            Match(end, landmark, float(weight))
            for landmark, shares in zip(feature.landmarks, weights, strict=True)
            for end, weight in zip(ends, shares, strict=True)
            if landmark not in given and end is not None and weight > 0
        ]
    return rows


def _point_rows(table: NamingTable, names: Iterable[str]) -> list[Match]:
    sources: dict[str, str] = {}
    for name in names:
        for spelling in _loose(name):
            sources.setdefault(spelling, name)
    rows = []
    for landmark, known in table.points.items():
        found = [sources[spelling] for name in known for spelling in _loose(name) if spelling in sources]
        rows += [Match(name, landmark) for name in found[:1]]
    return rows


def _plain(name: str) -> str:
    """Without case, and without Japanese half and full widths."""
    return unicodedata.normalize("NFKC", name).casefold()


@cache
def _loose(name: str) -> tuple[str, ...]:
    """Spellings to compare points by: as of `_spellings`, without Blender's ".001"."""
    return _spellings(re.sub(r"\.\d{3}$", "", name))


@cache
def _spellings(name: str) -> tuple[str, ...]:
    """Two spellings to compare names by, without case and punctuation: the words run together; and in the order of the
    alphabet, L and R written out."""
    return _spellings_of(_words(name))


def _spellings_of(words: Sequence[str]) -> tuple[str, ...]:
    return "".join(words), " ".join(sorted(SIDES.get(word, word) for word in words))


@cache
def _words(name: str) -> tuple[str, ...]:
    """("head", "eye", "blink", "left") of "HEAD_eyeBlinkLeft"."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name)
    return tuple(re.findall(r"[^\W\d_]+|\d+", _plain(apart)))
