# SPDX-License-Identifier: GPL-3.0-or-later
"""The pictures that an example leaves: a contact sheet and a preview movie, with its strips of frames side by side."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
from headcast.core.imaging.preview import contact_sheet, shown_over_checker, write_movie, write_png
from headcast.core.imaging.read import read_photo

SHEET_FRAMES = 8
SIDE = 256
"""Side of each picture in the movie, in pixels."""

FRAME_SAMPLES = 1024
"""Of AAC."""

Still = Path | np.ndarray
"""An EXR, a picture file, or a picture in sRGB bytes [H, W, 3]."""


def leave(folder: Path, strips: Sequence[Sequence[Still]], rate: Fraction, sound: Path | None = None) -> None:
    """Write contact_sheet.png, a row for each strip, and preview.mp4, with a sound that begins with the first frame.

    Ends the script where strips differ in length.
    """
    counts = {len(strip) for strip in strips}
    if len(counts) != 1 or not strips[0]:
        raise SystemExit(f"Expected as many frames in each strip, found {[len(strip) for strip in strips]}")
    shown = np.linspace(0, counts.pop() - 1, SHEET_FRAMES).round().astype(int)
    write_png(folder / "contact_sheet.png", contact_sheet([[seen(strip[i]) for i in shown] for strip in strips]))
    rows = ([[seen(frame) for frame in frames]] for frames in zip(*strips, strict=True))
    write_movie(folder / "preview.mp4", (contact_sheet(row, SIDE) for row in rows), rate)
    if sound is not None:
        add_sound(folder / "preview.mp4", sound)
    print(f"{len(strips[0])} frames, a contact sheet and a preview in {folder}")


def add_sound(movie: Path, sound: Path) -> None:
    """Have `movie` play a sound file, as long as both last."""
    import av

    heard = movie.with_name(f"heard_{movie.name}")
    with av.open(str(movie)) as pictures, av.open(str(sound)) as voice, av.open(str(heard), "w") as file:
        seen_stream, spoken = pictures.streams.video[0], voice.streams.audio[0]
        length = pictures.duration / av.time_base
        copied, encoded = file.add_stream_from_template(seen_stream), file.add_stream("aac", rate=spoken.rate)
        encoded.layout = "mono"
        resampler = av.AudioResampler(encoded.format.name, encoded.layout, encoded.rate, frame_size=FRAME_SAMPLES)
        for packet in pictures.demux(seen_stream):
            if packet.dts is not None:
                packet.stream = copied
                file.mux(packet)
        for frame in voice.decode(spoken):
            if frame.time is None or frame.time < length:
                for part in resampler.resample(frame):
                    file.mux(encoded.encode(part))
        for part in [*resampler.resample(None), None]:
            file.mux(encoded.encode(part))
    heard.replace(movie)


def seen(frame: Still) -> np.ndarray:
    """A frame as a person sees it: sRGB bytes [H, W, 3]."""
    if isinstance(frame, Path):
        return shown_over_checker(frame) if frame.suffix == ".exr" else read_photo(frame)
    return frame
