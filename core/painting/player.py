# SPDX-License-Identifier: GPL-3.0-or-later
"""A likeness on its device, ready to play: landmarks in, painted head out."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from ..errors import PresetMismatchError, SettingError
from ..landmarks.expression import with_expression
from ..landmarks.similarity import nearest_first
from ..likeness import Likeness
from ..network.blocks import fold_spectral_norm
from ..network.build import build_painter
from ..network.painter import PRESETS, Painter
from ..network.regions import Shot, mouth_openness
from ..network.residual import ResidualFlow
from ..network.shots import Photos
from ..network.warp import Prepared, WarpPainter
from .devices import choose_device, has_brain_floats
from .feed import feed_mirrored, feed_photos, feed_pose
from .weights import NO_WEIGHTS, load_weights, needed_weights

SHOWS_TEETH, TEETH_GAP = 0.06, 0.15
"""Gap between the inner lips, over the eye distance, from which a photo shows the inside of the mouth; and of the mouth that
is painted to show it."""
FLOW_PRESET, FLOW_SIZE = "warp-256", 256
"""Whose weights hold the residual flow."""
STYLE = "style"
"""Name of the fine-tuned AdaIN vector among a likeness' adapted weights."""


class Head(NamedTuple):
    """One painted frame, as the network gives it: S is the likeness' size, or that of its photos' detail."""

    picture: NDArray[np.float32]
    """[S, S, 3] sRGB, 0 to 1"""
    matte: NDArray[np.float32]
    """[S, S] 0 to 1"""


def load_painter(preset: str, size: int, weights: str, device: torch.device) -> tuple[Painter, str]:
    """The painter of `preset` for pictures of `size`, and the name of its weights, empty where it goes by geometry alone.

    Raises SettingError for a size that it cannot have, MissingWeightsError for a preset that can do nothing untrained and
    has no weights.
    """
    torch.manual_seed(0)
    try:
        painter = build_painter(preset, size)
    except ValueError as error:
        raise SettingError(
            f"The head crop cannot be {size} px ({error})", "Choose a --size that is a multiple of 64"
        ) from error
    path = needed_weights(preset, weights)
    name = load_weights(painter, path) if path is not None else ""
    return painter.eval().to(device, memory_format=torch.channels_last), name  # type: ignore[call-overload]


@lru_cache(maxsize=1)
def known_flow() -> ResidualFlow:
    """How skin moves between the landmarks, by the weights that are shipped."""
    painter, _ = load_painter(FLOW_PRESET, FLOW_SIZE, "", torch.device("cpu"))
    assert isinstance(painter, WarpPainter)
    return painter.residual


