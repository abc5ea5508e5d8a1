# SPDX-License-Identifier: GPL-3.0-or-later
"""A sound file, or the sound of a movie, as one channel at the rate that speech is listened to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet

from ..arrays import Floats
from ..errors import NoSoundError, UnreadableSoundError
from ..imaging.decoding import CONTAINERS
from ..reading import Reader

RATE = 16_000
"""Samples a second."""
FORMATS = f"{CONTAINERS},wav,w64,mp3,flac,aac,aiff,au,caf,amr,ac3,eac3,wv,tta,ape"
"""Formats that are opened, by FFmpeg's names: none that names other files or places."""
WINDOW = RATE // 50
"""Samples over which loudness is taken."""
SILENT = 1e-4
"""RMS, of 1 at most, below which the loudest moment is no sound: -80 dB, near the last bit of 16."""
LEVEL = 0.05
"""RMS that the loudest tenth of a sound is brought to."""
LOUDEST = 90
"""Percentile of the loudness that counts as a sound's own: pauses do not."""
WAY_OUT = "Give a sound that plays, such as WAV, MP3 or M4A, or a movie with sound"


class Sound(NamedTuple):
    """One channel from the first moment on; of a movie, from its first picture."""

    samples: Floats
    """[N] at RATE a second; speech has an RMS of about LEVEL, and no sample is beyond 1"""

    @property
    def seconds(self) -> float:
        """How long it is."""
        return len(self.samples) / RATE


def read_sound(path: Path) -> Sound:
    """Read and level the sound of a file.

    Raises UnreadableSoundError where the file is missing, empty or no sound, NoSoundError where it is a movie without one,
    or silent throughout.
    """
    reader = Reader(path, "a sound", WAY_OUT, UnreadableSoundError, missing=WAY_OUT)
    with reader.opened():
        if path.stat().st_size == 0:
            raise UnreadableSoundError(f"{path} is empty", WAY_OUT)
        try:
            container = av.open(f"file:{path}", options={"protocol_whitelist": "file", "format_whitelist": FORMATS})
        except (av.FFmpegError, ValueError) as error:
            raise UnreadableSoundError(f"{path} cannot be opened as a sound ({_reason(error)})", WAY_OUT) from error
        with container:
            if not container.streams.audio:
                raise NoSoundError(f"{path} has no sound", WAY_OUT)
            parts = list(_decoded(container))
    samples = np.concatenate(parts) if parts else np.zeros(0, np.float32)
    if not len(samples):
        raise UnreadableSoundError(f"{path} holds no sound that can be decoded", WAY_OUT)
    return Sound(_levelled(path, np.nan_to_num(samples)))


def loudness(samples: Floats, step: int = WINDOW) -> Floats:
    """[N // step] RMS of each run of `step` samples [N]; what is left at the end is not counted."""
    whole = samples[: len(samples) // step * step].reshape(-1, step)
    return np.sqrt(np.square(whole).mean(axis=1, dtype=np.float64)).astype(np.float32)


def _levelled(path: Path, samples: Floats) -> Floats:
    level = loudness(np.pad(samples, (0, max(0, WINDOW - len(samples)))))
    if level.max() < SILENT:
        raise NoSoundError(f"{path} is silent", "Check the recording, and which of its channels has the voice")
    own = max(float(np.percentile(level[level > 0.05 * level.max()], LOUDEST)), SILENT)
    return np.clip(samples * np.float32(LEVEL / own), -1.0, 1.0)


def _decoded(container: InputContainer) -> Iterator[Floats]:
    """Parts of one channel at RATE. Sound that begins after a movie's first picture begins with silence, and what comes
    before that picture is left out."""
    begun = False
    resampler = av.AudioResampler("flt", "mono", RATE)
    late = _lateness(container)
    skipped = max(0, round(-late * RATE))
    if late > 0:
        yield np.zeros(round(late * RATE), np.float32)
    for packet in _packets(container):
        try:
            frames = packet.decode()
        except av.FFmpegError:
            continue  # damaged: the rest may be whole
        for frame in frames:
            begun = True
            for part in resampler.resample(frame):
                found = part.to_ndarray()[0]
                yield found[skipped:]
                skipped = max(0, skipped - len(found))
    if begun:
        for part in resampler.resample(None):
            yield part.to_ndarray()[0]


def _packets(container: InputContainer) -> Iterator[Packet[AudioStream]]:
    """The packets of a file that may be cut short."""
    try:
        yield from container.demux(container.streams.audio[0])
    except av.FFmpegError:
        return


def _lateness(container: InputContainer) -> float:
    """Seconds from a movie's first picture to its first sound; 0 where there are no pictures, or no times."""
    starts = []
    for stream in (container.streams.audio[0], *(container.streams.video[:1])):
        if stream.start_time is None or stream.time_base is None:
            return 0.0
        starts.append(float(stream.start_time * stream.time_base))
    return starts[0] - starts[-1]


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", "") or error)
