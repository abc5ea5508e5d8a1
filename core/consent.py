# SPDX-License-Identifier: GPL-3.0-or-later
"""Who allowed that a face is used, for what and until when: a record that is kept in the likeness.

A record is a small JSON or TOML file with the fields of `Consent`, or what the panel's form says. It says what somebody
wrote down; it proves nothing. Needs nothing but Python.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import os
import re
import tomllib
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

from .errors import ConsentError, SettingError
from .files import sha256_of
from .reading import Reader
from .settings import CheckedSettings, option

NONE = "none"
KINDS = {
    NONE: "Nothing is on record",
    "person": "Somebody who allowed it",
    "own": "My own face",
    "artwork": "A painting or another artwork",
    "invented": "Not a real person",
}
"""Whose face it is."""
REQUIRE = "HEADCAST_REQUIRE_CONSENT"
"""Environment variable with which a studio demands a record."""
MOST_BYTES, MOST_LETTERS = 1 << 16, 2000
"""Of a record's file, and of one field."""
HASH = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Consent(CheckedSettings):
    """The record of a person's consent. Raises SettingError for what cannot be."""

    kind: str = option(NONE, "Whose face it is", choices=KINDS)
    subject: str = option("", "Who is seen: a name, or a production's number for the person")
    allowed_by: str = option("", "Who allowed it: the person, an agent, an estate, a guardian")
    scope: str = option("", "What it was allowed for: a shot, a project, or in words")
    until: str = option("", "Last day on which it may be used, such as 2027-06-30; empty is for good")
    paper: str = option("", "The signed paper, of which only the hash is recorded", kind="path")

    def __post_init__(self) -> None:
        super().__post_init__()
        for item in fields(self):
            if len(getattr(self, item.name)) > MOST_LETTERS:
                raise SettingError(f"{item.name} is longer than {MOST_LETTERS} letters", "Say it in fewer words")
        if self.until and not _is_day(self.until):
            raise SettingError(f"until cannot be '{self.until}'", "Give a day as year-month-day, such as 2027-06-30")
        if self.kind == "person" and not (self.subject and self.allowed_by and self.scope):
            raise SettingError(
                "The consent does not say who is seen, who allowed it and for what", "Fill in subject, allowed_by and scope"
            )

    def __bool__(self) -> bool:
        """Whether anything is on record."""
        return self.kind != NONE

    @property
    def id(self) -> str:
        """Names the record without a word of it; empty where nothing is on record."""
        if not self:
            return ""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:16]

    @property
    def words(self) -> str:
        """All of it in a line."""
        if not self:
            return "no consent on record"
        said = [
            self.subject,
            f"allowed by {self.allowed_by}" * bool(self.allowed_by),
            f"for {self.scope}" * bool(self.scope),
        ]
        said += [f"until {self.until}" * bool(self.until), "signed paper by hash" * bool(self.paper)]
        return f"{KINDS[self.kind].lower()}: {', '.join(filter(None, said)) or 'no more is said'} (record {self.id})"

    @property
    def summary(self) -> dict[str, str]:
        """The part that may travel with a take: no name."""
        return {"kind": self.kind, "id": self.id, "until": self.until} if self else {"kind": self.kind}

    def has_ended(self, today: datetime.date | None = None) -> bool:
        """Whether its last day is over."""
        return bool(self.until) and datetime.date.fromisoformat(self.until) < (today or datetime.date.today())

    def with_paper(self, folder: Path) -> Consent:
        """The same with the paper's hash in the place of its path, which may start from `folder`. Raises SettingError."""
        if not self.paper or HASH.fullmatch(self.paper):
            return self
        paper = folder / self.paper
        try:
            return replace(self, paper=sha256_of(paper))
        except OSError as error:
            raise SettingError(
                f"{paper} cannot be read ({error.strerror})", "Give the signed paper, or its SHA-256"
            ) from error


NO_CONSENT = Consent()


def read_consent(path: Path) -> Consent:
    """The record in a JSON or TOML file; `paper` is a path from its folder, or the hash. Raises WrongFileError."""
    reader = Reader(path, "a consent record", "Write it again: the guide's page on provenance shows one")
    with reader.opened():
        reader.ensure(path.stat().st_size <= MOST_BYTES, f"it is larger than {MOST_BYTES} bytes")
        text = path.read_text("utf-8")
        found = tomllib.loads(text) if path.suffix.lower() == ".toml" else json.loads(text)
        consent = consent_of(reader, found)
    reader.ensure(bool(consent), "its kind is none")
    return consent.with_paper(path.parent)


def consent_of(reader: Reader, found: object) -> Consent:
    """The record that a file holds. Raises the reader's error. Within `opened`."""
    if not isinstance(found, dict):
        raise reader.wrong("its consent is no table")
    strange = found.keys() - {item.name for item in fields(Consent)}
    reader.ensure(not strange, f"a consent has no {', '.join(map(str, sorted(strange, key=str)))}")
    try:
        return Consent(**{name: reader.text(name, str(value)) for name, value in found.items()})
    except SettingError as error:
        raise reader.wrong(error.message.removeprefix("--"), error.hint) from error


def is_required() -> bool:
    """Whether the environment demands a record."""
    return os.environ.get(REQUIRE, "") not in ("", "0")


def ensure_allowed(consent: Consent, likeness: Path, required: bool = False) -> None:
    """Raise ConsentError where the likeness may not be rendered: its consent has ended, or none is on record where one is
    `required`, or demanded by the environment."""
    if consent.has_ended():
        raise ConsentError(
            f"The consent for {likeness} ended on {consent.until}",
            "Record a new one: Likeness > Consent, or headcast consent. Or delete the likeness: headcast forget",
        )
    if not consent and (required or is_required()):
        raise ConsentError(
            f"No consent is on record in {likeness}, and this studio demands one",
            "Record it: Likeness > Consent, or headcast consent",
        )


def _is_day(text: str) -> bool:
    try:
        return datetime.date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
