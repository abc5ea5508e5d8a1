# SPDX-License-Identifier: GPL-3.0-or-later
"""A voice in the real window, by mouse: choose Speech and a sound, paste the words, make a performance, correct a phone."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from headcast.core.performance import Performance

from ..conftest import ENGINE_PYTHON
from ..saying import LINE, say
from .test_five_clicks import DONE, complain, longest
from .window import SETTLE, Window

MARKERS = "result = sorted((m.frame, m.name) for m in bpy.context.scene.timeline_markers if m.name[:1] == '/')"
SEQUENCER = """
area = next(a for a in bpy.context.window.screen.areas if a.type == "VIEW_3D")
area.type = "SEQUENCE_EDITOR"
area.spaces.active.view_type = "SEQUENCER"
"""
STRIPS = """
editor = bpy.context.scene.sequence_editor
strips = getattr(editor, "strips", None) or editor.sequences
result = [(strip.type, strip.name) for strip in strips]
"""
SHOW_ALL = """
area = next(a for a in bpy.context.window.screen.areas if a.type == "SEQUENCE_EDITOR")
region = next(r for r in area.regions if r.type == "WINDOW")
with bpy.context.temp_override(area=area, region=region):
    bpy.ops.sequencer.view_all()
"""


@pytest.fixture
def voice(tmp_path: Path) -> Path:
    """espeak-ng says the line."""
    return say(tmp_path / "voice.wav")


def paste(window: Window, field: str, text: str) -> None:
    """Into a field under the mouse, as Ctrl+V does."""
    window.find(field)
    window.run(f"bpy.context.window_manager.clipboard = {text!r}")
    window.press("ctrl+v")
    window.wait(f"result = bpy.context.scene.{field} == {text!r}", 10)


def test_a_voice_becomes_a_performance_by_mouse(window: Window, voice: Path) -> None:
    window.preferences({"python": ENGINE_PYTHON})
    window.view_3d()
    window.run(f"bpy.ops.wm.save_as_mainfile(filepath={str(window.folder / 'speech.blend')!r})")
    window.show()
    _, y = window.find("headcast.source")
    left, _, width, _ = window.run("result = regions('VIEW_3D', 'UI')[0]")
    window.click_at(round(left + 0.8 * width), y)  # the last of the row
    window.wait("result = bpy.context.scene.headcast.source == 'SPEECH'", 10)
    paste(window, "headcast.sound", str(voice))
    paste(window, "headcast.words", LINE)
    window.run("watch.begin()")
    window.click("headcast.speak")
    window.wait(DONE.format(path="performance", test="made.is_file()"), 120)
    held = longest(window, "speak")
    made = Performance.load(window.folder / "headcast" / "drive.performance")
    names = [name.strip("/") for _, name in window.run(MARKERS) if name != "/-/"]
    assert names == [phone.symbol for phone in made.phones]
    assert ["SOUND", "voice"] in window.run(STRIPS)
    window.picture("speech")

    vowel = next(frame for frame, name in window.run(MARKERS) if name.startswith("/ˈ"))
    window.run(f"next(m for m in bpy.context.scene.timeline_markers if m.frame == {vowel}).name = '/m/'")
    window.click("headcast.speak_phones")
    window.wait(DONE.format(path="performance", test="made.is_file()"), 120)
    again = Performance.load(window.folder / "headcast" / "drive.performance")
    assert len(again.phones) == len(made.phones)
    assert sum(phone.symbol == "m" for phone in again.phones) == 1 + sum(phone.symbol == "m" for phone in made.phones)

    window.run(SEQUENCER)
    time.sleep(10 * SETTLE)
    window.run(SHOW_ALL)
    window.picture("speech_strip")
    complain(held)
