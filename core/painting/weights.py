"""Trained weights: where they are, what they are called, and into which painter they go. safetensors only."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from ..errors import MissingWeightsError, PresetMismatchError, WrongFileError
from ..network.painter import PRESETS, Painter
from ..paths import cache_folder

SHIPPED = Path(__file__).parent / "shipped"
NO_WEIGHTS = "none"
"""Given in the place of a file: geometry alone, whatever weights there are."""
VERSION = "v1"
NAME_KEY, PRESET_KEY = "headcast.weights", "headcast.preset"
"""Keys of a weights file's metadata."""


def weights_name(preset: str) -> str:
    """`<preset>-<size>-<data>-<version>`; a preset's name holds its size."""
    return f"{preset}-people-{VERSION}"


def find_weights(preset: str, given: str = "") -> Path | None:
    """The weights file for `preset`: the one `given`, else the shipped one, else one in the cache folder, else None. None,
    too, where NO_WEIGHTS is given.

    Raises MissingWeightsError where the given one is no file.
    """
    if given == NO_WEIGHTS:
        return None
    if given:
        if not Path(given).is_file():
            raise MissingWeightsError(f"The weights file {given} is not there", "Check --weights")
        return Path(given)
    names = [weights_name(one) + ".safetensors" for one in (preset, PRESETS[preset].weights_of) if one]
    return next((path for name in names for path in (SHIPPED / name, cache_folder() / name) if path.is_file()), None)


def load_weights(painter: Painter, path: Path) -> str:
    """Load `path` into `painter` and return the weights' name. Raises WrongFileError or PresetMismatchError."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(str(path), framework="pt") as file:
            head = file.metadata() or {}
            tensors = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118 (no mapping)
    except (SafetensorError, OSError) as error:
        raise WrongFileError(f"{path} is damaged, or no weights file ({error})", "Fetch it again") from error
    made_for = head.get(PRESET_KEY, "unknown")
    if made_for not in (painter.preset.name, painter.preset.weights_of):
        raise PresetMismatchError(
            f"{path} holds weights for '{made_for}', not for '{painter.preset.name}'",
            "Choose the preset that it is for",
        )
    try:
        painter.load_state_dict(tensors)
    except RuntimeError as error:
        raise WrongFileError(f"{path} does not fit '{painter.preset.name}' ({error})", "Fetch it again") from error
    return head.get(NAME_KEY, path.stem)


def save_weights(painter: Painter, name: str, path: Path) -> None:
    """Write the painter's weights, as half floats, under `name`. Raises UnwritableError."""
    from safetensors.torch import save

    from ..files import whole_file

    tensors: dict[str, Tensor] = {key: value.detach().half().contiguous() for key, value in painter.state_dict().items()}
    content = save(tensors, metadata={NAME_KEY: name, PRESET_KEY: painter.preset.name})
    with whole_file(path) as part:
        part.write_bytes(content)
