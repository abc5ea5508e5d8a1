# SPDX-License-Identifier: GPL-3.0-or-later
"""Scene-linear pictures of any colour space to linear Rec.709, the network's own, and back.

The spaces that EXR plates are usually in are a matrix each, made here from their primaries. Every other name is looked up
in the OpenColorIO configuration at $OCIO or, without one, in OpenColorIO's own ACES studio configuration.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np

from ..arrays import Doubles, Floats
from ..errors import MissingPackageError, SettingError
from .colour import SCENE_LINEAR

Chromaticities = tuple[float, ...]
"""x and y of red, green, blue and white, as OpenEXR's attribute has them."""

AUTO = "auto"
REC709: Chromaticities = (0.64, 0.33, 0.30, 0.60, 0.15, 0.06, 0.3127, 0.3290)
REC2020: Chromaticities = (0.708, 0.292, 0.170, 0.797, 0.131, 0.046, 0.3127, 0.3290)
P3_D65: Chromaticities = (0.680, 0.320, 0.265, 0.690, 0.150, 0.060, 0.3127, 0.3290)
P3_THEATRE: Chromaticities = (0.680, 0.320, 0.265, 0.690, 0.150, 0.060, 0.314, 0.351)
AP0: Chromaticities = (0.7347, 0.2653, 0.0, 1.0, 0.0001, -0.0770, 0.32168, 0.33767)
AP1: Chromaticities = (0.713, 0.293, 0.165, 0.830, 0.128, 0.044, 0.32168, 0.33767)
PRIMARIES: dict[str, Chromaticities] = {
    **dict.fromkeys(("linrec709", "linearrec709", "linearrec709srgb"), REC709),
    **dict.fromkeys(("linrec2020", "linearrec2020"), REC2020),
    **dict.fromkeys(("linp3d65", "linearp3d65"), P3_D65),
    **dict.fromkeys(("linap0", "aces20651"), AP0),
    **dict.fromkeys(("linap1", "acescg"), AP1),
}
"""By `colorInteropID` and by the name in the ACES configurations, as `_plain` writes both."""
INTEROP_IDS: dict[Chromaticities, str] = {
    REC709: SCENE_LINEAR,
    REC2020: "lin_rec2020_scene",
    P3_D65: "lin_p3d65_scene",
    AP0: "lin_ap0_scene",
    AP1: "lin_ap1_scene",
}
BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
"""XYZ to the cone responses of the Bradford adaptation (ICC.1, annex E)."""
LEAST_AREA = 1e-3
"""Twice that of a triangle of primaries; Rec.709's is 0.22."""
STUDIO = "studio-config-latest"


def declared_space(header: Mapping[str, Any]) -> str | Chromaticities:
    """The colour space that an EXR's header names: by the `colorInteropID`, else chromaticities, else linear Rec.709."""
    named = header.get("colorInteropID", "")
    if named not in ("", "unknown"):
        return str(named)
    primaries = tuple(float(v) for v in header.get("chromaticities", REC709))
    return primaries if _are_primaries(primaries) else REC709


def space_in_words(header: Mapping[str, Any]) -> str:
    """The colour space in which an EXR with this header is read, and why."""
    space = declared_space(header)
    if isinstance(space, str):
        return f"{space}, as their colorInteropID says"
    if "chromaticities" not in header:
        return "linear Rec.709, as their header names none"
    meant = _are_primaries(tuple(float(v) for v in header["chromaticities"]))
    return (
        "the chromaticities of their header" if meant else "linear Rec.709, as the chromaticities of their header are none"
    )


def is_same_space(one: str | Chromaticities, other: str | Chromaticities) -> bool:
    """Whether both have the same colours, whatever they are called."""
    a, b = _primaries(one), _primaries(other)
    return one == other if a is None or b is None else bool(np.allclose(a, b, atol=1e-4))


def colour_tag(space: str | Chromaticities) -> dict[str, object]:
    """The one attribute that an EXR in `space` is tagged with; a name that is no interop ID is "unknown", not guessed."""
    primaries = _primaries(space)
    if primaries in INTEROP_IDS:
        return {"colorInteropID": INTEROP_IDS[primaries]}
    if primaries is not None:
        return {"chromaticities": primaries}
    return {"colorInteropID": space if str(space).endswith("_scene") else "unknown"}


