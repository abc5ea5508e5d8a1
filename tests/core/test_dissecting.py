# SPDX-License-Identifier: GPL-3.0-or-later
"""Faces taken apart: the person's shape is theirs, whatever they do in each photo."""

from __future__ import annotations

import numpy as np
from headcast.core.landmarks import arkit
from headcast.core.landmarks.face_model import face_model
from headcast.core.landmarks.fitting import fit_faces
from headcast.core.landmarks.frontal import with_own_rest
from headcast.core.landmarks.head import HeadPose, rotations


def test_rest_is_the_persons_own_though_every_photo_smiles() -> None:
    """A nose that the model cannot have is kept; a smile is not; what is put together again is what was seen."""
    model, rng = face_model(), np.random.default_rng(1)
    rest = model.neutral + np.tensordot(0.8 * rng.standard_normal(len(model.shapes)), model.shapes, axes=1)
    rest[30, 0] += 0.1  # the tip of the nose, crooked
    weights = np.zeros((12, len(arkit.EXPRESSIONS)))
    weights[:, [arkit.INDEX["mouthSmileLeft"], arkit.INDEX["mouthSmileRight"]]] = rng.uniform(0.5, 0.9, (12, 1))
    pose = HeadPose(rotations(rng.uniform(-0.3, 0.3, (12, 3))), np.full(12, 100.0), np.full((12, 2), 256.0))
    landmarks = pose.project(rest + np.tensordot(weights, model.expressions, axes=1)).astype(np.float32)
    fitted = with_own_rest(landmarks, fit_faces(landmarks))
    smile = np.abs(np.tensordot(weights[0], model.expressions, axes=1))[48, :2].max()
    assert np.abs(fitted.neutral - rest)[48, :2].max() < 0.5 * smile
    assert abs(fitted.neutral - rest)[30, 0] < 0.03
    assert np.linalg.norm(fitted.pose.project(fitted.points) - landmarks, axis=-1).mean() < 0.01 * 100
