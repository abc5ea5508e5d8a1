# SPDX-License-Identifier: GPL-3.0-or-later
"""Every text of Headcast's that Blender shows has a German one, and no German text is left over."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import bpy
import headcast
import pytest
from bl_ui.utils import PresetPanel
from headcast.locale import languages, texts
from headcast.registration import CLASSES

SOURCES = Path(headcast.__file__).parent
PLACES = {"allow": 1, "draw_text": 1, "draw_file": 3, "said": 0}
"""Functions that show a text, and which argument it is."""
SAYING = {"missing", "missing_for_a_take", "nothing_to_match", "busy"}
"""Functions whose texts a `poll` shows."""
REFUSALS = {"EMPTY", "HIDDEN", "LINKED", "missing", "empty"}
"""Names of such texts."""


def of_classes() -> Iterator[str]:
    """Labels, descriptions, names and choices, as Blender has them."""
    for cls in CLASSES:
        if issubclass(cls, bpy.types.Operator):
            yield cls.bl_label
            yield cls.__doc__ or ""
        elif not issubclass(cls, (bpy.types.PropertyGroup, bpy.types.UIList, PresetPanel)):
            yield getattr(cls, "bl_label", "")
        own = {
            name
            for base in cls.__mro__
            if base.__module__.startswith("headcast")
            for name in vars(base).get("__annotations__", {})
        }
        known = cls.bl_rna.properties
        if issubclass(cls, bpy.types.Operator):  # the file browser and dialogs show what its class does not hold
            group, _, name = cls.bl_idname.partition(".")
            known = getattr(getattr(bpy.ops, group), name).get_rna_type().properties
        for name in own & set(known.keys()):
            if not known[name].is_hidden:
                yield from of_property(known[name])
    yield from of_property(bpy.types.Scene.bl_rna.properties["headcast"])


def of_property(shown: bpy.types.Property) -> Iterator[str]:
    if shown.name == shown.identifier:
        return  # holds others, and is never shown
    yield shown.name
    yield shown.description
    if shown.type == "ENUM":
        for item in shown.enum_items:
            yield item.name
            yield item.description


def of_sources() -> Iterator[str]:
    """Texts of rows and menus, of errors, and what a `poll` says."""
    for path in SOURCES.rglob("*.py"):
        if path.is_relative_to(SOURCES / "presets"):
            yield bpy.path.display_name(path.name, title_case=False)
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                for keyword in node.keywords:
                    if keyword.arg in {"text", "heading"}:
                        yield from constants(keyword.value)
                place = PLACES.get(ast.unparse(node.func))
                if place is not None and place < len(node.args):
                    yield from constants(node.args[place])
                elif ast.unparse(node.func).endswith("Error"):
                    for argument in node.args:
                        yield from constants(argument)
            elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) in REFUSALS:
                yield from constants(node.value)
            elif isinstance(node, ast.FunctionDef) and node.name in SAYING:
                for inside in ast.walk(node):
                    if isinstance(inside, ast.Return) and inside.value is not None:
                        yield from constants(inside.value)


def constants(node: ast.expr) -> Iterator[str]:
    """Whole texts: parts of those that are put together are not translated."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from constants(node.body)
        yield from constants(node.orelse)
    elif isinstance(node, ast.BoolOp):
        for value in node.values:
            yield from constants(value)


@pytest.fixture(scope="module")
def shown(registered: None) -> set[str]:
    return {text for text in (*of_classes(), *of_sources()) if any(letter.isalpha() for letter in text)}


@pytest.mark.parametrize("language", languages())
def test_every_text_is_there_in_each_language(language: str, shown: set[str]) -> None:
    known = texts(language)
    missing, stale = sorted(shown - known.keys()), sorted(known.keys() - shown)
    assert not missing, "Without a text: " + ", ".join(missing)
    assert not stale, "Shown no more: " + ", ".join(stale)
    assert all(known.values())
    assert [text for text, there in known.items() if text.count("{") != there.count("{")] == []
