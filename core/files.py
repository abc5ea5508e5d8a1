# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that appear whole or not at all, and their hashes."""

from __future__ import annotations

import errno
import glob
import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

from .errors import UnwritableError, writing

MOST_TRIES = 5
"""Of a file that is replaced again and again."""
T = TypeVar("T")


@contextmanager
def whole_file(path: Path, private: bool = False) -> Iterator[Path]:
    """A temporary path beside `path` to write to; it is flushed to disk and takes the name `path` when the block ends well.

    The umask says who may read it; a `private` one is its owner's alone. A symbolic link stays, and its target is written.
    Where the block fails nothing is left behind. Raises UnwritableError or DiskFullError for what the system says.
    """
    with writing(path):
        path = path.resolve() if path.is_symlink() else path
        part = path.with_name(f".{path.name}.{uuid4().hex}.part")
        os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600 if private else 0o666))
        try:
            yield part
            with open(part, "rb+") as written:
                os.fsync(written.fileno())
            _rename(part, path)
        finally:
            part.unlink(missing_ok=True)


def _rename(part: Path, path: Path) -> None:
    """Over a network a rename may be done and its answer be lost: asked again, the server says that there is no such file.
    Raises OSError."""
    known = part.stat()
    try:
        part.replace(path)
    except FileNotFoundError:
        if not is_there(path) or not os.path.samestat(known, path.stat()):
            raise


def read_fresh(read: Callable[[], T]) -> T:
    """What `read` gives. NFS says ESTALE of a file that was replaced since it was looked up; opened again it is the new one.
    Raises OSError."""
    for _ in range(MOST_TRIES - 1):
        try:
            return read()
        except OSError as error:
            if error.errno != errno.ESTALE:
                raise
    return read()


def remove_parts(path: Path) -> None:
    """Delete what processes that were killed while they wrote `path` left behind; nobody may be writing it now."""
    for part in path.parent.glob(f".{glob.escape(path.name)}.*.part"):
        part.unlink(missing_ok=True)


def ensure_writable(path: Path) -> None:
    """Find out before a long job, not after it, whether `path` can be written. Raises UnwritableError."""
    if is_folder(path):
        raise UnwritableError(f"{path} is a folder", "Name the file that is to be written in it")
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
        os.close(handle)
        Path(name).unlink()


def is_there(path: Path) -> bool:
    """Whether anything is at `path`: False, too, for a name that no system takes, where Path raises (until Python 3.14)."""
    return os.path.exists(path)  # noqa: PTH110


def is_file(path: Path) -> bool:
    """The same of a file, which a pipe or a device is not."""
    return os.path.isfile(path)  # noqa: PTH113


def is_folder(path: Path) -> bool:
    """The same of a folder."""
    return os.path.isdir(path)  # noqa: PTH112


def sha256_of(path: Path) -> str:
    """The file's SHA-256 in hexadecimal. Raises OSError."""

    def read() -> str:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    return read_fresh(read)
