# SPDX-License-Identifier: GPL-3.0-or-later
"""Who allowed it: kept in the likeness, shown where it is shown, demanded by a studio, ended, and taken back."""

from __future__ import annotations

import datetime
import hashlib
import json
import stat
from pathlib import Path

import numpy as np
import pytest
from headcast.core.cli.main import main
from headcast.core.consent import Consent, ensure_allowed, read_consent
from headcast.core.errors import ConsentError, SettingError, WrongFileError
from headcast.core.imaging import exr
from headcast.core.likeness import Likeness, person_hash, read_card, record_consent
from headcast.core.rendering.preview import preview
from headcast.core.rendering.render import render
from headcast.core.rendering.report_page import write_report
from headcast.core.settings import RenderSettings
from headcast.core.take import FramePattern, Manifest, sha256_of

from .test_checking import likeness, performance, refused

ANNA = {"kind": "person", "subject": "Anna M.", "allowed_by": "Anna M.", "scope": "Shot 12", "until": "2999-12-31"}


@pytest.fixture
def person(tmp_path: Path) -> Path:
    likeness().save(tmp_path / "anna.likeness")
    return tmp_path / "anna.likeness"


@pytest.fixture
def record(tmp_path: Path) -> Path:
    (tmp_path / "paper.pdf").write_bytes(b"signed")
    path = tmp_path / "consent.json"
    path.write_text(json.dumps({**ANNA, "paper": "paper.pdf"}))
    return path


def test_a_record_is_read_with_the_hash_of_the_paper(record: Path, tmp_path: Path) -> None:
    consent = read_consent(record)
    assert (consent.subject, consent.scope, consent.until) == ("Anna M.", "Shot 12", "2999-12-31")
    assert consent.paper == hashlib.sha256(b"signed").hexdigest()
    toml = tmp_path / "consent.toml"
    toml.write_text('kind = "own"\nuntil = 2027-06-30\n')
    assert read_consent(toml) == Consent(kind="own", until="2027-06-30")
    assert len(consent.id) == 16
    assert consent.id != read_consent(toml).id


@pytest.mark.parametrize(
    ("content", "word"),
    [
        ("{", "damaged"),
        ("[]", "no table"),
        ('{"kind": "friend"}', "kind cannot be 'friend'"),
        ('{"kind": "person", "subject": "Anna"}', "who allowed it"),
        ('{"kind": "own", "until": "next year"}', "until cannot be 'next year'"),
        ('{"kind": "own", "wishes": "many"}', "no wishes"),
        ('{"kind": "none"}', "its kind is none"),
        (json.dumps({"kind": "own", "scope": "x" * 3000}), "longer than"),
        (" " * (1 << 17), "larger than"),
    ],
)
def test_a_record_that_says_too_little_or_nonsense_is_refused(tmp_path: Path, content: str, word: str) -> None:
    path = tmp_path / "consent.json"
    path.write_text(content)
    refused(read_consent, path, word)


def test_a_paper_that_is_not_there_is_named(record: Path, tmp_path: Path) -> None:
    (tmp_path / "paper.pdf").unlink()
    with pytest.raises(SettingError, match=r"paper\.pdf cannot be read"):
        read_consent(record)


def test_the_record_is_in_the_likeness_and_all_else_stays(person: Path, record: Path) -> None:
    """Takes know the person by a hash that the record does not change, so they stay current."""
    before, bare = person_hash(person), person.read_bytes()
    assert before == sha256_of(person)
    assert read_card(person).consent == Consent()
    assert main(["consent", str(person), "--consent", str(record)]) == 0
    consent = read_consent(record)
    assert read_card(person).consent == Likeness.load(person).consent == consent
    assert person_hash(person) == before != sha256_of(person)
    assert np.array_equal(Likeness.load(person).pictures, likeness().pictures)
    whole = Likeness.load(person)
    whole.save(person.with_name("again.likeness"))
    assert person.with_name("again.likeness").read_bytes() == person.read_bytes()
    record_consent(person, Consent())
    assert person.read_bytes() == bare


def test_names_beyond_ascii_do_not_change_the_hash(tmp_path: Path) -> None:
    odd = likeness()
    object.__setattr__(odd, "names", ('Zoë "x".png', "安娜\\.png"))
    odd.save(tmp_path / "x.likeness")
    before = person_hash(tmp_path / "x.likeness")
    record_consent(tmp_path / "x.likeness", Consent(kind="own", subject="Zoë"))
    assert person_hash(tmp_path / "x.likeness") == before


def test_likenesses_are_their_owners_alone(person: Path, record: Path) -> None:
    assert stat.S_IMODE(person.stat().st_mode) == 0o600
    person.chmod(0o644)
    record_consent(person, read_consent(record))
    assert stat.S_IMODE(person.stat().st_mode) == 0o600


