# SPDX-License-Identifier: GPL-3.0-or-later
"""espeak-ng (GPL-3.0-or-later), as the package espeakng-loader brings it: how words are spoken, and a voice that does it.

The library has one state for the whole process: one call at a time. Numbers are those of its header, `speak_lib.h`.
"""

from __future__ import annotations

import ctypes
from functools import cache
from typing import NamedTuple

import numpy as np

from ..arrays import Floats
from ..errors import MissingPackageError, SettingError
from ..performance import Phone

PACKAGE = "espeakng-loader"
SYNCHRONOUS, PHONEME_EVENTS, EVENTS_IN_IPA = 2, 1, 2
UTF8, IPA, PHONEME = 1, 2, 7
SEPARATOR = "_"


class _Identity(ctypes.Union):
    _fields_ = [("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8)]


class _Event(ctypes.Structure):
    _fields_ = [
        *((name, ctypes.c_int) for name in ("type", "identifier", "place", "length", "time", "sample")),
        ("data", ctypes.c_void_p),
        ("id", _Identity),
    ]


_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


class Spoken(NamedTuple):
    """Phones spoken by the voice."""

    samples: Floats
    """[N] -1 to 1"""
    rate: int
    """samples a second"""
    phones: tuple[Phone, ...]
    """with the voice's own times"""


@cache
def _library() -> tuple[ctypes.CDLL, int]:
    """The library, and the rate of its voice. Raises MissingPackageError."""
    way_out = f"Run: pip install {PACKAGE}"
    try:
        import espeakng_loader
    except ImportError as error:
        raise MissingPackageError(f"The package {PACKAGE} is not installed", way_out) from error
    try:
        library = ctypes.CDLL(espeakng_loader.get_library_path())
    except OSError as error:
        raise MissingPackageError(f"espeak-ng does not load ({error})", way_out) from error
    library.espeak_TextToPhonemes.restype = ctypes.c_char_p
    data = espeakng_loader.get_data_path().encode()
    rate = library.espeak_Initialize(SYNCHRONOUS, 0, data, PHONEME_EVENTS | EVENTS_IN_IPA)
    if rate <= 0:
        raise MissingPackageError("espeak-ng finds none of its languages", way_out)
    return library, rate


def choose_language(language: str) -> None:
    """Raises SettingError for one that espeak-ng does not know, MissingPackageError without espeak-ng."""
    library, _ = _library()
    if not language.strip() or library.espeak_SetVoiceByName(language.strip().encode()):
        raise SettingError(
            f"--language cannot be '{language}'",
            "Give a language of espeak-ng, such as en, en-us, de, fr, es, it, pl or cmn",
        )


def phonemes(text: str, language: str) -> list[list[str]]:
    """The symbols of each word of `text`, in IPA, a stress mark before its vowel; clauses end in an empty word.

    Numbers are read out. Raises SettingError for a language that is not known, MissingPackageError.
    """
    choose_language(language)
    library, _ = _library()
    held = ctypes.c_char_p(text.encode())
    place = ctypes.c_void_p(ctypes.cast(held, ctypes.c_void_p).value)
    words: list[list[str]] = []
    while place.value:
        clause = library.espeak_TextToPhonemes(ctypes.byref(place), UTF8, IPA | ord(SEPARATOR) << 8) or b""
        spoken = clause.decode("utf-8", "replace").split()
        words += [[symbol for symbol in word.split(SEPARATOR) if symbol] for word in spoken]
        if spoken:
            words.append([])
    return words


def synthesize(text: str, language: str) -> Spoken:
    """Have the voice say `text`. Raises SettingError for a language that is not known, MissingPackageError."""
    choose_language(language)
    library, rate = _library()
    parts: list[Floats] = []
    starts: list[tuple[float, str]] = []

    def take(wave: ctypes._Pointer[ctypes.c_short], count: int, events: ctypes._Pointer[_Event]) -> int:
        if wave and count > 0:
            parts.append(np.ctypeslib.as_array(wave, (count,)).astype(np.float32) / 32768)
        i = 0
        while events[i].type:
            if events[i].type == PHONEME:
                starts.append((events[i].time / 1000, bytes(events[i].id.string).decode("utf-8", "replace")))
            i += 1
        return 0

    callback = _Callback(take)  # the library does not keep it alive
    library.espeak_SetSynthCallback(callback)
    content = text.encode()
    library.espeak_Synth(content, len(content) + 1, 0, 0, 0, UTF8, None, None)
    library.espeak_Synchronize()
    samples = np.concatenate(parts) if parts else np.zeros(0, np.float32)
    ends = [start for start, _ in starts[1:]] + [len(samples) / rate]
    named = [Phone(symbol, start, end) for (start, symbol), end in zip(starts, ends, strict=True) if symbol.strip()]
    return Spoken(samples, rate, tuple(named))
