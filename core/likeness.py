# SPDX-License-Identifier: GPL-3.0-or-later
"""A Likeness: what is known of a person. The photos' crops and landmarks, the embedding, the adapted weights, the consent.

One safetensors file, which holds arrays and strings and can run nothing. Its arrays are NumPy's; torch is not needed here.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .consent import NO_CONSENT, Consent, consent_of
from .errors import NoLikenessError
from .files import whole_file
from .landmarks import ibug68
from .reading import LIKENESS_KEY, Entry, Reader

FORMAT = 2
"""1 had no pupils."""
ADAPTED = "adapted."
"""Prefix of the adapted weights' names in the file."""
CONSENT = "consent"
"""Key of the consent in the file's head."""
CHUNK = 1 << 20
"""Bytes that are copied or hashed at a time."""
MOST_PHOTOS, MOST_SIZE, MOST_EMBEDDING = 4096, 8192, 1 << 16
"""Photos, pixels of a crop's side and numbers of an embedding: a file with more is no likeness."""


@dataclass(frozen=True)
class Card:
    """The card of a likeness file, before its arrays; see Likeness."""

    preset: str
    weights: str
    names: tuple[str, ...]
    size: int
    tuned: bool
    gain: float
    room: float = 1.0
    consent: Consent = NO_CONSENT
    sources: tuple[str, ...] = ()


def read_card(path: Path) -> Card:
    """The card of the likeness at `path`. Needs only numpy, so that Blender's own Python reads it. Raises WrongFileError."""
    reader = _reader(path)
    with reader.opened(NoLikenessError):
        return _checked_card(reader)[0]


def record_consent(path: Path, consent: Consent) -> None:
    """Put the record into the likeness at `path`, in the place of the one that it has; all else stays as it is. Raises
    NoLikenessError, WrongFileError, UnwritableError."""
    header, head, start = _raw_head(path)
    with whole_file(path, private=True) as part, open(path, "rb") as before, open(part, "wb") as after:
        after.write(_beginning(header, {**_without_consent(head), **_as_entry(consent)}))
        before.seek(start)
        while chunk := before.read(CHUNK):
            after.write(chunk)


def person_hash(path: Path) -> str:
    """The hash of what the likeness at `path` knows of the person, whatever consent is on record: that of its file before
    any was. Raises NoLikenessError, WrongFileError."""
    header, head, start = _raw_head(path)
    with open(path, "rb") as file:
        if CONSENT not in head:
            return hashlib.file_digest(file, "sha256").hexdigest()
        found = hashlib.sha256(_beginning(header, _without_consent(head)))
        file.seek(start)
        while chunk := file.read(CHUNK):
            found.update(chunk)
    return found.hexdigest()


def _raw_head(path: Path) -> tuple[dict[str, Any], dict[str, Any], int]:
    """The header of a likeness' file, our own entry in it, and where the arrays begin."""
    reader = _reader(path)
    with reader.opened(NoLikenessError):
        _checked_card(reader)
        with open(path, "rb") as file:
            length = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(length))
        return header, json.loads(header["__metadata__"][LIKENESS_KEY]), 8 + length
    raise AssertionError  # `opened` never swallows an error


def _without_consent(head: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in head.items() if name != CONSENT}


def _as_entry(consent: Consent) -> dict[str, Any]:
    return {CONSENT: asdict(consent)} if consent else {}


