# SPDX-License-Identifier: GPL-3.0-or-later
"""Trained weights: where they are, what they are called, and into which painter they go. safetensors only."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor, nn

from ..errors import MissingWeightsError, PresetMismatchError
from ..network.blocks import fold_spectral_norm
from ..network.painter import PRESETS, Painter
from ..network.patch import RegionDiscriminators
from ..paths import cache_folder
from ..reading import LIKENESS_KEY, WEIGHTS_KEY, Reader

SHIPPED = Path(__file__).parent / "shipped"
MODEL_CARD = SHIPPED / "model-card.md"
"""Of the weights beside it; the guide's own page."""
NO_WEIGHTS = "none"
"""Given instead of a file: geometry only, whatever weights there are."""
VERSION = "v1"
NAME_KEY, PRESET_KEY = WEIGHTS_KEY, "headcast.preset"
"""Keys of a weights file's metadata."""
MOST_CHANNELS = 256
"""Of a discriminator's first layer."""
FLOATS = ("F16", "BF16", "F32")
"""Types that weights may be kept as, by safetensors' names."""


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


def needed_weights(preset: str, given: str = "") -> Path | None:
    """The same; MissingWeightsError is raised, too, where there are none for a preset that can do nothing untrained."""
    path = find_weights(preset, given)
    if path is None and not PRESETS[preset].warps:
        raise MissingWeightsError(
            f"There are no weights for '{preset}', and untrained it paints noise",
            f"Give --weights FILE, put {weights_name(preset)}.safetensors into the cache folder that 'headcast doctor' "
            "names, or use --preset warp-256",
        )
    return path


def load_weights(painter: Painter, path: Path) -> str:
    """Load `path` into `painter` and return the weights' name. Raises WrongFileError or PresetMismatchError."""
    return _load(painter, path, (painter.preset.name, painter.preset.weights_of))


def save_weights(painter: Painter, name: str, path: Path) -> None:
    """Write the painter's weights, as half floats, under `name`. Raises UnwritableError."""
    _save(painter.state_dict(), name, painter.preset.name, path)


def critics_path(weights: Path) -> Path:
    """Where the discriminators lie that came of the same training as these weights."""
    return weights.with_suffix(".critics.safetensors")


def load_critics(weights: Path, preset: str) -> RegionDiscriminators | None:
    """The discriminators beside `weights`, not to be trained any more; None where there are none.

    Raises WrongFileError or PresetMismatchError.
    """
    path = critics_path(weights)
    if not path.is_file():
        return None
    reader = Reader(path, "a weights file", "Fetch it again")
    with reader.opened():
        _, entries = reader.header()
    first = entries.get("mouth.blocks.0.weight")
    channels = first.shape[0] if first is not None and first.shape else 0
    reader.ensure(0 < channels <= MOST_CHANNELS, "it holds no discriminators")
    critics = RegionDiscriminators(channels)
    fold_spectral_norm(critics)
    _load(critics, path, (preset, PRESETS[preset].weights_of))
    return critics.eval().requires_grad_(False)


def save_critics(discriminators: RegionDiscriminators, name: str, preset: str, weights: Path) -> None:
    """Write `discriminators` beside `weights`, for `load_critics`. Raises UnwritableError."""
    learning = discriminators.training
    discriminators.eval()  # to read a normalised weight in training moves it
    named = [(at, module) for at, module in discriminators.named_modules() if isinstance(module, nn.Conv2d)]
    tensors = {f"{at}.{part}": getattr(module, part) for at, module in named for part in ("weight", "bias")}
    discriminators.train(learning)
    _save(tensors, name, preset, critics_path(weights))


def _load(network: nn.Module, path: Path, presets: tuple[str, ...]) -> str:
    from safetensors import safe_open

    reader = Reader(path, "a weights file", "Fetch it again")
    with reader.opened():
        head, entries = reader.header()
        reader.ensure(LIKENESS_KEY not in head, "it is a likeness")
        made_for = head.get(PRESET_KEY, "unknown")
        if made_for not in presets:
            raise PresetMismatchError(
                f"{path} holds weights for '{made_for}', not for '{presets[0]}'",
                "Choose the preset that it is for",
            )
        there = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
        odd = sorted(there.keys() ^ entries.keys())
        reader.ensure(not odd, f"it does not fit '{presets[0]}': {', '.join(odd[:3])}")
        for name, shape in there.items():
            reader.ensure(entries[name].kind in FLOATS, f"{name} is of the type {entries[name].kind}")
            reader.fits(name, entries[name].shape, shape)
        with safe_open(str(path), framework="pt") as file:
            tensors = {name: file.get_tensor(name).float() for name in there}
        for name, tensor in tensors.items():
            reader.ensure(bool(tensor.isfinite().all()), f"{name} is not finite")
    network.load_state_dict(tensors)
    return head.get(NAME_KEY, path.stem)


def _save(tensors: Mapping[str, Tensor], name: str, preset: str, path: Path) -> None:
    from safetensors.torch import save

    from ..files import whole_file

    halves = {key: value.detach().half().contiguous() for key, value in tensors.items()}
    content = save(halves, metadata={NAME_KEY: name, PRESET_KEY: preset})
    with whole_file(path) as part:
        part.write_bytes(content)
