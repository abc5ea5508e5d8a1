# SPDX-License-Identifier: GPL-3.0-or-later
"""Which layer of an EXR is the picture.

Programs lay a picture out in many ways: R, G and B without a name; named channels of one part (`ViewLayer.Combined.R`, as
Blender has them); a part for each layer. A layer is named by its part and by what stands before the dot of its channels.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import SettingError, UnreadableImageError

COLOURS = {"r": 0, "red": 0, "g": 1, "green": 1, "b": 2, "blue": 2, "a": 3, "alpha": 3}
GREY = ("y", "l", "luminance")
BEST = ("", "rgba", "rgb", "beauty", "combined", "color", "colour", "main", "primary", "master", "image", "c")
"""Names of the layer that is a render's picture, the surest first."""
UTILITY = re.compile(
    r"crypto.*|n|normals?|p|pos(ition)?|pref|pworld|uvs?|st|(motion|speed)?vectors?|velocity|motion.*|depth|z|mist|ids?|"
    r".*masks?|.*mattes?|ao|albedo|denoising.*"
)
"""Names of layers that have three channels and are no picture."""
OURS, OUR_PICTURE, OUR_HEAD = "headcast:version", "comp", "head"
"""The attribute of our own frames, and the layers that show the plate with the head, and the head alone."""


class PictureLayer(NamedTuple):
    """A layer that has colour, or is grey."""

    name: str
    """empty for channels without any"""
    part: int
    channels: tuple[str, ...]
    """red, green, blue and perhaps alpha, as the part calls them; three times the same for grey"""

    @property
    def merit(self) -> tuple[int, bool]:
        """The lower, the likelier to be what is meant."""
        last = self.name.rpartition(".")[2].casefold()
        rank = len(BEST) + 1 if UTILITY.fullmatch(last) else BEST.index(last) if last in BEST else len(BEST)
        return rank, not self.name.casefold().startswith("composite")


def picture_layers(headers: Sequence[Mapping[str, Any]]) -> list[PictureLayer]:
    """All of a file whose parts have these headers, in its order."""
    found = []
    for number, header in enumerate(headers):
        groups: dict[str, dict[str, str]] = defaultdict(dict)
        for channel in header["channels"]:
            before, _, last = channel.name.rpartition(".")
            groups[before][last.casefold()] = channel.name
        for before, named in groups.items():
            channels = tuple(_channels(named))
            if channels:
                found.append(PictureLayer(_name(str(header.get("name", "")), before), number, channels))
    return found


def choose_layer(path: Path, headers: Sequence[Mapping[str, Any]], wanted: str = "") -> PictureLayer:
    """The layer called `wanted`, by its whole name or its last part; without one the picture of a render: of our own frames
    the comp.

    Raises SettingError for a layer that is not there, UnreadableImageError where there is no picture at all.
    """
    layers = picture_layers(headers)
    if not layers:
        others = ", ".join(f"{c.name}" for header in headers for c in header["channels"])
        raise UnreadableImageError(f"{path} has no RGB channels", f"It has: {others}")
    if wanted:
        return _called(path, layers, wanted, headers[0].get("multiView", []))
    ours = [layer for layer in layers if layer.name == OUR_PICTURE and OURS in headers[layer.part]]
    best = ours[0] if ours else min(layers, key=lambda layer: layer.merit)
    if best.merit[0] > len(BEST):
        raise UnreadableImageError(f"No layer of {path} is a picture by its name", f"Give --layer one of: {_listed(layers)}")
    return best


def layer_in_words(headers: Sequence[Mapping[str, Any]], chosen: PictureLayer) -> str:
    """Which layer was chosen where several could be meant; empty where there was no choice."""
    meant = [layer for layer in picture_layers(headers) if layer.merit[0] <= len(BEST)]
    return f"of their layers {_listed(meant)} the one called {chosen.name}" if len(meant) > 1 and chosen.name else ""


def _called(path: Path, layers: Sequence[PictureLayer], wanted: str, views: Sequence[str]) -> PictureLayer:
    """views: of a stereo pair, the first of which has channels without a name."""
    name = wanted.casefold()
    whole = [layer for layer in layers if layer.name.casefold() == name]
    ending = [layer for layer in layers if layer.name.casefold().endswith(f".{name}")]
    bare = [
        layer for layer in layers if not layer.name and name in ("rgb", "rgba", *(view.casefold() for view in views[:1]))
    ]
    found = whole or ending or bare
    if not found or len(found) > 1:
        many = "has several layers" if found else "has no layer"
        raise SettingError(f"{path} {many} '{wanted}'", f"Give --layer one of: {_listed(found or layers)}")
    return found[0]


def _listed(layers: Sequence[PictureLayer]) -> str:
    return ", ".join(layer.name or "rgba" for layer in layers)


def _channels(named: Mapping[str, str]) -> Iterator[str]:
    """Of a group's channels those that are a picture; none where it is no picture."""
    by_place = {COLOURS[last]: name for last, name in named.items() if last in COLOURS}
    grey = next((named[last] for last in GREY if last in named), None)
    if {0, 1, 2} <= by_place.keys():
        yield from (by_place[place] for place in sorted(by_place))
    elif grey is not None and not {"x", "z", "u", "v", "ry", "by"} & named.keys():
        yield from (grey, grey, grey)
        yield from ([by_place[3]] if 3 in by_place else [])


def _name(part: str, before: str) -> str:
    if not part or not before:
        return part or before
    return before if before == part or before.startswith(f"{part}.") else f"{part}.{before}"
