# SPDX-License-Identifier: GPL-3.0-or-later
"""The node groups in the user's asset library, for every file."""

from __future__ import annotations

from pathlib import Path

import bpy

from .. import compat
from ..core.errors import SettingError
from ..core.files import ensure_writable, whole_file
from ..nodes.shelf import CATALOG, CATALOG_LINE, assets

FILE = "Headcast Nodes.blend"
CATALOGS = "blender_assets.cats.txt"
CATALOGS_HEAD = "# This is an Asset Catalog Definition file for Blender.\n\nVERSION 1\n\n"


def library_folder() -> Path:
    """The first asset library of the preferences. Raises SettingError where there is none."""
    folders = compat.asset_folders()
    if not folders:
        raise SettingError("Blender has no asset library", "Add one in Preferences > File Paths > Asset Libraries")
    return Path(bpy.path.abspath(folders[0]))


def write_assets(folder: Path) -> Path:
    """Write the groups and their catalog into the library at `folder`; Headcast's earlier groups are replaced.

    Raises UnwritableError.
    """
    path, catalogs = folder / FILE, folder / CATALOGS
    ensure_writable(path)
    with assets() as groups, whole_file(path) as part:
        bpy.data.libraries.write(str(part), groups, fake_user=True)
    known = catalogs.read_text("utf-8") if catalogs.is_file() else CATALOGS_HEAD
    if CATALOG not in known:
        with whole_file(catalogs) as part:
            part.write_text(f"{known.rstrip()}\n{CATALOG_LINE}\n", "utf-8")
    return path