def _beginning(header: dict[str, Any], head: dict[str, Any]) -> bytes:
    """The bytes before the arrays, as safetensors writes them: compact, filled up with spaces to a multiple of 8."""
    whole = {**header, "__metadata__": {**header["__metadata__"], LIKENESS_KEY: json.dumps(head)}}
    text = json.dumps(whole, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text


def _reader(path: Path) -> Reader:
    return Reader(path, "a likeness", "Adapt the photos again", missing="Make it of photos first")


def _checked_card(reader: Reader) -> tuple[Card, int, dict[str, Entry]]:
    """The card, the format and the arrays of a likeness, whose types and shapes are those of `Likeness`."""
    metadata, entries = reader.header()
    head = json.loads(metadata[LIKENESS_KEY])
    version = reader.whole("format", head["format"], 1 << 16)
    if version > FORMAT:
        raise reader.newer()
    points = ibug68.COUNT if version > 1 else ibug68.IBUG
    wanted: dict[str, tuple[str, tuple[int | str, ...], int]] = {
        "pictures": ("U8", ("N", "S", "S", 3), MOST_SIZE),
        "mattes": ("U8", ("N", "S", "S"), MOST_SIZE),
        "landmarks": ("F32", ("N", points, 2), MOST_PHOTOS),
        "embedding": ("F32", ("E",), MOST_EMBEDDING),
        **({"fine": ("U8", ("N", "D", "D", 3), MOST_SIZE)} if "fine" in entries else {}),
    }
    for name, (kind, shape, most) in wanted.items():
        reader.ensure(entries[name].kind == kind, f"{name} is of the type {entries[name].kind}")
        reader.fits(name, entries[name].shape, shape, most)
    names = head["names"]
    reader.ensure(isinstance(names, list) and all(isinstance(name, str) for name in names), "its names are none")
    reader.fits("names", (len(names),), ("N",))
    sources = head.get("sources", [])
    reader.ensure(isinstance(sources, list) and all(isinstance(source, str) for source in sources), "its sources are none")
    card = Card(
        preset=reader.text("preset", head["preset"]),
        weights=reader.text("weights", head["weights"]),
        names=tuple(names),
        size=entries["pictures"].shape[1],
        tuned=any(name.startswith(ADAPTED) for name in entries),
        gain=reader.number("gain", head.get("gain", 0.0), -1e6, 1.0),
        room=reader.number("room", head.get("room", 1.0), 1.0, 10.0),
        consent=consent_of(reader, head.get(CONSENT, {})),
        sources=tuple(sources),
    )
    return card, version, entries


@dataclass(frozen=True)
class Likeness:
    """A person, from N photos at `size` pixels, for the networks of one preset."""

    preset: str
    weights: str
    """name of the weights that made the embedding; empty for none (geometry alone)"""
    pictures: NDArray[np.uint8]
    """[N, S, S, 3] head crops, sRGB"""
    mattes: NDArray[np.uint8]
    """[N, S, S] head, hair and neck, 0 to 255"""
    landmarks: NDArray[np.float32]
    """[N, 70, 2] pixels of the crop"""
    embedding: NDArray[np.float32]
    """[E]"""
    names: tuple[str, ...]
    """[N] file names of the photos"""
    fine: NDArray[np.uint8] | None = None
    """[N, D, D, 3] the same crops with the detail that the photos have; None where they have no more than `pictures`"""
    adapted: dict[str, NDArray[np.float16]] = field(default_factory=dict)
    """weights that fine-tuning changed, as half floats; empty for feed-forward"""
    gain: float = 0.0
    """part of the loss on photos held out that fine-tuning took away, 0 to 1"""
    room: float = 1.0
    """how much larger than usual the roomiest crop is, for a crown that the usual one would cut"""
    sources: tuple[str, ...] = ()
    """[N] SHA-256 of the photos' files; empty where that was not kept"""
    consent: Consent = NO_CONSENT
    """who allowed it; by default nothing is on record"""

    def __len__(self) -> int:
        return len(self.pictures)

    @property
    def size(self) -> int:
        """Side of a crop in pixels."""
        return int(self.pictures.shape[1])

    @property
    def painted_size(self) -> int:
        """Side in pixels of what it paints."""
        return self.size if self.fine is None else int(self.fine.shape[1])

    def save(self, path: Path) -> None:
        """Write to `path`, whole or not at all. Raises UnwritableError."""
        from safetensors.numpy import save

        tensors = {
            "pictures": self.pictures,
            "mattes": self.mattes,
            "landmarks": self.landmarks,
            "embedding": self.embedding,
            **({} if self.fine is None else {"fine": self.fine}),
            **{ADAPTED + name: value for name, value in self.adapted.items()},
        }
        # One entry: safetensors keeps several in no order, and the same likeness would not be the same file.
        head = {
            "format": FORMAT,
            "preset": self.preset,
            "weights": self.weights,
            "names": self.names,
            "gain": round(self.gain, 4),
            "room": round(self.room, 4),
            **({"sources": self.sources} if self.sources else {}),
            **_as_entry(self.consent),
        }
        content = save(
            {name: np.ascontiguousarray(value) for name, value in tensors.items()}, metadata={LIKENESS_KEY: json.dumps(head)}
        )
        with whole_file(path, private=True) as part:
            part.write_bytes(content)

    @classmethod
    def load(cls, path: Path) -> Likeness:
        """Read `path`.

        Raises NoLikenessError where it is missing, WrongFileError where it is damaged, or of a later format.
        """
        from safetensors import safe_open

        reader = _reader(path)
        with reader.opened(NoLikenessError):
            card, version, entries = _checked_card(reader)
            with safe_open(str(path), framework="numpy") as file:
                tensors = {name: file.get_tensor(name) for name in entries}
            for name, found in tensors.items():
                reader.ensure(found.dtype.kind != "f" or bool(np.isfinite(found).all()), f"{name} is not finite")
            landmarks = tensors["landmarks"]
            return cls(
                preset=card.preset,
                weights=card.weights,
                pictures=tensors["pictures"],
                mattes=tensors["mattes"],
                landmarks=landmarks if version > 1 else ibug68.with_pupils(landmarks),
                embedding=tensors["embedding"],
                names=card.names,
                fine=tensors.get("fine"),
                adapted={name[len(ADAPTED) :]: t for name, t in tensors.items() if name.startswith(ADAPTED)},
                gain=card.gain,
                room=card.room,
                sources=card.sources,
                consent=card.consent,
            )
