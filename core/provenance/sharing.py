# SPDX-License-Identifier: GPL-3.0-or-later
"""A take for people to look at: a movie or a still that says what it is, and is signed. Never for a comp: 8 bits, sRGB."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..arrays import Picture
from ..errors import SettingError, UnreadableImageError, writing
from ..imaging import colour, exr
from ..imaging.colour_space import declared_space, to_linear_rec709
from ..imaging.preview import write_movie, write_png
from ..listing import parse_ranges
from ..progress import Reporter
from ..settings import ShareSettings
from ..take import CONSENT, LIKENESS, PHOTOS, PLATE, RATE, WEIGHTS, FramePattern, Record, last_run, read_manifest
from .finding import in_words, take_number
from .heads import SharedFrame
from .keys import key_or_note
from .marks import Mark, put_xmp, xmp_packet
from .signing import FORMATS, sign_file
from .stamping import Marking, stamping

GREY = 0.18
"""Scene-linear, behind what is transparent."""
USUAL_RATE = 24.0


class Shared(NamedTuple):
    """What was written."""

    frames: int
    watermark: str
    """the take's number, which is in the heads; empty where it was not put in"""


def share(pattern: FramePattern, output: Path, settings: ShareSettings, reporter: Reporter) -> Shared:
    """Write the take's frames as an MP4 or a MOV (H.264), or one of them as a PNG, marked and signed.

    Raises SettingError for another ending or frames that there are not, UnreadableImageError where there is no take,
    UnwritableError.
    """
    kind = output.suffix.lower()
    if kind not in FORMATS:
        raise SettingError(f"{output} is no movie or picture to share", f"Name it with one of: {', '.join(FORMATS)}")
    run, records = last_run(pattern), dict(sorted(read_manifest(pattern).items()))
    if not records:
        raise UnreadableImageError(f"{pattern} has no frames that its manifest knows", "Render the take first")
    numbers = list(records)
    if settings.frames:
        numbers = parse_ranges(settings.frames, numbers)
    elif kind == ".png":
        numbers = [next((frame for frame in numbers if records[frame].get("face") == "yes"), numbers[0])]
    if kind == ".png":
        numbers = numbers[:1]
    mark, key = mark_of(run), key_or_note(reporter)
    number = take_number(pattern.name, mark.likeness)
    with writing(output):
        output.parent.mkdir(parents=True, exist_ok=True)
        staging = tempfile.TemporaryDirectory(prefix=".share.", dir=output.parent)
    watermark = ""
    with staging as folder:
        made = Path(folder) / output.name
        with stamping(number, settings.watermark, reporter) as stamp:
            if kind == ".png":
                write_png(made, next(_pictures(pattern, numbers, stamp)))
            else:
                rate = settings.rate or float(run.get(RATE, 0.0)) or USUAL_RATE
                _encode(made, pattern, numbers, rate, stamp, reporter)
            if stamp is not None and stamp.heard:
                watermark = in_words(number)
        put_xmp(made, xmp_packet(mark))
        if key is not None:
            plates = sorted({records[frame]["plate"] for frame in numbers if records[frame].get("plate")})
            sign_file(made, key, mark, run.get(PHOTOS, ()), plates, watermark)
        with writing(output):
            made.replace(output)
    return Shared(len(numbers), watermark)


def mark_of(run: Record) -> Mark:
    """A take's own description, by its manifest."""
    name, _, content = str(run.get(WEIGHTS, "")).partition(" ")
    consent: dict[str, Any] = run.get(CONSENT, {})
    return Mark(str(run.get(LIKENESS, "")), name, content, str(consent.get("id", "")), PLATE in run)


def shown(path: Path) -> Picture:
    """A frame as sRGB bytes [H, W, 3], what is transparent over grey. Raises UnreadableImageError."""
    return _over_grey(exr.read_picture(path))


def _over_grey(seen: exr.Seen) -> Picture:
    pixels = seen.over(exr.window_of(seen.header, "displayWindow"))
    linear = to_linear_rec709(pixels[..., :3], declared_space(seen.header))
    if seen.alpha:
        linear = linear + np.float32(GREY) * (1.0 - pixels[..., 3:])
    return colour.to_bytes(colour.encode_srgb(linear))


def _pictures(pattern: FramePattern, numbers: Sequence[int], stamp: Marking | None) -> Iterator[Picture]:
    """Frames as they are shown, with the watermark where one is put in."""
    paths = [pattern.path(number) for number in numbers]
    return stamp.marked(map(_frame, paths)) if stamp else map(shown, paths)


def _frame(path: Path) -> SharedFrame:
    """A frame to be marked."""
    seen, matte = exr.read_with_matte(path)
    return SharedFrame(path, _over_grey(seen), np.clip(matte, 0.0, 1.0))


def _encode(
    path: Path, pattern: FramePattern, numbers: Sequence[int], rate: float, stamp: Marking | None, reporter: Reporter
) -> None:
    def pictures() -> Iterable[Picture]:
        for done, picture in enumerate(_pictures(pattern, numbers, stamp)):
            reporter.step("encode", done, len(numbers))
            yield picture
        reporter.step("encode", len(numbers), len(numbers))

    write_movie(path, pictures(), Fraction(rate).limit_denominator(1001))
