# SPDX-License-Identifier: GPL-3.0-or-later
"""The dials of a speaking face over time: each is what the settings say, or follows keys."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path

import numpy as np

from ..arrays import Doubles
from ..errors import SettingError
from ..reading import Reader
from ..settings import EMOTION, KEYED, SpeakSettings
from .prosody import RATE_OF_CURVES

SECONDS = "seconds"
MOST_KEYS = 1 << 24
"""Bytes of a file of keys."""
EMOTIONS = tuple(item.name for item in fields(SpeakSettings) if item.metadata["group"] == EMOTION)

Keys = Mapping[str, Sequence[float]]
"""By SECONDS and names of KEYED: as many values of each as there are seconds, which rise."""


def read_keys(path: Path) -> Keys:
    """The keys in a CSV. Raises WrongFileError, which names the row."""
    way_out = f"Give a CSV with the columns {SECONDS} and any of {', '.join(KEYED)}"
    reader = Reader(path, "a table of keys", way_out, missing=way_out)
    with reader.opened():
        reader.ensure(path.stat().st_size <= MOST_KEYS, "it is too long")
        rows = [row for row in csv.reader(path.read_text("utf-8-sig").splitlines()) if any(row)]
        reader.ensure(len(rows) > 1, "it has no keys")
        names = [name.strip().casefold() for name in rows[0]]
        reader.ensure(SECONDS in names and set(names) <= {SECONDS, *KEYED}, f"its columns are {', '.join(names)}")
        keys: dict[str, list[float]] = {name: [] for name in names}
        for number, row in enumerate(rows[1:], start=2):
            reader.ensure(len(row) == len(names), f"row {number} has {len(row)} values, not {len(names)}")
            for name, value in zip(names, row, strict=True):
                keys[name].append(float(value))
        reader.ensure(bool((np.diff(keys[SECONDS]) > 0).all()), f"its {SECONDS} do not rise")
    return keys


def controls_of(settings: SpeakSettings, keys: Keys, moments: int) -> dict[str, Doubles]:
    """[moments] of each of KEYED, RATE_OF_CURVES a second: straight from key to key; the first counts before it, the last
    after it. Raises SettingError for a value that the setting cannot have."""
    at = (np.arange(moments) + 0.5) / RATE_OF_CURVES
    found = {}
    for item in fields(settings):
        if item.name not in KEYED:
            continue
        if item.name not in keys:
            found[item.name] = np.full(moments, float(getattr(settings, item.name)))
            continue
        values, low, high = np.asarray(keys[item.name], np.float64), item.metadata["low"], item.metadata["high"]
        if not ((values >= low) & (values <= high)).all():
            raise SettingError(f"A key of {item.name} is not from {low:g} to {high:g}", "Correct the keys")
        found[item.name] = np.interp(at, np.asarray(keys[SECONDS], np.float64), values)
    return found
