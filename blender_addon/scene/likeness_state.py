# SPDX-License-Identifier: GPL-3.0-or-later
"""The card of a likeness file: read again only when the file was written."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from ..core.consent import KINDS, Consent
from ..core.errors import WrongFileError
from ..core.likeness import Card, read_card
from ..locale import said


def likeness_at(path: str) -> Card | None:
    """The card of the likeness at an absolute path; None if there is none, or if it cannot be read."""
    try:
        return _read(Path(path), Path(path).stat().st_mtime_ns)
    except OSError:
        return None


@lru_cache(maxsize=1)
def _read(path: Path, changed: int) -> Card | None:
    """Once for each time that the file changed."""
    try:
        return read_card(path)
    except WrongFileError:
        return None


def in_words(card: Card) -> list[str]:
    """Facts about the likeness for the artist, a line each."""
    count = len(card.names)
    lines = [said("1 photo, {} pixels", card.size) if count == 1 else said("{} photos, {} pixels", count, card.size)]
    if card.tuned and card.gain:
        lines.append(said("Fine-tuned: {:.0%} nearer to the photos", card.gain))
    else:
        lines.append(said("Fine-tuned") if card.tuned else said("Not fine-tuned"))
    if not card.weights:
        lines.append(said("No trained weights: the photos are bent, not repainted"))
    return [*lines, consent_in_words(card.consent)]


def consent_in_words(consent: Consent) -> str:
    """The same of what is on record of the person's consent."""
    if not consent:
        return said("No consent on record")
    if consent.has_ended():
        return said("The consent ended on {}", consent.until)
    whose = ", ".join(filter(None, (said(KINDS[consent.kind]), consent.subject, consent.scope)))
    return said("Consent: {}, until {}", whose, consent.until) if consent.until else said("Consent: {}", whose)
