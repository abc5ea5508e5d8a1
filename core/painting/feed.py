"""From arrays in pixels to the tensors that painters take."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..landmarks.head import control_points
from ..landmarks.raster import draw_landmarks
from ..network.shots import Photos, Pose


def _to_tensor(array: NDArray[np.generic], device: torch.device) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array)).to(device)


def feed_photos(
    pictures: NDArray[np.uint8], mattes: NDArray[np.uint8], landmarks: NDArray[np.float32], device: torch.device
) -> tuple[Photos, Tensor]:
    """One person's N photos as a batch of one, and their landmark pictures [1, N, 3, S, S].

    pictures: [N, S, S, 3]; mattes: [N, S, S]; landmarks: [N, 70, 2] in pixels.
    """
    size = pictures.shape[1]
    control = control_points(landmarks)
    photos = Photos(
        _to_tensor(pictures, device).permute(0, 3, 1, 2)[None].float() / 127.5 - 1.0,
        _to_tensor(mattes, device)[None, :, None].float() / 255.0,
        _to_tensor(control.points, device)[None] * (2.0 / size) - 1.0,
        _to_tensor(control.stiffness, device)[None],
    )
    # One by one: 32 at once overflow the caches, and take eight times as long on a CPU.
    drawings = [draw_landmarks(face[None], size) for face in _to_tensor(landmarks, device) / size]
    return photos, torch.cat(drawings)[None]


def feed_fine(pictures: NDArray[np.uint8] | None, device: torch.device) -> Tensor | None:
    """One person's N larger photos [N, D, D, 3] as [1, N, 3, D, D], -1 to 1."""
    if pictures is None:
        return None
    return _to_tensor(pictures, device).permute(0, 3, 1, 2)[None].float() / 127.5 - 1.0


def feed_pose(landmarks: NDArray[np.float32], size: int, drawing_size: int, device: torch.device) -> Pose:
    """Poses for a batch of faces, [B, 70, 2] in pixels of a crop of `size`."""
    control = control_points(landmarks)
    return Pose(
        _to_tensor(control.points, device) * (2.0 / size) - 1.0,
        _to_tensor(control.stiffness, device),
        draw_landmarks(_to_tensor(landmarks, device) / size, drawing_size),
    )
