"""The add-on's preferences: where the engine's Python is."""

import importlib.util
import os
import sys
from pathlib import Path

import bpy

from .core.errors import WorkerError

WAY_OUT = "Set Preferences > Add-ons > Headcast > Python to one with torch: in Headcast's folder, 'make env' makes it"


class HEADCAST_AP_preferences(bpy.types.AddonPreferences):
    """Settings that belong to the machine, not to a file."""

    bl_idname = __package__

    python: bpy.props.StringProperty(
        name="Python",
        description="Python 3.11 or later with torch, mediapipe and OpenEXR, which runs the engine beside Blender",
        subtype="FILE_PATH",
    )

    def draw(self, context: bpy.types.Context) -> None:
        self.layout.prop(self, "python")
        try:
            self.layout.label(text=f"Engine: {find_python()}", icon="CHECKMARK")
        except WorkerError as error:
            self.layout.label(text=error.message, icon="ERROR")
            self.layout.label(text=error.hint)


def find_python() -> Path:
    """The engine's Python: the preference, else `$HEADCAST_PYTHON`, else Blender's own where it has torch.

    Raises WorkerError, with what to do.
    """
    addon = bpy.context.preferences.addons.get(__package__)
    chosen = bpy.path.abspath(addon.preferences.python) if addon else ""
    chosen = chosen or os.environ.get("HEADCAST_PYTHON", "")
    if chosen:
        if not Path(chosen).is_file():
            raise WorkerError(f"There is no Python at {chosen}", WAY_OUT)
        return Path(chosen)
    if importlib.util.find_spec("torch") is not None:
        return Path(sys.executable)
    raise WorkerError("The engine's Python is not set", WAY_OUT)
