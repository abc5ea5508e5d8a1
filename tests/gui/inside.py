# SPDX-License-Identifier: GPL-3.0-or-later
"""The half of the harness that runs in Blender (`blender --python inside.py`): it does what the test asks for, and watches.

Every 5 ms a timer of Blender's looks at the socket `$HEADCAST_GUI_SOCKET`. A request is a line of JSON, the code to run;
what the code calls `result` goes back. Meanwhile two things are measured: the gaps between the timer's ticks, which is how
long the window did not answer for whatever reason, and how long each call from Blender into Headcast held it: by the clock,
or, where the system gave the processor to other programs meanwhile, by what was computed.
"""

from __future__ import annotations

import json
import os
import resource
import socket
import sys
import time
import traceback
from types import CodeType
from typing import Any

import bpy

TICK = 0.005
TOOL = sys.monitoring.PROFILER_ID
EVENTS = sys.monitoring.events


class Watch:
    """How long the event loop stood still, and how much of that was Headcast's own doing."""

    def __init__(self) -> None:
        self.begin()
        sys.monitoring.use_tool_id(TOOL, "headcast-gui")
        sys.monitoring.register_callback(TOOL, EVENTS.PY_START, self._start)
        sys.monitoring.register_callback(TOOL, EVENTS.PY_RETURN, self._end)
        sys.monitoring.register_callback(TOOL, EVENTS.PY_UNWIND, self._end)
        sys.monitoring.set_events(TOOL, EVENTS.PY_START | EVENTS.PY_RETURN | EVENTS.PY_UNWIND)

    def begin(self) -> None:
        """Measure anew."""
        self.gap = 0.0
        self.calls: dict[str, tuple[float, float, int]] = {}
        self._ticked = time.perf_counter()
        self._entered: tuple[Any, float, float, int] | None = None

    def tick(self) -> None:
        now = time.perf_counter()
        self.gap = max(self.gap, now - self._ticked)
        self._ticked = now

    def result(self) -> dict[str, Any]:
        """Milliseconds: the longest gap, and by function the longest that it held the window and took; how many calls."""
        calls = {name: [1000 * held, 1000 * took, n] for name, (held, took, n) in self.calls.items()}
        return {"gap": 1000 * self.gap, "calls": calls}

    def _start(self, code: CodeType, offset: int) -> Any:
        if not _is_ours(code):
            return sys.monitoring.DISABLE
        frame = sys._getframe(1)
        if frame.f_back is None and self._entered is None:
            self._entered = (frame, time.perf_counter(), time.thread_time(), _interruptions())
        return None

    def _end(self, code: CodeType, offset: int, value: object) -> Any:
        if self._entered is None or sys._getframe(1) is not self._entered[0]:
            return None
        _, began, computed, interrupted = self._entered
        self._entered = None
        took = time.perf_counter() - began
        own = took if _interruptions() == interrupted else time.thread_time() - computed
        name = f"{code.co_filename.rsplit('headcast/', 1)[-1]}:{code.co_qualname}"
        held, longest, n = self.calls.get(name, (0.0, 0.0, 0))
        self.calls[name] = (max(held, own), max(longest, took), n + 1)
        return None


def _interruptions() -> int:
    """How often the system has taken the processor away from this thread."""
    return resource.getrusage(resource.RUSAGE_THREAD).ru_nivcsw


def _is_ours(code: CodeType) -> bool:
    """Code of the installed extension, called from Blender."""
    return "/extensions/" in code.co_filename and "/headcast/" in code.co_filename


class Door:
    """Requests in, answers out, without waiting."""

    def __init__(self, path: str) -> None:
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(path)
        self._listening.listen()
        self._listening.setblocking(False)
        self._names: dict[str, Any] = {"bpy": bpy, "watch": watch, "hovered": hovered, "regions": regions}

    def look(self) -> None:
        try:
            caller, _ = self._listening.accept()
        except BlockingIOError:
            return
        with caller, caller.makefile("rw", encoding="utf-8") as lines:
            answer = self._answer(json.loads(lines.readline()))
            lines.write(json.dumps(answer) + "\n")

    def _answer(self, code: str) -> dict[str, Any]:
        self._names["result"] = None
        try:
            with bpy.context.temp_override(window=bpy.context.window_manager.windows[0]):
                exec(code, self._names)
        except Exception:
            return {"error": traceback.format_exc()}
        return {"result": self._names["result"]}


def regions(area_type: str, region_type: str) -> list[tuple[int, int, int, int]]:
    """(left, bottom, width, height) in pixels of the window, of the first editor of that type."""
    return [
        (region.x, region.y, region.width, region.height)
        for area in bpy.context.window.screen.areas
        if area.type == area_type
        for region in area.regions
        if region.type == region_type
    ]


def hovered(area_type: str, region_type: str) -> tuple[str, str]:
    """What lies under the mouse: the command of a button as Blender would copy it, and the path of a property."""
    manager = bpy.context.window_manager
    for area in bpy.context.window.screen.areas:
        for region in area.regions:
            if area.type == area_type and region.type == region_type:
                with bpy.context.temp_override(area=area, region=region):
                    found = []
                    for copy in (bpy.ops.ui.copy_python_command_button, bpy.ops.ui.copy_data_path_button):
                        manager.clipboard = ""
                        if copy.poll():
                            copy()
                        found.append(manager.clipboard)
                    return found[0], found[1]
    return "", ""


def beat() -> float:
    watch.tick()
    door.look()
    watch.tick()
    return TICK


bpy.context.preferences.view.show_splash = False
watch = Watch()
door = Door(os.environ["HEADCAST_GUI_SOCKET"])
bpy.app.timers.register(beat, persistent=True)
