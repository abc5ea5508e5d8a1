"""What is measured of a painted frame against the true one. Pictures are sRGB uint8 [S, S, 3]."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]


def face_mask(landmarks: NDArray[np.float32], size: int) -> NDArray[np.bool_]:
    """[size, size], true inside the hull of the landmarks [68, 2]."""
    mask = np.zeros((size, size), np.uint8)
    cv2.fillConvexPoly(mask, cv2.convexHull(landmarks).astype(np.int32), 1)
    return mask > 0


def psnr(painted: Picture, target: Picture, mask: NDArray[np.bool_] | None = None) -> float:
    """Peak signal-to-noise ratio in dB, of the masked pixels where there is a mask."""
    squared = np.square(painted.astype(np.float64) - target)
    error = squared.mean() if mask is None else squared[mask].mean()
    return float(10 * np.log10(255.0**2 / max(error, 1e-9)))


def ssim(painted: Picture, target: Picture) -> tuple[float, NDArray[np.float64]]:
    """Structural similarity (Wang et al. 2004, 7x7 windows) of the colour picture: the mean, and the map [S, S]."""
    from skimage.metrics import structural_similarity

    mean, whole = structural_similarity(painted, target, channel_axis=-1, full=True, data_range=255)
    return float(mean), whole.mean(axis=-1)


def landmark_error(found: NDArray[np.float32], wanted: NDArray[np.float32]) -> float:
    """Mean distance of [68, 2] points, in distances between the eye centres."""
    eyes = np.linalg.norm(wanted[42:48].mean(axis=0) - wanted[36:42].mean(axis=0))
    return float(np.linalg.norm(found - wanted, axis=-1).mean() / eyes)
