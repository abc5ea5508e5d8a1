# SPDX-License-Identifier: GPL-3.0-or-later
"""The face in a single frame of a clip."""

from __future__ import annotations

from contextlib import closing

from ..errors import EmptyClipError, NoFaceError
from ..imaging.read import open_clip
from ..landmarks.detectors import Face, open_detector
from ..progress import Reporter
from ..settings import TrackSettings
from .following import Track, follow, parse_face
from .searching import find_faces
from .track import look_again


def detect(clip_name: str, number: int, settings: TrackSettings, reporter: Reporter) -> tuple[Face, tuple[int, int]]:
    """The face in frame `number` of a clip, counted as `open_clip` does, and the picture's width and height.

    Of several it is the one nearest to the click in `settings.face`, or the largest. Raises NoFaceError, EmptyClipError
    where the clip has no such frame, and what `track` raises for a clip, a setting or a detector.
    """
    click = parse_face(settings.face)
    clip = open_clip(clip_name, settings.first, settings.rate, settings.colour_space, settings.layer)
    if number not in clip.numbers:
        raise EmptyClipError(
            f"{clip_name} has no frame {number}", f"Choose one from {clip.numbers[0]} to {clip.numbers[-1]}"
        )
    reporter.step("detect", 0, 1)
    at = slice(clip.numbers.index(number), clip.numbers.index(number) + 1)
    alone = clip._replace(numbers=clip.numbers[at], pictures=clip.pictures[at], shown=clip.shown[at])
    picture = next((frame.picture for frame in alone.frames(exposed=True)), None)
    if picture is None:
        raise EmptyClipError(f"{clip_name} ends before frame {number}", "Export it again, or choose an earlier frame")
    with closing(open_detector(settings.detector, settings.device)) as detector:
        faces = find_faces(detector, picture)
        if not faces:
            raise NoFaceError(f"No face in frame {number} of {clip_name}", "Choose a frame that shows one")
        anywhen = click and click._replace(frame=None)
        (choice,) = follow([[Track([number], [face]) for face in faces]], anywhen, clip.rate)
        assert choice.person is not None
        face = choice.person.faces[0]
        if settings.crop == "auto":
            face = look_again(detector, picture, face, settings.size)
    reporter.step("detect", 1, 1)
    return face, (picture.shape[1], picture.shape[0])
