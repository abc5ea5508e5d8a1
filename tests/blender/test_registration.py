# SPDX-License-Identifier: GPL-3.0-or-later
"""What Blender gets to know of us: it is gone when we are, every button says why it is grey, and no button breaks."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import bpy
import bpy.utils.previews
import headcast
import pytest
from headcast import fixes, preview
from headcast.locale import languages, texts
from headcast.registration import CLASSES

from ..conftest import ENGINE_PYTHON, ROOT

OPERATORS = [cls for cls in CLASSES if issubclass(cls, bpy.types.Operator)]
OF_THE_MACHINE = ("preset", "write_assets", "set_up", "sample", "engine")
"""In the names of operators that write into the user's folders, or set up the engine: tests of their own press them."""

RELOAD = """
import os, sys
import bpy
import addon_utils
lists = [found for name in dir(bpy.app.handlers) if isinstance(found := getattr(bpy.app.handlers, name), list)]
mark = lambda: sum(map(len, lists))
before = mark()
addon_utils.enable("headcast", default_set=True)
bpy.context.scene.headcast.render.photos = 7
there = mark(), len([name for name in dir(bpy.types) if name.startswith("HEADCAST_")])
bpy.ops.script.reload()
assert bpy.context.scene.headcast.render.photos == 7
assert bpy.ops.headcast.next_version.poll()
assert there == (mark(), len([name for name in dir(bpy.types) if name.startswith("HEADCAST_")]))
addon_utils.disable("headcast", default_set=True)
assert mark() == before
print("fine", sys.modules["headcast"].__file__)
sys.stdout.flush()
os._exit(0)
"""

BEGINS = {
    "enabled": "import addon_utils; addon_utils.enable('headcast', default_set=True)",
    "registered": "bpy.ops.wm.read_factory_settings(use_empty=True); headcast.register()",
    "registered and unregistered": "headcast.register(); headcast.unregister()",
    "registered again": "headcast.register(); headcast.unregister(); headcast.register()",
    "registered, with its engine at work": "headcast.register(); bpy.ops.headcast.check_engine()",
}
"""How scripts with bpy as a module begin."""


def census() -> Counter[str]:
    """How many there are of all that an add-on can leave behind."""
    found: Counter[str] = Counter()
    for name in dir(bpy.app.handlers):
        handlers = getattr(bpy.app.handlers, name)
        if isinstance(handlers, list):
            found[f"handlers {name}"] = len(handlers)
    for name in dir(bpy.types):
        kind = getattr(bpy.types, name)
        found[f"drawn in {name}"] = len(getattr(getattr(kind, "draw", None), "_draw_funcs", ()))
        found["classes"] += 1
    found["ours"] = sum("bl_rna" in vars(cls) for cls in CLASSES)
    for kind in (bpy.types.Scene, bpy.types.Object, bpy.types.WindowManager):
        found[f"properties of {kind.__name__}"] = len(kind.bl_rna.properties)
    keys = bpy.context.window_manager.keyconfigs.addon
    found["keys"] = sum(len(keymap.keymap_items) for keymap in keys.keymaps) if keys else 0
    found["previews"] = len(bpy.utils.previews._uuid_open)
    found["preset folders"] = len(bpy.utils.preset_paths("headcast/render"))
    found["timers"] = bpy.app.timers.is_registered(preview._tick)
    return found


def test_register_and_unregister_leave_nothing(registered: None) -> None:
    there = census()
    headcast.unregister()
    gone = census()
    assert (there["ours"], gone["ours"]) == (len(CLASSES), 0)
    for _ in range(20):
        headcast.register()
        assert census() == there
        preview.start()
        assert census() != there
        headcast.unregister()
        assert census() == gone
    headcast.register()


def test_scripts_are_reloaded(tmp_path: Path) -> None:
    package = tmp_path / "addons" / "headcast"
    package.mkdir(parents=True)
    for path in (*(ROOT / "blender_addon").iterdir(), ROOT / "core", ROOT / "nodes"):
        (package / path.name).symlink_to(path)
    environment = {**os.environ, "BLENDER_USER_SCRIPTS": str(tmp_path), "BLENDER_USER_CONFIG": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", RELOAD], env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert f"fine {tmp_path}" in done.stdout, done.stdout + done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("begin", BEGINS)
def test_a_script_with_blender_as_a_module_ends_with_its_own_exit_code(begin: str) -> None:
    script = f"import sys, bpy, headcast; {BEGINS[begin]}; sys.exit(3)"
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, "HEADCAST_PYTHON": ENGINE_PYTHON},
    )
    assert done.returncode == 3
    assert "Traceback" not in done.stderr


def refusal(operator: type) -> str:
    """What the operator's button says when it is grey; empty where it is not."""
    run = getattr(bpy.ops.headcast, operator.bl_idname.removeprefix("headcast."))
    if run.poll():
        return ""
    with pytest.raises(RuntimeError) as caught:
        run()
    return str(caught.value).split("poll() ")[1].strip()


@pytest.mark.parametrize("operator", OPERATORS, ids=lambda cls: cls.bl_idname)
def test_an_operator_runs_or_says_what_it_needs(
    operator: type, scene: bpy.types.Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADCAST_PYTHON", str(tmp_path / "nowhere"))
    said = refusal(operator)
    assert "context is incorrect" not in said
    for language in languages():
        assert not said or said in texts(language)
    if said or any(part in operator.bl_idname for part in OF_THE_MACHINE):
        return
    try:
        done = getattr(bpy.ops.headcast, operator.bl_idname.removeprefix("headcast."))()
    except RuntimeError as error:
        done = str(error)
    assert done == {"FINISHED"} or "Traceback" not in done


def test_every_fix_is_a_button_that_is_there() -> None:
    ours = {operator.bl_idname for operator in OPERATORS}
    blenders = {"wm.save_as_mainfile", "extensions.userpref_allow_online"}
    assert set(fixes.FIXES.values()) <= {fixes.AGAIN} | blenders | ours