def test_a_damaged_record_in_a_likeness_is_refused(person: Path) -> None:
    from safetensors.numpy import load_file

    from .test_checking import again

    again(person, load_file(person), consent={"kind": "friend"})
    refused(read_card, person, "kind cannot be 'friend'")
    again(person, load_file(person), consent=["own"])
    refused(Likeness.load, person, "no table", kind=WrongFileError)


def test_a_consent_holds_through_its_last_day(tmp_path: Path) -> None:
    consent = Consent(kind="own", until="2027-06-30")
    assert not consent.has_ended(datetime.date(2027, 6, 30))
    assert consent.has_ended(datetime.date(2027, 7, 1))
    assert not Consent(kind="own").has_ended(datetime.date(2999, 1, 1))
    ensure_allowed(Consent(), tmp_path)


def render_refused(person: Path, folder: Path, required: bool = False) -> str:
    performance().save(folder / "y.performance")
    with pytest.raises(ConsentError) as caught:
        render(person, folder / "y.performance", str(folder / "out.####.exr"), RenderSettings(), None, None, required)
    assert not list(folder.glob("out*"))
    with pytest.raises(ConsentError):
        preview(person, folder / "canvas", {}, True, RenderSettings(), required)
    return str(caught.value)


def test_nothing_renders_after_the_last_day(person: Path, tmp_path: Path) -> None:
    record_consent(person, Consent(kind="own", until="2020-01-31"))
    said = render_refused(person, tmp_path)
    for word in ("ended on 2020-01-31", str(person), "headcast consent", "headcast forget"):
        assert word in said


def test_a_studio_can_demand_a_record(person: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "demands one" in render_refused(person, tmp_path, required=True)
    monkeypatch.setenv("HEADCAST_REQUIRE_CONSENT", "1")
    assert "No consent is on record" in render_refused(person, tmp_path)
    ensure_allowed(Consent(kind="invented"), person)


def take_of(person: str, folder: Path) -> Path:
    """A take of one frame, painted from a likeness of that hash."""
    pattern = FramePattern.parse(str(folder / "shot_v001.####.exr"))
    folder.mkdir(parents=True)
    manifest = Manifest(pattern, {1: "x"})
    manifest.begin({"likeness": person})
    exr.write_rgba(pattern.path(1), np.zeros((8, 8, 4), np.float32), {})
    manifest.record(1)
    return pattern.manifest


def test_forgetting_deletes_the_likeness_and_names_the_takes(
    person: Path, record: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The consent came after the take, and the likeness was renamed."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    thumbnail = tmp_path / "temporary" / "blender_a1" / "headcast" / "0000.npy"
    thumbnail.parent.mkdir(parents=True)
    thumbnail.touch()
    held = take_of(person_hash(person), tmp_path / "takes" / "deep")
    other = take_of("another", tmp_path / "takes" / "other")
    record_consent(person, read_consent(record))
    person = person.rename(tmp_path / "renamed.likeness")
    assert main(["forget", str(person), str(tmp_path / "takes"), "--list-only"]) == 0
    assert f"would be deleted, with 1 small pictures; these takes hold the person, and are still there:\n  {held}" in (
        capsys.readouterr().out
    )
    assert person.is_file()
    assert thumbnail.exists()
    assert main(["forget", str(person), str(tmp_path / "takes"), str(held.parent)]) == 0
    said = capsys.readouterr().out
    assert said.count(f"{held}: 1 frames") == 1
    assert str(other) not in said
    assert not person.exists()
    assert not thumbnail.exists()
    assert held.is_file()
    assert main(["forget", str(person)]) == 2


def test_a_later_consent_is_written_down_and_renders_nothing_anew(tmp_path: Path) -> None:
    pattern = FramePattern.parse(str(tmp_path / "shot_v001.####.exr"))
    for consent in ({"kind": "none"}, {"kind": "own"}, {"kind": "own"}):
        manifest = Manifest(pattern, {1: "x"})
        manifest.begin({"likeness": "a", "consent": consent})
        if not manifest.is_current(1):
            assert consent == {"kind": "none"}
            exr.write_rgba(pattern.path(1), np.zeros((8, 8, 4), np.float32), {})
            manifest.record(1)
    runs = [json.loads(line) for line in pattern.manifest.read_text().splitlines()]
    assert [run["consent"]["kind"] for run in runs if "run" in run] == ["none", "own"]


@pytest.mark.parametrize(
    ("consent", "said"),
    [(Consent(), "No consent is on record"), (Consent(**ANNA), f"record {Consent(**ANNA).id}, until 2999")],
)
def test_the_report_says_what_is_on_record_and_names_nobody(tmp_path: Path, consent: Consent, said: str) -> None:
    pattern = FramePattern.parse(str(tmp_path / "shot_v001.####.exr"))
    manifest = Manifest(pattern, {1: "x"})
    manifest.begin({"likeness": "a", "consent": consent.summary})
    exr.write_rgba(pattern.path(1), np.zeros((8, 8, 4), np.float32), {})
    manifest.record(1)
    page = write_report(pattern).read_text()
    assert said in page
    assert "Anna" not in page