class Player:
    """Paints a likeness in any pose. Raises PresetMismatchError where the weights are not those it was adapted with."""

    def __init__(self, likeness: Likeness, weights: str = "", device: str = "auto", photos: int = 10) -> None:
        if likeness.preset not in PRESETS:
            raise PresetMismatchError(
                f"The likeness was made for the preset '{likeness.preset}'",
                f"Adapt again with one of: {', '.join(PRESETS)}",
            )
        self.device = choose_device(device)
        # A likeness that was made by geometry alone plays so, whatever weights there are by now.
        chosen = weights or ("" if likeness.weights else NO_WEIGHTS)
        self.painter, self.weights = load_painter(likeness.preset, likeness.size, chosen, self.device)
        if self.weights != likeness.weights:
            raise PresetMismatchError(
                f"The likeness was adapted with the weights '{likeness.weights or 'none'}', "
                f"and would be played with '{self.weights or 'none'}'",
                "Adapt the photos again, or give --weights the file that they were adapted with",
            )
        embedding = likeness.embedding
        if embedding.shape != (self.painter.preset.embedding,):
            if self.weights or likeness.adapted or not self.painter.starts_as_warp:
                raise PresetMismatchError("The likeness was made by another version of its preset", "Adapt the photos again")
            # Geometry alone paints from the photos: what nothing was learned for says nothing.
            embedding = np.zeros(self.painter.preset.embedding, np.float32)
        adapted = {name: torch.from_numpy(value) for name, value in likeness.adapted.items()}
        style = adapted.pop(STYLE, None)
        try:
            strange = self.painter.load_state_dict(adapted, strict=False).unexpected_keys
        except RuntimeError as error:  # of another shape
            strange = [str(error)]
        if strange:
            raise PresetMismatchError(f"The likeness holds weights for another network ({strange[0]})", "Adapt again")
        fold_spectral_norm(self.painter)
        if isinstance(self.painter, WarpPainter) and has_brain_floats(self.device):
            self.painter.regions.bfloat16()
        self.size = likeness.size
        self.photos = min(photos, len(likeness))
        self.landmarks = likeness.landmarks
        with torch.inference_mode():
            fine = likeness.fine if self.painter.starts_as_warp else None
            shown = feed_photos(likeness.pictures, likeness.mattes, likeness.landmarks, self.device, fine)
            mirrored = feed_mirrored(shown, likeness.landmarks, likeness.size) if self.painter.starts_as_warp else None
            self._prepared = self.painter.prepare(shown, mirrored)
            person = torch.from_numpy(embedding)[None].to(self.device)
            self._style = self.painter.style(person) if style is None else style.float().to(self.device)
            if isinstance(self.painter, WarpPainter) and self.weights:
                self._prepared = self._with_teeth(self.painter, self._prepared)

    def _with_teeth(self, painter: WarpPainter, prepared: Prepared) -> Prepared:
        """Where no photo shows the inside of the mouth, the inside is painted once, for a mouth that is a little open, and
        serves the take as if a photo had shown it: teeth painted for each frame alone would not stay the same."""
        shown = mouth_openness(prepared.photos)[0]
        if float(shown.max()) > SHOWS_TEETH:
            return prepared
        acted = with_expression(self.landmarks[int(shown.argmax())], TEETH_GAP, 0.0)
        pose = feed_pose(acted[None], self.size, painter.drawing_size, self.device)
        painted = painter(prepared, pose, self._style).picture
        return prepared._replace(mouth=Shot(painted, pose.points, pose.projection))

    @property
    def at_once(self) -> int:
        """Frames that are best painted at the same time, each in a thread of its own that began with `settle_thread`.

        Close-ups are many small operations, which several threads only hold up. On two quiet cores, 256 px, from one photo:
        72 ms a frame with one thread, 79 with two, and 45 with two frames at a time.
        """
        return 2 if self.painter.starts_as_warp and self.device.type == "cpu" else 1

    def settle_thread(self) -> None:
        """Where several frames are painted at once, let this thread's operations take no other threads."""
        if self.at_once > 1:
            torch.set_num_threads(1)

    @property
    def photos_for_skin(self) -> Photos | None:
        """The likeness' photos, a batch of one, where a head can follow skin: beside a residual flow."""
        follows = isinstance(self.painter, WarpPainter) and not self.painter.residual.idle
        return self._prepared.photos if follows else None

    def paint(
        self,
        landmarks: NDArray[np.float32],
        sources: NDArray[np.intp] | None = None,
        skin: Tensor | None = None,
    ) -> Head:
        """The head with its landmarks [70, 2] where they are asked for, in pixels of the likeness' crop.

        sources: the numbers of the photos that it is painted from; those nearest in pose without. skin: [N, 2, G, G] how
        much farther it lies than in each of the likeness' photos, see `network.skin`.
        """
        if sources is None:
            sources = nearest_first(landmarks, self.landmarks)[: self.photos]
        with torch.inference_mode():
            pose = feed_pose(landmarks[None], self.size, self.painter.drawing_size, self.device)
            index = torch.from_numpy(sources).to(self.device)
            if skin is not None:
                pose = pose._replace(skin=skin[index][None])
            painted = self.painter(self._prepared.select(index), pose, self._style)
            picture = (painted.picture[0].clamp(-1.0, 1.0) + 1.0) / 2.0
            matte = functional.interpolate(painted.matte, size=picture.shape[1:], mode="bilinear", align_corners=False)
            return Head(picture.permute(1, 2, 0).cpu().numpy(), matte[0, 0].cpu().numpy())


def open_player(path: Path, weights: str, device: str, photos: int) -> tuple[Likeness, Player]:
    """The likeness at `path`, and its player."""
    likeness = Likeness.load(path)
    return likeness, Player(likeness, weights, device, photos)
