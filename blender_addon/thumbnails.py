# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures that panels show as icons. Each is drawn once, and anew when what it shows has changed."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import partial
from pathlib import Path

import bpy
import bpy.utils.previews
import numpy as np

from .core.arrays import Picture
from .core.take import FramePattern

_icons: bpy.utils.previews.ImagePreviewCollection | None = None
_shown: dict[str, Hashable] = {}
"""Icons by their names."""


def register() -> None:
    """Make room for icons."""
    global _icons
    _icons = bpy.utils.previews.new()


def unregister() -> None:
    """Release them all."""
    global _icons
    if _icons is not None:
        bpy.utils.previews.remove(_icons)
    _icons = None
    _shown.clear()


def icon_of(name: str, version: Hashable, draw: Callable[[], Picture]) -> int:
    """The number of the icon called `name`. Where it does not show this `version` yet, `draw` gives the sRGB picture
    [H, W, 3 or 4], the top row first."""
    icon = _icons.get(name) or _icons.new(name)
    if _shown.get(name) != version:
        picture = draw()
        height, width, channels = picture.shape
        pixels = np.full((height, width, 4), 255, np.uint8)
        pixels[..., :channels] = picture
        icon.image_size = (width, height)
        icon.image_pixels.foreach_set(np.ascontiguousarray(pixels[::-1]).view(np.int32).ravel())
        _shown[name] = version
    return icon.icon_id


def icon_of_file(path: Path) -> int:
    """The icon of a thumbnail that the engine wrote; 0, which is blank, if there is none."""
    try:
        if not path.is_file():  # a pipe would keep Blender waiting
            return 0
        return icon_of(str(path), path.stat().st_mtime_ns, partial(np.load, path))
    except (OSError, ValueError, EOFError, MemoryError):
        return 0


def folder() -> Path:
    """Where the engine writes thumbnails: it goes when Blender does."""
    place = Path(bpy.app.tempdir) / "headcast"
    place.mkdir(exist_ok=True)
    return place


def of_take(pattern: FramePattern) -> Path:
    """Where the last frame of a take is shown."""
    return folder() / f"{pattern.manifest.name}.npy"
