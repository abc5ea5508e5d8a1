# SPDX-License-Identifier: GPL-3.0-or-later
"""Every error that a user can mend, with its way out.

`HeadcastError` carries what went wrong and what to do. The command line prints both and exits with 2; the worker sends
both as one JSON message; the panel shows both. Anything else that is raised is a bug and keeps its traceback.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class HeadcastError(Exception):
    """An error that names the file or value at fault (`message`) and the way out (`hint`)."""

    def __init__(self, message: str, hint: str) -> None:
        # An exception carries its arguments from process to process, so they are kept.
        super().__init__(message, hint)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}. {self.hint}"


class SettingError(HeadcastError):
    """A setting has a value that it cannot have."""


class UnsavedError(SettingError):
    """A path is beside a .blend file that was never saved."""


class UnreadableImageError(HeadcastError):
    """A picture is missing, truncated, or of a kind that cannot be read."""


class EmptyClipError(HeadcastError):
    """A clip holds no frame."""


class UnreadableSoundError(HeadcastError):
    """A sound is missing, empty, or cannot be decoded."""


class NoSoundError(HeadcastError):
    """A file has no sound, or nothing but silence."""


class NoSpeechError(HeadcastError):
    """A sound in which nobody speaks."""


class AmbiguousSequenceError(HeadcastError):
    """A name stands for several sequences of pictures."""


class NoFaceError(HeadcastError):
    """No face was found where one is needed."""


class MissingWeightsError(HeadcastError):
    """A network's weights, or a detector's model file, are not there."""


class WrongFileError(HeadcastError):
    """A file is not what its name says, or was made by another version."""


class NoLikenessError(WrongFileError):
    """The likeness is not there."""


class NoPerformanceError(WrongFileError):
    """The performance is not there."""


class PresetMismatchError(HeadcastError):
    """A likeness made by one preset is played by another."""


class UnwritableError(HeadcastError):
    """A file or folder cannot be written."""


class DiskFullError(UnwritableError):
    """The disk filled up; what was half-written is gone again."""


class VersionTakenError(HeadcastError):
    """A version of a take was rendered from something else already."""


class MissingPackageError(HeadcastError):
    """An optional package is needed and not installed."""


class ChangedTakeError(HeadcastError):
    """A take's frames are not what was rendered or signed."""


class ConsentError(HeadcastError):
    """A likeness may not be rendered: no consent is on record where one is demanded, or it has ended."""


class RigError(HeadcastError):
    """A rig in the scene lacks points, or the scene lacks its camera."""


class WorkerError(HeadcastError):
    """The worker process could not be started, or died."""


class MissingEngineError(WorkerError):
    """The Python that runs the engine is not set, or not there."""


class SetUpError(HeadcastError):
    """The engine's environment cannot be made."""


class OfflineError(SetUpError):
    """Something must be fetched, and Blender may not go online."""


class DeadWorkerError(WorkerError):
    """The worker process died. Frames finished before are kept."""


class CancelledError(HeadcastError):
    """The user stopped the job. Frames finished before are kept."""

    def __init__(self) -> None:
        super().__init__("Cancelled", "Frames that were finished are kept; run the job again to go on")


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn what the system says while `path` is written into `DiskFullError` or `UnwritableError`."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFullError(f"The disk is full: {path} was not written", "Free some space, then go on") from error
        reason = error.strerror or str(error)
        raise UnwritableError(f"{path} cannot be written ({reason})", "Choose a folder that you may write to") from error
