"""One interface for every preset: embed the photos, then paint a frame for each pose.

A painter joins an embedder and a generator, so that training, adapting and rendering are written once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

from torch import Tensor, nn

from .discriminator import Discriminator
from .embedder import Embedder
from .generator import Generator
from .shots import Painted, Photos, Pose
from .warp import Features, WarpGenerator, bent_matte


@dataclass(frozen=True)
class Preset:
    """Sizes of a set of networks."""

    name: str
    size: int = 256
    """side of the pictures in pixels"""
    channels: int = 64
    """of the first block"""
    most_channels: int = 512
    embedding: int = 512
    warp_channels: int = 0
    """of the warping generator's finest features; 0 is Zakharov's generator"""
    weights_of: str = ""
    """the preset whose weights it takes where it has none of its own"""

    def __post_init__(self) -> None:
        if self.size % 64:
            raise ValueError(f"size is a multiple of 64, not {self.size}: the embedder halves the picture six times")


WARP = Preset("warp-256", channels=16, most_channels=256, embedding=256, warp_channels=32)
PRESETS = {
    "fsth-256": Preset("fsth-256"),
    "warp-256": WARP,
    "warp-512": replace(WARP, name="warp-512", size=512, weights_of="warp-256"),
}


class Prepared(NamedTuple):
    """Photos, and what a painter computed of them once for all frames."""

    photos: Photos
    features: Features | None = None
    """None for a generator that sees the photos through the embedding alone"""
    fine: Tensor | None = None
    """[B, K, 3, D, D] the photos larger than the network sees them"""

    def select(self, index: Tensor) -> Prepared:
        """The photos numbered `index` [K'] alone."""
        photos = Photos(*(tensor[:, index] for tensor in self.photos))
        features = None if self.features is None else Features(*(tensor[:, index] for tensor in self.features))
        return Prepared(photos, features, None if self.fine is None else self.fine[:, index])


class Painter(nn.Module):
    """An embedder and a generator of either kind."""

    def __init__(self, preset: Preset) -> None:
        super().__init__()
        self.preset = preset
        self.embedder = Embedder(preset.channels, preset.most_channels, preset.embedding)
        self.generator: Generator | WarpGenerator
        if preset.warp_channels:
            self.generator = WarpGenerator(preset.warp_channels, preset.embedding)
        else:
            self.generator = Generator(preset.channels, preset.most_channels, preset.embedding)

    @property
    def drawing_size(self) -> int:
        """Side of the landmark picture that `forward` takes: the warping generator needs it coarse."""
        return self.preset.size // 4 if self.preset.warp_channels else self.preset.size

    @property
    def starts_as_warp(self) -> bool:
        """True where a painter that was never trained still gives a picture: the geometric warp of the photos."""
        return bool(self.preset.warp_channels)

    def embed(self, photos: Photos, drawings: Tensor) -> Tensor:
        """The person's vector [B, E]; drawings: [B, K, 3, H, W], the photos' landmarks."""
        vector: Tensor = self.embedder(photos.pictures, drawings)
        return vector

    def style(self, embedding: Tensor) -> Tensor:
        """psi = P e: [B, E] to [B, styles]."""
        return self.generator.style(embedding)

    def prepare(self, photos: Photos, drawings: Tensor, fine: Tensor | None = None) -> Prepared:
        """What does not change from frame to frame. fine: [B, K, 3, D, D], for a painter that carries their detail."""
        if isinstance(self.generator, WarpGenerator):
            return Prepared(photos, self.generator.encode(photos, drawings), fine)
        return Prepared(photos)

    def forward(self, prepared: Prepared, pose: Pose, style: Tensor) -> Painted:
        """A frame for each of the batch."""
        if prepared.features is not None:
            painted: Painted = self.generator(prepared.photos, prepared.features, pose, style, prepared.fine)
            return painted
        return Painted(self.generator(pose.drawing, style), bent_matte(prepared.photos, pose))


def build_painter(preset: str, size: int = 0) -> Painter:
    """The painter of a named preset, untrained, for pictures of `size` (0: the preset's). Raises KeyError or ValueError."""
    chosen = PRESETS[preset]
    return Painter(replace(chosen, size=size) if size else chosen)


def build_discriminator(preset: Preset, videos: int) -> Discriminator:
    """The projection discriminator that goes with a painter, with a table for `videos` training videos."""
    return Discriminator(videos, preset.channels, preset.most_channels, preset.embedding)
