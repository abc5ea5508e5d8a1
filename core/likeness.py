"""A Likeness: what is known of a person. The photos' crops and landmarks, the embedding, and the adapted weights.

One safetensors file, which holds arrays and strings and can run nothing. Its arrays are NumPy's; torch is not needed here.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .errors import NoLikenessError, WrongFileError
from .files import whole_file
from .landmarks.ibug68 import with_pupils

FORMAT = 2
"""1 had no pupils."""
KEY = "headcast"
"""Of the file's metadata."""
ADAPTED = "adapted."
"""Prefix of the adapted weights' names in the file."""
MOST_HEADER = 1 << 24
"""Bytes before the arrays: what says more is no likeness."""


@dataclass(frozen=True)
class Card:
    """What a likeness' file says of itself before its arrays; see Likeness."""

    preset: str
    weights: str
    names: tuple[str, ...]
    size: int
    tuned: bool
    gain: float


def read_card(path: Path) -> Card:
    """Of the likeness at `path`. Needs no package, so that Blender's own Python reads it. Raises WrongFileError."""
    try:
        with open(path, "rb") as file:
            header = json.loads(file.read(min(int.from_bytes(file.read(8), "little"), MOST_HEADER)))
        head = json.loads(header["__metadata__"][KEY])
        tuned = any(name.startswith(ADAPTED) for name in header)
        size = header["pictures"]["shape"][1]
        return Card(head["preset"], head["weights"], tuple(head["names"]), size, tuned, head.get("gain", 0.0))
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise WrongFileError(f"{path} is damaged, or no likeness ({error})", "Adapt the photos again") from error


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
        }
        content = save(
            {name: np.ascontiguousarray(value) for name, value in tensors.items()}, metadata={KEY: json.dumps(head)}
        )
        with whole_file(path, private=True) as part:
            part.write_bytes(content)

    @classmethod
    def load(cls, path: Path) -> Likeness:
        """Read `path`.

        Raises NoLikenessError where it is missing, WrongFileError where it is damaged, or of a later format.
        """
        from safetensors import SafetensorError, safe_open

        if not path.is_file():
            raise NoLikenessError(f"{path} is not there", "Make it of photos first")
        try:
            with safe_open(str(path), framework="numpy") as file:
                head = json.loads((file.metadata() or {})[KEY])
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
            if head["format"] > FORMAT:
                raise WrongFileError(f"{path} was written by a newer Headcast", "Update Headcast")
            return cls(
                preset=head["preset"],
                weights=head["weights"],
                pictures=tensors["pictures"],
                mattes=tensors["mattes"],
                landmarks=tensors["landmarks"] if head["format"] > 1 else with_pupils(tensors["landmarks"]),
                embedding=tensors["embedding"],
                names=tuple(head["names"]),
                fine=tensors.get("fine"),
                adapted={name[len(ADAPTED) :]: t for name, t in tensors.items() if name.startswith(ADAPTED)},
                gain=head.get("gain", 0.0),
                room=head.get("room", 1.0),
            )
        except (SafetensorError, OSError, KeyError, ValueError) as error:
            raise WrongFileError(f"{path} is damaged, or no likeness ({error})", "Adapt the photos again") from error
