# SPDX-License-Identifier: GPL-3.0-or-later
"""The phones of a text, one letter of IPA each, in the order in which they are spoken."""

from __future__ import annotations

import re
from pathlib import Path

from ..errors import SettingError
from ..reading import Reader
from .espeak import phonemes
from .visemes import STRESS, letters_of

OTHER_LANGUAGE = re.compile(r"\([\w-]+\)")
"""How espeak-ng marks words that it takes for another language's."""
MOST_TEXT = 1 << 22
"""Bytes."""


def read_words(path: Path) -> str:
    """The text of a file. Raises WrongFileError where it is missing, no text, or empty."""
    way_out = "Give a text file (UTF-8) with the words that are spoken"
    reader = Reader(path, "a text", way_out, missing=way_out)
    with reader.opened():
        reader.ensure(path.stat().st_size <= MOST_TEXT, "it is too long")
        text = path.read_text("utf-8-sig")
        reader.ensure("\0" not in text, "it holds no text")
        reader.ensure(bool(text.strip()), "it is empty")
    return text


def phones_of(text: str, language: str) -> list[str]:
    """Symbols of `text`: a letter of IPA each, after its stress mark where it has one.

    Raises SettingError for a language that is not known and for a text without a word, MissingPackageError.
    """
    found = []
    for word in phonemes(text, language):
        for symbol in word:
            found += split(OTHER_LANGUAGE.sub("", symbol))
    if not found:
        raise SettingError("The text has no word that can be spoken", "Give the words that are spoken in the sound")
    return found


def split(symbol: str) -> list[str]:
    """A symbol's letters, the stress mark on the first: "ˈaɪ" is "ˈa" and "ɪ"."""
    mark = next((sign for sign in symbol if sign in STRESS), "")
    letters = letters_of(symbol)
    return [mark + letters[0], *letters[1:]] if letters else []
