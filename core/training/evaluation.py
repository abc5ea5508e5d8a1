"""Self-reenactment, scored beside the warp that every network must beat.

The first half of a clip gives the photos, its second half the drive and the truth. Everything goes the user's road: head
crops as numbered pictures, `adapt`, `track`, `render --opaque`, EXR. The baseline paints the same frames in the same run.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..adapting import adapt
from ..errors import NoFaceError
from ..imaging.crop import head_crops
from ..imaging.preview import contact_sheet, write_png
from ..imaging.read import Picture, open_clip, read_photo
from ..imaging.resample import cut
from ..landmarks.detectors import Detector, open_detector
from ..progress import Reporter, Silent
from ..rendering.render import render
from ..settings import AdaptSettings, EvaluateSettings, RenderSettings, TrackSettings
from ..tracking import track
from .baseline import nearest_photo, piecewise_affine_warp
from .metrics import face_mask, landmark_error, psnr, ssim

SHEET_FRAMES = 6


@dataclass(frozen=True)
class Scores:
    """Means over frames."""

    ssim: float
    face_ssim: float
    psnr: float
    face_psnr: float
    landmark_error: float
    """over the eye distance, by the detector on the painted frame"""
    lost: float
    """part of the frames in which the detector finds no face"""


@dataclass(frozen=True)
class Row:
    """One clip at one number of photos."""

    clip: str
    photos: int
    warp: Scores
    ours: Scores


def evaluate(clips: Sequence[str], settings: EvaluateSettings, reporter: Reporter) -> list[Row]:
    """Score every clip at every number of photos that the settings name. Raises HeadcastError."""
    rows: list[Row] = []
    counts = [int(count) for count in settings.photos.split(",")]
    with (
        tempfile.TemporaryDirectory(prefix="headcast-evaluate-") as name,
        closing(open_detector(settings.detector, settings.device)) as detector,
    ):
        for i, clip in enumerate(clips):
            reporter.step("evaluate", i, len(clips))
            folder = Path(name) / f"{i:03d}"
            pictures = write_head_crops(clip, folder, settings, detector)
            for count in counts:
                rows.append(_score(clip, pictures, count, folder / str(count), settings, detector))
    reporter.step("evaluate", len(clips), len(clips))
    return rows


def write_head_crops(clip_name: str, folder: Path, settings: EvaluateSettings, detector: Detector) -> list[Path]:
    """The clip's steady head crops as numbered PNGs; frames without a face are left out. Raises NoFaceError at none."""
    folder.mkdir(parents=True)
    tracked = track(
        clip_name,
        folder / "clip.performance",
        TrackSettings(detector=settings.detector, device=settings.device, size=settings.size),
        Silent(),
    )
    crops = head_crops(tracked.landmarks, tracked.seen, float(tracked.rate))
    paths = []
    for frame, crop, seen in zip(open_clip(clip_name).frames(), crops, tracked.seen, strict=True):
        # Seen in the plate is not enough: the road will have to find the face in the crop too.
        if seen and detector.detect(picture := cut(frame.picture, crop, settings.size)):
            paths.append(folder / f"crop.{frame.number:05d}.png")
            write_png(paths[-1], picture)
    if len(paths) < 4:
        raise NoFaceError(f"{clip_name} shows a face in {len(paths)} frames", "Give a clip with more of the face")
    return paths


def _score(clip: str, pictures: list[Path], count: int, folder: Path, settings: EvaluateSettings, detector: Detector) -> Row:
    half = len(pictures) // 2
    chosen = [pictures[i] for i in np.linspace(0, half - 1, count).round().astype(int)]
    held_out = [pictures[i] for i in np.linspace(half, len(pictures) - 1, settings.frames).round().astype(int)]
    held_out = list(dict.fromkeys(held_out))
    drive = folder / "drive"
    drive.mkdir(parents=True)
    for path in held_out:
        (drive / path.name).symlink_to(path)
    likeness = adapt(
        [str(path) for path in chosen],
        folder / "x.likeness",
        AdaptSettings(
            preset=settings.preset,
            steps=settings.steps,
            size=settings.size,
            detector=settings.detector,
            crop="full",
            device=settings.device,
        ),
        Silent(),
    )
    performance = track(
        str(drive),
        folder / "y.performance",
        TrackSettings(detector=settings.detector, crop="full", device=settings.device),
        Silent(),
    )
    take = render(
        folder / "x.likeness",
        folder / "y.performance",
        str(folder / "out.#####.exr"),
        RenderSettings(opaque=True, crop="full", device=settings.device),
        Silent(),
    )
    warp: list[Scores] = []
    ours: list[Scores] = []
    sheet: list[list[Picture]] = []
    for i, number in enumerate(take.frames):
        target = read_photo(held_out[i])
        wanted = performance.landmarks[i]
        nearest = nearest_photo(wanted, likeness.landmarks)
        bent = piecewise_affine_warp(likeness.pictures[nearest], likeness.landmarks[nearest], wanted)
        painted = read_photo(take.pattern.path(number))
        for found, picture in ((warp, bent), (ours, painted)):
            found.append(_score_frame(picture, target, wanted, detector))
        sheet.append([likeness.pictures[nearest], target, bent, painted])
    if settings.sheets:
        Path(settings.sheets).mkdir(parents=True, exist_ok=True)
        shown = [sheet[i] for i in np.linspace(0, len(sheet) - 1, SHEET_FRAMES).round().astype(int)]
        columns = [[row[j] for row in shown] for j in range(4)]
        write_png(Path(settings.sheets) / f"{Path(clip).stem}_{count}.png", contact_sheet(columns))
    return Row(Path(clip).name, count, _mean(warp), _mean(ours))


def _score_frame(painted: Picture, target: Picture, wanted: NDArray[np.float32], detector: Detector) -> Scores:
    mask = face_mask(wanted, target.shape[0])
    whole, similar = ssim(painted, target)
    faces = detector.detect(painted)
    return Scores(
        ssim=whole,
        face_ssim=float(similar[mask].mean()),
        psnr=psnr(painted, target),
        face_psnr=psnr(painted, target, mask),
        landmark_error=landmark_error(faces[0].landmarks, wanted) if faces else float("nan"),
        lost=float(not faces),
    )


def _mean(scores: Sequence[Scores]) -> Scores:
    """Field by field; frames with no face do not count for the landmark error, but in `lost`."""
    columns = {item.name: [getattr(score, item.name) for score in scores] for item in fields(Scores)}
    return Scores(**{name: float(np.nanmean(values)) for name, values in columns.items()})


def markdown_table(rows: Sequence[Row]) -> str:
    """Each clip, then the means over clips, the baseline and ours side by side."""
    names = [item.name for item in fields(Scores)]
    lines = ["| clip | photos | by | " + " | ".join(name.replace("_", " ") for name in names) + " |"]
    lines.append("| --- " * (len(names) + 3) + "|")
    shown = list(rows)
    for count in dict.fromkeys(row.photos for row in rows):
        same = [row for row in rows if row.photos == count]
        shown.append(Row("**mean**", count, _mean([row.warp for row in same]), _mean([row.ours for row in same])))
    for row in shown:
        for by, scores in (("warp", row.warp), ("ours", row.ours)):
            values = " | ".join(f"{value:.4f}" if value < 5 else f"{value:.2f}" for value in asdict(scores).values())
            lines.append(f"| {row.clip} | {row.photos} | {by} | {values} |")
    return "\n".join(lines)
