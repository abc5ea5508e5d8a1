"""One person: the embedding of their photos and, where asked for, fine-tuning on them."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from ..landmarks.head import control_points
from ..network.devices import choose_device
from ..network.painter import Painter
from ..network.shots import Photos
from ..progress import Reporter
from ..rendering.feed import feed_photos
from ..rendering.player import STYLE, load_painter
from ..settings import AdaptSettings
from .losses import PIXELS, WARPING
from .steps import Batch, Critics, FineTuner

SHOTS = 3
"""Photos that a fine-tuning step paints from."""
SHAKE = 0.06
"""How far a lone photo is shifted, scaled and turned against itself, so that it has something to learn from."""


def learn_person(
    pictures: NDArray[np.uint8],
    mattes: NDArray[np.uint8],
    landmarks: NDArray[np.float32],
    settings: AdaptSettings,
    reporter: Reporter,
) -> tuple[NDArray[np.float32], str, dict[str, NDArray[np.float32]]]:
    """The embedding [E], the name of the weights it was made with, and the fine-tuned weights (none at 0 steps).

    pictures [N, S, S, 3], mattes [N, S, S], landmarks [N, 68, 2] in pixels. Without weights the embedding is zero: the
    warping preset then goes by geometry, and what fine-tuning finds in the photos.
    """
    device = choose_device(settings.device)
    painter, weights = load_painter(settings.preset, settings.weights, device)
    photos, drawings = feed_photos(pictures, mattes, landmarks, device)
    with torch.no_grad():
        if weights:
            embedding = painter.embed(photos, drawings)
        else:
            embedding = torch.zeros(1, painter.preset.embedding, device=device)
            reporter.note(f"'{settings.preset}' has no trained weights: the photos are warped by geometry alone")
    adapted: dict[str, NDArray[np.float32]] = {}
    if settings.steps:
        adapted = fine_tune(painter, embedding, photos, landmarks, settings.steps, reporter)
    return embedding[0].cpu().numpy(), weights, adapted


def fine_tune(
    painter: Painter,
    embedding: Tensor,
    photos: Photos,
    landmarks: NDArray[np.float32],
    steps: int,
    reporter: Reporter,
) -> dict[str, NDArray[np.float32]]:
    """Tune `painter` in place on one person's `photos` and return what changed, by name."""
    torch.manual_seed(0)
    generator = np.random.default_rng(0)
    before = {name: value.detach().clone() for name, value in painter.generator.state_dict().items()}
    critics = Critics({}, WARPING if painter.starts_as_warp else PIXELS).to(embedding.device)
    tuner = FineTuner(painter.train(), embedding, critics)
    size = painter.preset.size
    for i in range(steps):
        reporter.step("fine-tune", i, steps)
        tuner.step(_practice(photos, landmarks / size, generator))
    reporter.step("fine-tune", steps, steps)
    painter.eval()
    changed = {
        f"generator.{name}": value.detach().float().cpu().numpy()
        for name, value in painter.generator.state_dict().items()
        if not torch.equal(value, before[name])
    }
    changed[STYLE] = tuner.style.detach().cpu().numpy()
    return changed


def _practice(photos: Photos, landmarks: NDArray[np.float32], generator: np.random.Generator) -> Batch:
    """One photo to be painted from up to SHOTS others; a lone photo from a shaken copy of itself."""
    count = photos.pictures.shape[1]
    order = generator.permutation(count)
    target, sources = order[0], order[1 : 1 + SHOTS]
    device = photos.pictures.device
    wanted = Photos(*(tensor[:, target] for tensor in photos))
    if count > 1:
        chosen = Photos(*(tensor[:, torch.from_numpy(sources).to(device)] for tensor in photos))
        shown = landmarks[sources]
    else:
        chosen, shown = _shaken(photos, landmarks, generator)
    return Batch(
        photos=chosen,
        landmarks=torch.from_numpy(shown).to(device)[None],
        target=wanted.pictures,
        target_matte=wanted.mattes,
        target_landmarks=torch.from_numpy(landmarks[target]).to(device)[None],
        target_points=wanted.points,
        target_stiffness=wanted.stiffness,
        video=torch.zeros(1, dtype=torch.long, device=device),
    )


def _shaken(
    photos: Photos, landmarks: NDArray[np.float32], generator: np.random.Generator
) -> tuple[Photos, NDArray[np.float32]]:
    """The lone photo under a small random affine map, its points moved along."""
    device = photos.pictures.device
    matrix = np.eye(2) + generator.uniform(-SHAKE, SHAKE, (2, 2))
    shift = generator.uniform(-SHAKE, SHAKE, 2)
    theta = torch.tensor(np.column_stack([matrix, shift]), dtype=torch.float32, device=device)[None]
    grid = functional.affine_grid(theta, list(photos.pictures[0].shape), align_corners=False)
    picture = functional.grid_sample(photos.pictures[0], grid, padding_mode="border", align_corners=False)
    matte = functional.grid_sample(photos.mattes[0], grid, align_corners=False)
    moved = ((landmarks * 2 - 1 - shift) @ np.linalg.inv(matrix).T + 1) / 2
    control = control_points(moved.astype(np.float32))
    points = torch.from_numpy(control.points).to(device)[None] * 2 - 1
    stiffness = torch.from_numpy(control.stiffness).to(device)[None]
    return Photos(picture[None], matte[None], points, stiffness), moved.astype(np.float32)
