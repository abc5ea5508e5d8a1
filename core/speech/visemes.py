# SPDX-License-Identifier: GPL-3.0-or-later
"""The phones of all languages by what the face does for them: fifteen classes, and which phones sound nearly alike."""

from __future__ import annotations

import unicodedata
from functools import cache

CLASSES = {
    "PBM": "p b m ɓ ʙ",
    "FV": "f v ɱ ʋ ɸ β",
    "TH": "θ ð",
    "TD": "t d n l ɾ ʈ ɖ ɗ ɲ ɫ ɮ ʎ ɽ ɳ ɭ ɺ c ɟ",
    "SZ": "s z",
    "SH": "ʃ ʒ ɕ ʑ ʂ ʐ",
    "KG": "k ɡ ŋ x h ɣ χ ħ ɦ q ɢ ɴ ʔ ç ʝ ɰ ʕ",
    "R": "ɹ r ɝ ʁ ʀ ɻ ɚ ɜ",
    "A": "a ɑ æ",
    "E": "ɛ e ɘ",
    "I": "i ɪ j ɨ ɯ",
    "O": "ɔ o ɒ ɤ",
    "W": "w ɥ ʍ",
    "U": "u y ø ʊ ʉ ʏ œ ɵ",
    "SCHWA": "ə ʌ ɐ ᵊ",
}
"""By letters of IPA. `curves` has the shapes."""
CLASS_OF = {letter: name for name, letters in CLASSES.items() for letter in letters.split()}
VOWELS = frozenset(("A", "E", "I", "O", "U", "SCHWA"))
NEAR = (
    "pb bm fv θð td dɾ tɾ nŋ nɲ lɫ sz ʃʒ ʃɕ ʒʑ ʃʂ kɡ xh xχ xç hɦ ɹr ɹɻ rʁ ʁʀ rɾ ɹɚ əɚ ɜɝ ɜɚ aɑ aæ aɐ ɛe ɛæ iɪ ij "
    "ɨɪ ɔo ɔɒ oʊ ɑɒ uʊ uw yʏ øœ əʌ əɐ ʌɐ əɛ əɪ ʌɑ ʊʉ vʋ ʋw bβ θt ðd"
)
"""Pairs that are taken for one another, as their neighbours in IPA are."""
NEIGHBOURS = {frozenset(pair) for pair in NEAR.split()}
STRESS = "ˈˌ"
"""Main and second stress, before a vowel."""
SAME, NEARLY, LOOKS_ALIKE = 1.0, 0.6, 0.1
"""How much a heard phone counts for the one that is looked for."""


@cache
def letters_of(symbol: str) -> tuple[str, ...]:
    """The letters of IPA in a symbol, in order, without stress, length, tone and diacritics: "ˈaɪ" is a and ɪ. Empty where
    there are none, as in a tone's, or in what is no symbol (<blank>)."""
    if symbol.startswith("<"):
        return ()
    whole = unicodedata.normalize("NFC", symbol.replace("g", "ɡ"))
    plain = (letter if letter in CLASS_OF else unicodedata.normalize("NFD", letter)[0] for letter in whole)
    return tuple(letter for letter in plain if letter in CLASS_OF)


def class_of(letter: str) -> str:
    """The class of one letter that `letters_of` gave."""
    return CLASS_OF[letter]


@cache
def likeness_of(letter: str, heard: str) -> float:
    """How much of the phone `letter` is in a heard symbol, 0 to 1; a diphthong has its two vowels."""
    return max((_alike(letter, other) for other in letters_of(heard)), default=0.0)


def _alike(one: str, other: str) -> float:
    if one == other:
        return SAME
    if frozenset((one, other)) in NEIGHBOURS:
        return NEARLY
    return LOOKS_ALIKE if CLASS_OF[one] == CLASS_OF[other] else 0.0
