# SPDX-License-Identifier: GPL-3.0-or-later
"""A window with the extension installed from its zip, as an artist has it after *Install from Disk*."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .window import Window, missing


@pytest.fixture
def window(package: Path, tmp_path: Path) -> Iterator[Window]:
    """A clean Blender with the extension, and no engine yet."""
    window = Window(tmp_path)
    try:
        window.install(package)
        yield window
    finally:
        window.close()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    reason = missing()
    for item in items:
        if reason and Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.skip(reason=reason))
