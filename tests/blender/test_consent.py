# SPDX-License-Identifier: GPL-3.0-or-later
"""Consent in the panel: the form, what is shown of the likeness, and what refuses."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import bpy
import pytest
from headcast import environment
from headcast.core.consent import Consent
from headcast.core.files import sha256_of
from headcast.core.likeness import person_hash, read_card, record_consent
from headcast.core.take import LIKENESS, FramePattern, Manifest
from headcast.operators import forget
from headcast.operators.polls import LINKED

from ..conftest import ENGINE_PYTHON, subprocess
from .test_linked import link
from .test_panels import Paper, drawn
from .test_registration import refusal

WRITE = """
import sys
from pathlib import Path
from tests.core.test_checking import likeness, performance
likeness().save(Path(sys.argv[1]) / "anna.likeness")
performance().save(Path(sys.argv[1]) / "drive.performance")
"""


@pytest.fixture
def likeness(scene: bpy.types.Scene, tmp_path: Path) -> Path:
    """A likeness and a performance that the scene names."""
    subprocess.run([ENGINE_PYTHON, "-c", WRITE, str(tmp_path)], check=True, cwd=Path(__file__).parents[2])
    scene.headcast.likeness, scene.headcast.performance = "//anna.likeness", "//drive.performance"
    return tmp_path / "anna.likeness"


def fill_in(settings: bpy.types.PropertyGroup, **fields: str) -> None:
    for name, value in {"kind": "person", "subject": "Anna", "allowed_by": "Anna", "scope": "Shot 12", **fields}.items():
        setattr(settings.consent, name, value)


def test_the_form_goes_into_the_likeness(scene: bpy.types.Scene, likeness: Path, tmp_path: Path) -> None:
    before = person_hash(likeness)
    assert "No consent on record" in drawn("likeness")
    record = bpy.types.HEADCAST_OT_record_consent
    assert not record.poll(bpy.context)
    (tmp_path / "signed.pdf").write_bytes(b"signed")
    fill_in(scene.headcast, until="2999-12-31", paper="//signed.pdf")
    assert bpy.ops.headcast.record_consent() == {"FINISHED"}
    consent = read_card(likeness).consent
    assert (consent.subject, consent.paper) == ("Anna", sha256_of(tmp_path / "signed.pdf"))
    assert person_hash(likeness) == before
    assert "Consent: Somebody who allowed it, Anna, Shot 12, until 2999-12-31" in " ".join(drawn("likeness"))


def test_a_form_that_says_too_little_says_so(scene: bpy.types.Scene, likeness: Path) -> None:
    fill_in(scene.headcast, allowed_by="")
    with pytest.raises(RuntimeError, match="who allowed it"):
        bpy.ops.headcast.record_consent()
    fill_in(scene.headcast, until="tomorrow")
    with pytest.raises(RuntimeError, match="such as 2027-06-30"):
        bpy.ops.headcast.record_consent()
    assert not read_card(likeness).consent


def test_what_has_ended_is_shown_and_not_rendered(scene: bpy.types.Scene, likeness: Path) -> None:
    record_consent(likeness, Consent(kind="own", until="2020-01-31"))
    assert "The consent ended on 2020-01-31" in drawn("likeness")
    with pytest.raises(RuntimeError, match="ended on 2020-01-31"):
        bpy.ops.headcast.render()


def test_the_preferences_demand_a_record(scene: bpy.types.Scene, likeness: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    preferences = SimpleNamespace(require_consent=True, python=ENGINE_PYTHON)
    addons = {environment.__package__: SimpleNamespace(preferences=preferences)}
    context = SimpleNamespace(preferences=SimpleNamespace(addons=addons))
    monkeypatch.setattr(environment, "bpy", SimpleNamespace(context=context, path=bpy.path, utils=bpy.utils))
    with pytest.raises(RuntimeError, match="this studio demands one"):
        bpy.ops.headcast.render()
    bpy.ops.headcast.queue_add()
    bpy.ops.headcast.queue_render()
    assert "this studio demands one" in scene.headcast.queue[0].why


def test_a_linked_scene_records_nothing(scene: bpy.types.Scene, likeness: Path, tmp_path: Path) -> None:
    """A scene from another file brings its form along: what it says is not put on record from here."""
    fill_in(scene.headcast)
    bpy.context.window.scene = link(scene, scene, "scenes", tmp_path)
    assert refusal(bpy.types.HEADCAST_OT_record_consent) == LINKED
    assert not read_card(likeness).consent


def test_consent_of_one_person_is_not_recorded_with_photos_of_the_next(scene: bpy.types.Scene, likeness: Path) -> None:
    fill_in(scene.headcast)
    scene.headcast.photos = "//photos of somebody else"
    assert scene.headcast.consent.kind == "none"
    assert refusal(bpy.types.HEADCAST_OT_record_consent) == "Say whose face it is first"


def test_a_likeness_is_made_with_the_consent_of_the_form(scene: bpy.types.Scene, astronaut: Path, tmp_path: Path) -> None:
    scene.headcast.photos, scene.headcast.likeness = str(astronaut), "//made.likeness"
    fill_in(scene.headcast, kind="own", scope="a test")
    assert bpy.ops.headcast.adapt() == {"FINISHED"}
    consent = read_card(tmp_path / "made.likeness").consent
    assert (consent.kind, consent.scope) == ("own", "a test")


def test_a_person_is_forgotten_after_the_list_was_seen(
    scene: bpy.types.Scene, likeness: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pattern = FramePattern.parse(str(tmp_path / "takes" / "shot_v001.####.exr"))
    pattern.folder.mkdir()
    Manifest(pattern, {1: "x"}).begin({LIKENESS: person_hash(likeness)})
    scene.headcast.output = "//takes/shot_v001.####.exr"
    assert "headcast.forget" in drawn("likeness_consent")
    monkeypatch.setattr(forget.HEADCAST_OT_forget_listed, "listed", None)
    assert refusal(bpy.types.HEADCAST_OT_forget_listed) == "See what goes first: Forget..."
    assert bpy.ops.headcast.forget() == {"FINISHED"}
    assert likeness.is_file()
    paper = Paper()
    forget.draw_list(paper, forget.HEADCAST_OT_forget_listed.listed)
    said = "\n".join(paper.said)
    for text in (str(likeness), "1 takes hold the person, and stay:", f"{pattern.manifest} (0)"):
        assert text in said
    assert bpy.ops.headcast.forget_listed() == {"FINISHED"}
    assert not likeness.exists()
    assert pattern.manifest.is_file()
    assert refusal(bpy.types.HEADCAST_OT_forget) == "Make or choose a likeness first"


def test_the_list_of_one_person_does_not_forget_another(scene: bpy.types.Scene, likeness: Path, tmp_path: Path) -> None:
    assert bpy.ops.headcast.forget() == {"FINISHED"}
    other = tmp_path / "other.likeness"
    other.write_bytes(likeness.read_bytes())
    scene.headcast.likeness = "//other.likeness"
    assert refusal(bpy.types.HEADCAST_OT_forget_listed) == "See what goes first: Forget..."
    with pytest.raises(RuntimeError, match="See what goes first"):
        bpy.ops.headcast.forget_listed()
    assert other.is_file()
