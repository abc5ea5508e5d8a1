# SPDX-License-Identifier: GPL-3.0-or-later
"""How skin lies between the landmarks, as footage shows it: beside the residual flow, which says what faces in general do.

A detector errs by a fraction of a pixel, differently in each frame, and no 70 points say how a cheek or a brow is drawn.
Where the drive is footage, it was measured in each frame (`tracking.skin`) on a grid in the head's own frame. A painted head
follows it, from where the skin lies in a photo: as was measured there, too, where footage and photos are of one person
(`painting.comparing`), else as in the frames whose landmarks lie like the photo's. Where no landmark moves it adds nothing.
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
SHARED, GUESSED = 0.05, 0.01
"""What was measured in one photo holds for photos that lie so far apart (half windows, as above) by six tenths; and how much
what was only guessed counts beside what one photo says of itself."""
AT_ONCE = 512
"""Frames."""


def lying(points: Tensor, projection: Tensor) -> Tensor:
    """[..., LANDMARKS, 2] how landmarks lie in their face's window."""
    return face_window(points, projection).locate(points[..., :LANDMARKS, :])


def _alike(a: Tensor, b: Tensor, reach: float = ALIKE) -> Tensor:
    """[...] 1 where landmarks [..., LANDMARKS, 2] lie alike, 0 where they lie much farther apart than `reach`."""
    return torch.exp(-(a - b).square().sum(-1).mean(-1) / (2 * reach**2))


def skin_of_photos(photos: Photos, faces: Tensor, skin: Tensor) -> Tensor:
    """[K, 2, G, G] how the skin probably lies in the photos of a batch of one.

    faces: [F, LANDMARKS, 2] how landmarks are wanted, see `lying`; skin: [F, 2, G, G] there, in any unit.
    """
    own = lying(photos.points[0], photos.projection[0])
    summed, weight = skin.new_zeros(len(own), skin[0].numel(), dtype=torch.float32), own.new_full((len(own), 1), DOUBT)
    for start in range(0, len(faces), AT_ONCE):
        part = slice(start, start + AT_ONCE)
        alike = _alike(own[:, None], faces[None, part])
        summed, weight = summed + alike @ skin[part].flatten(1).float(), weight + alike.sum(1, keepdim=True)
    return (summed / weight).unflatten(1, skin.shape[1:])


def measured_in_photos(photos: Photos, measured: Tensor, counts: Tensor, guess: Tensor) -> Tensor:
    """[K, 2, G, G] how the skin lies in the photos of a batch of one, by what was `measured` [K, 2, G, G] in those that
    count, [K] 1 or 0. What they agree on holds for all: eight photos that each go their own way would blur one another.

    guess: what `skin_of_photos` says, for a photo that is like none of these.
    """
    own = lying(photos.points[0], photos.projection[0])
    alike = _alike(own[:, None], own[None], SHARED) * counts
    summed = alike @ measured.flatten(1) + GUESSED * guess.flatten(1)
    return (summed / (alike.sum(1, keepdim=True) + GUESSED)).view_as(guess)


def with_skin(missed: Missed, photos: Photos, pose: Pose) -> Missed:
    """What splines miss, with what skin does beside it: `pose.skin`."""
    assert pose.skin is not None
    shots = missed.field.shape[1]
    field = functional.interpolate(
        missed.field.flatten(0, 1), size=pose.skin.shape[-2:], mode="bilinear", align_corners=False
    )
    moved = 1 - _alike(lying(photos.points, photos.projection), lying(pose.points, pose.projection)[:, None])
    return missed._replace(field=field.unflatten(0, (-1, shots)) + moved[..., None, None, None] * pose.skin)
