"""Another person's motion on this person's face shape.

A face is split into the pose of the rigid head and the frontal face that is left when the pose is undone. Only the
frontal face's change from its neutral is carried over, so the driver's proportions stay with the driver.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from . import ibug68
from .head import Array, HeadPose, fit_pose, head_model

QUIET = 0.25
"""Part of the frames, those with the mouth most closed, from which the neutral mouth is taken."""


def frontal_faces(landmarks: NDArray[np.floating], pose: HeadPose) -> Array:
    """[F, 68, 2] in model units: the faces as they would look from the front, by undoing `pose`.

    Depths are the average head's; good to about 50 degrees of yaw, beyond which foreshortened points grow noisy.
    """
    model = head_model().landmarks
    expected = np.einsum("fij,nj->fni", pose.rotation, model)[..., :2]
    rest = (landmarks - pose.offset[:, None]) / pose.scale[:, None, None] - expected
    return model[:, :2] + np.einsum("fij,fnj->fni", np.linalg.inv(pose.rotation[:, :2, :2]), rest)


def neutral_face(frontal: Array) -> Array:
    """[68, 2] the face at rest, from frontal faces [F, 68, 2]: the median, the mouth and jaw from the quietest frames."""
    neutral = np.median(frontal, axis=0)
    opening = np.linalg.norm(frontal[:, 66] - frontal[:, 62], axis=-1)
    count = max(1, int(np.ceil(QUIET * len(frontal))))
    quiet = np.median(frontal[np.argsort(opening, kind="stable")[:count]], axis=0)
    moving = [*ibug68.OUTER_LIPS, *ibug68.INNER_LIPS, *range(3, 14)]
    neutral[moving] = quiet[moving]
    return np.asarray(neutral)


def _openness(face: Array, eye: range) -> float:
    """Height of an eye in model units."""
    points = list(eye)
    return float(face[[points[4], points[5]], 1].mean() - face[[points[1], points[2]], 1].mean())


def relative_motion(drive: NDArray[np.float32], likeness: NDArray[np.float32]) -> NDArray[np.float32]:
    """The motion of `drive` [F, 68, 2] on the face of `likeness` [N, 68, 2], in the drive's pixels: [F, 68, 2].

    Eyelids travel in proportion to how far each person's eyes are open at rest, so that a blink closes the eye.
    """
    pose = fit_pose(drive)
    moving = frontal_faces(drive, pose)
    rest = neutral_face(moving)
    own = neutral_face(frontal_faces(likeness, fit_pose(likeness)))
    change = moving - rest
    for eye in (ibug68.RIGHT_EYE, ibug68.LEFT_EYE):
        change[:, list(eye)] *= np.clip(_openness(own, eye) / max(_openness(rest, eye), 1e-3), 0.5, 2.0)
    model = head_model().landmarks
    shape = np.concatenate([own + change, np.broadcast_to(model[None, :, 2:], (*change.shape[:2], 1))], axis=-1)
    return pose.project(shape).astype(np.float32)
