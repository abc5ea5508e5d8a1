# SPDX-License-Identifier: GPL-3.0-or-later
"""The half of the harness that the tests hold: a Blender with a window on a screen of its own, its mouse, its pictures."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
WIDTH, HEIGHT = 1600, 1200
START_SECONDS = 180.0
STEP = 9
"""Pixels between two looks at what lies under the mouse: less than half a button's height."""
SETTLE = 0.06
"""Seconds in which Blender sees that the mouse has moved."""

ADDON = "bl_ext.user_default.headcast"
INSTALL = """
bpy.ops.extensions.package_install_files(filepath={package!r}, repo="user_default", enable_on_install=True)
result = hasattr(bpy.types.Scene, "headcast")
"""
SHOW_PREFERENCES = """
for name, value in {values}.items():
    setattr(bpy.context.preferences.addons["{addon}"].preferences, name, value)
area = [a for a in bpy.context.window.screen.areas if a.type == "VIEW_3D"][0]
area.type = "PREFERENCES"
bpy.context.preferences.active_section = "ADDONS"
bpy.context.window_manager.addon_search = "Headcast"
bpy.ops.preferences.addon_expand(module="{addon}")
"""
PREVIEWED = f"""
import sys
running = sys.modules["{ADDON}.preview"].current
result = bool(running and running.result and running.result["side"])
"""
"""True once the live preview shows a head."""


def missing() -> str:
    """Why there can be no window here; empty where there can."""
    if not os.environ.get("HEADCAST_BLENDER"):
        return "HEADCAST_BLENDER does not say how to start a Blender with windows"
    gone = [tool for tool in ("Xvfb", "xdotool", "import") if shutil.which(tool) is None]
    return f"not installed: {', '.join(gone)}" if gone else ""


class Window:
    """A running Blender. `folder` takes its settings, its log and the pictures."""

    def __init__(self, folder: Path) -> None:
        """Raises RuntimeError, with Blender's log, where it does not come up."""
        self.folder = folder
        self._socket = folder / "door"
        self._log = folder / "blender.log"
        self._screen = subprocess.Popen(
            ["Xvfb", "-displayfd", "1", "-screen", "0", f"{WIDTH}x{HEIGHT}x24", "+extension", "GLX"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._screen.stdout is not None
        self._display = {"DISPLAY": ":" + self._screen.stdout.readline().strip()}
        with self._log.open("w") as log:
            self._blender = subprocess.Popen(
                [
                    *shlex.split(os.environ["HEADCAST_BLENDER"]),
                    *("--window-geometry", "0", "0", str(WIDTH), str(HEIGHT), "--python", str(HERE / "inside.py")),
                ],
                env={
                    **{name: value for name, value in os.environ.items() if name != "HEADCAST_PYTHON"},
                    **self._display,
                    "LIBGL_ALWAYS_SOFTWARE": "1",
                    "BLENDER_USER_RESOURCES": str(folder / "blender"),
                    "HEADCAST_GUI_SOCKET": str(self._socket),
                },
                stdout=log,
                stderr=log,
            )
        try:
            self.wait("result = True", START_SECONDS)
        except RuntimeError:
            self.close()
            raise

    def run(self, code: str) -> Any:
        """Run Python in Blender, in its window; returns what it calls `result`. Raises RuntimeError with its traceback."""
        with socket.socket(socket.AF_UNIX) as door:
            door.connect(str(self._socket))
            with door.makefile("rw", encoding="utf-8") as lines:
                lines.write(json.dumps(code) + "\n")
                lines.flush()
                answer = json.loads(lines.readline() or '{"error": "Blender is gone"}')
        if "error" in answer:
            raise RuntimeError(f"{answer['error']}\n{self.log()}")
        return answer["result"]

    def wait(self, code: str, seconds: float) -> Any:
        """Until `code` has a result that is true; returns it. Raises RuntimeError where it never has."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and self._blender.poll() is None:
            try:
                result = self.run(code)
            except (ConnectionError, FileNotFoundError):
                result = None
            if result:
                return result
            time.sleep(0.1)
        raise RuntimeError(f"Not within {seconds:.0f} s: {code}\n{self.log()}")

    def log(self) -> str:
        """What Blender has said."""
        return self._log.read_text(errors="replace")

    def picture(self, name: str) -> Path:
        """What is on the screen, as a PNG."""
        time.sleep(0.5)
        path = self.folder / f"{name}.png"
        subprocess.run(["import", "-window", "root", str(path)], env={**os.environ, **self._display}, check=True)
        return path

    def show(self, area: str = "VIEW_3D", tab: str = "Headcast") -> None:
        """Open the sidebar of an editor, at a tab."""
        areas = f"[a for a in bpy.context.window.screen.areas if a.type == {area!r}]"
        self.run(f"{areas}[0].spaces.active.show_region_ui = True")
        region = f"[r for r in {areas}[0].regions if r.type == 'UI'][0]"
        self.wait(f"r = {region}; r.active_panel_category = {tab!r}; result = r.active_panel_category == {tab!r}", 10)
        time.sleep(SETTLE)

    def install(self, package: Path) -> None:
        """Install the extension from its zip, as *Install from Disk* does."""
        assert self.run(INSTALL.format(package=str(package))), self.log()

    def preferences(self, values: dict[str, str]) -> None:
        """Set the add-on's preferences, and show them instead of the 3D view."""
        self.run(SHOW_PREFERENCES.format(addon=ADDON, values=values))
        time.sleep(1.0)

    def view_3d(self) -> None:
        """Back from the preferences."""
        self.run("[a for a in bpy.context.window.screen.areas if a.type == 'PREFERENCES'][0].type = 'VIEW_3D'")
        time.sleep(1.0)

    def find(self, button: str, area: str = "VIEW_3D", region: str = "UI") -> tuple[int, int]:
        """Where a button or property is on the screen: the mouse goes down the region until Blender says that it lies there.

        `button` is the name of an operator (`headcast.render`) or the end of a property's path (`headcast.source`).
        Raises LookupError where it is not to be seen.
        """
        left, bottom, width, height = self.run(f"result = regions({area!r}, {region!r})[0]")
        for across in (0.45, 0.8, 0.15):
            x = round(left + across * width)
            for y in range(HEIGHT - bottom - height + STEP, HEIGHT - bottom, STEP):
                self.move(x, y)
                command, path = self.run(f"result = hovered({area!r}, {region!r})")
                if command.startswith(f"bpy.ops.{button}(") or path.endswith(button):
                    return x, y
        raise LookupError(f"'{button}' is not to be seen in {area}, {region}: {self.picture('not_found')}")

    def click(self, button: str, area: str = "VIEW_3D", region: str = "UI") -> None:
        """Press a button that is to be seen."""
        self.click_at(*self.find(button, area, region))

    def click_at(self, x: int, y: int) -> None:
        """Press what lies there, in pixels from the top left."""
        self.move(x, y)
        self._do("click", "1")

    def press(self, key: str) -> None:
        """A key, by its X name."""
        self._do("key", key)
        time.sleep(SETTLE)

    def move(self, x: int, y: int) -> None:
        """The mouse, in pixels from the top left."""
        self._do("mousemove", str(x), str(y))
        time.sleep(SETTLE)

    def _do(self, *command: str) -> None:
        subprocess.run(["xdotool", *command], env={**os.environ, **self._display}, check=True)

    def close(self) -> None:
        """End Blender and its screen."""
        for process in (self._blender, self._screen):
            process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
