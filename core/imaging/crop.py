"""Square crops round the head, steady over a clip, and their exact inverse.

A crop is (x, y, side): its centre and its side in plate pixels, so [F, 3] for a clip. "auto" crops follow the rigid head
(not the jaw or the brows, so speaking does not make them pulse) and are smoothed in time; "full" crops are the picture.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from ..landmarks.head import fit_pose

Array = NDArray[np.float64]
Floats = NDArray[np.float32]

SIDE = 4.6
"""Side of an automatic crop, in distances between the eye centres of a frontal face: head, hair and neck fit."""
BELOW_EYES = 0.25
"""How far below the eyes the crop's centre lies, in the same unit."""
STEADY_SECONDS = 0.4
"""Standard deviation of the smoothing over time."""


def full_crop(width: int, height: int) -> Array:
    """[3] the smallest centred square that holds the whole picture; what lies outside the picture repeats its edge."""
    return np.array([width / 2, height / 2, max(width, height)], np.float64)


def head_crops(landmarks: NDArray[np.floating], seen: NDArray[np.bool_], rate: float) -> Array:
    """Steady crops [F, 3] for landmarks [F, 68, 2]; frames with no face (`seen` [F] false) borrow from their neighbours."""
    pose = fit_pose(landmarks[seen])
    down = np.einsum("fij,j->fi", pose.rotation, np.array([0.0, BELOW_EYES, 0.45]))[:, :2]
    raw = np.column_stack([pose.offset + pose.scale[:, None] * down, np.log(pose.scale * SIDE)])
    frames = np.arange(len(seen))
    filled = np.column_stack([np.interp(frames, frames[seen], raw[:, i]) for i in range(3)])
    smooth = smooth_over_time(filled, STEADY_SECONDS * rate)
    smooth[:, 2] = np.exp(smooth[:, 2])
    return smooth


def smooth_over_time(values: Array, sigma: float) -> Array:
    """Gaussian smoothing of [F, C] along F without lag; the ends are mirrored about their last value."""
    radius = int(np.ceil(3 * sigma))
    if radius < 1 or len(values) < 2:
        return values.copy()
    offsets = np.arange(-radius, radius + 1)
    kernel = np.exp(-0.5 * (offsets / sigma) ** 2)
    padded = np.pad(values, ((radius, radius), (0, 0)), mode="reflect", reflect_type="odd")
    return np.column_stack([np.convolve(column, kernel / kernel.sum(), "valid") for column in padded.T])


def to_crop(points: NDArray[np.floating], crop: Array, size: int) -> Floats:
    """Plate pixels [..., N, 2] to pixels of the crop [..., 3] drawn at `size`."""
    corner, side = crop[..., :2] - crop[..., 2:] / 2, crop[..., 2:]
    return ((points - corner[..., None, :]) * (size / side[..., None, :])).astype(np.float32)


def to_plate(points: NDArray[np.floating], crop: Array, size: int) -> Floats:
    """The inverse of `to_crop`."""
    corner, side = crop[..., :2] - crop[..., 2:] / 2, crop[..., 2:]
    return (points * (side[..., None, :] / size) + corner[..., None, :]).astype(np.float32)


def _plate_to_crop(crop: Array, size: int) -> Array:
    """2x3 matrix between pixel centres, as OpenCV counts them."""
    scale = size / crop[2]
    shift = (0.5 - (crop[:2] - crop[2] / 2)) * scale - 0.5
    return np.array([[scale, 0.0, shift[0]], [0.0, scale, shift[1]]])


def cut(picture: NDArray[np.uint8], crop: Array, size: int) -> NDArray[np.uint8]:
    """The crop [3] of `picture` [H, W, C] at [size, size, C]; beyond the edge, the edge repeats.

    A crop that is the picture at its own size comes back untouched.
    """
    height, width = picture.shape[:2]
    if (width, height) == (size, size) and np.array_equal(crop, full_crop(width, height)):
        return picture
    matrix = _plate_to_crop(crop, size)
    shrink = crop[2] / size
    if shrink > 1.0:
        # What the smaller grid cannot hold would alias: take it away first.
        sigma = 0.5 * float(np.sqrt(shrink**2 - 1.0))
        picture = cv2.GaussianBlur(picture, (0, 0), sigma)
    mode = cv2.INTER_LINEAR if shrink > 1.0 else cv2.INTER_CUBIC
    cropped = cv2.warpAffine(picture, matrix, (size, size), flags=mode, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(cropped, np.uint8)


def place(head: Floats, crop: Array, left: int, top: int, width: int, height: int) -> Floats:
    """Put `head` [S, S, 4] (premultiplied) back where `crop` [3] saw it: the pixels [height, width, 4] of the plate's
    rectangle at (left, top). Transparent outside the crop."""
    matrix = cv2.invertAffineTransform(_plate_to_crop(crop, head.shape[0]))
    matrix[:, 2] -= (left, top)
    grow = crop[2] / head.shape[0]
    if grow < 1.0:
        head = cv2.GaussianBlur(head, (0, 0), 0.5 * float(np.sqrt(grow**-2 - 1.0)))
    placed = cv2.warpAffine(head, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    return np.asarray(placed, np.float32)
