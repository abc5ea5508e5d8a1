# SPDX-License-Identifier: GPL-3.0-or-later
"""From arrays in pixels to the tensors that painters take."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..landmarks import ibug68
from ..landmarks.head import control_points
from ..landmarks.raster import draw_landmarks
from ..network.shots import Photos, Pose


def _to_tensor(array: NDArray[np.generic], device: torch.device) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array)).to(device)


def feed_photos(
    pictures: NDArray[np.uint8],
    mattes: NDArray[np.uint8],
    landmarks: NDArray[np.float32],
    device: torch.device,
    fine: NDArray[np.uint8] | None = None,
) -> Photos:
    """One person's N photos as a batch of one.

    pictures: [N, S, S, 3]; mattes: [N, S, S]; landmarks: [N, 70, 2] in pixels; fine: [N, D, D, 3] the same pictures with
    more detail, which then take their place.
    """
    shown = pictures if fine is None else fine
    control = control_points(landmarks).unit(pictures.shape[1])
    return Photos(
        _to_tensor(shown, device).permute(0, 3, 1, 2)[None].float() / 127.5 - 1.0,
        _to_tensor(mattes, device)[None, :, None].float() / 255.0,
        *(_to_tensor(part, device)[None] for part in control),
    )


def feed_mirrored(photos: Photos, landmarks: NDArray[np.float32], size: int) -> Photos:
    """`photos` with their landmarks [N, 70, 2] (pixels of `size`) as in a mirror; the pictures stay as they are."""
    points = landmarks[:, list(ibug68.MIRROR)].copy()
    points[..., 0] = size - points[..., 0]
    control = control_points(points).unit(size)
    return Photos(photos.pictures, photos.mattes, *(_to_tensor(part, photos.points.device)[None] for part in control))


def feed_drawings(landmarks: NDArray[np.float32], size: int, device: torch.device) -> Tensor:
    """The landmark pictures [1, N, 3, size, size] of one person's N photos; landmarks: [N, 70, 2] in pixels of `size`."""
    # One by one: 32 at once overflow the caches, and take eight times as long on a CPU.
    drawings = [draw_landmarks(face[None], size) for face in _to_tensor(landmarks, device) / size]
    return torch.cat(drawings)[None]


def feed_pose(landmarks: NDArray[np.float32], size: int, drawing_size: int, device: torch.device) -> Pose:
    """Poses for a batch of faces, [B, 70, 2] in pixels of a crop of `size`; no landmark picture for `drawing_size` 0."""
    points, stiffness, projection = (_to_tensor(part, device) for part in control_points(landmarks).unit(size))
    drawing = draw_landmarks(_to_tensor(landmarks, device) / size, drawing_size) if drawing_size else None
    return Pose(points, stiffness, projection, drawing)
