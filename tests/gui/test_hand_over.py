# SPDX-License-Identifier: GPL-3.0-or-later
"""A take is verified, shared and handed over, and a person forgotten, by mouse in the real window."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from headcast.core.imaging import colour, exr
from headcast.core.imaging.read import read_photo
from headcast.core.likeness import person_hash
from headcast.core.provenance.finding import in_words, take_number
from headcast.core.provenance.keys import open_key
from headcast.core.provenance.marks import Mark
from headcast.core.provenance.signing import sign_take
from headcast.core.provenance.verifying import WHOLE, verify
from headcast.core.take import LIKENESS, FramePattern, Manifest

from ..conftest import ENGINE_PYTHON
from ..core.test_checking import likeness
from ..core.test_watermark import head_matte
from .window import ADDON, HEIGHT, SETTLE, Window

DONE = f"""
import sys
jobs = sys.modules["{ADDON}.jobs"]
result = jobs.current is None and jobs.last.operator == "headcast.{{}}" and jobs.last.error is None
"""
NO_JOB = f'import sys; sys.modules["{ADDON}.jobs"].last.operator = ""'
SAYS_WHOLE = f"""
import sys
scene = sys.modules["{ADDON}.panels.take_state"].scene_take(bpy.context)
verdict = sys.modules["{ADDON}.scene.verified"].verdict_of(scene)
result = verdict is not None and verdict["state"] == "whole"
"""
ASKED = f"""
import sys
result = sys.modules["{ADDON}.operators.forget"].HEADCAST_OT_forget_listed.listed is not None
"""
CONSENT_BELOW = 142
"""Pixels from the button that makes a likeness down to the header of the panel *Consent*."""
PATIENCE = 120.0


@pytest.fixture
def take(window: Window, astronaut: Path) -> FramePattern:
    """A scene with a likeness, and a signed take of two frames that show the astronaut's head over nothing."""
    person = window.folder / "anna.likeness"
    likeness().save(person)
    pattern = FramePattern.parse(str(window.folder / "take" / "shot_v001.####.exr"))
    pattern.folder.mkdir()
    linear, matte = colour.decode_srgb(read_photo(astronaut).astype(np.float32) / 255), head_matte(512)[..., None]
    manifest = Manifest(pattern, {1001: "x", 1002: "x"})
    manifest.begin({LIKENESS: person_hash(person)})
    for number in (1001, 1002):
        exr.write_rgba(pattern.path(number), np.concatenate([linear * matte, matte], axis=-1), {})
        manifest.record(number, face="yes")
    assert sign_take(pattern, open_key(), Mark(person_hash(person), "", "", "", False), ())
    window.preferences({"python": ENGINE_PYTHON})
    window.view_3d()
    window.run("bpy.context.preferences.view.filebrowser_display_type = 'SCREEN'")
    window.run(f"bpy.ops.wm.save_as_mainfile(filepath={str(window.folder / 'shot.blend')!r})")
    window.run(f"bpy.context.scene.headcast.likeness = {str(person)!r}")
    window.run(f"bpy.context.scene.headcast.output = {str(pattern)!r}")
    window.show()
    return pattern


def press(window: Window, operator: str) -> None:
    """Click a button and wait for its job."""
    window.run(NO_JOB)
    window.click(f"headcast.{operator}")
    window.wait(DONE.format(operator), PATIENCE)


def confirm(window: Window, operator: str) -> None:
    """Click an operator's button, and the one at the bottom right of the file browser that it opens; wait for its job."""
    window.click(f"headcast.{operator}")
    window.wait("result = bool(regions('FILE_BROWSER', 'EXECUTE'))", PATIENCE)
    time.sleep(20 * SETTLE)
    window.picture(f"{operator}_browser")
    left, bottom, width, height = window.run("result = regions('FILE_BROWSER', 'EXECUTE')[0]")
    window.click_at(round(left + 0.94 * width), round(HEIGHT - bottom - height / 2))
    window.wait(DONE.format(operator), PATIENCE)


def ask_to_forget(window: Window, name: str) -> None:
    """Click Forget, and wait for the question."""
    press(window, "forget")
    window.wait(ASKED, PATIENCE)
    time.sleep(50 * SETTLE)
    window.picture(name)


def test_a_take_is_handed_over_and_a_person_forgotten_by_mouse(window: Window, take: FramePattern) -> None:
    press(window, "verify")
    window.wait(SAYS_WHOLE, PATIENCE)
    confirm(window, "share")
    movie = take.folder / "shot_v001.mp4"
    [verdict] = verify(movie)
    number = take_number("shot_v001", person_hash(window.folder / "anna.likeness"))
    assert (verdict.state, verdict.watermark) == (WHOLE, in_words(number))

    confirm(window, "turnover")
    handed = {path.name for path in (take.folder / "shot_v001_turnover").iterdir()}
    assert {"shot_v001.1001.exr", "shot_v001.1002.exr", "shot_v001.c2pa", "provenance.json", "credits.txt"} <= handed
    window.picture("handed_over")

    x, y = window.find("headcast.adapt")
    window.click_at(x, y + CONSENT_BELOW)  # opens the panel
    time.sleep(20 * SETTLE)
    person = window.folder / "anna.likeness"
    ask_to_forget(window, "forget_asks")
    window.press("Escape")
    time.sleep(20 * SETTLE)
    assert person.is_file()
    ask_to_forget(window, "forget_asks_again")
    window.press("Return")
    window.wait(DONE.format("forget_listed"), PATIENCE)
    assert not person.exists()
    assert take.path(1001).is_file()
    window.picture("forgotten")
