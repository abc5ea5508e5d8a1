# SPDX-License-Identifier: GPL-3.0-or-later
"""How skin lies between the landmarks, as footage shows it: beside the residual flow, which says what faces in general do.

A detector errs by a fraction of a pixel, differently in each frame, and no 70 points say how a cheek or a brow is drawn.
Where the drive is footage, it was measured in each frame (`tracking.skin`) on a grid in the head's own frame. A painted head
follows it, from where the skin lies in a photo: as in the frames of the footage whose landmarks lie like the photo's.
Where no landmark moves it adds nothing.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from .closeup import face_window
from .residual import Missed
from .shots import Photos, Pose

LANDMARKS = 70
ALIKE = 0.01
"""Half windows, root mean square of all landmarks: so far apart, faces count by six tenths."""
DOUBT = 0.5
"""Frames: as much counts that nothing is known of a photo's skin."""
AT_ONCE = 512
"""Frames."""


def lying(points: Tensor, projection: Tensor) -> Tensor:
    """[..., LANDMARKS, 2] how landmarks lie in their face's window."""
    return face_window(points, projection).locate(points[..., :LANDMARKS, :])


def _apart(a: Tensor, b: Tensor) -> Tensor:
    """[...] how far landmarks [..., LANDMARKS, 2] lie apart, squared, by ALIKE."""
    return (a - b).square().sum(-1).mean(-1) / (2 * ALIKE**2)


def skin_of_photos(photos: Photos, faces: Tensor, skin: Tensor) -> Tensor:
    """[K, 2, G, G] how the skin probably lies in the photos of a batch of one.

    faces: [F, LANDMARKS, 2] how landmarks are wanted, see `lying`; skin: [F, 2, G, G] there, in any unit.
    """
    own = lying(photos.points[0], photos.projection[0])
    summed, weight = skin.new_zeros(len(own), skin[0].numel(), dtype=torch.float32), own.new_full((len(own), 1), DOUBT)
    for start in range(0, len(faces), AT_ONCE):
        part = slice(start, start + AT_ONCE)
        alike = torch.exp(-_apart(own[:, None], faces[None, part]))
        summed, weight = summed + alike @ skin[part].flatten(1).float(), weight + alike.sum(1, keepdim=True)
    return (summed / weight).unflatten(1, skin.shape[1:])


def with_skin(missed: Missed, photos: Photos, pose: Pose) -> Missed:
    """What splines miss, with what skin does beside it: `pose.skin`."""
    assert pose.skin is not None
    shots = missed.field.shape[1]
    field = functional.interpolate(
        missed.field.flatten(0, 1), size=pose.skin.shape[-2:], mode="bilinear", align_corners=False
    )
    moved = 1 - torch.exp(-_apart(lying(photos.points, photos.projection), lying(pose.points, pose.projection)[:, None]))
    return missed._replace(field=field.unflatten(0, (-1, shots)) + moved[..., None, None, None] * pose.skin)
