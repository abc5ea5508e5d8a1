# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is at work on a file: a claim beside it, which one process alone can make.

A claim is a small file that is linked to its name, which one process alone can do, on network folders too; where a folder
knows no links it is made with O_EXCL. It says whose it is, and is touched as long as its owner works. One whose owner is
surely dead, or that nobody touched for STALE_SECONDS, is taken over. Only a process that counts with the same numbers can
say that one is dead: containers may share a host's name, and have numbers of their own. Ages are differences of the
folder's own times, so no machine's clock is compared with another's. The worst that a wrong guess can do is to have the work
done twice.
"""

from __future__ import annotations

import errno
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread
from uuid import getnode, uuid4

from .errors import writing
from .files import is_there, read_fresh, remove_parts

BEAT_SECONDS = 30.0
STALE_SECONDS = 600.0
"""Generous: a network folder may show times that are a minute old, and a machine may swap."""
POLL_SECONDS = 0.01
NO_LINKS = (errno.EPERM, errno.EACCES, errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK)
"""What systems say where a file has one name only."""


def _numbering() -> str:
    """Names those whose numbers this process's own is one of: host, boot, and the namespace where the system has them."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
        return f"{socket.gethostname()}/{boot}/{Path('/proc/self/ns/pid').stat().st_ino}"
    except OSError:
        return f"{socket.gethostname()}/{getnode():x}"


MACHINE = _numbering()
TOKEN = uuid4().hex
"""Tells this process from a dead one whose number it was given."""


@contextmanager
def claim(path: Path) -> Iterator[bool]:
    """True where the file at `path` is this process's to write until the block ends, False where another is at it.

    Raises UnwritableError.
    """
    mark = path.with_name(f".{path.name}.claim")
    if not _take(mark, path):
        yield False
        return
    done = Event()
    Thread(target=_keep_fresh, args=(mark, done), daemon=True).start()
    try:
        yield True
    finally:
        done.set()
        # Whoever took us for dead has a claim of its own by now.
        with suppress(FileNotFoundError):
            if _read(mark) == _owner():
                mark.unlink()


@contextmanager
def turn(path: Path, seconds: float = POLL_SECONDS) -> Iterator[None]:
    """The same for work that everyone must do: waits until the file is ours, and looks again after so many seconds. Raises
    UnwritableError."""
    while True:
        with claim(path) as mine:
            if mine:
                yield
                return
        time.sleep(seconds)


def sweep(folder: Path) -> None:
    """Remove what processes that were killed while they made a claim left in `folder`: of a claim that was not linked yet,
    nobody takes anything over."""
    for part in folder.glob(".*.claim.*.part"):
        with suppress(OSError):
            if _is_dead(_read(part)):
                part.unlink()


def _owner() -> str:
    return f"{MACHINE} {os.getpid()} {TOKEN}"


def _take(mark: Path, path: Path) -> bool:
    try:
        found, touched = _read(mark), mark.stat().st_mtime
    except FileNotFoundError:
        return _make(mark)
    if not _is_dead(found) and _now(mark.parent) - touched < STALE_SECONDS:
        return False
    if not _take_away(mark, found) or not _make(mark):
        return False
    remove_parts(path)
    return True


def _read(mark: Path) -> str:
    return read_fresh(lambda: mark.read_text("utf-8"))


def _make(mark: Path) -> bool:
    own = mark.with_name(f"{mark.name}.{uuid4().hex}.part")
    with writing(mark):
        try:
            _write_new(own)
            return _link(own, mark)
        except FileNotFoundError:  # somebody who took over has tidied up
            return False
        finally:
            own.unlink(missing_ok=True)


def _link(own: Path, mark: Path) -> bool:
    """Give the claim its name; False where another has it. Where an answer was lost, the count of names tells."""
    try:
        os.link(own, mark)
    except FileExistsError:
        return own.stat().st_nlink == 2
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        try:
            _write_new(mark)
        except FileExistsError:
            return False
    return True


def _write_new(path: Path) -> None:
    """Write whose claim it is. Raises FileExistsError."""
    handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
    try:
        os.write(handle, _owner().encode())
    except OSError:
        path.unlink(missing_ok=True)
        raise
    finally:
        os.close(handle)


def _is_dead(owner: str) -> bool:
    """True where the owner surely works no more; False where it does, or nobody can tell from here."""
    machine, _, rest = owner.partition(" ")
    number, _, token = rest.partition(" ")
    if machine != MACHINE or not token or os.name == "nt":  # Windows has no harmless signal to ask with
        return False
    if int(number) == os.getpid():
        return token != TOKEN
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass
    return False


def _now(folder: Path) -> float:
    """The time by the clock that stamps the folder's files: on a network, the server's."""
    probe = folder / f".clock.{uuid4().hex}"
    with writing(folder):
        try:
            probe.touch()
            return probe.stat().st_mtime
        finally:
            probe.unlink(missing_ok=True)


def _take_away(mark: Path, found: str) -> bool:
    """Remove the claim that reads `found`; False where it changed hands meanwhile."""
    aside = mark.with_name(f"{mark.name}.{uuid4().hex}.part")
    try:
        mark.rename(aside)
    except FileNotFoundError:
        if not is_there(aside):  # else it was done, and the answer was lost
            return False
    same = _read(aside) == found
    if not same:
        with suppress(OSError):
            os.link(aside, mark)
    aside.unlink(missing_ok=True)
    return same


def _keep_fresh(mark: Path, done: Event) -> None:
    while not done.wait(BEAT_SECONDS):
        with suppress(OSError):
            os.utime(mark)
