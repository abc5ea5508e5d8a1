# SPDX-License-Identifier: GPL-3.0-or-later
"""One interface for every preset: embed the photos, prepare them once, then paint a frame for each pose.

`few_shot` is Zakharov et al. 2019, `warp` bends the photos. Training, adapting and rendering are written once for both.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor, nn

from .shots import Painted, Photos, Pose


@dataclass(frozen=True)
class Preset:
    """Sizes of a set of networks."""

    name: str
    size: int = 256
    """side of the pictures in pixels"""
    embedding: int = 512
    channels: int = 64
    """of the paper's first block"""
    most_channels: int = 512
    warps: bool = False
    """it bends photos, and is Zakharov's generator otherwise"""
    weights_of: str = ""
    """the preset whose weights it takes where it has none of its own"""

    def __post_init__(self) -> None:
        if self.size % 64:
            raise ValueError(f"size is a multiple of 64, not {self.size}: the paper's embedder halves the picture six times")


WARP = Preset("warp-256", embedding=128, warps=True)
PRESETS = {
    "fsth-256": Preset("fsth-256"),
    "warp-256": WARP,
    "warp-512": replace(WARP, name="warp-512", size=512, weights_of="warp-256"),
}


class Painter(nn.Module):
    """See the module's docstring. A person is an embedding [B, E]; the style, which fine-tuning may change, comes of it."""

    drawing_size = 0
    """Side of the landmark picture that `forward` takes; 0 for a painter that takes none."""

    def __init__(self, preset: Preset) -> None:
        super().__init__()
        self.preset = preset

    @property
    def starts_as_warp(self) -> bool:
        """True where a painter that was never trained still gives a picture: the geometric warp of the photos."""
        return self.preset.warps

    def embed(self, photos: Photos, drawings: Tensor | None = None) -> Tensor:
        """The person's vector [B, E]; drawings: [B, K, 3, S, S], the photos' landmarks, for a painter that takes them."""
        raise NotImplementedError

    def style(self, embedding: Tensor) -> Tensor:
        """[B, E] to [B, styles]."""
        raise NotImplementedError

    def prepare(self, photos: Photos, mirrored: Photos | None = None) -> Any:
        """Whatever does not change from frame to frame; its `select` takes the photos numbered `index` [K'] alone.

        mirrored: the same pictures with landmarks as in a mirror, for a painter that takes them.
        """
        raise NotImplementedError

    def forward(self, prepared: Any, pose: Pose, style: Tensor) -> Painted:
        """A frame for each of the batch."""
        raise NotImplementedError