def to_linear_rec709(picture: Floats, space: str | Chromaticities) -> Floats:
    """`picture` [H, W, 3] of `space`, by name or by chromaticities, in linear Rec.709; out-of-gamut colours are negative.

    Raises SettingError for a name that nobody knows, MissingPackageError where OpenColorIO is needed and not installed.
    """
    primaries = _primaries(space)
    if primaries is None:
        return _by_opencolorio(picture, str(space))
    return _by_matrix(picture, primaries, matrix_to_rec709(primaries))


def from_linear_rec709(picture: Floats, space: str | Chromaticities) -> Floats:
    """The inverse of `to_linear_rec709`. Raises what that does."""
    primaries = _primaries(space)
    if primaries is None:
        return _by_opencolorio(picture, str(space), back=True)
    return _by_matrix(picture, primaries, np.linalg.inv(matrix_to_rec709(primaries)))


def _are_primaries(values: Chromaticities) -> bool:
    """False for what makes no colours: nothing filled in, all on one line, or no white."""
    x, y = np.array(values, np.float64).reshape(4, 2).T
    if not (np.isfinite(x).all() and np.isfinite(y).all() and y[3] > 0):
        return False
    return bool(abs((x[1] - x[0]) * (y[2] - y[0]) - (x[2] - x[0]) * (y[1] - y[0])) > LEAST_AREA)


def _primaries(space: str | Chromaticities) -> Chromaticities | None:
    """None for a name that OpenColorIO is to be asked for."""
    return PRIMARIES.get(_plain(space)) if isinstance(space, str) else space


def _by_matrix(picture: Floats, primaries: Chromaticities, matrix: Doubles) -> Floats:
    if np.allclose(primaries, REC709, atol=1e-4):
        return picture
    return (picture @ matrix.T).astype(np.float32)


def _plain(name: str) -> str:
    """The name without what is written in many ways, and without the interop names' `_scene`."""
    return re.sub(r"[^a-z0-9]", "", name.lower().removesuffix("_scene"))


@cache
def matrix_to_rec709(chromaticities: Chromaticities) -> Doubles:
    """[3, 3] from linear light of these primaries to linear Rec.709, white to white by the Bradford adaptation."""
    there, here = _xyz_of_rgb(chromaticities), _xyz_of_rgb(REC709)
    cones = BRADFORD @ here.sum(axis=1) / (BRADFORD @ there.sum(axis=1))
    adapt = np.linalg.inv(BRADFORD) @ np.diag(cones) @ BRADFORD
    return np.asarray(np.linalg.inv(here) @ adapt @ there)


def _xyz_of_rgb(chromaticities: Chromaticities) -> Doubles:
    """[3, 3] linear RGB to XYZ, white at Y = 1 (SMPTE RP 177)."""
    xy = np.array(chromaticities, np.float64).reshape(4, 2)
    xyz = np.column_stack([xy, 1 - xy.sum(axis=1)])
    white = xyz[3] / xyz[3, 1]
    return np.asarray(xyz[:3].T * np.linalg.solve(xyz[:3].T, white))


def _by_opencolorio(picture: Floats, name: str, back: bool = False) -> Floats:
    whole = np.ascontiguousarray(picture, np.float32).copy()
    _processor(name, os.environ.get("OCIO", ""), back).applyRGB(whole)
    return whole


@cache
def _processor(name: str, config_path: str, back: bool) -> Any:
    """OpenColorIO's way from the space called `name` to linear Rec.709, or `back`."""
    try:
        import PyOpenColorIO as ocio  # noqa: N813 (its own documentation's spelling)
    except ImportError as error:
        raise MissingPackageError(
            f"The colour space '{name}' needs the package opencolorio", "Run: pip install opencolorio"
        ) from error
    where = f"the OpenColorIO configuration {config_path or STUDIO}"
    try:
        config = ocio.Config.CreateFromFile(config_path) if config_path else ocio.Config.CreateFromBuiltinConfig(STUDIO)
        space = config.getColorSpace(name)
        if space is None:
            raise SettingError(f"'{name}' is no colour space of {where}", _known(list(config.getColorSpaceNames())))
        if back:
            return ocio.Config.GetProcessorFromBuiltinColorSpace(SCENE_LINEAR, config, name).getDefaultCPUProcessor()
        return ocio.Config.GetProcessorToBuiltinColorSpace(config, name, SCENE_LINEAR).getDefaultCPUProcessor()
    except (ocio.Exception, ocio.ExceptionMissingFile) as error:
        raise SettingError(
            f"{where} has no way between '{name}' and linear Rec.709 ({error})", "Choose another space"
        ) from error


def _known(names: Sequence[str]) -> str:
    return f"It has: {', '.join(names[:40])}{', ...' if len(names) > 40 else ''}"
